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

// wahaByState translates each state, and wahaByReason the reasons that WAHA reports differently from the rest of their
// state. FAILED makes a script ask for a restart, which helps in each of these states.
var (
	wahaByState = map[State]WAHAStatus{
		StateConnecting:   WAHAStarting,
		StatePairing:      WAHAScanQR,
		StateConnected:    WAHAWorking,
		StateReconnecting: WAHAStarting,
		StateConflict:     WAHAFailed,
		StateLoggedOut:    WAHAFailed,
		StateRestricted:   WAHAFailed,
		StateOutdated:     WAHAFailed,
		StateFailed:       WAHAFailed,
		StateStopped:      WAHAStopped,
	}
	wahaByReason = map[Reason]WAHAStatus{
		ReasonQRTimeout:      WAHAStarting,
		ReasonConnectionLost: WAHAStarting, // no code can be scanned yet, though one is needed
		ReasonQRIdle:         WAHAFailed,
		ReasonPairError:      WAHAStarting,
		ReasonClearedByUser:  WAHAStopped,

		ReasonPasskeyRequired:     WAHAPasskey,
		ReasonPasskeyConfirmation: WAHAStarting, // it continues automatically
	}
)

// WAHAStatusOf returns WAHA's word for a state, with the state's reason, what a person should do, and whether there is a
// code to scan; "" for a state that is not a bot's.
func WAHAStatusOf(state State, reason Reason, action UserAction, code bool) WAHAStatus {
	switch {
	case reason == ReasonPasskeyConfirmation && action == ActionSignPasskey:
		return WAHAPasskeyConfirm
	case reason == ReasonPasskeyFailed && !code:
		return WAHAStarting // a code follows
	}
	if status, ok := wahaByReason[reason]; ok {
		return status
	}
	return wahaByState[state]
}

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
	// Presence is always empty: the bot does not show itself as available.
	Presence struct{} `json:"presence"`
	// Timestamps says when the session last changed, in milliseconds.
	Timestamps WAHATimestamps `json:"timestamps"`
}

// WAHAOrder names a session in WAHA's older paths.
type WAHAOrder struct {
	Name string `json:"name" required:"true"`
	// Logout belongs to stop: it also unlinks the session; the gateway then deletes it.
	Logout bool `json:"logout,omitempty"`
}

// WAHAOldStart names a session that shall run.
type WAHAOldStart struct {
	Name string `json:"name" required:"true"`
	// Config must be empty on a bot: it is configured by its environment.
	Config map[string]any `json:"config,omitempty"`
}

// WAHAHealth says whether the server works.
type WAHAHealth struct {
	// Status is ok or error.
	Status string `json:"status"`
	// Info are the parts that work, Error those that do not, Details all.
	Info    map[string]WAHAPart `json:"info"`
	Error   map[string]WAHAPart `json:"error"`
	Details map[string]WAHAPart `json:"details"`
}

// WAHAPart is a part of the server: up or down.
type WAHAPart struct {
	Status string `json:"status"`
	// Message says what is wrong.
	Message string `json:"message,omitempty"`
}

// WAHATimestamps says when things happened to a session.
type WAHATimestamps struct {
	// Activity is null where it is not known.
	Activity *int64 `json:"activity"`
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
