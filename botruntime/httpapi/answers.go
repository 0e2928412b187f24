package httpapi

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// classifyWhatsApp returns the word that whatsapp-web.js bots use for the state.
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

// describeStatus returns the status endpoint's sentence: is a session stored, and must a code be scanned? The
// sentences stay as they are, because scripts for older bots compare them.
func describeStatus(s *bot.Snapshot) text {
	if s.Exists {
		switch s.State {
		case bot.StateConnecting, bot.StateReconnecting:
			return text{"Session tersimpan dan sedang menyambung ke WhatsApp", "Session is stored and is connecting to WhatsApp"}
		case bot.StateConflict:
			return text{"Session tersimpan, tetapi sedang dipakai di tempat lain", "Session is stored, but in use elsewhere"}
		case bot.StateRestricted:
			return text{"Session tersimpan, tetapi akun dibatasi sementara oleh WhatsApp", "Session is stored, but WhatsApp restricts the account for a while"}
		case bot.StateOutdated:
			return text{"Session tersimpan, tetapi versi WhatsApp Web bot ditolak", "Session is stored, but WhatsApp rejects the bot's web version"}
		case bot.StateFailed:
			if s.Reason == bot.ReasonStoreUnwritable {
				return text{"Session tersimpan, tetapi disk tidak dapat ditulisi", "Session is stored, but the disk refuses writes"}
			}
			return text{"Session tersimpan, tetapi WhatsApp menolak login", "Session is stored, but WhatsApp refuses the login"}
		case bot.StateStopped:
			return text{"Session tersimpan, tetapi dihentikan", "Session is stored, but stopped"}
		}
		return text{"Session tersimpan dan siap digunakan", "Session is stored and ready to use"}
	}
	switch {
	case s.Reason == bot.ReasonPasskeyRequired:
		return text{"WhatsApp meminta passkey akun ini - tanda tangani di halaman bot", "WhatsApp asks for this account's passkey - sign on the bot's page"}
	case s.Reason == bot.ReasonPasskeyConfirmation:
		return text{"WhatsApp menerima passkey - ponsel menyelesaikan penautan", "WhatsApp took the passkey - the phone finishes the linking"}
	case s.State == bot.StateFailed && s.Reason == bot.ReasonStoreUnwritable:
		return text{"Session belum tersimpan - disk tidak dapat ditulisi", "No session is stored yet - the disk refuses writes"}
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
