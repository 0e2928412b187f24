package bot

import "encoding/json"

// PasskeyStep is what a linking with a passkey waits for.
type PasskeyStep string

// The steps of a linking with a passkey.
const (
	// PasskeySign: a person must sign the challenge with the account's passkey, on WhatsApp's own page.
	PasskeySign PasskeyStep = "sign"
	// PasskeyWait: WhatsApp took the signature, and the phone goes on.
	PasskeyWait PasskeyStep = "wait"
	// PasskeyCompare: a person must say that the phone shows the same code.
	PasskeyCompare PasskeyStep = "compare"
)

// PasskeySignature is what POST PathPasskey takes, as PublicKeyCredential.toJSON() gives it in a browser; other members
// are ignored.
type PasskeySignature struct {
	// ID is the credential's id in base64url.
	ID string `json:"id"`
	// RawID is the same; a browser gives both.
	RawID string `json:"rawId"`
	// Type is always "public-key".
	Type string `json:"type"`
	// Response is what the passkey signed.
	Response PasskeyResponse `json:"response"`
}

// PasskeyResponse is what a passkey signed, each member in base64url.
type PasskeyResponse struct {
	ClientDataJSON    string `json:"clientDataJSON"`
	AuthenticatorData string `json:"authenticatorData"`
	Signature         string `json:"signature"`
	UserHandle        string `json:"userHandle,omitempty"`
}

// Passkey answers GET PathPasskey: what a linking with a passkey waits for. The challenge is a secret: a stranger who
// has it, and makes the account's owner sign it, links a device.
type Passkey struct {
	// Step is what the linking waits for.
	Step PasskeyStep `json:"step"`
	// Options are WebAuthn's request options (PublicKeyCredentialRequestOptionsJSON), while a signature is awaited.
	Options json.RawMessage `json:"options,omitempty"`
	// Console signs Options when it is pasted into the console of a browser's tab with https://web.whatsapp.com.
	Console string `json:"console,omitempty"`
	// Code is what the phone shows too (XXXX-XXXX), once it is known.
	Code string `json:"code,omitempty"`
	// ExpiresAt is when the bot gives the step up.
	ExpiresAt Time `json:"expiresAt"`
	// Revision is the revision of the snapshot that this belongs to.
	Revision uint64 `json:"revision"`
}
