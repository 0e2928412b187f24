// Package simtest runs a simulated WhatsApp inside a test. It never outlives the test that started it.
package simtest

import (
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/hack/wasim/sim"
)

// Sim is a simulated WhatsApp with its control API and CONNECT proxy.
type Sim struct {
	*sim.Server
	// ControlURL is the address of the control API, which is also the CONNECT proxy.
	ControlURL string
	// CAFile holds the certificate authority of the TLS listener.
	CAFile string
}

// Start serves a simulator on 127.0.0.1 until the test ends. Addr and Dir of cfg may be left empty.
func Start(t testing.TB, cfg sim.Config) *Sim {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	server, err := sim.New(cfg)
	if err != nil {
		t.Fatalf("new simulator: %v", err)
	}
	if err = server.Start(); err != nil {
		t.Fatalf("start simulator: %v", err)
	}
	t.Cleanup(server.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for the control API: %v", err)
	}
	control := &http.Server{Handler: server.Control(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = control.Serve(listener) }()
	t.Cleanup(func() { _ = control.Close() })
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	if err = os.WriteFile(caFile, server.CAPEM, 0o644); err != nil {
		t.Fatalf("write the CA: %v", err)
	}
	return &Sim{Server: server, ControlURL: "http://" + listener.Addr().String(), CAFile: caFile}
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

// TrustRoot makes whatsmeow clients of this process accept the simulator's Noise certificates.
func (s *Sim) TrustRoot() { whatsmeow.WACertPubKey = s.NoiseRootPub() }

// Point makes a whatsmeow client talk to the simulator.
func (s *Sim) Point(client *whatsmeow.Client) {
	hc := s.HTTPClient()
	client.SetWebsocketHTTPClient(hc)
	client.SetPreLoginHTTPClient(hc)
	client.SetMediaHTTPClient(hc)
}
