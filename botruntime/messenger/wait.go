package messenger

import "sesi.dev/sesi/api/bot"

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
