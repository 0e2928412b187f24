// Package bot is the contract between a bot and whoever watches it: the words for its state and the
// snapshot it publishes. It has no logic, and it imports nothing of Kubernetes and nothing of WhatsApp, so
// that the bot and the operator can both stand on it.
package bot

// Snapshot is everything a bot says of its session at one moment. It never holds a QR payload, a pairing
// code, a key or a token.
type Snapshot struct {
	// ClientID names the session; with the auth path it names the session directory.
	ClientID string `json:"clientId"`
	// State is where the session stands, Reason why, and Message says both in a sentence for a person.
	State   State  `json:"state"`
	Reason  Reason `json:"reason"`
	Message string `json:"message"`
	// Exists is true only when the store holds a linked device.
	Exists bool `json:"exists"`
	// Authenticated is true when WhatsApp accepted the linked device and has not rejected it since.
	Authenticated bool `json:"authenticated"`
	// Connected is true while the bot is logged in over a socket that answers.
	Connected bool `json:"connected"`
	// QRRequired is true when only a person with the phone can bring the session back.
	QRRequired bool `json:"qrRequired"`
	// Expired is true from a logout until the next pairing, also over a restart.
	Expired bool `json:"expired"`
	// UserAction is what a person should do, None when the bot needs nobody.
	UserAction UserAction `json:"userAction"`
	// JID and LID are the linked account's two addresses, PushName the name it shows.
	JID      string `json:"jid"`
	LID      string `json:"lid"`
	PushName string `json:"pushName"`
	// LinkedAt is when the device was paired, ConnectedAt when the present or last connection was made.
	LinkedAt    Time `json:"linkedAt"`
	ConnectedAt Time `json:"connectedAt"`
	// LastModified and Size (bytes) describe the session directory, Path is as configured.
	LastModified Time   `json:"lastModified"`
	Size         int64  `json:"size"`
	Path         string `json:"path"`
	// QRExpiresAt is the end of the live QR code; null when none is live.
	QRExpiresAt Time `json:"qrExpiresAt"`
	// RestrictedUntil is the end of a temporary ban.
	RestrictedUntil Time `json:"restrictedUntil"`
	// RetryAt is when the bot next acts by itself; null when it is not waiting to.
	RetryAt Time `json:"retryAt"`
	// BackupAt is when the newest good snapshot of the store was taken.
	BackupAt Time `json:"backupAt"`
	// Notice is a warning that outlasts the state, such as StoreRestored; empty when there is none.
	Notice Notice `json:"notice"`
	// WebVersion is the WhatsApp Web version the bot presents.
	WebVersion string `json:"webVersion"`
	// ChangedAt is when this snapshot replaced the one before it.
	ChangedAt Time `json:"changedAt"`
	// Revision grows with every change, also over restarts (it starts at the process's start in Unix
	// milliseconds).
	Revision uint64 `json:"revision"`
	// Instance tells one incarnation of the bot from another; in a pod it is the pod's UID.
	Instance string `json:"instance"`
}

// Code is the live way to link the session. It is a secret: whoever scans it decides which phone the bot
// serves.
type Code struct {
	// Code is the text of the QR code.
	Code string `json:"code"`
	// ExpiresAt is when WhatsApp stops accepting it.
	ExpiresAt Time `json:"expiresAt"`
	// Revision is that of the snapshot the code belongs to.
	Revision uint64 `json:"revision"`
	// PairingCode is the code to type into the phone, when one was asked for (XXXX-XXXX).
	PairingCode string `json:"pairingCode,omitempty"`
	// PairingExpiresAt is when WhatsApp stops accepting that one: it outlives the QR code it came with.
	PairingExpiresAt Time `json:"pairingExpiresAt,omitempty,omitzero"`
}
