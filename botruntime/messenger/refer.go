package messenger

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// editTime is how long WhatsApp accepts an edit of a message, revokeTime how long a revocation.
const editTime, revokeTime = 15 * time.Minute, 60 * time.Hour

// maxEmojiBytes bounds a reaction: the longest emoji is a family of several characters.
const maxEmojiBytes = 64

// about makes the draft act on another message.
func (d *draft) about(kind bot.MessageKind, subject *journal.Record) (message.Subject, error) {
	was := subject.Message
	sender, err := types.ParseJID(was.From.ID)
	if err != nil {
		return message.Subject{}, err
	}
	d.listed = false
	d.shown.Kind = kind
	d.shown.Subject = &bot.Quote{ID: was.ID, From: was.From, Kind: was.Kind}
	return message.Subject{Chat: d.to, Sender: sender, FromMe: was.FromMe, ID: was.ID}, nil
}

func (d *draft) react(ctx context.Context, reaction bot.SendReaction) error {
	if len(reaction.Emoji) > maxEmojiBytes || !utf8.ValidString(reaction.Emoji) {
		return badField("reaction.emoji", "one emoji, or empty")
	}
	found, err := d.subject(ctx, reaction.MessageID)
	if err != nil {
		return err
	}
	subject, err := d.about(bot.KindReaction, found)
	if err != nil {
		return err
	}
	d.shown.Text = reaction.Emoji
	d.content = subject.React(reaction.Emoji, d.m.Journal.Now().UnixMilli())
	return nil
}

func (d *draft) forward(ctx context.Context, from bot.SendForward, expiresIn uint32) error {
	chat := ""
	if from.Chat != "" {
		jid, ok := message.Address(from.Chat)
		if !ok {
			return &Refusal{Kind: bot.ProblemBadRecipient}
		}
		chat = d.m.Names.Party(jid, types.EmptyJID, "").ID
	}
	found, err := d.m.Journal.Message(ctx, from.MessageID, d.m.formsOf(chat)...)
	switch {
	case journal.IsAmbiguous(err):
		return &Refusal{Kind: bot.ProblemAmbiguousMessage}
	case err != nil:
		return err
	case found == nil || len(found.Raw) == 0:
		return &Refusal{Kind: bot.ProblemNoSuchMessage}
	}
	content, err := message.Forward(found.Raw, expiresIn)
	if errors.Is(err, message.ErrNotForwardable) {
		return &Refusal{Kind: bot.ProblemUnsupported}
	}
	if part, _ := message.AttachmentOf(found.Raw); part != nil && part.GetDirectPath() == "" {
		// WhatsApp has not got the file yet, so this message brings it as well.
		if d.held = d.m.Files.Hold(hex.EncodeToString(part.GetFileSHA256())); d.held == nil {
			return &Refusal{Kind: bot.ProblemFileLost}
		}
		d.upload = d.held.SHA256
	}
	return d.set(content, err)
}

// Edit replaces the text of a message of the account. The edit is a separate message in the outbox. The error is a
// *Refusal, or one of the journal's.
func (m *Messenger) Edit(ctx context.Context, key, chat, id string, request bot.EditRequest) (bot.Message, error) {
	stamp := struct {
		Chat, ID string
		Request  bot.EditRequest
	}{chat, id, request}
	if known, err := m.known(ctx, key, stamp); err != nil || known != nil {
		return settledOr(known, err)
	}
	d, found, err := m.change(ctx, chat, id)
	if err != nil {
		return bot.Message{}, err
	}
	was := found.Message
	if !was.FromMe || was.Kind != bot.KindText || !changeable(was) || m.Journal.Now().Sub(sentAt(was)) > editTime {
		return bot.Message{}, &Refusal{Kind: bot.ProblemNotChangeable}
	}
	text, err := d.plainText(request.Text, request.Mentions)
	if err != nil {
		return bot.Message{}, err
	}
	content, err := text.Compose()
	if err != nil {
		return bot.Message{}, err
	}
	subject, err := d.about(bot.KindEdit, found)
	if err != nil {
		return bot.Message{}, err
	}
	d.shown.Text = request.Text
	d.content = subject.Edit(content, m.Journal.Now().UnixMilli())
	return d.add(ctx, key, stamp, time.Time{}, 0)
}

