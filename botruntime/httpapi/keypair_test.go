package httpapi

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate writes a new self-signed certificate for that name into dir.
func writeCertificate(t testing.TB, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// testTLS trusts any certificate: these tests check what the server presents, not who signed it.
func testTLS(testing.TB) *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

func presentedName(k *keyPair, at time.Time) string {
	leaf, err := x509.ParseCertificate(k.current(at).Certificate[0])
	if err != nil {
		return err.Error()
	}
	return leaf.Subject.CommonName
}

func TestKeyPairFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	var log lockedBuffer
	certFile, keyFile := writeCertificate(t, dir, "first")
	k, err := newKeyPair(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := k.checked
	if got := presentedName(k, now); got != "first" {
		t.Fatalf("presents %q, want first", got)
	}

	writeCertificate(t, dir, "second one")
	if got := presentedName(k, now); got != "first" {
		t.Fatalf("presents %q within the second, want first: files are not looked at for every handshake", got)
	}
	now = now.Add(2 * keyPairCheck)
	if got := presentedName(k, now); got != "second one" {
		t.Fatalf("presents %q, want second one", got)
	}

	if err := os.WriteFile(keyFile, []byte("half written"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		now = now.Add(2 * keyPairCheck)
		if got := presentedName(k, now); got != "second one" {
			t.Fatalf("presents %q with a broken key file, want second one", got)
		}
	}
	if n := strings.Count(log.String(), "not reloaded"); n != 1 {
		t.Errorf("warned %d times of one broken file, want once:\n%s", n, log.String())
	}

	writeCertificate(t, dir, "the third")
	if got := presentedName(k, now.Add(2*keyPairCheck)); got != "the third" {
		t.Fatalf("presents %q, want the third", got)
	}
}

func TestKeyPairNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writeCertificate(t, dir, "a")
	other, _ := writeCertificate(t, t.TempDir(), "b")
	cases := map[string]struct{ cert, key, want string }{
		"no such file":  {filepath.Join(dir, "none.crt"), keyFile, "none.crt"},
		"key of other":  {other, keyFile, "private key does not match"},
		"swapped files": {keyFile, certFile, "TLS_CERT_FILE"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := newKeyPair(c.cert, c.key, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want it to name %q", err, c.want)
			}
		})
	}
}
