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
)

// fillStore gives a linked session so many contacts that a snapshot of it takes a while.
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

// inWork finds the process that takes a snapshot for the bot, once it has begun to write; 0 for none.
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

// leftovers are the files among the backups that are only on their way to become one.
func leftovers(dir string) []string {
	found, _ := filepath.Glob(filepath.Join(dir, "backups", "session-default", ".sesi-tmp-*"))
	return found
}

// state is the letter that the kernel gives a process, 'X' when there is none.
func state(pid int) byte {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if _, rest, found := bytes.Cut(stat, []byte(") ")); found && len(rest) > 0 {
		return rest[0]
	}
	return 'X'
}

func gone(pid int) bool { return strings.IndexByte("XZ", state(pid)) >= 0 }

// freeze stops a snapshot in the middle of its work; ask makes the bot take one, again and again until one was
// caught. It returns the process and what comes when the last ask has its answer.
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
				p.waitFor("the snapshot to stand still", func() bool { return state(pid) == 'T' || gone(pid) })
				if p.inWork(dir) == pid {
					p.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
					return pid, done
				}
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
		}
	}
	p.t.Fatal("no snapshot could be caught at its work")
	return 0, nil
}

const snapshotToken = "a-token-of-this-bot"

// filled is a linked bot whose snapshots take a while.
func filled(t *testing.T, tune func(*exec.Cmd)) (p *process, dir string, env []string) {
	t.Helper()
	wa, dir := whatsapp(t), t.TempDir()
	env = settings(wa, dir, "API_TOKEN="+snapshotToken)
	p = launch(t, env, tune)
	p.awaitListening()
	p.pair(wa)
	fillStore(t, dir)
	return p, dir, env
}

// fetch asks for a backup, and tells the status of the answer.
func (p *process) fetch(status *int) func() {
	return func() { *status, _, _ = p.try(http.MethodGet, "/api/session/backup", "X-Api-Key", snapshotToken) }
}

func TestASnapshotThatIsKilledIsReportedAndLeavesNothing(t *testing.T) {
	p, dir, _ := filled(t, nil)
	var status int
	pid, answered := p.freeze(dir, p.fetch(&status))
	if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil || string(environ) != "GOMAXPROCS=1\x00" {
		t.Errorf("the snapshot's environment is %q, %v", environ, err)
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
		if snap := p.snapshot(); !snap.Exists {
			t.Error("the backup before the clear could not be caught")
		}
		_, _, _ = p.try(http.MethodDelete, "/api/session/clear", "X-Api-Key", snapshotToken)
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

// metric is the value of one that the bot shows, "" when it does not.
func (p *process) metric(name string) string {
	p.t.Helper()
	response, err := direct.Get("http://" + p.metrics + "/metrics")
	must(p.t, err)
	defer response.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(response.Body)
	must(p.t, err)
	for line := range strings.Lines(text.String()) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// A killed bot leaves its snapshot behind, which ends by itself; as long as it has not, no other bot starts.
func TestNoBotStartsBesideTheSnapshotOfAKilledOne(t *testing.T) {
	p, dir, env := filled(t, func(c *exec.Cmd) { c.WaitDelay = time.Second }) // the snapshot keeps its standard error
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
			t.Fatal("a snapshot outlives its bot")
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

func TestItStopsInTimeBesideASnapshotThatHangs(t *testing.T) {
	p, dir, env := filled(t, nil)
	linked := p.snapshot()
	var status int
	pid, answered := p.freeze(dir, p.fetch(&status))
	p.stop()
	<-answered
	if !gone(pid) {
		t.Error("the snapshot outlives its bot")
	}
	if left := leftovers(dir); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if again := start(t, env).untilConnected(); again.JID != linked.JID {
		t.Errorf("%+v", again)
	}
}

// A terminal and systemd send their signals to the bot and its snapshot alike; only the bot's own end counts.
func TestASnapshotLeavesSignalsToItsBot(t *testing.T) {
	p, dir, _ := filled(t, nil)
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

func TestASnapshotIsNothingForPeople(t *testing.T) {
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
