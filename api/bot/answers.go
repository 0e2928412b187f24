package bot

// StoredSession describes the session on disk.
type StoredSession struct {
	// Exists is true only when the database holds a linked device.
	Exists bool `json:"exists"`
	// LastModified is when the session directory last changed; null when no session exists.
	LastModified Time `json:"lastModified"`
	// Size is the size of the session directory in bytes; 0 when no session exists.
	Size int64 `json:"size"`
	// Path is the session directory, as configured.
	Path string `json:"path"`
}

// Stored returns the part of a snapshot that describes the session on disk.
func Stored(s *Snapshot) StoredSession {
	if !s.Exists {
		return StoredSession{Path: s.Path}
	}
	return StoredSession{Exists: true, LastModified: s.LastModified, Size: s.Size, Path: s.Path}
}

// Status answers GET PathStatus: the session on disk, a sentence, and the other fields of the snapshot.
type Status struct {
	StoredSession
	// Message says how the session is, in the language of the request.
	Message string `json:"message"`

	rest
}

// rest puts the snapshot one level deeper, so that the fields of Status win over the snapshot's fields of the
// same name. Without it encoding/json would leave out both.
type rest struct{ Snapshot }

// NewStatus returns the status of a snapshot.
func NewStatus(s *Snapshot, message string) Status {
	return Status{StoredSession: Stored(s), Message: message, rest: rest{*s}}
}

// Health answers GET PathHealth.
type Health struct {
	// Status is "OK", or "ERROR" with HTTP status 503 when the storage or the bot's loop is broken. A session that
	// waits for a scan is healthy.
	Status string `json:"status"`
	// WhatsApp is the connection in whatsapp-web.js's words: connected, authenticated, qr_ready, auth_failed or
	// disconnected.
	WhatsApp string `json:"whatsapp"`
	// Authenticated is true when WhatsApp accepted the linked device and has not rejected it since.
	Authenticated bool `json:"authenticated"`
	// Session describes the session.
	Session HealthSession `json:"session"`
	// Errors lists the parts that are broken.
	Errors []string `json:"errors,omitempty"`
}

// HealthSession is the part of Health that describes the session.
type HealthSession struct {
	// Exists is true only when the database holds a linked device.
	Exists bool `json:"exists"`
	// Info describes the session on disk.
	Info StoredSession `json:"info"`
	// AuthPath is the folder of all sessions, as configured.
	AuthPath string `json:"authPath"`
	// ClientID is the session's name.
	ClientID string `json:"clientId"`
}

// Home answers GET PathHome for programs. It needs no token, so it says nothing of the session.
type Home struct {
	// Status is "OK", or "ERROR" with HTTP status 503 when the storage or the bot's loop is broken.
	Status string `json:"status"`
	// Page, Health and OpenAPI are the addresses of the page, the health answer and this document.
	Page    string `json:"page"`
	Health  string `json:"health"`
	OpenAPI string `json:"openapi"`
}

// Done answers a request that changed the session.
type Done struct {
	// Success is true; a failure is answered with a Problem.
	Success bool `json:"success"`
	// Message says what was done, in the language of the request.
	Message string `json:"message"`
}
