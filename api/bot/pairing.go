package bot

import (
	"encoding/json"
	"fmt"
)

// Code is the current way to link the session. It is a secret: the phone that uses it becomes the bot's account.
type Code struct {
	// Code is the text of the QR code.
	Code string `json:"code"`
	// ExpiresAt is when WhatsApp stops accepting it.
	ExpiresAt Time `json:"expiresAt"`
	// Revision is the revision of the snapshot that the code belongs to.
	Revision uint64 `json:"revision"`
	// PairingCode is the code to type on the phone (XXXX-XXXX), when one was asked for.
	PairingCode string `json:"pairingCode,omitempty"`
	// PairingExpiresAt is when WhatsApp stops accepting the pairing code; it outlives the QR code.
	PairingExpiresAt Time `json:"pairingExpiresAt,omitempty,omitzero"`
}

// LiveCode answers GET PathCode.
type LiveCode struct {
	Code
	// SVG is the code as a picture, when the query asked for it.
	SVG string `json:"svg,omitempty"`
}

// PairRequest asks for a code to type on the phone.
type PairRequest struct {
	// PhoneNumber is the phone's number with its country code; spaces, hyphens and brackets do not matter.
	PhoneNumber string `json:"phoneNumber"`
}

// UnmarshalJSON implements json.Unmarshaler. It takes a whole number too, because scripts send phone numbers so.
func (p *PairRequest) UnmarshalJSON(data []byte) error {
	var given struct {
		PhoneNumber json.RawMessage `json:"phoneNumber"`
	}
	if err := json.Unmarshal(data, &given); err != nil {
		return err
	}
	raw := given.PhoneNumber
	if len(raw) > 0 && raw[0] >= '1' && raw[0] <= '9' {
		p.PhoneNumber = string(raw)
		return nil
	}
	if len(raw) == 0 {
		raw = json.RawMessage(`""`)
	}
	if err := json.Unmarshal(raw, &p.PhoneNumber); err != nil {
		return fmt.Errorf("phoneNumber: %w", err)
	}
	return nil
}

// PairingCode answers POST PathPair.
type PairingCode struct {
	// PairingCode is the code to type on the phone; it reads XXXX-XXXX.
	PairingCode string `json:"pairingCode"`
	// ExpiresAt is when WhatsApp stops accepting it.
	ExpiresAt Time `json:"expiresAt"`
	// Revision is the revision of the snapshot that the code belongs to.
	Revision uint64 `json:"revision"`
}
