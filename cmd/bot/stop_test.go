package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/store"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// TestItStopsInTimeWhateverItDoes: SIGTERM ends the bot cleanly within 5 s, with the write-ahead log emptied into the
// database, and the next start logs in.
func TestItStopsInTimeWhateverItDoes(t *testing.T) {
	t.Parallel()
	const token = "a-token-of-this-bot"
	cases := map[string]func(t *testing.T, wa *simtest.Sim, p *process, jid types.JID){
		"connected": func(*testing.T, *simtest.Sim, *process, types.JID) {},
		"WhatsApp frozen": func(t *testing.T, wa *simtest.Sim, _ *process, jid types.JID) {
			must(t, wa.Kick(jid, "freeze"))
		},
		"a dial that hangs at TCP":       hanging(sim.FaultHangTCP),
		"a dial that hangs at HTTP":      hanging(sim.FaultHangHTTP),
		"a dial that hangs at the noise": hanging(sim.FaultHangNoise),
		"a login that hangs":             hanging(sim.FaultHangLogin),
		"a version page that hangs": func(t *testing.T, wa *simtest.Sim, p *process, jid types.JID) {
			newest := wastore.WAVersionContainer{2, 3000, 1099999999}
			wa.SetVersions(&newest, &newest)
			must(t, wa.AddFault(sim.Fault{Kind: sim.FaultHangPage}))
			must(t, wa.Kick(jid, "drop"))
			p.until("the refusal", func(s bot.Snapshot) bool { return s.State == bot.StateOutdated })
			p.waitFor("the fetch", func() bool { return wa.Stats.PageViews.Load() > 0 })
		},
		"an unlink that hangs": func(t *testing.T, wa *simtest.Sim, p *process, jid types.JID) {
			must(t, wa.Kick(jid, "freeze"))
			go func() { _, _, _ = p.try(http.MethodPost, "/api/session/logout") }()
			p.waitFor("the backup before it", func() bool {
				_, body := p.call(http.MethodGet, "/api/session/status")
				return !bytes.Contains(body, []byte(`"backupAt":null`))
			})
		},
		"a backup that nobody reads, an event stream and an idle connection": func(t *testing.T, _ *simtest.Sim, p *process, _ types.JID) {
			for _, path := range []string{"/api/session/backup", "/api/session/events", "/api/session/status"} {
				conn, err := net.Dial("tcp", p.plain)
				must(t, err)
				t.Cleanup(func() { _ = conn.Close() })
				must(t, conn.SetDeadline(time.Now().Add(patience)))
				_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: "+token+"\r\n\r\n")
				must(t, err)
				_, err = conn.Read(make([]byte, 1))
				must(t, err)
			}
		},
	}
	for name, disturb := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa, dir := whatsapp(t), t.TempDir()
			env := settings(wa, dir, "API_TOKEN="+token, "LOOPBACK_TOKEN=off")
			p := start(t, env)
			linked := p.pair(wa)
			jid, err := types.ParseJID(linked.JID)
			must(t, err)
			disturb(t, wa, p, jid)
			p.stop()
			p.emptiedLog(dir)
			wa.ClearFaults()
			if again := start(t, env).untilConnected(); again.JID != linked.JID {
				t.Errorf("%+v", again)
			}
		})
	}
}

// TestItStopsInTimeUnderACode: nothing is linked yet, and nothing must be waited for.
func TestItStopsInTimeUnderACode(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*testing.T, *simtest.Sim, *process){
		"live": func(*testing.T, *simtest.Sim, *process) {},
		"WhatsApp frozen": func(t *testing.T, wa *simtest.Sim, _ *process) {
			if n, err := wa.KickWaiting(sim.KickFreeze); n != 1 || err != nil {
				t.Fatalf("%d connections frozen, %v", n, err)
			}
		},
		"a pairing code that does not come": func(t *testing.T, wa *simtest.Sim, p *process) {
			if n, err := wa.KickWaiting(sim.KickFreeze); n != 1 || err != nil {
				t.Fatalf("%d connections frozen, %v", n, err)
			}
			asked := make(chan struct{})
			go func() {
				close(asked)
				r, err := http.NewRequest(http.MethodPost, "http://"+p.plain+"/api/session/pair", strings.NewReader(`{"phoneNumber":"`+phone+`"}`))
				if err == nil {
					r.Header.Set("Content-Type", "application/json")
					if response, err := direct.Do(r); err == nil {
						_ = response.Body.Close()
					}
				}
			}()
			<-asked
		},
		"the codes on their way again": func(t *testing.T, wa *simtest.Sim, p *process) {
			must(t, wa.AddFault(sim.Fault{Kind: sim.FaultRefuse}))
			wa.DropAll()
			p.until("the loss", func(s bot.Snapshot) bool { return s.QRExpiresAt.IsZero() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa := whatsapp(t)
			p := start(t, settings(wa, t.TempDir()))
			p.code()
			disturb(t, wa, p)
			p.stop()
		})
	}
}

