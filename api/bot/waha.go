package bot

// WAHAStatus is WAHA's word for the state of a session.
type WAHAStatus string

// WAHA's words.
const (
	WAHAStopped  WAHAStatus = "STOPPED"
	WAHAStarting WAHAStatus = "STARTING"
	WAHAScanQR   WAHAStatus = "SCAN_QR_CODE"
	WAHAWorking  WAHAStatus = "WORKING"
	WAHAFailed   WAHAStatus = "FAILED"

	WAHAPasskey        WAHAStatus = "PASSKEY_REQUIRED"
	WAHAPasskeyConfirm WAHAStatus = "PASSKEY_CONFIRMATION_REQUIRED"
)

// WAHASession is a session as WAHA shows it.
type WAHASession struct {
	// Name is the client ID.
	Name string `json:"name"`
	// Status is the state in WAHA's words.
	Status WAHAStatus `json:"status"`
	// Config is always empty: a bot is configured by its environment.
	Config struct{} `json:"config"`
	// Me is the linked account; null when no phone is linked.
	Me *WAHAMe `json:"me"`
	// Engine names the library under the API.
	Engine WAHAEngine `json:"engine"`
}

// WAHAEngine names the library under the API.
type WAHAEngine struct {
	// Engine is always "WHATSMEOW".
	Engine string `json:"engine"`
}

// WAHAMe is the linked account.
type WAHAMe struct {
	// ID is the account's address in WAHA's form (…@c.us).
	ID string `json:"id"`
	// LID is the account's hidden address, without the device.
	LID string `json:"lid,omitempty"`
	// JID is the device's address in WhatsApp's form.
	JID string `json:"jid"`
	// PushName is the name that the account shows.
	PushName string `json:"pushName"`
}

// WAHAPing answers GET PathWAHAPing.
type WAHAPing struct {
	// Message is always "pong".
	Message string `json:"message"`
}

// WAHAImage is the QR code's picture in JSON.
type WAHAImage struct {
	// MIMEType is the picture's type.
	MIMEType string `json:"mimetype"`
	// Data is the picture in base64.
	Data string `json:"data"`
}

// WAHAValue is the QR code's text.
type WAHAValue struct {
	// Value is the text.
	Value string `json:"value"`
}

// WAHAPasskeyCode is the code that the phone shows too.
type WAHAPasskeyCode struct {
	// Code reads XXXX-XXXX.
	Code string `json:"code"`
}

// WAHACode is the code to type on the phone.
type WAHACode struct {
	// Code reads XXXX-XXXX.
	Code string `json:"code"`
}
