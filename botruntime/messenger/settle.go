package messenger

import (
	"context"
	"fmt"
	"time"

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
func (m *Messenger) settleAll(ctx context.Context, results <-chan result) bool {
	whole := true
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
		whole = m.writeResults(ctx, some) && whole
	}
	return whole
}

// writeResults writes results. While the disk refuses them it tries again: to send the messages again would not help. It
// reports whether they were written: where the process ends first, they stay as being sent, and the next one sends them
// again under the same ids.
func (m *Messenger) writeResults(ctx context.Context, some []result) bool {
	for {
		err := m.commitResults(some, nil)
		if journal.AboutContent(err) && len(some) > 1 { // one of them must not keep out the others
			whole := true
			for i := range some {
				whole = m.writeResults(ctx, some[i:i+1]) && whole
			}
			return whole
		}
		if journal.AboutContent(err) {
			if m.commitResults(some, err) == nil {
				err = nil
			}
		}
		if err == nil {
			return true
		}
		if !m.waitForDisk(ctx, err) {
			return false
		}
	}
}

// waitForDisk logs that the result of a send could not be written, and waits before the next try. It reports false when
// ctx ends first.
func (m *Messenger) waitForDisk(ctx context.Context, err error) bool {
	m.Log.Error("what became of a message could not be written; nothing is sent until it can be", "error", err)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(retryPause):
		return true
	}
}

// commitResults writes results in one transaction. cause is why the journal can never take what the messages say: with one,
// the results are written without it.
func (m *Messenger) commitResults(some []result, cause error) error {
	ctx, cancel := commitContext()
	defer cancel()
	return m.Journal.CommitTogether(ctx, func(t *journal.Tx) error {
		for _, r := range some {
			if err := m.settle(t, r, cause); err != nil {
				return err
			}
		}
		return nil
	})
}

// rank orders the states that only go forward.
var rank = map[bot.MessageState]int{
	bot.MessageSent: 1, bot.MessageDelivered: 2, bot.MessageRead: 3, bot.MessagePlayed: 4,
}

// settle writes the result of an attempt. With a cause it writes the same without what the message says, and tells of that
// unless a receipt was faster.
func (m *Messenger) settle(t *journal.Tx, r result, cause error) error {
	v, previous := r.verdict, bot.MessageState("")
	s, err := t.UpdateSend(r.send.Message.ID, func(s *journal.Send) bool {
		previous = s.Message.State
		if cause != nil && !isUnstorable(s.Message) {
			s.Message = unstorable(s.Message)
			t.After(func() { m.Inbox.Unstorable(cause) })
		}
		if v.attempt {
			s.Attempts++
		}
		s.Due = v.due
		s.Message.Hold = v.hold
		s.Pending = v.state == bot.MessageQueued || v.state == bot.MessageHeld || v.state == bot.MessageUnknown && !s.Unreadable && t.Now().Before(s.Ends)
		if rank[previous] > 0 {
			s.Pending, s.Message.Hold = false, nil
			return true // a receipt was faster than the answer
		}
		s.Message.State, s.Message.Problem = v.state, v.problem
		return true
	})
	if err != nil || s == nil {
		return err
	}
	if s.Unreadable && rank[previous] == 0 {
		return m.tell(t, s, previous)
	}
	switch s.Message.State {
	case previous, bot.MessageQueued, bot.MessageSending:
		t.After(func() { m.settled(s.Message) }) // it may no longer be pending
		return nil
	case bot.MessageSent:
		if err := m.wasSent(t, s); err != nil {
			return err
		}
	}
	return m.tell(t, s, previous)
}

// isUnstorable reports whether only that much is kept of a message.
func isUnstorable(m bot.Message) bool { return m.UnsupportedType == "unstorable" }

// unstorable is what is kept of a message whose content the journal can never take: who wrote where, and its state.
func unstorable(m bot.Message) bot.Message {
	return bot.Message{
		ID: m.ID, Chat: m.Chat, From: m.From, FromMe: m.FromMe, Origin: m.Origin, Kind: bot.KindUnsupported, UnsupportedType: "unstorable",
		Timestamp: m.Timestamp, State: m.State, History: m.History,
	}
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

// tell writes the event of a new state, counts it, and wakes who waits for it.
func (m *Messenger) tell(t *journal.Tx, s *journal.Send, previous bot.MessageState) error {
	change := &bot.StateChange{
		ID: s.Message.ID, Chat: s.Message.Chat, State: s.Message.State, Previous: previous, At: bot.At(t.Now()),
		Hold: s.Message.Hold, Problem: s.Message.Problem,
	}
	t.After(func() {
		m.tally.changed(*change)
		m.settled(s.Message)
	})
	// A message can be held, or unknown, more than once.
	key := journal.KeyOf(string(bot.EventMessageState), s.Message.ID, string(s.Message.State), fmt.Sprint(len(s.Message.History), s.Attempts))
	return t.AppendNew(key, bot.EventMessageState, s.Message.Chat.ID, bot.EventData{State: change})
}
