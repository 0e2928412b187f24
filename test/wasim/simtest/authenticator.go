package simtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"testing"

	"sesi.dev/sesi/test/wasim/sim"
)

// Authenticator holds the passkey of an account, as a phone or a password manager does.
type Authenticator struct {
	CredentialID []byte
	Key          *ecdsa.PrivateKey
	// Origin is where the person signs; a browser fills it in.
	Origin string
}

// NewAuthenticator makes a passkey.
func NewAuthenticator(t testing.TB) *Authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("make a passkey: %v", err)
	}
	id := make([]byte, 32)
	_, _ = rand.Read(id)
	return &Authenticator{CredentialID: id, Key: key, Origin: "https://web.whatsapp.com"}
}

// Passkey is the public part, for the account.
func (a *Authenticator) Passkey() *sim.Passkey {
	return &sim.Passkey{CredentialID: a.CredentialID, Public: &a.Key.PublicKey}
}

// Sign answers WebAuthn request options as PublicKeyCredential.toJSON() does in a browser.
func (a *Authenticator) Sign(t testing.TB, options []byte) []byte {
	t.Helper()
	var asked struct {
		Challenge string `json:"challenge"`
		RPID      string `json:"rpId"`
	}
	if err := json.Unmarshal(options, &asked); err != nil {
		t.Fatalf("read the request options: %v", err)
	}
	client, err := json.Marshal(map[string]any{
		"type": "webauthn.get", "challenge": asked.Challenge, "origin": a.Origin, "crossOrigin": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	party, signed := sha256.Sum256([]byte(asked.RPID)), sha256.Sum256(client)
	const userPresentAndVerified = 5
	data := slices.Concat(party[:], []byte{userPresentAndVerified, 0, 0, 0, 1})
	digest := sha256.Sum256(slices.Concat(data, signed[:]))
	signature, err := ecdsa.SignASN1(rand.Reader, a.Key, digest[:])
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	text := base64.RawURLEncoding.EncodeToString
	out, err := json.Marshal(map[string]any{
		"id": text(a.CredentialID), "rawId": text(a.CredentialID), "type": "public-key",
		"authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{},
		"response": map[string]any{
			"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature), "userHandle": text([]byte("user")),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
