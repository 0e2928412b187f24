package httpapi

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// keyPairCheck is the shortest time between two checks of the certificate's files.
const keyPairCheck = time.Second

// keyPair is a certificate that is reloaded when its files change. A change that cannot be loaded leaves the old one
// in use, because the two files do not change at the same moment.
type keyPair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	loaded  *tls.Certificate
	version [2]os.FileInfo
	checked time.Time
	failed  string
}

// sameContents compares two states of a file without reading it. The time alone is not enough: a filesystem's clock
// ticks every few milliseconds, and a renewed certificate often has the same length.
func sameContents(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func newKeyPair(certFile, keyFile string, log *slog.Logger) (*keyPair, error) {
	k := &keyPair{certFile: certFile, keyFile: keyFile, log: log}
	if err := k.load(); err != nil {
		return nil, fmt.Errorf("TLS_CERT_FILE, TLS_KEY_FILE: %w", err)
	}
	k.checked = time.Now()
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
	switch err := k.load(); {
	case err == nil:
		k.failed = ""
	case err.Error() != k.failed:
		k.failed = err.Error()
		k.log.Warn("certificate not reloaded, the old one stays in use", "error", err)
	}
	return k.loaded
}

// load reads the files if they differ from those read last.
func (k *keyPair) load() error {
	var version [2]os.FileInfo
	for i, name := range []string{k.certFile, k.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		version[i] = info
	}
	if k.loaded != nil && sameContents(version[0], k.version[0]) && sameContents(version[1], k.version[1]) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return fmt.Errorf("load %s and %s: %w", k.certFile, k.keyFile, err)
	}
	if k.loaded != nil {
		k.log.Info("certificate reloaded", "file", k.certFile)
	}
	k.loaded, k.version = &pair, version
	return nil
}
