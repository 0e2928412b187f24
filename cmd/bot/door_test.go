package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// selfSigned writes a serving certificate like the operator's, and returns its pool.
func selfSigned(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "bot"}, DNSNames: []string{"bot", "bot.example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		// as the kubelet does: a new file replaces the old one at once
		next := filepath.Join(dir, "."+name)
		write(t, next, string(pem.EncodeToMemory(block)))
		if err := os.Rename(next, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(mustParse(t, der))
	return pool
}

func mustParse(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// ask sends one HTTPS request and returns the status, or 0 if TLS failed.
func ask(t *testing.T, p *process, pool *x509.CertPool, token string) int {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+p.tls+"/api/session/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func TestTLSWantsTheTokenAndFollowsItsFiles(t *testing.T) {
	wa, dir, secret := whatsapp(t), t.TempDir(), t.TempDir()
	const first, second = "first-token-of-this-bot", "second-token-of-this-bot"
	pool := selfSigned(t, secret, 1)
	write(t, filepath.Join(secret, "token"), first)
	p := start(t, settings(wa, dir, "API_TOKEN_FILE="+filepath.Join(secret, "token"), "TLS_HOST=127.0.0.1", "TLS_PORT=0",
		"TLS_CERT_FILE="+filepath.Join(secret, "tls.crt"), "TLS_KEY_FILE="+filepath.Join(secret, "tls.key")))
	if got := ask(t, p, pool, ""); got != http.StatusUnauthorized {
		t.Errorf("without a token: %d", got)
	}
	if got := ask(t, p, pool, "wrong-token-of-a-stranger"); got != http.StatusUnauthorized {
		t.Errorf("with a wrong token: %d", got)
	}
	if got := ask(t, p, pool, first); got != http.StatusOK {
		t.Errorf("with the token: %d", got)
	}
	if status, _ := p.call(http.MethodGet, "/api/session/status"); status != http.StatusUnauthorized {
		t.Errorf("the loopback listener, without the token: %d", status)
	}

	renewed := selfSigned(t, secret, 2)
	write(t, filepath.Join(secret, ".token"), second)
	if err := os.Chtimes(filepath.Join(secret, ".token"), time.Time{}, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(secret, ".token"), filepath.Join(secret, "token")); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the renewed certificate and token", func() bool { return ask(t, p, renewed, second) == http.StatusOK })
	if got := ask(t, p, renewed, first); got != http.StatusUnauthorized {
		t.Errorf("with the old token: %d", got)
	}
	if strings.Contains(p.out.String(), first) || strings.Contains(p.out.String(), second) {
		t.Error("the log holds a token")
	}
}

func TestATokenGuardsEveryOtherAddress(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	const token = "a-token-of-this-bot"
	p := start(t, settings(wa, dir, "HOST=0.0.0.0", "API_TOKEN="+token))
	_, port, err := net.SplitHostPort(p.plain)
	if err != nil {
		t.Fatal(err)
	}
	p.plain = net.JoinHostPort("127.0.0.1", port)
	if status, _ := p.call(http.MethodGet, "/api/session/status"); status != http.StatusUnauthorized {
		t.Errorf("without the token: %d", status)
	}
	if status, _ := p.call(http.MethodGet, "/api/session/status", "X-Api-Key", token); status != http.StatusOK {
		t.Errorf("with the token: %d", status)
	}
}

// In a pod the operator admits the pod's own containers without the token, but no request that a proxy forwards.
func TestLoopbackTokenCanBeTurnedOff(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir, "API_TOKEN=a-token-of-this-bot", "LOOPBACK_TOKEN=off"))
	if status, _ := p.call(http.MethodGet, "/api/session/status"); status != http.StatusOK {
		t.Errorf("without the token: %d", status)
	}
	if status, _ := p.call(http.MethodGet, "/api/session/status", "X-Forwarded-For", "192.0.2.1"); status != http.StatusForbidden {
		t.Errorf("forwarded, without the token: %d", status)
	}
	if status, _ := p.call(http.MethodGet, "/api/session/backup"); status != http.StatusUnauthorized {
		t.Errorf("a backup without the token: %d", status)
	}
}

func TestHealthcheckAndProbes(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	_, port, err := net.SplitHostPort(p.metrics)
	if err != nil {
		t.Fatal(err)
	}
	env := settings(wa, dir, "METRICS_PORT="+port)
	if code := launch(t, env, nil, "healthcheck").end(); code != exitOK {
		t.Errorf("healthcheck of a bot that waits for a scan: exit code %d", code)
	}
	p.plain = p.metrics
	for _, path := range []string{"/livez", "/readyz"} {
		if status, body := p.call(http.MethodGet, path); status != http.StatusOK {
			t.Errorf("%s while a QR is needed: %d %s", path, status, body)
		}
	}
	if _, body := p.call(http.MethodGet, "/metrics"); !strings.Contains(string(body), `sesi_bot_qr_required 1`) {
		t.Error("the metrics do not say that a QR is needed")
	}
	if code := launch(t, settings(wa, dir, "METRICS_PORT=1"), nil, "healthcheck").end(); code != exitFailed { // see vacant.Nobody
		t.Errorf("healthcheck of a bot that does not run: exit code %d", code)
	}
}

func TestDotenvAndHelp(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	work := t.TempDir()
	write(t, filepath.Join(work, ".env"), "CLIENT_ID=from-dotenv\nLOCALE=en\n")
	p := launch(t, settings(wa, dir), inDir(work))
	p.awaitListening()
	if got := p.snapshot(); got.ClientID != "from-dotenv" || !strings.Contains(got.Message, "scan") {
		t.Errorf("%+v", got)
	}
	help := launch(t, nil, nil, "--help")
	if code := help.end(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	help.wrote("AUTH_PATH", "CLIENT_ID", "TAKEOVER_TIMEOUT_MS", "10000", "BACKUP_SYNC_INTERVAL_MS", "300000", "WEB_VERSION_CACHE_PATH", "HTTPS_PROXY")
	unknown := launch(t, nil, nil, "dance")
	if code := unknown.end(); code != exitSettings {
		t.Errorf("exit code %d", code)
	}
}
