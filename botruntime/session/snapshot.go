package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// snapshot returns m in the form of the contract. Only the revision and the time of the change are missing.
func (m model) snapshot() bot.Snapshot {
	words := sentences[m.reason]
	s := bot.Snapshot{
		ClientID: m.self.ClientID, Instance: m.self.Instance,
		State: m.state, Reason: m.reason, Message: words.text, UserAction: words.action,
		Exists: m.linked, Authenticated: m.linked && m.authenticated,
		Connected: m.socket == socketUp && m.state == bot.StateConnected,
		Expired:   m.ended.yes(),
		JID:       m.account.jid, LID: m.account.lid, PushName: m.account.pushName,
		LinkedAt: bot.At(m.linkedAt), ConnectedAt: bot.At(m.connectedAt), RetryAt: bot.At(m.retryAt),
		QRExpiresAt: bot.At(m.codeExpires),
		Notice:      m.shownNotice(), BackupAt: bot.At(m.backup.at), WebVersion: m.version.shown(),
		Path: m.files.Path, Size: m.files.Size, LastModified: bot.At(m.files.LastModified),
	}
	if m.detail != "" {
		s.Message += " (" + m.detail + ")"
	}
	m.describeOutage(&s)
	if m.state == bot.StateRestricted {
		s.RestrictedUntil = bot.At(m.restrictedUntil)
	}
	switch m.state {
	case bot.StateConnecting, bot.StatePairing, bot.StateLoggedOut:
		s.QRRequired = !m.linked && !m.outage.yes() && !m.passkey.open()
	}
	if m.passkey.step == passkeyCompare {
		s.Message, s.UserAction = comparePasskeyCodes, bot.ActionSignPasskey
	}
	if s.QRRequired && s.UserAction == bot.ActionNone {
		s.UserAction = bot.ActionScanQR
	}
	if m.state == bot.StateConflict && (m.socket != socketDown || !m.retryAt.IsZero()) {
		s.UserAction = bot.ActionNone
		s.Message = "Another client uses this session; taking it back in a moment."
	}
	return s
}

// describeOutage says why WhatsApp cannot be reached. Without a connection there is no code, so nobody is asked to scan
// one.
func (m model) describeOutage(s *bot.Snapshot) {
	if !m.outage.yes() {
		return
	}
	switch m.state {
	case bot.StateConnecting, bot.StateReconnecting, bot.StatePairing:
		s.Message = m.outage.words
	case bot.StateLoggedOut:
		s.Message += " " + m.outage.words
	default:
		return
	}
	s.UserAction = bot.ActionNone
	if m.outage.lasting {
		s.UserAction = bot.ActionCheckNetwork
	}
}

// shownNotice is the warning that matters most now.
func (m model) shownNotice() bot.Notice {
	if m.notice == bot.NoticeNone && m.backup.failing {
		return bot.NoticeBackupFailing
	}
	return m.notice
}

// code returns the current code, if there is one at now.
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