// TestItStopsWellBeforeItHasStarted: each file that a start makes is another moment of it.
func TestItStopsWellBeforeItHasStarted(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	start(t, settings(wa, dir)).pair(wa)
	session := filepath.Join(dir, "session-other")
	for range 4 {
		for _, file := range []string{"", "session.db", "session.db-wal", "messages.db", "messages.db-wal"} {
			p := launch(t, settings(wa, dir, "CLIENT_ID=other"), nil)
			p.waitFor("its file "+file, func() bool {
				_, err := os.Stat(filepath.Join(session, file))
				return err == nil
			})
			asked := time.Now()
			p.stop()
			cutOff := time.Since(asked) >= startGrace // on a slow machine, in the middle of a statement
			if logs, err := filepath.Glob(filepath.Join(session, "*-wal")); err != nil || len(logs) > 0 && !cutOff {
				t.Errorf("stopped at %q: left %q, %v", file, logs, err)
			}
			must(t, os.RemoveAll(session))
		}
	}
}

// TestAStopEndsTheWaitForASessionInUse: a start waits a little for a lock that may end soon.
func TestAStopEndsTheWaitForASessionInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, settings(whatsapp(t), dir))
	for deadline := time.Now().Add(patience); ; {
		second := launch(t, settings(nil, dir), nil)
		second.wrote("starting")
		_ = second.cmd.Process.Signal(syscall.SIGTERM)
		code := second.end()
		// On a slow machine the wait may be over before the stop comes.
		if code == exitFailed && strings.Contains(second.out.String(), "in use by process") && time.Now().Before(deadline) {
			continue
		}
		if code != exitOK {
			t.Errorf("exit code %d\n%s", code, second.out)
		}
		return
	}
}

// TestAStopIsNoFailureOfAStart: a stop ends what waits for it, and transactions, with an error; other errors count.
func TestAStopIsNoFailureOfAStart(t *testing.T) {
	t.Parallel()
	running, stopped := t.Context(), endedContext()
	for _, stop := range []error{fmt.Errorf("open: %w", context.Canceled), fmt.Errorf("upgrade the tables: %w", sql.ErrTxDone), &store.HeldError{}} {
		if err := ignoreStop(stopped, stop); err != nil {
			t.Errorf("a stop: %v", err)
		}
		if err := ignoreStop(running, stop); !errors.Is(err, stop) {
			t.Errorf("no stop, but %v became %v", stop, err)
		}
	}
	if err := ignoreStop(stopped, io.ErrShortWrite); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a failure before the stop: %v", err)
	}
}

func endedContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestARestoreThatGetsNoMoreStops: the sender of a backup may disappear in the middle of it.
func TestARestoreThatGetsNoMoreStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stdin, sender, err := os.Pipe()
	must(t, err)
	defer sender.Close()
	_, err = sender.Write([]byte("\x28\xb5\x2f\xfd"))
	must(t, err)
	p := launch(t, settings(nil, dir), func(c *exec.Cmd) { c.Stdin = stdin }, "restore", "-")
	p.waitFor("its first file", func() bool {
		_, err := os.Stat(filepath.Join(dir, "session-default", "session.lock"))
		return err == nil
	})
	if code := p.terminate(); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
}

// hanging drops the connection, and lets the next one hang.
func hanging(kind string) func(*testing.T, *simtest.Sim, *process, types.JID) {
	return func(t *testing.T, wa *simtest.Sim, p *process, jid types.JID) {
		must(t, wa.AddFault(sim.Fault{Kind: kind}))
		before := wa.Stats.TCP.Load()
		must(t, wa.Kick(jid, "drop"))
		p.until("the loss", func(s bot.Snapshot) bool { return !s.Connected })
		p.waitFor("the next dial", func() bool { return wa.Stats.TCP.Load() > before })
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
