package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Origin is the web origin that a passkey of WhatsApp is bound to.
const Origin = "https://web.whatsapp.com"

// maxAssertion bounds what is read of a person's answer, in bytes.
const maxAssertion = 16 << 10

// Bounds of a challenge's life. WhatsApp's options say ten minutes.
const (
	defaultLife = 10 * time.Minute
	shortLife   = 30 * time.Second
	longLife    = 30 * time.Minute
)

// ErrAssertion is an answer that cannot be one to the challenge. Its text says what is wrong, never what it holds.
var ErrAssertion = errors.New("not an answer to this challenge")

// assertion has the members that WhatsApp takes; a browser's toJSON() adds others.
type assertion struct {
	ID       string   `json:"id"`
	RawID    string   `json:"rawId"`
	Type     string   `json:"type"`
	Response response `json:"response"`

	rawID []byte
}

type response struct {
	ClientDataJSON    string `json:"clientDataJSON"`
	AuthenticatorData string `json:"authenticatorData"`
	Signature         string `json:"signature"`
	UserHandle        string `json:"userHandle,omitempty"`
}

// parseAssertion reads the JSON of a PublicKeyCredential and checks what can be checked here, so that a mistake
// is told in words before WhatsApp refuses it.
func parseAssertion(raw []byte, challenge string) (assertion, error) {
	var a assertion
	if len(raw) > maxAssertion {
		return a, fmt.Errorf("%w: it has more than %d bytes", ErrAssertion, maxAssertion)
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return a, fmt.Errorf("%w: it is not the JSON of a passkey credential", ErrAssertion)
	}
	if a.Type != "public-key" {
		return a, fmt.Errorf("%w: type must be public-key", ErrAssertion)
	}
	if a.RawID == "" {
		a.RawID = a.ID
	}
	var client []byte
	for _, field := range []struct {
		name  string
		value *string
		into  *[]byte
		may   bool
	}{
		{"rawId", &a.RawID, &a.rawID, false},
		{"response.clientDataJSON", &a.Response.ClientDataJSON, &client, false},
		{"response.authenticatorData", &a.Response.AuthenticatorData, nil, false},
		{"response.signature", &a.Response.Signature, nil, false},
		{"response.userHandle", &a.Response.UserHandle, nil, true},
	} {
		decoded, err := decodeBase64(*field.value)
		if err != nil || len(decoded) == 0 && !field.may {
			return a, fmt.Errorf("%w: %s is missing or not base64url", ErrAssertion, field.name)
		}
		*field.value = base64.RawURLEncoding.EncodeToString(decoded)
		if field.into != nil {
			*field.into = decoded
		}
	}
	a.ID = a.RawID
	return a, checkClientData(client, challenge)
}

// checkClientData checks that a browser signed this challenge on WhatsApp's own page.
func checkClientData(raw []byte, challenge string) error {
	var client struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
		Origin    string `json:"origin"`
	}
	if err := json.Unmarshal(raw, &client); err != nil {
		return fmt.Errorf("%w: response.clientDataJSON is not JSON", ErrAssertion)
	}
	signed, err := decodeBase64(client.Challenge)
	asked, askedErr := decodeBase64(challenge)
	switch {
	case client.Type != "webauthn.get":
		return fmt.Errorf("%w: the passkey was created, not used (type is not webauthn.get)", ErrAssertion)
	case err != nil || askedErr != nil || string(signed) != string(asked):
		return fmt.Errorf("%w: an earlier challenge was signed; take the current one", ErrAssertion)
	case client.Origin != Origin:
		return fmt.Errorf("%w: it was signed on another page than %s", ErrAssertion, Origin)
	}
	return nil
}

// decodeBase64 takes base64 in both alphabets, with and without padding: tools between a browser and the bot
// change it.
func decodeBase64(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	return base64.RawURLEncoding.DecodeString(text)
}

// options are WebAuthn's request options; only these members are read.
type options struct {
	Challenge string `json:"challenge"`
	Timeout   int64  `json:"timeout"` // milliseconds
}

// parseOptions checks WhatsApp's request options and returns how long they can be answered.
func parseOptions(raw []byte) (options, time.Duration, error) {
	var o options
	if err := json.Unmarshal(raw, &o); err != nil {
		return o, 0, errors.New("WhatsApp's passkey challenge is not JSON")
	}
	if decoded, err := decodeBase64(o.Challenge); err != nil || len(decoded) == 0 {
		return o, 0, errors.New("WhatsApp's passkey options have no challenge")
	}
	life := defaultLife
	if o.Timeout > 0 {
		life = min(max(time.Duration(o.Timeout)*time.Millisecond, shortLife), longLife)
	}
	return o, life, nil
}
