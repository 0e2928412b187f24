package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/refuse"
	"sesi.dev/sesi/test/vacant"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// These tests run the bot as its users do: as a process, through its files, signals and HTTP, with the real whatsmeow
// against a simulated WhatsApp.

const (
	// patience bounds every wait; none of these tests measures time.
	patience = 2 * time.Minute
	phone    = "6281234567890"
)

// binary is the bot, built once with the tag that lets it trust the simulator.
var binary string

func TestMain(m *testing.M) {
	refuse.Become() // see TestEachWriteIsRefusedInTurn
	dir, err := os.MkdirTemp("", "sesi-bot")
	if err == nil {
		binary = filepath.Join(dir, "bot")
		err = os.Chmod(dir, 0o755) // other users run it too
	}
	if err == nil {
		build := exec.Command("go", "build", "-tags", "simulator,nethttpomithttp2", "-ldflags", "-s -w", "-o", binary, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the bot:", err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running bot.
type process struct {
	t       testing.TB
	cmd     *exec.Cmd
	out     *lines
	ended   chan struct{}
	err     error // set when ended is closed
	plain   string
	tls     string
	metrics string
}

// lines collects what a process writes.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// settings returns the environment of a bot in dir; later entries win.
func settings(wa *simtest.Sim, dir string, more ...string) []string {
	env := []string{"PATH=/nowhere", "AUTH_PATH=" + dir, "PORT=0", "METRICS_PORT=0", "LOG_FORMAT=json", "LOG_LEVEL=info",
		"TAKEOVER_TIMEOUT_MS=1000", "WEB_VERSION_CACHE_PATH=" + filepath.Join(dir, "cache")}
	if wa != nil {
		return append(append(env, wa.Env()...), more...)
	}
	return append(append(env, "HTTPS_PROXY=http://"+vacant.Nobody), more...) // and so WhatsApp cannot be reached
}

// ownPort is the setting of a port that no other program gets while the bot is down. A test that asks a bot that it kills
// may reach the bot of another test otherwise.
func ownPort(t testing.TB) string { return "PORT=" + strconv.Itoa(vacant.Port(t)) }

// launch starts a process and waits for nothing.
func launch(t testing.TB, env []string, tune func(*exec.Cmd), args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(binary, args...), out: &lines{}, ended: make(chan struct{})}
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = dedupe(env)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if tune != nil {
		tune(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start the bot: %v", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("bot %d wrote:\n%s", p.cmd.Process.Pid, tail(p.out.String(), 60))
		}
	})
	return p
}

// dedupe keeps the last of each name, because a process sees only the first.
func dedupe(env []string) []string {
	last := map[string]string{}
	for _, line := range env {
		name, _, _ := strings.Cut(line, "=")
		last[name] = line
	}
	out := make([]string, 0, len(last))
	for _, line := range last {
		out = append(out, line)
	}
	return out
}

func tail(s string, n int) string {
	all := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}

// start runs a bot and waits until it listens.
func start(t testing.TB, env []string) *process {
	t.Helper()
	p := launch(t, env, nil)
	p.awaitListening()
	return p
}

// inDir makes a process run in that working directory.
func inDir(dir string) func(*exec.Cmd) { return func(cmd *exec.Cmd) { cmd.Dir = dir } }

// awaitListening waits for the log line with the addresses.
func (p *process) awaitListening() {
	p.t.Helper()
	p.waitFor("listening", func() bool {
		scan := bufio.NewScanner(strings.NewReader(p.out.String()))
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			var line struct{ Msg, Plain, TLS, Metrics string }
			if json.Unmarshal(scan.Bytes(), &line) == nil && line.Msg == "listening" {
				p.plain, p.tls, p.metrics = line.Plain, line.TLS, line.Metrics
				return true
			}
		}
		return false
	})
}

// waitFor polls until ok. It fails if the process ends first.
func (p *process) waitFor(what string, ok func() bool) {
	p.t.Helper()
	if poll.Until(ok, patience, p.ended) {
		return
	}
	select {
	case <-p.ended:
		p.t.Fatalf("waited for %s; the bot ended: %v\n%s", what, p.err, tail(p.out.String(), 20))
	default:
		p.t.Fatalf("waited for %s in vain\n%s", what, tail(p.out.String(), 20))
	}
}

