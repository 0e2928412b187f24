package gateway

import (
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// wahaName is a session's name for a caller: short in their own namespace.
func wahaName(who *caller, s *v1alpha1.WhatsAppSession) string {
	if s.Namespace == who.namespace {
		return s.Name
	}
	return s.Namespace + "." + s.Name
}

func (c *call) wahaView(who *caller, s *v1alpha1.WhatsAppSession) bot.GatewayWAHASession {
	return bot.GatewayWAHASession{Name: wahaName(who, s), Status: wahaStatus(s), Config: configOf(s), Me: wahaMe(s), Engine: bot.WAHAEngine{Engine: "WHATSMEOW"}}
}

// wahaStatus returns a resource's state in WAHA's terms.
func wahaStatus(s *v1alpha1.WhatsAppSession) bot.WAHAStatus {
	if suspended(s) || s.DeletionTimestamp != nil {
		return bot.WAHAStopped
	}
	code := s.Status.QR != nil && s.Status.QR.ExpiresAt != nil
	if status := bot.WAHAStatusOf(s.Status.State, bot.Reason(s.Status.Reason), s.Status.UserAction, code); status != "" {
		return status
	}
	return bot.WAHAStarting
}

func wahaMe(s *v1alpha1.WhatsAppSession) *bot.WAHAMe {
	facts := s.Status.Session
	if facts == nil || !facts.Exists || facts.JID == "" {
		return nil
	}
	account := func(jid string) string {
		return strings.FieldsFunc(jid, func(r rune) bool { return strings.ContainsRune(".:@", r) })[0]
	}
	me := &bot.WAHAMe{ID: account(facts.JID) + "@c.us", JID: facts.JID, PushName: facts.PushName}
	if facts.LID != "" {
		me.LID = account(facts.LID) + "@lid"
	}
	return me
}
