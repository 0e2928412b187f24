package messenger

import (
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/turn"
)

// Take writes an event and reports whether it is on disk; only then may it be acknowledged to WhatsApp. Take is the
// session's sink.
func (m *Messenger) Take(evt any, in turn.Turn) bool {
	switch evt := evt.(type) {
	case *events.Message:
		m.noteName(evt.Info)
		r := m.Names.Receive(evt)
		if r.Type == "" {
			return true
		}
		a := journal.Arrival{
			Turn: in, Key: keys(r.Type, r)[0], Write: func(t *journal.Tx) error { return m.write(t, r) },
			Instead: func(t *journal.Tx) error { return m.write(t, m.Names.Unstorable(evt)) },
		}
		if evt.UnavailableRequestID != "" { // the phone's own copy: whatsmeow acknowledges it whatever the answer is
			a.Key = journal.Key{}
		}
		return m.Inbox.Take(a)
	case *events.UndecryptableMessage:
		r := m.Names.Undecryptable(evt)
		return m.takeOnce(in, func(t *journal.Tx) error { return m.write(t, r) })
	case *events.Receipt:
		return m.takeReceipt(evt, in)
	case *events.CallOffer, *events.CallOfferNotice, *events.CallAccept, *events.CallReject, *events.CallTerminate:
		return m.takeCall(evt, in)
	case *events.Presence:
		m.takePresence(evt)
	case *events.ChatPresence:
		m.takeTyping(evt)
	case *events.MediaRetry:
		m.phones.tell(evt)
	case *events.AppState:
		return m.takeAppState(evt, in)
	}
	return true
}

// takeOnce writes what WhatsApp does not deliver again.
func (m *Messenger) takeOnce(in turn.Turn, write func(*journal.Tx) error) bool {
	return m.Inbox.Take(journal.Arrival{Turn: in, Write: write})
}

// keys returns the keys of an event under every address of its chat and its sender: the same message may come first
// under the number and later under the LID.
func keys(kind bot.EventType, r message.Received) []journal.Key {
	return keysOf(kind, r.Chat, r.From, r.ID)
}

func keysOf(kind bot.EventType, in, from bot.Party, id string) []journal.Key {
	// A message of the account is the same event whether it is called sent or received.
	if kind == bot.EventMessageSent {
		kind = bot.EventMessage
	}
	var all []journal.Key
	for _, sender := range message.Forms(from) {
		chats := message.Forms(in)
		if in.Kind == bot.PartyPerson && in.ID == from.ID {
			chats = []string{sender}
		}
		for _, chat := range chats {
			all = append(all, journal.KeyOf(string(kind), chat, sender, id))
		}
	}
	return all
}

// write writes one event to the journal, and applies it to the messages there.
func (m *Messenger) write(t *journal.Tx, r message.Received) error {
	switch r.Type {
	case bot.EventPoll:
		return m.writeVote(t, r)
	case bot.EventMessageUndecryptable:
		// The message itself may be there already: a stanza that comes twice cannot be decrypted the second time.
		if known, err := t.Seen(keys(bot.EventMessage, r)...); err != nil || known {
			return err
		}
	}
	if r.Answer != nil {
		if err := m.readAnswer(t, &r); err != nil {
			return err
		}
	}
	if forged, err := m.forged(t, r); forged || err != nil {
		if forged {
			t.After(func() {
				m.Log.Warn("an edit or a revocation of a message that somebody else wrote was left out", "type", r.Type)
			})
		}
		return err
	}
	fresh, err := t.Append(keys(r.Type, r), r.Type, r.Chat.ID, r.Data)
	if err != nil {
		return fmt.Errorf("append an event: %w", err)
	}
	t.After(func() { m.Meter.Received(r.Type, !fresh) })
	if !fresh {
		return nil
	}
	if r.Type == bot.EventMessage {
		t.After(m.tally.received)
	}
	switch r.Type {
	case bot.EventMessage, bot.EventMessageSent:
		if r.Chat.Kind == bot.PartyPerson {
			_, err = t.KnowChat(message.Forms(r.Chat)...)
		}
		err = errors.Join(err, t.PutMessage(*r.Data.Message, r.Raw))
		if r.Data.Message.Poll != nil && err == nil {
			err = m.beginPoll(t, r)
		}
	case bot.EventMessageEdited, bot.EventMessageRevoked:
		err = m.apply(t, r.Type, r.Chat, r.ByAdmin, r.Data)
	}
	return err
}
