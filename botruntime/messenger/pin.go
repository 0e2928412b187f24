package messenger

import (
	"context"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// Pin shows a message at the top of its chat for everyone. The pin is a separate message in the outbox. The error is a
// *Refusal, or one of the journal's.
func (m *Messenger) Pin(ctx context.Context, key, chat, id string, request bot.PinRequest) (bot.Message, error) {
	switch request.Duration {
	case bot.PinDay, bot.PinWeek, bot.PinMonth:
		return m.setPin(ctx, key, chat, id, bot.KindPin, request.Duration)
	}
	return bot.Message{}, badField("duration", fmt.Sprintf("%d, %d or %d seconds: a day, a week or 30 days", bot.PinDay, bot.PinWeek, bot.PinMonth))
}

// Unpin takes a pinned message down, by a separate message in the outbox. The bot does not know what is pinned: to take
// down a message that is not pinned changes nothing.
func (m *Messenger) Unpin(ctx context.Context, key, chat, id string) (bot.Message, error) {
	return m.setPin(ctx, key, chat, id, bot.KindUnpin, 0)
}

func (m *Messenger) setPin(ctx context.Context, key, chat, id string, kind bot.MessageKind, seconds uint32) (bot.Message, error) {
	stamp := struct {
		Chat, ID string
		Kind     bot.MessageKind
		Seconds  uint32
	}{chat, id, kind, seconds}
	if known, err := m.known(ctx, key, stamp); err != nil || known != nil {
		return settledOr(known, err)
	}
	d, found, err := m.change(ctx, chat, id)
	if err != nil {
		return bot.Message{}, err
	}
	was := found.Message
	if was.Chat.Kind != bot.PartyPerson && was.Chat.Kind != bot.PartyGroup {
		return bot.Message{}, &Refusal{Kind: bot.ProblemUnsupported}
	}
	if !changeable(was) {
		return bot.Message{}, &Refusal{Kind: bot.ProblemNotChangeable}
	}
	subject, err := d.about(kind, found)
	if err != nil {
		return bot.Message{}, err
	}
	d.content = subject.Pin(seconds, m.Journal.Now().UnixMilli())
	return d.add(ctx, key, stamp, time.Time{}, 0)
}

// pinned is the event of a pin of the bot, once WhatsApp's server has accepted it.
func pinned(s *journal.Send, at bot.Time) (*bot.Pin, error) {
	content := &waE2E.Message{}
	if err := proto.Unmarshal(s.Raw, content); err != nil {
		return nil, fmt.Errorf("read a pin of the outbox: %w: %w", journal.ErrUnreadable, err)
	}
	pin := message.PinOf(content, nil, at)
	pin.ID, pin.Chat, pin.From, pin.FromMe = s.Message.ID, s.Message.Chat, s.Message.From, true
	return pin, nil
}
