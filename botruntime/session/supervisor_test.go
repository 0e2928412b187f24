package session

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/store"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// patience bounds every wait of these tests; none of them measures time.
const patience = time.Minute

// ownProcess names the environment variable of a test process that runs only one test.
const ownProcess = "SESI_TEST_ALONE"

// copyCommand makes this test binary the copier of a store.
const copyCommand = "copy-database"

func copier(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, os.Args[0], copyCommand)
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == copyCommand {
		if err := store.ServeCopy(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(ownProcess) != "" {
		whatsmeow.KeepAliveIntervalMin, whatsmeow.KeepAliveIntervalMax = time.Second, 2*time.Second
		whatsmeow.KeepAliveResponseDeadline = 2 * time.Second
	}
	simtest.Main(m)
}

// whatsapp starts a simulator. All simulators of this process have the same keys, because Go reads SSL_CERT_FILE once.
func whatsapp(t *testing.T, cfg sim.Config) *simtest.Sim {
	t.Helper()
	s := simtest.Start(t, cfg)
	s.TrustRoot()
	trustCA.Do(func() {
		//nolint:usetesting // it must stay for the tests that follow
		if err := os.Setenv("SSL_CERT_FILE", s.CAFile); err != nil {
			t.Fatal(err)
		}
	})
	return s
}

var trustCA sync.Once

// countingMeter is a Meter that a test can read.
type countingMeter struct {
	reconnects, codes, pairings, logouts, takeovers, received, undecryptable, backupsFailed atomic.Int64
}

func (m *countingMeter) Reconnect(bot.Reason)  { m.reconnects.Add(1) }
func (m *countingMeter) CodeIssued()           { m.codes.Add(1) }
func (m *countingMeter) Paired()               { m.pairings.Add(1) }
func (m *countingMeter) LoggedOut(bot.Reason)  { m.logouts.Add(1) }
func (m *countingMeter) TakenOver()            { m.takeovers.Add(1) }
func (m *countingMeter) MessageReceived()      { m.received.Add(1) }
func (m *countingMeter) MessageUndecryptable() { m.undecryptable.Add(1) }
func (m *countingMeter) BackedUp(time.Time)    {}
func (m *countingMeter) BackupFailed()         { m.backupsFailed.Add(1) }
func (m *countingMeter) WebVersion(time.Time)  {}

func (m *countingMeter) BackupInterval(time.Duration) {}

// subject is a supervisor under test, over a real store.
type subject struct {
	*Supervisor
	t     *testing.T
	meter *countingMeter
	log   *syncBuffer
	stop  func()
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// begin starts a supervisor on the session in dir; tune may shorten its waits.
func begin(t *testing.T, wa *simtest.Sim, dir string, tune func(*config.Config, *policy)) *subject {
	t.Helper()
	return beginWith(t, wa, dir, nil, tune)
}

// beginWith is begin with a sink.
func beginWith(t *testing.T, wa *simtest.Sim, dir string, sink Sink, tune func(*config.Config, *policy)) *subject {
	t.Helper()
	proxy, err := url.Parse(wa.ControlURL)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Config{
		Identity: bot.Identity{ClientID: "test", AuthPath: dir, Instance: "instance"}, TakeoverOnConflict: true, TakeoverTimeout: 50 * time.Millisecond,
		BackupKeep: 3, QRMaxRetries: 3, WebVersionCachePath: filepath.Join(dir, "cache"), ProxyURL: proxy,
	}
	p := policyOf(cfg)
	p.pace = pace{first: time.Second, least: lateReason, spread: 2 * time.Second} // tests break many connections
	if tune != nil {
		tune(&cfg, &p)
		tuned := policyOf(cfg)
		tuned.firstCode, tuned.nextCode, tuned.login, tuned.pulse, tuned.pace = p.firstCode, p.nextCode, p.login, p.pulse, p.pace
		p = tuned
	}
	out := &syncBuffer{}
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	st, err := store.Open(t.Context(), store.Options{Identity: cfg.Identity, BackupKeep: cfg.BackupKeep, Log: log, Copier: copier})
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	s := &subject{t: t, meter: &countingMeter{}, log: out}
	s.Supervisor, err = New(t.Context(), Options{Config: cfg, Store: st, Meter: s.meter, Log: log, Sink: sink})
	if err != nil {
		t.Fatal(err)
	}
	s.model.policy = p
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	s.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("run: %v", err)
				}
			case <-time.After(patience):
				t.Error("the supervisor does not stop")
			}
			if err := st.Close(); err != nil {
				t.Errorf("close the store: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Log("\n" + out.String())
		}
	})
	return s
}

// until waits for a matching snapshot and returns it.
func (s *subject) until(what string, ok func(*bot.Snapshot) bool) *bot.Snapshot {
	s.t.Helper()
	return s.untilIn(patience, what, ok)
}

// untilIn is until with another patience, for a bot that must lose its own patience first.
func (s *subject) untilIn(patience time.Duration, what string, ok func(*bot.Snapshot) bool) *bot.Snapshot {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		snap, changed := s.Watch()
		if ok(snap) {
			return snap
		}
		select {
		case <-changed:
		case <-deadline:
			s.t.Fatalf("waited for %s in vain; last: %s/%s %q", what, snap.State, snap.Reason, snap.Message)
		}
	}
}

func (s *subject) untilReason(want bot.Reason) *bot.Snapshot {
	s.t.Helper()
	return s.until(string(want), func(snap *bot.Snapshot) bool { return snap.Reason == want })
}

func (s *subject) untilConnected() *bot.Snapshot {
	s.t.Helper()
	return s.until("connected", func(snap *bot.Snapshot) bool { return snap.Connected })
}

// pair scans the current code with the phone of that number.
func (s *subject) pair(wa *simtest.Sim, phone string) *bot.Snapshot {
	s.t.Helper()
	s.untilReason(bot.ReasonQRAvailable)
	code, live := s.Peek()
	if !live {
		s.t.Fatal("QRAvailable, and no code is live")
	}
	if _, err := wa.Scan(s.t.Context(), code.Code, phone); err != nil {
		s.t.Fatalf("scan: %v", err)
	}
	return s.untilConnected()
}

func contains(t *testing.T, log *syncBuffer, events ...string) {
	t.Helper()
	for _, event := range events {
		if !strings.Contains(log.String(), "event="+event) {
			t.Errorf("the log has no event %s", event)
		}
	}
}
