// Package simtest runs a simulated WhatsApp inside a test. It never outlives the test that started it.
package simtest

import (
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/test/wasim/sim"
)

// Sim is a simulated WhatsApp with its control API and CONNECT proxy.
type Sim struct {
	*sim.Server
	// ControlURL is the address of the control API, which is also the CONNECT proxy.
	ControlURL string
	// CAFile holds the certificate of the TLS listener's authority.
	CAFile string

	cfg     sim.Config
	handler atomic.Pointer[http.Handler]
}

// sharedKeys serve every simulator of the process, so that tests may run in parallel although whatsmeow keeps
// the trusted root in a global variable.
var sharedKeys = sync.OnceValues(sim.NewKeys)

// Start serves a simulator on 127.0.0.1 until the test ends. Keys and addresses may be left empty.
func Start(t testing.TB, cfg sim.Config) *Sim {
	t.Helper()
	if cfg.Keys == nil && cfg.Dir == "" {
		keys, err := sharedKeys()
		if err != nil {
			t.Fatalf("make keys: %v", err)
		}
		cfg.Keys = keys
	}
	s := &Sim{cfg: cfg, CAFile: filepath.Join(t.TempDir(), sim.CAFile)}
	s.serve(t)
	t.Cleanup(func() { s.Close() })
	if err := os.WriteFile(s.CAFile, s.CAPEM, 0o644); err != nil {
		t.Fatalf("write the authority: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for the control API: %v", err)
	}
	s.ControlURL = "http://" + listener.Addr().String()
	web := s.ControlServer()
	web.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.handler.Load()).ServeHTTP(w, r) })
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = web.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = web.Close()
		<-served
	})
	return s
}

// serve makes a server of the configuration and puts it in place of the one before.
func (s *Sim) serve(t testing.TB) {
	t.Helper()
	server, err := sim.New(s.cfg)
	if err != nil {
		t.Fatalf("make a simulator: %v", err)
	}
	if err = server.Start(); err != nil {
		server.Close()
		t.Fatalf("start a simulator: %v", err)
	}
	handler := server.Control()
	s.handler.Store(&handler)
	s.Server = server
}

// Restart closes the server and starts one at the same address with the same keys and, if the configuration
// names a state file, from its state. Nothing else may use s meanwhile.
func (s *Sim) Restart(t testing.TB) {
	t.Helper()
	listener, err := s.Listener()
	if err != nil {
		t.Fatalf("keep the address of a simulator: %v", err)
	}
	s.Close()
	s.cfg.Listener = listener
	s.serve(t)
}

// Env is what a bot process (built with the tag simulator) needs in its environment.
func (s *Sim) Env() []string {
	root := s.NoiseRootPub()
	return []string{
		"HTTPS_PROXY=" + s.ControlURL,
		"SSL_CERT_FILE=" + s.CAFile,
		"WHATSAPP_NOISE_ROOT=" + hex.EncodeToString(root[:]),
	}
}

// HTTPClient leads every host to the simulator and trusts its certificate.
func (s *Sim) HTTPClient() *http.Client { return sim.HTTPClient(s.Addr, s.CAPEM) }

var trusting sync.Mutex

// TrustRoot makes whatsmeow clients of this process accept the simulator's Noise certificates.
func (s *Sim) TrustRoot() {
	trusting.Lock()
	defer trusting.Unlock()
	// Not written again when it is so already: a client may be reading it.
	if root := s.NoiseRootPub(); whatsmeow.WACertPubKey != root {
		whatsmeow.WACertPubKey = root
	}
}

// Point makes a whatsmeow client talk to the simulator.
func (s *Sim) Point(client *whatsmeow.Client) {
	hc := s.HTTPClient()
	client.SetWebsocketHTTPClient(hc)
	client.SetPreLoginHTTPClient(hc)
	client.SetMediaHTTPClient(hc)
}

// patience bounds every wait; only a broken test ever waits so long.
const patience = time.Minute

// WaitEvent waits until an event of the kind happened after a sequence number (0: since the start), and
// returns it.
func (s *Sim) WaitEvent(t testing.TB, since int64, kind string) sim.Event {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		events, changed := s.Events(since)
		for _, event := range events {
			if event.Kind == kind {
				return event
			}
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("the simulator saw no %q; it saw %v", kind, events)
		}
	}
}

// WaitOutbox waits until a phone received a message of a bot that is wanted, after a sequence number (0: since the
// start), and returns it.
func (s *Sim) WaitOutbox(t testing.TB, since int64, wanted func(sim.OutMsg) bool) sim.OutMsg {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		msgs, changed := s.WatchOutbox(since)
		for _, m := range msgs {
			if wanted(m) {
				return m
			}
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("no phone received the message; they received %+v", msgs)
		}
	}
}

// WaitText is WaitOutbox for a text that the phone of a number can read.
func (s *Sim) WaitText(t testing.TB, phone, text string) sim.OutMsg {
	t.Helper()
	return s.WaitOutbox(t, 0, func(m sim.OutMsg) bool { return m.Phone == phone && m.Text == text && m.Err == "" && !m.Self })
}

// Mark is the sequence number of the last event: what happens next has a higher one.
func (s *Sim) Mark() int64 {
	events, _ := s.Events(0)
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Seq
}
