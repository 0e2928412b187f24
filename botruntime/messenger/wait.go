package messenger

import (
	"context"

	"sesi.dev/sesi/api/bot"
)

// watch returns what is closed when the message's state changes. release must be called.
func (m *Messenger) watch(id string) (w *wait, release func()) {
	m.waitMu.Lock()
	defer m.waitMu.Unlock()
	w = m.waits[id]
	if w == nil {
		w = &wait{changed: make(chan struct{})}
		m.waits[id] = w
	}
	w.watchers++
	return w, func() {
		m.waitMu.Lock()
		defer m.waitMu.Unlock()
		if w.watchers--; w.watchers == 0 && m.waits[id] == w {
			delete(m.waits, id)
		}
	}
}

// wait holds the callers that wait for one message.
type wait struct {
	changed  chan struct{}
	message  bot.Message // as it is when changed is closed
	watchers int
}

// settled wakes the callers that wait for a message.
func (m *Messenger) settled(message bot.Message) {
	m.waitMu.Lock()
	defer m.waitMu.Unlock()
	if w := m.waits[message.ID]; w != nil {
		w.message = message
		close(w.changed)
		delete(m.waits, message.ID)
	}
}

// Await returns the message once it is no longer on its way, or in its current state when ctx ends. A message that is
// held, or that waits for its time, is not on its way.
func (m *Messenger) Await(ctx context.Context, id string) (bot.Message, error) {
	for over := false; ; {
		w, release := m.watch(id)
		s, err := m.Journal.Send(context.WithoutCancel(ctx), id)
		if err == nil && s == nil {
			err = &Refusal{Kind: bot.ProblemNoSuchMessage}
		}
		if err != nil {
			release()
			return bot.Message{}, err
		}
		waits := s.Message.State == bot.MessageQueued && s.Message.SendAt.After(m.Journal.Now())
		if !underWay(s.Message) || waits || !s.Pending || over {
			release()
			return s.Message, nil
		}
		select {
		case <-w.changed:
			if !underWay(w.message) {
				return w.message, nil
			}
		case <-ctx.Done():
			over = true // it may be on its way since it was read
		}
		release()
	}
}

// underWay reports whether it is not decided what becomes of a message.
func underWay(m bot.Message) bool {
	return m.State == bot.MessageQueued || m.State == bot.MessageSending || m.State == bot.MessageUnknown
}
