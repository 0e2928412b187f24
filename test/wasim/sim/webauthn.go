package sim

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// What WebAuthn binds an assertion to.
const (
	relyingParty = "whatsapp.com"
	webOrigin    = "https://web.whatsapp.com"
)

// Passkey is the public part of a credential that an account has.
type Passkey struct {
	CredentialID []byte
	// Public verifies ES256 signatures.
	Public *ecdsa.PublicKey

	phone string
}

type requestOptions struct {
	Challenge        string              `json:"challenge"`
	Timeout          int64               `json:"timeout"`
	RPID             string              `json:"rpId"`
	AllowCredentials []allowedCredential `json:"allowCredentials"`
	UserVerification string              `json:"userVerification"`
	Extensions       map[string]any      `json:"extensions"`
}

type allowedCredential struct {
	ID         string   `json:"id"`
	Type       string   `json:"type"`
	Transports []string `json:"transports"`
}

// assertion is what PublicKeyCredential.toJSON() gives. The real client sends these members and no others.
type assertion struct {
	ID       string `json:"id"`
	RawID    string `json:"rawId"`
	Type     string `json:"type"`
	Response struct {
		ClientDataJSON    string `json:"clientDataJSON"`
		AuthenticatorData string `json:"authenticatorData"`
		Signature         string `json:"signature"`
		UserHandle        string `json:"userHandle,omitempty"`
	} `json:"response"`
}

// verify checks an assertion as a relying party does (W3C Web Authentication Level 2, section 7.2).
func (k *Passkey) verify(optionsJSON, credentialID, assertionJSON []byte) error {
	var options requestOptions
	if err := json.Unmarshal(optionsJSON, &options); err != nil {
		return err
	}
	var sent assertion
	if err := decodeStrictly(assertionJSON, &sent); err != nil {
		return fmt.Errorf("the assertion cannot be read: %w", err)
	}
	var parts [4][]byte
	for i, text := range []string{sent.RawID, sent.Response.ClientDataJSON, sent.Response.AuthenticatorData, sent.Response.Signature} {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("the assertion is not in base64url without padding: %w", err)
		}
		parts[i] = raw
	}
	rawID, clientData, authenticator, signature := parts[0], parts[1], parts[2], parts[3]
	var client struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
		Origin    string `json:"origin"`
	}
	if err := json.Unmarshal(clientData, &client); err != nil {
		return fmt.Errorf("the client data cannot be read: %w", err)
	}
	const userPresent, userVerified = 1, 4
	party := sha256.Sum256([]byte(options.RPID))
	signed := sha256.Sum256(clientData)
	digest := sha256.Sum256(slices.Concat(authenticator, signed[:]))
	switch {
	case sent.Type != "public-key" || sent.ID != sent.RawID:
		return errors.New("the assertion is not a public key credential")
	case string(rawID) != string(k.CredentialID) || string(credentialID) != string(k.CredentialID):
		return errors.New("the credential is not the account's")
	case client.Type != "webauthn.get":
		return errors.New("the client data is not that of an assertion")
	case client.Challenge != options.Challenge:
		return errors.New("another challenge was signed")
	case client.Origin != webOrigin:
		return fmt.Errorf("it was signed on %q", client.Origin)
	case len(authenticator) < 37 || string(authenticator[:32]) != string(party[:]):
		return errors.New("it was signed for another relying party")
	case authenticator[32]&userPresent == 0 || authenticator[32]&userVerified == 0:
		return errors.New("the user was not verified")
	case !ecdsa.VerifyASN1(k.Public, digest[:], signature):
		return errors.New("the signature is wrong")
	}
	return nil
}

// decodeStrictly reads JSON and refuses members that it does not know.
func decodeStrictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
