package messenger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// Send puts a message into the outbox, and returns it with its current state. A request whose key is known creates no
// second message: it returns the first one. The error is a *Refusal, or journal.ErrKeyReused or ErrOutboxFull.
func (m *Messenger) Send(ctx context.Context, key string, request bot.SendRequest) (bot.Message, error) {
	if _, file := request.File(); file != nil {
		return m.SendFile(ctx, key, request, nil)
	}
	return m.sendWith(ctx, key, request, request, func(ctx context.Context, d *draft) error { return d.compose(ctx, request) }, func() {})
}

// sendWith puts the message that compose makes into the outbox, unless the key is known. stamp stands for the request
// where a repeat is recognised; unused is called when compose is not.
func (m *Messenger) sendWith(ctx context.Context, key string, request bot.SendRequest, stamp any,
	compose func(context.Context, *draft) error, unused func(),
) (bot.Message, error) {
	defer unused()
	if request.ID != "" {
		if !validID(request.ID) {
			return bot.Message{}, badField("id", "8 to 64 digits and letters A to Z, such as an id that the bot made")
		}
		if key == "" {
			key = idKey + request.ID
		}
	}
	if known, err := m.known(ctx, key, stamp); err != nil || known != nil {
		return settledOr(known, err)
	}
	to, ok := message.Address(request.To)
	if !ok {
		return bot.Message{}, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	if to.Server != types.DefaultUserServer && to.Server != types.HiddenUserServer && to.Server != types.GroupServer &&
		to.Server != types.NewsletterServer && to != types.StatusBroadcastJID {
		return bot.Message{}, &Refusal{Kind: bot.ProblemUnsupported}
	}
	d, err := m.draft(to)
	if err != nil {
		return bot.Message{}, err
	}
	d.id = request.ID
	defer func() { d.held.Release() }()
	if err := d.check(request); err != nil {
		return bot.Message{}, err
	}
	if err := compose(ctx, d); err != nil {
		return bot.Message{}, err
	}
	return d.add(ctx, key, stamp, request.SendAt.Time, request.TTL)
}

// known returns the message of an earlier request with the key; nil when there is none.
func (m *Messenger) known(ctx context.Context, key string, request any) (*journal.Send, error) {
	if key == "" {
		return nil, nil //nolint:nilnil // no such message is no error
	}
	sum, err := sumOf(request)
	if err != nil {
		return nil, err
	}
	s, err := m.Journal.SendByKey(ctx, key, sum)
	if s != nil {
		m.Meter.KeyRepeated()
	}
	return s, err
}

func settledOr(s *journal.Send, err error) (bot.Message, error) {
	if err != nil {
		return bot.Message{}, err
	}
	return s.Message, nil
}

func sumOf(request any) ([]byte, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(body, "%T", request))
	return sum[:], nil
}
