// Package message translates between whatsmeow's protocol buffers and the messages of api/bot. It is pure: it does
// no I/O and keeps no state, and what it does not understand becomes a message of kind unsupported.
package message

import (
	"strings"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/phone"
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

// Address reads a recipient as people and programs write it: a number with its country code as phone.Parse reads it, or
// an address of WhatsApp; "status" is the account's own status. It reports false for
// anything else.
func Address(text string) (types.JID, bool) {
	text = strings.TrimSpace(text)
	if text == "status" {
		return types.StatusBroadcastJID, true
	}
	if user, server, found := strings.Cut(text, "@"); found {
		return addressOf(user, server)
	}
	number, err := phone.Parse(text)
	if err != nil {
		return types.EmptyJID, false
	}
	return types.NewJID(number[1:], types.DefaultUserServer), true
}

func addressOf(user, server string) (types.JID, bool) {
	if server == "c.us" {
		server = types.DefaultUserServer
	}
	digits := user != "" && len(user) <= 40 && strings.Trim(user, "0123456789") == ""
	group := user != "" && len(user) <= 64 && strings.Trim(user, "0123456789-") == ""
	switch {
	case server == types.DefaultUserServer && digits && user != "0": // 0 is WhatsApp's own account
		if _, err := phone.Parse("+" + user); err != nil {
			return types.EmptyJID, false
		}
		return types.NewJID(user, server), true
	case digits && (server == types.DefaultUserServer || server == types.HiddenUserServer || server == types.NewsletterServer):
		return types.NewJID(user, server), true
	case group && server == types.GroupServer:
		return types.NewJID(user, server), true
	case user == types.StatusBroadcastJID.User && server == types.BroadcastServer:
		return types.StatusBroadcastJID, true
	}
	return types.EmptyJID, false
}
