// Package bot is the contract of a bot's HTTP API: its paths, and the types of its requests, answers, events and
// problems. It makes no decisions and does no I/O. It imports nothing of Kubernetes and nothing of WhatsApp, so
// that bots, the operator and users' programs can all import it. The package client beside it sends requests.
package bot

// Snapshot is the state of a session at one moment, as the bot publishes it. It never holds a QR code, a pairing
// code, a key or a token.
type Snapshot struct {
	// ClientID is the session's name; the session directory is AUTH_PATH/session-CLIENT_ID.
	ClientID string `json:"clientId"`
	// State is the session's state.
	State State `json:"state"`
	// Reason says why the session is in its state.
	Reason Reason `json:"reason"`
	// Message says state and reason in a sentence for a person.
	Message string `json:"message"`
	// Exists is true only when the database holds a linked device.
	Exists bool `json:"exists"`
	// Authenticated is true when WhatsApp accepted the linked device and has not rejected it since.
	Authenticated bool `json:"authenticated"`
	// Connected is true while the bot is logged in over a socket that answers.
	Connected bool `json:"connected"`
	// QRRequired is true when a person with the phone must link the session.
	QRRequired bool `json:"qrRequired"`
	// Expired is true from a logout until the next pairing, also over a restart.
	Expired bool `json:"expired"`
	// UserAction is what a person should do; None when nothing is needed.
	UserAction UserAction `json:"userAction"`
	// JID is the linked device's address by phone number.
	JID string `json:"jid"`
	// LID is the linked device's hidden address.
	LID string `json:"lid"`
	// PushName is the name that the account shows.
	PushName string `json:"pushName"`
	// LinkedAt is when the phone was linked.
	LinkedAt Time `json:"linkedAt"`
	// ConnectedAt is when the current or last connection was made.
	ConnectedAt Time `json:"connectedAt"`
	// LastModified is when the session directory last changed.
	LastModified Time `json:"lastModified"`
	// Size is the size of the session directory in bytes.
	Size int64 `json:"size"`
	// Path is the session directory, as configured.
	Path string `json:"path"`
	// QRExpiresAt is the end of the current QR code; null without a code.
	QRExpiresAt Time `json:"qrExpiresAt"`
	// RestrictedUntil is the end of a temporary ban.
	RestrictedUntil Time `json:"restrictedUntil"`
	// RetryAt is when the bot tries again; null when it does not wait to.
	RetryAt Time `json:"retryAt"`
	// BackupAt is when the newest good backup was taken.
	BackupAt Time `json:"backupAt"`
	// Notice is a warning that outlasts the state, such as StoreRestored; empty when there is none.
	Notice Notice `json:"notice"`
	// Messages says in coarse steps how deliveries and sending are going; it is left out while messages are off.
	Messages *MessagesSummary `json:"messages,omitempty"`
	// WebVersion is the WhatsApp Web version the bot presents.
	WebVersion string `json:"webVersion"`
	// ChangedAt is when this snapshot replaced the one before it.
	ChangedAt Time `json:"changedAt"`
	// Revision grows with every change, also over restarts: it begins with the Unix milliseconds of the process's
	// start.
	Revision uint64 `json:"revision"`
	// Instance names this process of the bot; in a pod it is the pod's UID.
	Instance string `json:"instance"`
}