// Delete cancels a message that WhatsApp cannot have yet, and revokes any other, which deletes it for everyone. It
// returns the cancelled message, or the revocation, which is a separate message in the outbox.
func (m *Messenger) Delete(ctx context.Context, key, chat, id string) (bot.Message, error) {
	stamp := struct{ Chat, ID string }{chat, id}
	if known, err := m.known(ctx, key, stamp); err != nil || known != nil {
		return settledOr(known, err)
	}
	if cancelled, err := m.cancel(ctx, chat, id); err != nil || cancelled != nil {
		return settledOr(cancelled, err)
	}
	d, found, err := m.change(ctx, chat, id)
	if err != nil {
		return bot.Message{}, err
	}
	was := found.Message
	// An admin of a group may revoke what others wrote; WhatsApp's server decides.
	if !was.FromMe && was.Chat.Kind != bot.PartyGroup || !changeable(was) || m.Journal.Now().Sub(sentAt(was)) > revokeTime {
		return bot.Message{}, &Refusal{Kind: bot.ProblemNotChangeable}
	}
	subject, err := d.about(bot.KindRevoke, found)
	if err != nil {
		return bot.Message{}, err
	}
	d.content, d.shown.Status = subject.Revoke(), was.Status // those who got a status post must lose it
	return d.add(ctx, key, stamp, time.Time{}, 0)
}

// change finds a message, and begins the one that changes it.
func (m *Messenger) change(ctx context.Context, chat, id string) (*draft, *journal.Record, error) {
	found, err := m.Journal.Message(ctx, id, m.formsOf(chat)...)
	switch {
	case journal.IsAmbiguous(err):
		return nil, nil, &Refusal{Kind: bot.ProblemAmbiguousMessage}
	case err != nil:
		return nil, nil, err
	case found == nil || !found.Message.RevokedAt.IsZero():
		return nil, nil, &Refusal{Kind: bot.ProblemNoSuchMessage}
	}
	to, err := types.ParseJID(found.Message.Chat.ID)
	if err != nil {
		return nil, nil, err
	}
	d, err := m.draft(to)
	if err != nil {
		return nil, nil, err
	}
	d.shown.Chat = found.Message.Chat
	return d, found, nil
}

// sentAt is when a message was last handed to WhatsApp: one with a time of its own, or that was held, may have been in the
// outbox long before. It is the message's own time where the bot did not send it.
func sentAt(m bot.Message) time.Time {
	for _, step := range slices.Backward(m.History) {
		if step.State == bot.MessageSending {
			return step.At.Time
		}
	}
	return m.Timestamp.Time
}

// changeable reports whether recipients have a message, or may have it.
func changeable(was bot.Message) bool {
	switch was.State {
	case bot.MessageFailed, bot.MessageCancelled, bot.MessageQueued, bot.MessageHeld:
		return false
	}
	return true
}

// cancel cancels a message that was never handed to WhatsApp, and returns it; nil when there is no such message. One that
// is cancelled already is returned too: the answer to the first request may be lost.
func (m *Messenger) cancel(ctx context.Context, chat, id string) (cancelled *journal.Send, err error) {
	forms := m.formsOf(chat)
	err = m.Journal.Commit(ctx, func(t *journal.Tx) error {
		cancelled = nil
		previous := bot.MessageState("")
		s, err := t.UpdateSend(id, func(s *journal.Send) bool {
			previous = s.Message.State
			here := chat == "" || slices.Contains(forms, s.Message.Chat.ID)
			if previous == bot.MessageCancelled && here {
				cancelled = s
			}
			if !here || !s.Pending || previous != bot.MessageQueued && previous != bot.MessageHeld || mayBeSent(s.Message) {
				return false
			}
			s.Message.State, s.Message.Hold, s.Pending = bot.MessageCancelled, nil, false
			return true
		})
		if err != nil || s == nil || s.Message.State != bot.MessageCancelled || previous == bot.MessageCancelled {
			return err
		}
		cancelled = s
		return m.tell(t, s, previous)
	})
	return cancelled, err
}

// mayBeSent reports whether an attempt ended without an answer.
func mayBeSent(m bot.Message) bool {
	for _, step := range m.History {
		if step.State == bot.MessageUnknown {
			return true
		}
	}
	return false
}
