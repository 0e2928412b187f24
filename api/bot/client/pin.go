package client

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Pin is the SHA-256 of a serving key (its SubjectPublicKeyInfo). The key is pinned and not the certificate, so
// that a renewed certificate over the same key needs no change in the pin.
type Pin [sha256.Size]byte

// Pins are the keys that one bot may prove to hold; a zero Pin matches no key.
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
	return PinOfKey(parsed), nil
}

// PinOfKey returns the pin of a certificate's key.
func PinOfKey(certificate *x509.Certificate) Pin {
	return sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
}

// ClientConfig returns a TLS configuration that accepts only the holder of a pinned key. The pins
// take the place of a chain, a name and a validity: the certificate is self-signed and the address is a pod's.
func (p Pins) ClientConfig() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true, //nolint:gosec // VerifyConnection compares the pinned key
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("the bot shows no certificate")
			}
			got := PinOfKey(state.PeerCertificates[0])
			for _, pin := range p {
				if pin != (Pin{}) && pin == got {
					return nil
				}
			}
			return errors.New("the certificate is not the one in the session's Secret")
		},
	}
}
