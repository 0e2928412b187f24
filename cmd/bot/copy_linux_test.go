package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/simtest"
)

// fillStore adds many contacts to a linked session, so that a copy takes a while.
func fillStore(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "session-default", "session.db")+"?"+
		url.Values{"_pragma": {"busy_timeout(10000)"}}.Encode())
	must(t, err)
	defer db.Close()
	_, err = db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
		INSERT OR REPLACE INTO whatsmeow_contacts (our_jid, their_jid, full_name)
		SELECT jid, i || '@s.whatsapp.net', hex(randomblob(60)) FROM whatsmeow_device, n`)
	must(t, err)
}

// inWork returns the pid of the bot's copier once it has started to write; 0 for none.
func (p *process) inWork(dir string) int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(children)) {
			if line, _ := os.ReadFile("/proc/" + child + "/cmdline"); !bytes.Equal(line, []byte(binary+"\x00"+copyCommand+"\x00")) {
				continue
			}
			for _, path := range leftovers(dir) {
				if info, err := os.Stat(path); err == nil && info.Size() > 0 {
					pid, _ := strconv.Atoi(child)
					return pid
				}
			}
		}
	}
	return 0
}

// leftovers lists the temporary files among the backups.
func leftovers(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, "backups", "session-default", ".sesi-tmp-*"))
	return found
}

// state returns the kernel's letter for the state of a process, or 'X' if it does not exist.
func state(pid int) byte {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if _, rest, found := bytes.Cut(stat, []byte(") ")); found && len(rest) > 0 {
		return rest[0]
	}
	return 'X'
}

func gone(pid int) bool { return strings.IndexByte("XZ", state(pid)) >= 0 }

// freeze stops a copier in the middle of its work; ask makes the bot start one, and is repeated until one was caught.
// It returns the pid and a channel that closes when the last ask is answered.
func (p *process) freeze(dir string, ask func()) (pid int, answered <-chan struct{}) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		done := make(chan struct{})
		go func() {
			defer close(done)
			ask()
		}()
		for waiting := true; waiting; {
			select {
			case <-done:
				waiting = false
			case <-p.ended:
				p.t.Fatalf("the bot ended: %v", p.err)
			default:
			}
			if pid := p.inWork(dir); pid != 0 && syscall.Kill(pid, syscall.SIGSTOP) == nil {
				p.waitFor("the copier to stop", func() bool { return state(pid) == 'T' || gone(pid) })
				if p.inWork(dir) == pid {
					p.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
					return pid, done
				}
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
		}
	}
	p.t.Fatal("no copier was caught at its work")
	return 0, nil
}

const copyToken = "a-token-of-this-bot"

// filled returns a linked bot whose copies take a while.
func filled(t *testing.T, wa *simtest.Sim, tune func(*exec.Cmd)) (p *process, dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	env = settings(wa, dir, "API_TOKEN="+copyToken, "LOOPBACK_TOKEN=off")
	p = launch(t, env, tune)
	p.awaitListening()
	p.pair(wa)
	fillStore(t, dir)
	return p, dir, env
}

// fetch asks for a backup and stores the status of the answer.
func (p *process) fetch(status *int) func() {
	return func() { *status, _, _ = p.try(http.MethodGet, "/api/session/backup", "X-Api-Key", copyToken) }
}

func TestAKilledCopierIsReportedAndLeavesNoFile(t *testing.T) {
	wa := whatsapp(t)
	p, dir, _ := filled(t, wa, nil)
	var status int
	pid, answered := p.freeze(dir, p.fetch(&status))
	if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil || string(environ) != "GOMAXPROCS=1\x00" {
		t.Errorf("the copier's environment is %q, %v", environ, err)
	}
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	<-answered
	if status != http.StatusInternalServerError {
		t.Errorf("the answer to a backup that failed has status %d", status)
	}
	if left := leftovers(dir); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if p.fetch(&status)(); status != http.StatusOK {
		t.Errorf("the next backup has status %d", status)
	}

	pid, answered = p.freeze(dir, func() {
		if snap := p.snapshot(); !snap.Exists { // the backup before the last clear was too fast to be caught
			must(t, os.RemoveAll(filepath.Join(dir, "backups", "session-default")))
			p.pair(wa)
			fillStore(t, dir)
		}
		_, _, _ = p.try(http.MethodDelete, "/api/session/clear", "X-Api-Key", copyToken)
	})
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	<-answered
	p.wrote("the store could not be backed up", "ended too early", "signal: killed")
	if failures := p.metric("sesi_bot_backup_failures_total"); failures != "1" {
		t.Errorf("%s failures were counted", failures)
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "backups", "session-default")); err != nil || len(entries) > 0 {
		t.Errorf("among the backups there is %v, %v", entries, err)
	}
}

// The copier of a killed bot ends soon; until then no other bot starts.
func TestNoBotStartsBesideTheCopierOfAKilledOne(t *testing.T) {
	p, dir, env := filled(t, whatsapp(t), func(c *exec.Cmd) { c.WaitDelay = time.Second }) // the copier keeps the bot's standard error open
	linked := p.snapshot()
	var status int
	pid, answered := p.freeze(dir, p.fetch(&status))
	p.kill()
	<-answered
	second := launch(t, env, nil)
	if code := second.end(); code != exitFailed {
		t.Errorf("beside a snapshot that lives a bot ends with %d", code)
	}
	second.wrote("the session is in use by process " + strconv.Itoa(p.cmd.Process.Pid))

	must(t, syscall.Kill(pid, syscall.SIGCONT))
	for deadline := time.Now().Add(patience); !gone(pid); {
		if time.Now().After(deadline) {
			t.Fatal("the copier outlives its bot")
		}
	}
	third := start(t, env)
	if got := third.untilConnected(); got.JID != linked.JID || got.Notice != bot.NoticeNone {
		t.Errorf("afterwards: %+v", got)
	}
	if left := leftovers(dir); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if third.fetch(&status)(); status != http.StatusOK {
		t.Errorf("the next backup has status %d", status)
	}
}

func TestItStopsInTimeWithACopierThatHangs(t *testing.T) {
	p, dir, env := filled(t, whatsapp(t), nil)
	linked := p.snapshot()
	var status int
	pid, answered := p.freeze(dir, p.fetch(&status))
	p.stop()
	<-answered
	if !gone(pid) {
		t.Error("the copier outlives its bot")
	}
	if left := leftovers(dir); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if again := start(t, env).untilConnected(); again.JID != linked.JID {
		t.Errorf("%+v", again)
	}
}

// A terminal and systemd send signals to both the bot and the copier; the copier ends only with its bot.
func TestTheCopierIgnoresSignals(t *testing.T) {
	p, dir, _ := filled(t, whatsapp(t), nil)
	var status int
	pid, answered := p.freeze(dir, p.fetch(&status))
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGCONT} {
		must(t, syscall.Kill(pid, signal))
	}
	<-answered
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

func TestTheCopierIsNotForPeople(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	p := launch(t, settings(wa, dir), nil, copyCommand)
	if code := p.end(); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	p.wrote("only a running bot can start this")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("it made %v, %v", entries, err)
	}
}
