// Package credentials builds and reads the Secret of a WhatsAppSession: the token of the bot's API, and the serving
// certificate that callers trust. It never reads or writes the cluster.
package credentials

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// Keys of the session's Secret.
const (
	// KeyToken is the bearer token that the bot's API demands. A user may set their own.
	KeyToken = "token"
	// KeyCertificate and KeyPrivateKey are the bot's serving certificate and its key.
	KeyCertificate = corev1.TLSCertKey
	KeyPrivateKey  = corev1.TLSPrivateKeyKey
	// KeyRoots are the certificates to trust: the present one, and the previous one for as long as a bot may
	// still serve it.
	KeyRoots = "ca.crt"
	// KeyWebhooks is the bot's file of webhooks, with their secrets. KeyMessages is its file of settings for messages.
	KeyWebhooks = "webhooks.json"
	KeyMessages = "messages.env"
)

const (
	certificateValidity = 365 * 24 * time.Hour
	// renewBefore leaves time for an operator that is down, and for the kubelet to update the Secret in a running
	// pod.
	renewBefore = 60 * 24 * time.Hour
	// clockSkew is how far a node's clock may be behind the operator's clock.
	clockSkew = time.Hour

	tokenBytes = 32
)

// Credentials are what a caller needs from a session's Secret to call its bot.
type Credentials struct {
	// Token authenticates the caller to the bot.
	Token string
	// Certificates, in PEM, are the only ones that the bot may serve: the present one, then the previous one if
	// there was one.
	Certificates [][]byte
	// RenewAt is when the serving certificate is due to be replaced.
	RenewAt time.Time
}

// Renewal says why a session's credentials have to be replaced; empty means that they are good.
type Renewal string

// The reasons to renew.
const (
	RenewalNone Renewal = ""
	// RenewalMissing: there is no Secret.
	RenewalMissing Renewal = "Missing"
	// RenewalInvalid: the token, the certificate or its key is not usable.
	RenewalInvalid Renewal = "Invalid"
	// RenewalExpiring: the certificate is due to be replaced.
	RenewalExpiring Renewal = "Expiring"
)

// DecideRenewal decides whether a session's credentials have to be replaced now, and why.
func DecideRenewal(session *v1alpha1.WhatsAppSession, secret *corev1.Secret, now time.Time) Renewal {
	if secret == nil {
		return RenewalMissing
	}
	credentials, err := Read(session, secret)
	switch {
	case err != nil:
		return RenewalInvalid
	case !now.Before(credentials.RenewAt):
		return RenewalExpiring
	}
	return RenewalNone
}

// Read reads the session's Secret. The error names the key that is wrong.
func Read(session *v1alpha1.WhatsAppSession, secret *corev1.Secret) (Credentials, error) {
	token := strings.TrimSpace(string(secret.Data[KeyToken]))
	if !bot.ValidToken(token) {
		return Credentials{}, fmt.Errorf("secret %s: %s must be %d to %d printable characters without spaces",
			secret.Name, KeyToken, bot.MinToken, bot.MaxToken)
	}
	certificate, err := readCertificate(secret.Data)
	if err != nil {
		return Credentials{}, fmt.Errorf("secret %s: %w", secret.Name, err)
	}
	if err := certificate.VerifyHostname(naming.ServerName(session)); err != nil {
		return Credentials{}, fmt.Errorf("secret %s: %s: %w", secret.Name, KeyCertificate, err)
	}
	return Credentials{
		Token:        token,
		Certificates: trusted(certificate, secret.Data[KeyRoots]),
		RenewAt:      certificate.NotAfter.Add(-renewBefore),
	}, nil
}

// trusted lists the present certificate and at most one other from the roots.
func trusted(present *x509.Certificate, roots []byte) [][]byte {
	certificates := [][]byte{encodeCertificate(present.Raw)}
	for block, rest := pem.Decode(roots); block != nil && len(certificates) < 2; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" && !bytes.Equal(block.Bytes, present.Raw) {
			certificates = append(certificates, encodeCertificate(block.Bytes))
		}
	}
	return certificates
}

// Build builds the session's Secret. A valid token stays, so that callers need not fetch it again. The previous
// certificate stays among the roots until the next renewal, because a running bot serves it until its kubelet has
// updated the mounted Secret.
func Build(session *v1alpha1.WhatsAppSession, existing *corev1.Secret, now time.Time) (*corev1.Secret, error) {
	secret := &corev1.Secret{Type: corev1.SecretTypeOpaque}
	if existing != nil {
		secret = existing.DeepCopy()
	}
	meta := naming.ObjectMeta(session)
	meta.ResourceVersion, meta.UID = secret.ResourceVersion, secret.UID
	previous := secret.Data
	secret.ObjectMeta = meta

	certificate, key, err := newCertificate(session, now)
	if err != nil {
		return nil, fmt.Errorf("create the serving certificate of session %s: %w", session.Name, err)
	}
	secret.Data = map[string][]byte{
		KeyToken:       previous[KeyToken],
		KeyCertificate: certificate,
		KeyPrivateKey:  key,
		KeyRoots:       certificate,
	}
	if !bot.ValidToken(strings.TrimSpace(string(previous[KeyToken]))) {
		secret.Data[KeyToken] = newToken()
	}
	for _, kept := range []string{KeyWebhooks, KeyMessages} {
		if data, found := previous[kept]; found {
			secret.Data[kept] = data
		}
	}
	if old, err := readCertificate(previous); err == nil {
		secret.Data[KeyRoots] = append(bytes.Clone(certificate), encodeCertificate(old.Raw)...)
	}
	return secret, nil
}

func newToken() []byte {
	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails: the program ends instead
	return []byte(base64.RawURLEncoding.EncodeToString(random))
}

// newCertificate creates a self-signed serving certificate for the session's Service and pod. It is its own root: a
// caller that trusts it trusts this one bot only.
func newCertificate(session *v1alpha1.WhatsAppSession, now time.Time) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	name := naming.Name(session)
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name, Organization: []string{"sesi"}},
		DNSNames:              []string{name, name + "." + session.Namespace, naming.ServerName(session)},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(certificateValidity),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return encodeCertificate(der), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// readCertificate reads the serving certificate and checks that the key belongs to it.
func readCertificate(data map[string][]byte) (*x509.Certificate, error) {
	if len(data[KeyCertificate]) == 0 || len(data[KeyPrivateKey]) == 0 {
		return nil, errors.New(KeyCertificate + " or " + KeyPrivateKey + " is missing")
	}
	pair, err := tls.X509KeyPair(data[KeyCertificate], data[KeyPrivateKey])
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", KeyCertificate, KeyPrivateKey, err)
	}
	return pair.Leaf, nil
}
