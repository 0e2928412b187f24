package observer

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Pin is the SHA-256 of a serving key (its SubjectPublicKeyInfo). Not the certificate is pinned but the key, so a renewed
// certificate with the same key needs no new pin.
type Pin [sha256.Size]byte

// Pins are the keys that one bot may serve with.
type Pins [2]Pin

// PinOf returns the pin of the first certificate in PEM.
func PinOf(certificate []byte) (Pin, error) {
	block, _ := pem.Decode(certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		return Pin{}, errors.New("no certificate in PEM")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Pin{}, fmt.Errorf("serving certificate: %w", err)
	}
	return sha256.Sum256(parsed.RawSubjectPublicKeyInfo), nil
}

// ClientConfig returns a TLS configuration that connects only to a holder of a pinned key. The pins replace the checks of
// a chain, a name and a validity: the certificate is self-signed and the address is a pod's.
func (p Pins) ClientConfig() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true, //nolint:gosec // VerifyConnection compares the pinned key
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("the bot presents no certificate")
			}
			got := Pin(sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo))
			for _, pin := range p {
				if pin != (Pin{}) && pin == got {
					return nil
				}
			}
			return errors.New("the certificate is not the one in the session's Secret")
		},
	}
}
