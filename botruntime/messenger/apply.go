package messenger

import (
	"fmt"
	"slices"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// applied writes the effect of the bot's reaction, edit or revocation, once WhatsApp's server has accepted it.
func (m *Messenger) applied(t *journal.Tx, s *journal.Send) error {
	about, at := s.Message.Subject, bot.At(t.Now())
	var kind bot.EventType
	var data bot.EventData
	switch s.Message.Kind {
	case bot.KindReaction:
		kind = bot.EventReaction
		data.Reaction = &bot.Reaction{ID: s.Message.ID, MessageID: about.ID, Chat: s.Message.Chat, From: s.Message.From, FromMe: true, At: at, Emoji: s.Message.Text}
	case bot.KindEdit:
		kind = bot.EventMessageEdited
		data.Edit = &bot.Edit{ID: about.ID, Chat: s.Message.Chat, From: s.Message.From, FromMe: true, At: at, Text: s.Message.Text}
		content := &waE2E.Message{}
		if err := proto.Unmarshal(s.Raw, content); err != nil {
			return fmt.Errorf("read an edit of the outbox: %w: %w", journal.ErrUnreadable, err)
		}
		newer, err := proto.Marshal(content.GetEditedMessage().GetMessage().GetProtocolMessage().GetEditedMessage())
		if err != nil {
			return err
		}
		if err := t.ReplaceRaw(about.ID, newer); err != nil {
			return err
		}
	case bot.KindVote:
		return m.voted(t, s)
	case bot.KindPin, bot.KindUnpin:
		kind = bot.EventMessagePinned
		pin, err := pinned(s, at)
		if err != nil {
			return err
		}
		data.Pin = pin
	case bot.KindRevoke:
		kind = bot.EventMessageRevoked
		data.Revoke = &bot.Revoke{ID: about.ID, Chat: s.Message.Chat, From: s.Message.From, FromMe: true, At: at}
	default:
		return nil
	}
	if _, err := t.Append(keysOf(kind, s.Message.Chat, s.Message.From, s.Message.ID), kind, s.Message.Chat.ID, data); err != nil {
		return err
	}
	return m.apply(t, kind, s.Message.Chat, true, data)
}

// apply changes the message that an edit or a revocation is about, in the list of messages and in the outbox. Where anyone
// may do it, WhatsApp's server has checked who did.
func (m *Messenger) apply(t *journal.Tx, kind bot.EventType, in bot.Party, anyone bool, data bot.EventData) error {
	var id string
	var authors []string
	var change func(*journal.Record)
	switch kind {
	case bot.EventMessageEdited:
		edit := data.Edit
		id, authors = edit.ID, m.authors(edit.From, edit.FromMe)
		change = func(r *journal.Record) {
			r.Message.Text, r.Message.EditedAt, r.Raw = edit.Text, edit.At, message.Reworded(r.Raw, edit.Text)
		}
	case bot.EventMessageRevoked:
		revoke := data.Revoke
		id, authors = revoke.ID, m.authors(revoke.From, revoke.FromMe)
		change = func(r *journal.Record) {
			revoked(&r.Message, revoke.At)
			r.Raw = nil
		}
	default:
		return nil
	}
	if anyone {
		authors = []string{""}
	}
	chats := m.forms(in)
	if err := m.applySent(t, id, chats, authors, change); err != nil {
		return err
	}
	for _, chat := range chats {
		for _, author := range authors {
			found, err := t.ChangeMessage(chat, id, author, change)
			if found && err == nil && kind == bot.EventMessageRevoked {
				err = t.ForgetPoll(id, chat)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// applySent changes a message of the outbox. A person who edits or revokes it has it: it is not sent again.
func (m *Messenger) applySent(t *journal.Tx, id string, chats, authors []string, change func(*journal.Record)) error {
	var was bot.MessageState
	var now journal.Record
	changed := false
	s, err := t.UpdateSend(id, func(s *journal.Send) bool {
		was = s.Message.State
		changed = s.Listed && was != bot.MessageCancelled && handed(s.Message) && slices.Contains(chats, s.Message.Chat.ID) &&
			(slices.Contains(authors, "") || slices.Contains(authors, s.Message.From.ID))
		if !changed {
			return false
		}
		now = journal.Record{Message: s.Message, Raw: s.Raw}
		change(&now)
		s.Message = now.Message
		if rank[was] == 0 {
			s.Message.State, s.Message.Hold, s.Message.Problem, s.Pending = bot.MessageSent, nil, nil, false
		}
		return true
	})
	if err != nil || !changed {
		return err
	}
	if err := t.ReplaceRaw(id, now.Raw); err != nil || rank[was] > 0 {
		return err
	}
	if err := m.wasSent(t, s); err != nil {
		return err
	}
	return m.tell(t, s, was)
}

// revoked empties a message that its sender revoked.
func revoked(was *bot.Message, at bot.Time) {
	*was = bot.Message{
		ID: was.ID, Chat: was.Chat, From: was.From, FromMe: was.FromMe, Origin: was.Origin, Kind: was.Kind,
		Timestamp: was.Timestamp, RevokedAt: at, State: was.State, History: was.History,
	}
}
