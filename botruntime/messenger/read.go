package messenger

import (
	"context"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// MarkAllRead tells the senders that messages of a chat were read. It leaves out ids that the bot does not keep, and
// messages of the account. The error is a *Refusal, or the session's.
func (m *Messenger) MarkAllRead(ctx context.Context, chat string, ids []string) ([]bot.Message, error) {
	client, err := m.client()
	if err != nil {
		return nil, err
	}
	where, err := types.ParseJID(chat)
	if err != nil {
		return nil, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	var read []bot.Message
	var senders []string // in the order of their first message
	bySender := map[string][]types.MessageID{}
	for _, id := range ids {
		found, err := m.Journal.Message(ctx, id, m.formsOf(chat)...)
		switch {
		case journal.IsAmbiguous(err):
			return nil, &Refusal{Kind: bot.ProblemAmbiguousMessage}
		case err != nil:
			return nil, err
		case found == nil || found.Message.FromMe:
			continue
		}
		from := found.Message.From.ID
		if bySender[from] == nil {
			senders = append(senders, from)
		}
		bySender[from] = append(bySender[from], id)
		read = append(read, found.Message)
	}
	for _, from := range senders {
		sender, err := types.ParseJID(from)
		if err != nil {
			return nil, err
		}
		// One receipt names the messages of one sender.
		if err := client.MarkRead(ctx, bySender[from], m.Journal.Now(), where, sender); err != nil {
			return nil, refuseLost(err)
		}
	}
	if len(read) == 0 {
		return nil, nil
	}
	return read, m.Journal.Commit(ctx, func(t *journal.Tx) error {
		for _, one := range read {
			if err := t.MarkRead([]string{one.Chat.ID}, one.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
