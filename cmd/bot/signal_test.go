package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sesi.dev/sesi/test/poll"
)

// leftWell fails unless the process ended by itself, well, with its log emptied into the database.
func leftWell(t *testing.T, p *process, dir string) {
	t.Helper()
	if code := p.end(); code != exitOK {
		t.Errorf("exit code %d (-1 is a signal)", code)
	}
	p.emptiedLog(dir)
}

func TestItLeavesWellOnEverySignalThatEndsAProgram(t *testing.T) {
	t.Parallel()
	for _, by := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		t.Run(by.String(), func(t *testing.T) {
			// What this process ignores, as under nohup, a program that it starts would ignore too.
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, by)
			defer signal.Stop(caught)
			wa, dir := whatsapp(t), t.TempDir()
			p := start(t, settings(wa, dir))
			linked := p.pair(wa)
			must(t, p.cmd.Process.Signal(by))
			leftWell(t, p, dir)
			if again := start(t, settings(wa, dir)).untilConnected(); again.JID != linked.JID {
				t.Errorf("%+v", again)
			}
		})
	}
}

// A shell's pipe ends when its reader does: bot 2>&1 | head.
func TestALogThatNobodyReadsEndsItWell(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	first := start(t, settings(wa, dir))
	first.pair(wa)
	first.stop()
	reader, writer, err := os.Pipe()
	must(t, err)
	p := launch(t, settings(wa, dir), func(c *exec.Cmd) { c.Stderr = writer })
	must(t, writer.Close())
	_, err = io.ReadFull(reader, make([]byte, 10))
	must(t, err)
	must(t, reader.Close())
	// It learns this by the next line that it writes, and there may be nothing to write.
	poll.Until(func() bool { wa.DropAll(); return false }, patience, p.ended)
	leftWell(t, p, dir)
}

// Every write to a socket that WhatsApp has reset raises SIGPIPE; the bot connects again.
func TestAResetSocketDoesNotEndIt(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	linked := p.pair(wa)
	for range 2 {
		before := wa.Stats.Logins.Load()
		wa.DropAll()
		p.waitFor("another login", func() bool { return wa.Stats.Logins.Load() > before })
		p.untilConnected()
	}
	must(t, p.cmd.Process.Signal(syscall.SIGPIPE))
	if again := p.untilConnected(); again.JID != linked.JID {
		t.Errorf("%+v", again)
	}
	p.stop()
}

// nohup starts a program with SIGHUP ignored, and a service manager with SIGPIPE.
func TestASignalThatIsIgnoredAtItsStartStaysSo(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := launch(t, settings(wa, dir), func(c *exec.Cmd) {
		c.Path, c.Args = "/bin/sh", []string{"sh", "-c", `trap "" HUP PIPE; exec "$0"`, binary}
	})
	p.awaitListening()
	must(t, p.cmd.Process.Signal(syscall.SIGHUP))
	must(t, p.cmd.Process.Signal(syscall.SIGPIPE))
	p.pair(wa)
	p.stop()
}

// What the settings warn of is in the log, and the log says where the session is.
func TestTheLogSaysWhereTheSessionIsAndWhatTheSettingsWarnOf(t *testing.T) {
	t.Parallel()
	wa, dir, work := whatsapp(t), t.TempDir(), t.TempDir()
	write(t, filepath.Join(work, ".env"), "NODE_ENV=production\nWWEBJS_AUTH_PATH=./x\n")
	p := launch(t, settings(wa, "./wa"), inDir(work))
	p.awaitListening()
	where, err := filepath.EvalSymlinks(work)
	must(t, err)
	p.wrote(fmt.Sprintf(`"msg":"starting","clientId":"default","session":%q`, filepath.Join(where, "wa", "session-default")),
		"NODE_ENV is ignored", "another bot's name for AUTH_PATH")
	p.stop()

	open := start(t, settings(wa, dir, "HOST=0.0.0.0", "API_TOKEN=a-token-of-this-bot"))
	open.wrote("HOST 0.0.0.0 is reached by others without TLS")
	open.stop()

	pod := launch(t, settings(wa, dir, "KUBERNETES_SERVICE_HOST=10.96.0.1"), inDir(work))
	pod.awaitListening()
	pod.wrote(".env is ignored")
	if strings.Contains(pod.out.String(), "NODE_ENV") {
		t.Error("a pod reads the file")
	}
}

// A session in memory is gone with the machine; the warning names the folder.
func TestASessionInMemoryIsAWarning(t *testing.T) {
	wa, dir := whatsapp(t), smallDisk(t, "32m")
	p := start(t, settings(wa, dir))
	p.wrote("the session directory is in memory", filepath.Join(dir, "session-default"))
}

// A proxy under any of its usual names is the way to WhatsApp: there is no other one in this test.
func TestItDialsThroughAProxyUnderAnyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "https_proxy", "PROXY_URL"} {
		t.Run(name, func(t *testing.T) {
			wa := whatsapp(t)
			var env []string
			for _, line := range settings(wa, t.TempDir()) {
				if value, is := strings.CutPrefix(line, "HTTPS_PROXY="); is {
					line = name + "=" + value
				}
				env = append(env, line)
			}
			if p := start(t, env); p.code() == "" {
				t.Error("no code")
			}
		})
	}
}
