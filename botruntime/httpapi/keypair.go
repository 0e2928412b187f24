package httpapi

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sesi.dev/sesi/internal/reread"
)

// keyPairCheck is the shortest time between two checks of the certificate's files.
const keyPairCheck = time.Second

// keyPair is a certificate that is reloaded when its files change. A change that cannot be loaded leaves the old one
// in use, because the two files do not change at the same moment.
type keyPair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	files   *reread.Files
	loaded  *tls.Certificate
	checked time.Time
}

func newKeyPair(certFile, keyFile string, log *slog.Logger) (*keyPair, error) {
	k := &keyPair{certFile: certFile, keyFile: keyFile, log: log}
	files, err := reread.New(k.read, certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("TLS_CERT_FILE, TLS_KEY_FILE: %w", err)
	}
	k.files, k.checked = files, time.Now()
	return k, nil
}

// config returns a TLS server configuration that always uses the newest certificate.
func (k *keyPair) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.current(time.Now()), nil },
	}
}

// current returns the certificate, reloaded if its files have changed.
func (k *keyPair) current(now time.Time) *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.checked) < keyPairCheck {
		return k.loaded
	}
	k.checked = now
	if err := k.files.Refresh(); err != nil {
		k.log.Warn("certificate not reloaded, the old one stays in use", "error", err)
	}
	return k.loaded
}

func (k *keyPair) read() error {
	pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return fmt.Errorf("load %s and %s: %w", k.certFile, k.keyFile, err)
	}
	if k.loaded != nil {
		k.log.Info("certificate reloaded", "file", k.certFile)
	}
	k.loaded = &pair
	return nil
}
