package webhook

import (
	"context"
	"slices"
	"sync"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

const (
	// saveTime is the longest time until progress is written. It bounds how much is delivered again after a kill.
	saveTime = 100 * time.Millisecond
	// commitTime bounds one write of the progress.
	commitTime = 10 * time.Second
	// never is a wait that only a change ends.
	never = 24 * time.Hour
)

// worker delivers to one target, in a goroutine of its own.
type worker struct {
	*Manager
	target Target
	wake   chan struct{}
	cancel context.CancelFunc
	ended  chan struct{}

	mu    sync.Mutex
	state journal.Webhook
	// epoch counts rewinds; what was delivered before one says nothing about the progress after it.
	epoch int
	// dead are dead letters that are not written yet; dirty is true while the state is not.
	dead  []bot.DeadLetter
	dirty bool
	saved time.Time
}

// run delivers until ctx ends.
func (w *worker) run(ctx context.Context) {
	defer w.flush(context.WithoutCancel(ctx))
	// A delivery in progress may continue a little after ctx ends.
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(stopGrace, cancel)
		<-w.ended
		timer.Stop()
	})
	defer stop()
	for ctx.Err() == nil {
		_, changed := w.Journal.Changed()
		wait := w.round(ctx, sending)
		if wait <= 0 {
			continue
		}
		w.mu.Lock()
		if w.dirty {
			wait = min(wait, saveTime)
		}
		w.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-w.wake:
		case <-timer.C:
			w.flush(ctx)
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// end ends the worker and waits for it, so that two never deliver to one target.
func (w *worker) end() {
	w.cancel()
	<-w.ended
}

// round delivers what can be delivered now, and returns how long there is nothing to do unless something changes.
func (w *worker) round(ctx, sending context.Context) time.Duration {
	w.mu.Lock()
	state, epoch := clone(w.state), w.epoch
	w.mu.Unlock()
	if state.Paused || state.Ended {
		return never
	}
	if wait := remaining(state.Retry, w.Now()); wait > 0 {
		return wait
	}
	t := &turn{worker: w, ctx: ctx, sending: sending, state: &state}
	more, err := t.take()
	w.put(ctx, t, epoch)
	switch {
	case ctx.Err() != nil:
		return never
	case err != nil:
		w.Log.Error("the journal could not be read for a webhook", "webhook", w.target.Name, "error", err)
		return lastWait / 60
	case more:
		return 0
	}
	return t.due()
}

func clone(s journal.Webhook) journal.Webhook {
	s.Lines = slices.Clone(s.Lines)
	return s
}

// put keeps the progress of a turn, unless the webhook was rewound meanwhile.
func (w *worker) put(ctx context.Context, t *turn, epoch int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if epoch != w.epoch {
		return
	}
	was := w.state
	t.state.Paused = was.Paused
	w.state = *t.state
	w.dead = append(w.dead, t.dead...)
	w.tell(was, w.state, len(t.dead))
	switch {
	case len(t.dead) > 0, t.state.Ended, t.failed, len(was.Lines) != len(w.state.Lines), was.Failures != w.state.Failures:
		w.save(ctx)
	case was.Cursor != w.state.Cursor || t.tried:
		w.dirty = true
		if time.Since(w.saved) >= saveTime {
			w.save(ctx)
		}
	}
}

// tell logs when deliveries begin to fail, and when they work again.
func (w *worker) tell(was, now journal.Webhook, dead int) {
	log := w.Log.With("webhook", w.target.Name)
	if dead > 0 {
		log.Error("events were given up and are dead letters", "events", dead, "error", now.Error)
	}
	troubled := func(s journal.Webhook) bool { return s.Failures > 0 || len(s.Lines) > 0 }
	switch {
	case now.Ended && !was.Ended:
		log.Error("the receiver answered 410 Gone and gets nothing more; resume the webhook, or change its URL")
	case troubled(now) && !troubled(was):
		log.Warn("the receiver does not accept events; they wait and are tried again", "error", now.Error)
	case troubled(was) && !troubled(now):
		log.Info("the receiver accepts events again")
	}
}

// save writes the progress; the caller holds mu. What could not be written is tried again.
func (w *worker) save(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	if err := w.Journal.SaveWebhook(ctx, w.target.Name, w.state, w.dead); err != nil {
		w.dirty = true
		w.Log.Warn("the progress of a webhook could not be written; a restart would deliver again", "webhook", w.target.Name, "error", err)
		return
	}
	w.dirty, w.dead, w.saved = false, nil, time.Now()
}

func (w *worker) flush(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dirty {
		w.save(ctx)
	}
}

// change edits the state and wakes the worker.
func (w *worker) change(ctx context.Context, do func(*journal.Webhook)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := clone(w.state)
	do(&next)
	if err := w.Journal.SaveWebhook(ctx, w.target.Name, next, w.dead); err != nil {
		return err
	}
	w.state, w.dead, w.dirty = next, nil, false
	w.poke()
	return nil
}

// rewind begins again behind a cursor, or behind an earlier one where the receiver has not yet got all up to it.
func (w *worker) rewind(ctx context.Context, after uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := clone(w.state)
	after = min(after, next.First()-1)
	next.Cursor, next.Lines, next.Failures, next.Since, next.Retry = after, nil, 0, time.Time{}, time.Time{}
	if err := w.Journal.RewindWebhook(ctx, w.target.Name, next); err != nil {
		return err
	}
	w.state, w.dead, w.dirty = next, nil, false
	w.epoch++
	w.poke()
	return nil
}

func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// describe returns the webhook's state for the API.
func (w *worker) describe(ctx context.Context) (bot.Webhook, error) {
	w.mu.Lock()
	s := clone(w.state)
	w.mu.Unlock()
	_, last := w.Journal.Range()
	out := bot.Webhook{
		Name: w.target.Name, URL: shown(w.target.URL), State: stateOf(s), Events: w.target.Events, Order: w.target.Order,
		Cursor: s.Cursor, Last: last, WaitingChats: len(s.Lines), Failures: s.Failures, NextTryAt: bot.At(s.Retry),
		LastError: s.Error, LastErrorAt: bot.At(s.ErrorAt), LastSuccessAt: bot.At(s.TakenAt),
	}
	if out.Events == nil {
		out.Events = []bot.EventType{}
	}
	if w.target.Order == OrderSession {
		out.WaitingChats = 0
	}
	for _, line := range s.Lines {
		out.Failures = max(out.Failures, line.Failures)
		if out.NextTryAt.IsZero() && !line.Retry.IsZero() {
			out.NextTryAt = bot.At(line.Retry)
		}
	}
	waiting, since, dead, err := w.Journal.Backlog(ctx, w.target.Name, s)
	out.Backlog, out.BacklogSince, out.DeadLetters = waiting, bot.At(since), dead
	return out, err
}

func stateOf(s journal.Webhook) bot.WebhookState {
	switch {
	case s.Ended:
		return bot.WebhookEnded
	case s.Paused:
		return bot.WebhookPaused
	case s.Failures > 0 || len(s.Lines) > 0:
		return bot.WebhookRetrying
	}
	return bot.WebhookDelivering
}