// end waits for the process and returns its exit code, or -1 for a signal.
func (p *process) end() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatal("the bot does not end")
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	if p.err != nil {
		p.t.Fatalf("wait for the bot: %v", p.err)
	}
	return 0
}

// kill ends the process as a power failure would, and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop ends the process as Kubernetes would, and checks that it ends cleanly within the promised 5 s.
func (p *process) stop() {
	p.t.Helper()
	if code := p.terminate(); code != exitOK {
		p.t.Fatalf("the bot did not stop well: exit code %d", code)
	}
}

// terminate is stop for a bot that may report a problem.
func (p *process) terminate() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("SIGTERM: %v", err)
	}
	for range 50 { // five seconds in which this machine runs: while it stands still, the bot does too
		select {
		case <-p.ended:
			return p.end()
		case <-time.After(100 * time.Millisecond):
		}
	}
	p.t.Fatal("the bot did not stop within 5 s")
	return -1
}

// emptiedLog fails the test if a bot that has stopped left its database's log. On a slow disk it stays, and the bot says so.
func (p *process) emptiedLog(dir string) {
	p.t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "session-default", "session.db-wal")); err == nil && !strings.Contains(p.out.String(), "the disk is slow") {
		p.t.Error("the database's log stays")
	}
}

// call sends one request and returns the status and the body.
func (p *process) call(method, path string, header ...string) (int, []byte) {
	p.t.Helper()
	status, body, err := p.try(method, path, header...)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, body
}

func (p *process) try(method, path string, header ...string) (int, []byte, error) {
	r, err := http.NewRequest(method, "http://"+p.plain+path, nil)
	if err != nil {
		return 0, nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := direct.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// direct connects to the bot itself, whatever proxy the environment names.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

func (p *process) snapshot() bot.Snapshot {
	p.t.Helper()
	var snap bot.Snapshot
	_, body := p.call(http.MethodGet, "/api/session/status")
	if err := json.Unmarshal(body, &snap); err != nil {
		p.t.Fatalf("status %s: %v", body, err)
	}
	return snap
}

func (p *process) until(what string, ok func(bot.Snapshot) bool) bot.Snapshot {
	p.t.Helper()
	var last bot.Snapshot
	p.waitFor(what, func() bool { last = p.snapshot(); return ok(last) })
	return last
}

func (p *process) untilConnected() bot.Snapshot {
	p.t.Helper()
	return p.until("connected", func(s bot.Snapshot) bool { return s.Connected })
}

// code waits for a current code.
func (p *process) code() string {
	p.t.Helper()
	var live bot.Code
	p.waitFor("a code", func() bool {
		status, body := p.call(http.MethodGet, "/api/session/qr", "Accept", "application/json")
		return status == http.StatusOK && json.Unmarshal(body, &live) == nil
	})
	return live.Code
}

// scan lets a phone scan a code.
func (p *process) scan(wa *simtest.Sim, code, number string) types.JID {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	own, err := wa.Scan(ctx, code, number)
	if err != nil {
		p.t.Fatalf("scan: %v", err)
	}
	return own
}

// pair scans the current code and waits for the login.
func (p *process) pair(wa *simtest.Sim) bot.Snapshot {
	p.t.Helper()
	p.scan(wa, p.code(), phone)
	return p.untilConnected()
}

// wrote waits for texts in the log: what happened can be seen before the line about it.
func (p *process) wrote(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if !poll.Until(func() bool { return strings.Contains(p.out.String(), w) }, patience, p.ended) {
			p.t.Errorf("the bot did not write %q", w)
		}
	}
}

// metric returns the value of a metric of the bot, or "".
func (p *process) metric(name string) string {
	p.t.Helper()
	response, err := direct.Get("http://" + p.metrics + bot.PathMetrics)
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

// counts waits until a metric has a value: it is counted behind what it counts.
func (p *process) counts(name, want string) {
	p.t.Helper()
	p.waitFor(name+" to be "+want, func() bool { return p.metric(name) == want })
}

func whatsapp(t testing.TB) *simtest.Sim {
	t.Helper()
	return simtest.Start(t, sim.Config{})
}
