package main

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// shown is what a session's status shows of its bot.
type shown struct {
	ready  bool
	state  bot.State
	change int
	node   string
}

// watcher sees the sessions as any API client would.
type watcher struct {
	mu       sync.Mutex
	sessions map[string]shown
	last     time.Time
	// pending are the changes of each session that were not seen yet, in order.
	pending map[string][]change
	lags    []time.Duration
}

// change is a change that a bot was told to make. A status that shows a later one has shown it too.
type change struct {
	number int
	state  bot.State
	made   time.Time
}

func watchSessions(ctx context.Context, c *cluster) (*watcher, error) {
	w := &watcher{sessions: map[string]shown{}, pending: map[string][]change{}}
	return w, c.watch(ctx, &v1alpha1.WhatsAppSession{}, func(object any) { w.take(object.(*v1alpha1.WhatsAppSession), time.Now()) })
}

// pushName returns the name by which a status shows a change.
func pushName(number int) string { return "change " + strconv.Itoa(number) }

func (w *watcher) take(session *v1alpha1.WhatsAppSession, now time.Time) {
	is := shown{state: session.Status.State, node: session.Status.NodeName}
	if session.Status.Session != nil {
		if n, err := strconv.Atoi(strings.TrimPrefix(session.Status.Session.PushName, "change ")); err == nil {
			is.change = n
		}
	}
	for _, condition := range session.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			is.ready = condition.Status == metav1.ConditionTrue
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[session.Name], w.last = is, now
	left := w.pending[session.Name]
	for len(left) > 0 && left[0].number <= is.change && left[0].state == is.state {
		w.lags = append(w.lags, now.Sub(left[0].made))
		left = left[1:]
	}
	if len(left) > 0 {
		w.pending[session.Name] = left
	} else {
		delete(w.pending, session.Name)
	}
}

// make makes a bot change and expects that change to be seen.
func (w *watcher) make(p *stage, session string, number int, state bot.State, reason bot.Reason) {
	w.mu.Lock()
	w.pending[session] = append(w.pending[session], change{number, state, time.Now()})
	w.mu.Unlock()
	p.bot(session).Change(func(s *bot.Snapshot) {
		s.PushName, s.State, s.Reason, s.Connected = pushName(number), state, reason, state == bot.StateConnected
		s.Messages = delivering(number)
	})
}

func (w *watcher) count(is func(shown) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := 0
	for _, session := range w.sessions {
		if is(session) {
			count++
		}
	}
	return count
}

// named returns the sessions for which is returns true.
func (w *watcher) named(is func(shown) bool) map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := map[string]bool{}
	for name, session := range w.sessions {
		if is(session) {
			names[name] = true
		}
	}
	return names
}

func isReady(s shown) bool { return s.ready }

// unseen returns how many changes were not seen yet.
func (w *watcher) unseen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := 0
	for _, left := range w.pending {
		count += len(left)
	}
	return count
}

// taken returns the lags measured since the last call.
func (w *watcher) taken() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	lags := w.lags
	w.lags = nil
	return lags
}

func (w *watcher) lastSeen() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}
