package bot

// SessionState is the session at one moment.
type SessionState struct {
	State      State      `json:"state"`
	Reason     Reason     `json:"reason"`
	UserAction UserAction `json:"userAction"`
	// Code is true while there is a QR code to scan.
	Code bool `json:"code,omitempty"`
	At   Time `json:"at"`
}

// SessionChange says that the session came into another state.
type SessionChange struct {
	SessionState
	// Earlier are the two states before, the older first.
	Earlier []SessionState `json:"earlier,omitempty"`
}
