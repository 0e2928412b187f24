package httpapi

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// StoredSession is what the store holds.
type StoredSession struct {
	// Exists is true only when the store holds a linked device.
	Exists bool `json:"exists"`
	// LastModified and Size (bytes) are of the session directory; null and 0 when no session exists.
	LastModified bot.Time `json:"lastModified"`
	Size         int64    `json:"size"`
	// Path is the session directory, as configured.
	Path string `json:"path"`
}

// Status answers GET /api/session/status: what is stored, and then the rest of the snapshot.
type Status struct {
	StoredSession
	// Message says how the session stands, in the language of the request.
	Message string `json:"message"`

	rest
}

// rest is the snapshot one level down: where it and the answer around it share a field, the answer's stands.
type rest struct{ bot.Snapshot }

// Health answers GET /api/health.
type Health struct {
	// Status is "OK", or "ERROR" (and the HTTP status 503) when the storage or the bot's own loop is broken.
	// That a code must be scanned is no error.
	Status string `json:"status"`
	// WhatsApp is the connection in whatsapp-web.js's usual words: connected, authenticated, qr_ready,
	// auth_failed, disconnected.
	WhatsApp string `json:"whatsapp"`
	// Authenticated is true when WhatsApp accepted the linked device and has not rejected it since.
	Authenticated bool          `json:"authenticated"`
	Session       HealthSession `json:"session"`
	// Errors say what is broken.
	Errors []string `json:"errors,omitempty"`
}

// HealthSession is the part of Health about the session.
type HealthSession struct {
	Exists   bool          `json:"exists"`
	Info     StoredSession `json:"info"`
	AuthPath string        `json:"authPath"`
	ClientID string        `json:"clientId"`
}

// LiveCode answers GET /api/session/qr.
type LiveCode struct {
	bot.Code
	// SVG is the code as a picture, when the query asked for it.
	SVG string `json:"svg,omitempty"`
}

// Done answers a request that changed the session.
type Done struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
}

// PairRequest asks for a code to type into the phone.
type PairRequest struct {
	// PhoneNumber is the phone's number with its country code; spaces, hyphens and brackets do not matter.
	PhoneNumber string `json:"phoneNumber"`
}

// PairingCode is the code to type into the phone.
type PairingCode struct {
	// PairingCode reads XXXX-XXXX.
	PairingCode string `json:"pairingCode"`
	// ExpiresAt is when WhatsApp stops accepting it.
	ExpiresAt bot.Time `json:"expiresAt"`
	// Revision is that of the snapshot the code belongs to.
	Revision uint64 `json:"revision"`
}

// stored says what of a snapshot is in the store.
func stored(s *bot.Snapshot) StoredSession {
	if !s.Exists {
		return StoredSession{Path: s.Path}
	}
	return StoredSession{Exists: true, LastModified: s.LastModified, Size: s.Size, Path: s.Path}
}

// classifyWhatsApp says the state in the words that whatsapp-web.js bots use for it.
func classifyWhatsApp(s *bot.Snapshot, now time.Time) string {
	switch {
	case s.Connected:
		return "connected"
	case s.Reason == bot.ReasonPaired:
		return "authenticated"
	case s.State == bot.StateLoggedOut:
		return "auth_failed"
	case s.QRExpiresAt.After(now):
		return "qr_ready"
	}
	return "disconnected"
}

// describeStatus says how a session stands, as the status endpoint always has for those who know it from
// whatsapp-web.js: whether it is stored, and whether a code must be scanned.
func describeStatus(s *bot.Snapshot) text {
	if s.Exists {
		switch s.State {
		case bot.StateConflict:
			return text{"Session tersimpan, tetapi sedang dipakai di tempat lain", "Session is stored, but in use elsewhere"}
		case bot.StateRestricted:
			return text{"Session tersimpan, tetapi akun dibatasi sementara oleh WhatsApp", "Session is stored, but WhatsApp restricts the account for a while"}
		case bot.StateOutdated:
			return text{"Session tersimpan, tetapi versi WhatsApp Web bot ditolak", "Session is stored, but WhatsApp rejects the bot's web version"}
		case bot.StateFailed:
			return text{"Session tersimpan, tetapi WhatsApp menolak login", "Session is stored, but WhatsApp refuses the login"}
		case bot.StateStopped:
			return text{"Session tersimpan, tetapi dihentikan", "Session is stored, but stopped"}
		}
		return text{"Session tersimpan dan siap digunakan", "Session is stored and ready to use"}
	}
	switch {
	case s.Reason == bot.ReasonAccountBanned:
		return text{"Session berakhir - WhatsApp menolak akun ini", "Session ended - WhatsApp rejected this account"}
	case s.Reason == bot.ReasonPrimaryDeviceGone:
		return text{"Session berakhir - buka WhatsApp di ponsel lebih dulu", "Session ended - open WhatsApp on the phone first"}
	case s.Expired:
		return text{"Session kedaluwarsa - perlu scan QR code lagi", "Session expired - scan a QR code again"}
	case s.Notice == bot.NoticeRelinkNeeded:
		return text{"Session whatsapp-web.js ditemukan dan tidak dapat diubah - perlu scan QR code sekali lagi",
			"A whatsapp-web.js session was found and cannot be converted - scan a QR code once more"}
	}
	return text{"Session belum tersimpan - perlu scan QR code", "No session is stored yet - scan a QR code"}
}
