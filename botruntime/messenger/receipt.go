package messenger

import (
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/turn"
)

// receiptStates are the receipts of recipients that change a message's state.
var receiptStates = map[types.ReceiptType]bot.MessageState{
	types.ReceiptTypeDelivered: bot.MessageDelivered, types.ReceiptTypeInactive: bot.MessageDelivered,
	types.ReceiptTypeRead: bot.MessageRead, types.ReceiptTypePlayed: bot.MessagePlayed,
}

// takeReceipt writes the new states of messages in the outbox. A receipt also settles a message whose answer is
// missing.
func (m *Messenger) takeReceipt(evt *events.Receipt, in turn.Turn) bool {
	state, ok := receiptStates[evt.Type]
	if !ok || evt.IsFromMe {
		return true
	}
	write := func(bare bool) func(*journal.Tx) error {
		return func(t *journal.Tx) error { return m.writeReceipt(t, evt, state, bare) }
	}
	return m.Inbox.Take(journal.Arrival{Turn: in, Write: write(false), Instead: write(true)})
}

// writeReceipt writes the new state of messages. Bare, it writes nothing of what a message says whose result was not written
// before.
func (m *Messenger) writeReceipt(t *journal.Tx, evt *events.Receipt, state bot.MessageState, bare bool) error {
	for _, id := range evt.MessageIDs {
		was := bot.MessageState("")
		s, err := t.UpdateSend(id, func(s *journal.Send) bool {
			was = s.Message.State
			if rank[was] >= rank[state] || was == bot.MessageCancelled || !handed(s.Message) || !m.concerns(s.Message, evt.Chat, evt.SenderAlt) {
				return false
			}
			if bare && rank[was] == 0 {
				s.Message = unstorable(s.Message)
			}
			s.Message.State, s.Message.Hold, s.Message.Problem, s.Pending = state, nil, nil, false
			return true
		})
		if err != nil {
			return err
		}
		if s == nil || s.Message.State == was {
			continue
		}
		if rank[was] == 0 {
			if err := m.wasSent(t, s); err != nil {
				return err
			}
		}
		if err := m.tell(t, s, was); err != nil {
			return err
		}
		t.After(func() {
			if f := m.flying.Load(); f != nil && f.id == id {
				f.land(errReceived) // WhatsApp's answer may be lost, and the messages behind it wait
			}
		})
	}
	return nil
}
