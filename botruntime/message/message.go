// Package message translates between whatsmeow's protocol buffers and the messages of api/bot. It is pure: it does
// no I/O and keeps no state, and what it does not understand becomes a message of kind unsupported.
package message

import (
	"strings"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

// Names finds the other address of a person: the LID of a number, the number of a LID. It returns the empty address
// when it knows none.
type Names func(types.JID) types.JID

// Party describes an address. alt is the person's other address where the message named it.
func (n Names) Party(jid, alt types.JID, name string) bot.Party {
	jid = jid.ToNonAD()
	p := bot.Party{ID: jid.String(), Kind: kindOf(jid), Name: name}
	if p.Kind != bot.PartyPerson {
		return p
	}
	if alt.IsEmpty() && n != nil {
		alt = n(jid)
	}
	for _, form := range []types.JID{jid, alt.ToNonAD()} {
		switch form.Server {
		case types.DefaultUserServer:
			p.Phone = "+" + form.User
			p.ID = form.String()
		case types.HiddenUserServer:
			p.LID = form.String()
		}
	}
	return p
}

func kindOf(jid types.JID) bot.PartyKind {
	switch jid.Server {
	case types.GroupServer:
		return bot.PartyGroup
	case types.NewsletterServer:
		return bot.PartyNewsletter
	case types.BroadcastServer:
		if jid.User == types.StatusBroadcastJID.User {
			return bot.PartyStatus
		}
		return bot.PartyBroadcast
	}
	return bot.PartyPerson
}

// Forms lists every address by which a party may come, the id first: what is recognised by its address must be
// looked for under each.
func Forms(p bot.Party) []string {
	forms := []string{p.ID}
	if p.LID != "" && p.LID != p.ID {
		forms = append(forms, p.LID)
	}
	return forms
}

// Address reads a recipient as people and programs write it: a number with or without its plus sign, spaces, dots,
// hyphens and brackets, or an address of WhatsApp; "status" is the account's own status. It reports false for
// anything else.
func Address(text string) (types.JID, bool) {
	text = strings.TrimSpace(text)
	if text == "status" {
		return types.StatusBroadcastJID, true
	}
	if user, server, found := strings.Cut(text, "@"); found {
		return addressOf(user, server)
	}
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-()\u00a0", r) {
			return -1
		}
		return r
	}, text)
	digits = strings.TrimPrefix(digits, "+")
	if len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" || digits[0] == '0' {
		return types.EmptyJID, false
	}
	return types.NewJID(digits, types.DefaultUserServer), true
}

func addressOf(user, server string) (types.JID, bool) {
	if server == "c.us" {
		server = types.DefaultUserServer
	}
	digits := user != "" && len(user) <= 40 && strings.Trim(user, "0123456789") == ""
	group := user != "" && len(user) <= 64 && strings.Trim(user, "0123456789-") == ""
	switch {
	case digits && (server == types.DefaultUserServer || server == types.HiddenUserServer || server == types.NewsletterServer):
		return types.NewJID(user, server), true
	case group && server == types.GroupServer:
		return types.NewJID(user, server), true
	case user == types.StatusBroadcastJID.User && server == types.BroadcastServer:
		return types.StatusBroadcastJID, true
	}
	return types.EmptyJID, false
}
