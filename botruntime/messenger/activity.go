package messenger

import (
	"sync"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Activity is what came of messages since New.
type Activity struct {
	Since                  time.Time
	Received, Sent, Failed uint64
	// LastProblem is why the last message failed that failed, at LastProblemAt; empty when none did.
	LastProblem   bot.ProblemKind
	LastProblemAt time.Time
}

// tally is an Activity that goroutines share.
type tally struct {
	mu  sync.Mutex
	now Activity
}

// Activity returns what came of messages so far.
func (m *Messenger) Activity() Activity {
	m.tally.mu.Lock()
	defer m.tally.mu.Unlock()
	return m.tally.now
}

func (t *tally) received() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Received++
}

// tried counts the outcome of an attempt to send a message.
func (t *tally) tried(m bot.Message, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case rank[m.State] > 0:
		t.now.Sent++
	case m.State == bot.MessageFailed:
		t.now.Failed++
		if m.Problem != nil {
			t.now.LastProblem, t.now.LastProblemAt = bot.Problem{Type: m.Problem.Type}.Kind(), at
		}
	}
}
