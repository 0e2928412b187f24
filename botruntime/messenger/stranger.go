package messenger

import (
	"slices"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// Anyone can send the account a receipt, an edit or a revocation that names any message: WhatsApp's server cannot look
// into it, and an id that a caller chose can be guessed. So each is held against what the journal knows of the message.

// concerns reports whether a chat, as WhatsApp names it, is that of a message. alt is the chat's other address, where
// WhatsApp names it too.
func (m *Messenger) concerns(of bot.Message, chat, alt types.JID) bool {
	if chat.Server == types.GroupServer || chat.Server == types.BroadcastServer {
		alt = types.EmptyJID // it is the sender's
	}
	return overlap(m.forms(of.Chat), m.forms(m.Names.Party(chat, alt, "")))
}

// mayRead reports whether a status post is for someone; every other message is for all in its chat.
func (m *Messenger) mayRead(post bot.Message, who types.JID) bool {
	if post.Chat.Kind != bot.PartyStatus {
		return true
	}
	people := audience(post.Status)
	if len(people) == 0 {
		return post.UnsupportedType != journal.Unreadable // then nobody knows for whom it was
	}
	forms := m.forms(m.Names.Party(who, types.EmptyJID, ""))
	return overlap(forms, m.forms(post.From)) ||
		slices.ContainsFunc(people, func(one types.JID) bool { return overlap(forms, m.forms(m.Names.Party(one, types.EmptyJID, ""))) })
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(one string) bool { return slices.Contains(b, one) })
}

// handed reports whether a message was handed to WhatsApp, at least once.
func handed(m bot.Message) bool {
	return slices.ContainsFunc(m.History, func(step bot.StateAt) bool { return step.State == bot.MessageSending })
}

// forged reports whether an edit or a revocation is about a message that somebody else wrote. WhatsApp's server lets only
// an admin of a group mark a revocation as an admin's.
func (m *Messenger) forged(t *journal.Tx, r message.Received) (bool, error) {
	var id string
	var authors []string
	switch edit, revoke := r.Data.Edit, r.Data.Revoke; {
	case edit != nil:
		id, authors = edit.ID, m.authors(edit.From, edit.FromMe)
	case revoke != nil && !r.ByAdmin:
		id, authors = revoke.ID, m.authors(revoke.From, revoke.FromMe)
	default:
		return false, nil
	}
	writers, err := t.Writers(id, m.forms(r.Chat)...)
	return len(writers) > 0 && !overlap(writers, authors), err
}

// authors are the addresses under which the journal has what someone wrote.
func (m *Messenger) authors(who bot.Party, account bool) []string {
	forms := m.forms(who)
	if !account {
		return forms
	}
	snap := m.snapshot()
	for _, jid := range []string{snap.JID, snap.LID} { // whichever of them the phone used
		if own := bot.Account(jid); own != "" {
			forms = append(forms, own)
		}
	}
	return forms
}
