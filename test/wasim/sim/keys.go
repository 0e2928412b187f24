package sim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/util/keys"
)

// The files of a key directory. CAFile and NoiseRootFile are what a bot must be given; the others are secret.
const (
	CAFile        = "ca.pem"
	NoiseRootFile = "noise-root.hex"
	caKeyFile     = "ca-key.pem"
	noiseKeyFile  = "noise-root.key"
)

// Keys make clients trust the simulator: the authority that signs its TLS certificate, and the root of its Noise
// certificates. Several simulators may share them.
type Keys struct {
	// CAPEM is the certificate of the TLS authority.
	CAPEM     []byte
	ca        *x509.Certificate
	caKey     *ecdsa.PrivateKey
	noiseRoot *keys.KeyPair
}

// NewKeys makes fresh keys.
func NewKeys() (*Keys, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the TLS authority: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "wasim test authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the TLS authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the TLS authority: %w", err)
	}
	return &Keys{
		CAPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		ca:    certificate, caKey: key, noiseRoot: keys.NewKeyPair(),
	}, nil
}

// LoadKeys returns the keys kept in a directory, and makes them there if it holds none.
func LoadKeys(dir string) (*Keys, error) {
	k, err := readKeys(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = NewKeys(); err != nil {
		return nil, err
	}
	return k, k.write(dir)
}

func readKeys(dir string) (*Keys, error) {
	var files [3][]byte
	for i, name := range []string{noiseKeyFile, caKeyFile, CAFile} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
		files[i] = content
	}
	root, err := hex.DecodeString(strings.TrimSpace(string(files[0])))
	if err != nil || len(root) != 32 {
		return nil, fmt.Errorf("%w: %s does not hold 64 hex digits", ErrInvalid, filepath.Join(dir, noiseKeyFile))
	}
	pair, err := tls.X509KeyPair(files[2], files[1])
	if err != nil {
		return nil, fmt.Errorf("%w: %s and %s in %s: %w", ErrInvalid, CAFile, caKeyFile, dir, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: %s does not hold an ECDSA key", ErrInvalid, filepath.Join(dir, caKeyFile))
	}
	return &Keys{CAPEM: files[2], ca: pair.Leaf, caKey: key, noiseRoot: keys.NewKeyPairFromPrivateKey([32]byte(root))}, nil
}

func (k *Keys) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make key directory: %w", err)
	}
	caKey, err := x509.MarshalECPrivateKey(k.caKey)
	if err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	root := k.NoiseRoot()
	for _, file := range []struct {
		name    string
		content []byte
		mode    fs.FileMode
	}{
		{NoiseRootFile, []byte(hex.EncodeToString(root[:]) + "\n"), 0o644},
		{noiseKeyFile, []byte(hex.EncodeToString(k.noiseRoot.Priv[:]) + "\n"), 0o600},
		{caKeyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: caKey}), 0o600},
		{CAFile, k.CAPEM, 0o644},
	} {
		if err = os.WriteFile(filepath.Join(dir, file.name), file.content, file.mode); err != nil {
			return fmt.Errorf("write keys: %w", err)
		}
	}
	return nil
}

// NoiseRoot is the public key that takes the place of whatsmeow.WACertPubKey.
func (k *Keys) NoiseRoot() [32]byte { return *k.noiseRoot.Pub }

// serverTLS makes a certificate for WhatsApp's names and returns the listener's configuration.
func (k *Keys) serverTLS() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the TLS certificate: %w", err)
	}
	now := time.Now()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "web.whatsapp.com"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(2, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"web.whatsapp.com", "*.whatsapp.com", "*.whatsapp.net", "*.cdn.whatsapp.net", "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}, k.ca, key.Public(), k.caKey)
	if err != nil {
		return nil, fmt.Errorf("make the TLS certificate: %w", err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		NextProtos:   []string{"http/1.1"},
	}, nil
}
