package messenger

import (
	"fmt"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// result is the outcome of an attempt.
type result struct {
	send    journal.Send
	verdict verdict
}

// settleAll writes the results of messages, as many at once as there are. It reports whether all were written.
func (m *Messenger) settleAll(results <-chan result) bool {
	whole := true
	var settled []bot.Message
	for first := range results {
		some := []result{first}
	more:
		for len(some) < batch {
			select {
			case next, open := <-results:
				if !open {
					break more
				}
				some = append(some, next)
			default:
				break more
			}
		}
		ctx, cancel := commitContext()
		settled = settled[:0]
		err := m.Journal.CommitTogether(ctx, func(t *journal.Tx) error {
			for _, r := range some {
				s, err := m.settle(t, r)
				if err != nil {
					return err
				}
				if s != nil {
					settled = append(settled, s.Message)
				}
			}
			return nil
		})
		cancel()
		if err != nil {
			// The entries stay as they are, being sent: the next round sends them again under the same ids.
			m.Log.Error("what became of a message could not be written", "messages", len(some), "error", err)
			whole = false
			continue
		}
		for _, one := range settled {
			m.tally.tried(one, m.Journal.Now())
			m.settled(one)
		}
	}
	return whole
}

// rank orders the states that only go forward.
var rank = map[bot.MessageState]int{
	bot.MessageSent: 1, bot.MessageDelivered: 2, bot.MessageRead: 3, bot.MessagePlayed: 4,
}

// settle writes the result of an attempt, and returns the entry as it is then; nil when it is gone.
func (m *Messenger) settle(t *journal.Tx, r result) (*journal.Send, error) {
	v, previous := r.verdict, bot.MessageState("")
	s, err := t.UpdateSend(r.send.Message.ID, func(s *journal.Send) bool {
		previous = s.Message.State
		if v.attempt {
			s.Attempts++
		}
		if s.Due = v.due; s.Due.IsZero() {
			s.Due = t.Now()
		}
		s.Message.Hold = v.hold
		s.Pending = v.state == bot.MessageQueued || v.state == bot.MessageHeld || v.state == bot.MessageUnknown && t.Now().Before(s.Ends)
		if rank[previous] > 0 {
			s.Pending, s.Message.Hold = false, nil
			return true // a receipt was faster than the answer
		}
		s.Message.State, s.Message.Problem = v.state, v.problem
		return true
	})
	if err != nil || s == nil {
		return nil, err
	}
	switch s.Message.State {
	case previous, bot.MessageQueued, bot.MessageSending:
		return s, nil
	case bot.MessageSent:
		if err := m.wasSent(t, s); err != nil {
			return nil, err
		}
	}
	return s, m.tell(t, s, previous)
}

// wasSent writes the consequences of a message that WhatsApp's server accepted.
func (m *Messenger) wasSent(t *journal.Tx, s *journal.Send) error {
	if !s.Listed {
		return m.applied(t, s)
	}
	known, err := t.KnowChat(message.Forms(s.Message.Chat)...)
	if err == nil && !known && s.Message.Chat.Kind == bot.PartyPerson {
		err = t.BeginChat(m.today())
	}
	if err != nil {
		return err
	}
	shown := s.Message
	shown.History = nil
	_, err = t.Append(keysOf(bot.EventMessageSent, s.Message.Chat, s.Message.From, s.Message.ID), bot.EventMessageSent, s.Message.Chat.ID, bot.EventData{Message: &shown})
	return err
}

// tell writes the event of a new state.
func (m *Messenger) tell(t *journal.Tx, s *journal.Send, previous bot.MessageState) error {
	change := &bot.StateChange{
		ID: s.Message.ID, Chat: s.Message.Chat, State: s.Message.State, Previous: previous, At: bot.At(t.Now()),
		Hold: s.Message.Hold, Problem: s.Message.Problem,
	}
	// A message can be held, or unknown, more than once.
	key := journal.KeyOf(string(bot.EventMessageState), s.Message.ID, string(s.Message.State), fmt.Sprint(len(s.Message.History), s.Attempts))
	return t.AppendNew(key, bot.EventMessageState, s.Message.Chat.ID, bot.EventData{State: change})
}
