package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/apiserver"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/vacant"
)

// patience bounds every wait; it is far above what any of them needs.
const patience = 30 * time.Second

// kubeconfig leads to a real API server that has the CRD.
var kubeconfig string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gateway-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	kubeconfig = filepath.Join(dir, "kubeconfig")
	code := apiserver.Main(m, filepath.Join("..", "..", "config", "crd"), func(e *envtest.Environment) error {
		return os.WriteFile(kubeconfig, e.KubeConfig, 0o600)
	})
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// status is what an address answers; 0 for nothing.
func status(url string) int {
	answer, err := (&http.Client{Timeout: patience}).Get(url)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// A gateway that was told to stop first says that it is not ready, and goes on until no more requests are sent to it.
func TestAnEndWithoutLostRequests(t *testing.T) {
	t.Setenv("KUBECONFIG", kubeconfig)
	o, err := parse([]string{"-bind-address", vacant.Address(t), "-probe-bind-address", vacant.Address(t), "-drain", "6s"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		failed = run(ctx, o, slog.New(slog.DiscardHandler))
	}()
	probe, ping := "http://"+o.probes+bot.PathReady, "http://"+o.address+bot.PathWAHAPing
	if !poll.Until(func() bool { return status(probe) == http.StatusOK && status(ping) == http.StatusOK }, patience, ended) {
		t.Fatal("the gateway is not ready")
	}
	stop()
	unready := poll.Until(func() bool { return status(probe) == http.StatusServiceUnavailable }, patience, ended)
	if !unready || status(ping) != http.StatusOK {
		t.Errorf("told to stop, it says that it is not ready: %t; and it answers %d", unready, status(ping))
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the gateway does not end")
	}
	if failed != nil || status(ping) != 0 {
		t.Errorf("it ended with %v", failed)
	}
}

// The proxy in front is asked for its certificate, and nobody else is refused for having none.
func TestServing(t *testing.T) {
	certificate := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
	if serving(options{}, nil) != nil {
		t.Error("without a certificate there is TLS")
	}
	for roots, want := range map[string]tls.ClientAuthType{"": tls.NoClientCert, "ca.pem": tls.RequestClientCert} {
		if got := serving(options{proxyRoots: roots}, certificate); got.ClientAuth != want || got.MinVersion < tls.VersionTLS12 {
			t.Errorf("with the CA %q: %v, from %s", roots, got.ClientAuth, tls.VersionName(got.MinVersion))
		}
	}
}

// A file without a certificate would trust no proxy, or everyone: the gateway does not start with it.
func TestReadAuthProxy(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ file, err string }{
		"a CA":           {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), ""},
		"no certificate": {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "has no certificate"},
		"empty":          {"", "has no certificate"},
	} {
		path := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readAuthProxy(options{proxyRoots: path, proxyNames: []string{"sso"}, userHeader: "X-User", groupHeader: "X-Group"})
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", name, err, c.err)
			}
			continue
		}
		if err != nil || got.Roots == nil || got.UserHeader != "X-User" || got.GroupHeader != "X-Group" || len(got.Names) != 1 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := readAuthProxy(options{}); got != nil || err != nil {
		t.Errorf("none: %v, %v", got, err)
	}
}
