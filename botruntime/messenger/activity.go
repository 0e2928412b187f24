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

// changed counts a message that was sent, whether WhatsApp's answer or a receipt says so, or that failed.
func (t *tally) changed(s bot.StateChange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case rank[s.State] > 0 && rank[s.Previous] == 0:
		t.now.Sent++
	case s.State == bot.MessageFailed:
		t.now.Failed++
		if s.Problem != nil {
			t.now.LastProblem, t.now.LastProblemAt = bot.Problem{Type: s.Problem.Type}.Kind(), s.At.Time
		}
	}
}
