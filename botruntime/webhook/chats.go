package webhook

import (
	"sync"
	"sync/atomic"

	"sesi.dev/sesi/botruntime/journal"
)

// parallel is how many chats are delivered at once.
const parallel = 8

// result is how the delivery of one chat's events went.
type result struct {
	// left are the events from the first one on that was not accepted.
	left []journal.Event
	// answer says why; it is the zero value for an event that was not tried.
	answer answer
	tried  bool
}

// deliver sends several chats' events at once. While the receiver was away, only one is tried.
func (t *turn) deliver(chats [][]journal.Event) []result {
	results := make([]result, len(chats))
	if len(chats) == 1 {
		results[0] = t.chat(chats[0], nil)
		return results
	}
	workers := parallel
	if t.state.Failures > 0 {
		workers = 1
	}
	var next atomic.Int64
	var halt atomic.Bool
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range min(workers, len(chats)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(chats); i = int(next.Add(1)) - 1 {
				one := &turn{worker: t.worker, ctx: t.ctx, sending: t.sending, state: &journal.Webhook{}}
				results[i] = one.chat(chats[i], &halt)
				mu.Lock()
				t.tried = t.tried || one.tried
				if one.state.TakenAt.After(t.state.TakenAt) {
					t.state.TakenAt = one.state.TakenAt
					t.well()
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return results
}

// chat sends events one after the other, until one is not accepted. halt, where given, is set when the receiver is
// away, and ends the others.
func (t *turn) chat(events []journal.Event, halt *atomic.Bool) result {
	for i, e := range events {
		left := events[i:]
		if t.ctx.Err() != nil || halt != nil && halt.Load() {
			return result{left: left}
		}
		a := t.post(t.sending, e)
		how := classify(a)
		if how == away && t.sending.Err() != nil { // cut off because the bot stops
			return result{left: left}
		}
		t.tried = true
		if how == lost {
			return result{left: left, answer: a, tried: true}
		}
		t.Meter.Delivered(t.target.Name, how.String())
		if how != taken {
			if halt != nil && (how == away || how == gone) {
				halt.Store(true)
			}
			return result{left: left, answer: a, tried: true}
		}
		t.state.TakenAt = t.Now()
		t.well()
	}
	return result{}
}
