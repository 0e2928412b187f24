package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// snapshot says m in the words of the contract; the supervisor adds what the model does not know: the store's
// files, the web version, revision and instance.
func (m model) snapshot() bot.Snapshot {
	said := sentences[m.reason]
	s := bot.Snapshot{
		State: m.state, Reason: m.reason, Message: said.text, UserAction: said.action,
		Exists: m.linked, Authenticated: m.linked && m.authenticated,
		Connected: m.link == linkUp && m.state == bot.StateConnected,
		Expired:   m.expired,
		JID:       m.account.jid, LID: m.account.lid, PushName: m.account.pushName,
		LinkedAt: bot.At(m.linkedAt), ConnectedAt: bot.At(m.connectedAt), RetryAt: bot.At(m.retryAt),
		QRExpiresAt: bot.At(m.codeExpires),
	}
	if m.detail != "" {
		s.Message += " (" + m.detail + ")"
	}
	if m.state == bot.StateRestricted {
		s.RestrictedUntil = bot.At(m.restrictedUntil)
	}
	switch m.state {
	case bot.StateConnecting, bot.StatePairing, bot.StateLoggedOut:
		s.QRRequired = !m.linked
	}
	if s.QRRequired && s.UserAction == bot.ActionNone {
		s.UserAction = bot.ActionScanQR
	}
	if m.state == bot.StateConflict && (m.link != linkDown || !m.retryAt.IsZero()) {
		s.UserAction = bot.ActionNone
		s.Message = "Another client uses this session; taking it back in a moment."
	}
	return s
}

// code returns the live code, if there is one at now.
func (m model) code(now time.Time) (bot.Code, bool) {
	if len(m.codes) == 0 || !now.Before(m.codeExpires) {
		return bot.Code{}, false
	}
	code := bot.Code{Code: m.codes[0], ExpiresAt: bot.At(m.codeExpires), PairingCode: m.pairingCode}
	if code.PairingCode != "" {
		code.PairingExpiresAt = bot.At(m.roundEnds())
	}
	return code, true
}
