package webhook

import (
	"context"
	"errors"
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
	// unsavedPause is the pause after the journal did not take the progress.
	unsavedPause = 2 * time.Second
	// maxDead bounds the dead letters that are not written yet. While the journal takes none, no more events are given up:
	// they stay in the journal, and are tried again.
	maxDead = 256
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
	// changes are what a person asked for during the turn that goes on; its result does not undo them.
	changes []func(*journal.Webhook)
	// dead are dead letters that are not written yet; dirty is true while the state is not. unsaved is true after the
	// journal did not take it.
	dead           []bot.DeadLetter
	dirty, unsaved bool
	saved          time.Time // when that was tried last
	// full is true while the log says that no more events are given up.
	full bool
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
		wait = min(wait, w.untilSave())
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

// untilSave is when to write progress that is not written yet.
func (w *worker) untilSave() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dirty {
		return never
	}
	return w.savePause()
}

// savePause is the time between two writes of the progress; the caller holds mu.
func (w *worker) savePause() time.Duration {
	if w.unsaved {
		return unsavedPause
	}
	return saveTime
}

// end ends the worker and waits for it, so that two never deliver to one target.
func (w *worker) end() {
	w.cancel()
	<-w.ended
}

// round delivers what can be delivered now, and returns how long there is nothing to do unless something changes.
func (w *worker) round(ctx, sending context.Context) time.Duration {
	w.mu.Lock()
	state, epoch, room := clone(w.state), w.epoch, maxDead-len(w.dead)
	w.changes = nil
	w.mu.Unlock()
	if state.Paused || state.Ended {
		return never
	}
	if wait := remaining(state.Retry, w.Now()); wait > 0 {
		return wait
	}
	t := &turn{worker: w, ctx: ctx, sending: sending, state: &state, room: room, budget: buryLimit}
	more, err := t.take()
	saved := w.put(ctx, t, epoch)
	for err == nil && saved && t.away && t.full { // what is given up goes to the journal part by part
		state = clone(state)
		t.dead, t.full, t.room = nil, false, maxDead
		err = t.expire()
		saved = w.put(ctx, t, epoch)
	}
	var gone *journal.GoneError
	switch {
	case ctx.Err() != nil:
		return never
	case errors.Is(err, errNoRoom):
		return unsavedPause
	case errors.As(err, &gone): // during this turn
		return 0
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

// put keeps the progress of a turn, unless the webhook was rewound meanwhile. It reports whether it is written.
func (w *worker) put(ctx context.Context, t *turn, epoch int) (written bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if epoch != w.epoch {
		return false
	}
	was := w.state
	for _, do := range w.changes {
		do(t.state)
	}
	w.state = *t.state
	w.dead = append(w.dead, t.dead...)
	w.tell(was, w.state, len(t.dead))
	switch {
	case len(t.dead) > 0, t.state.Ended, t.failed, len(was.Lines) != len(w.state.Lines), was.Failures != w.state.Failures:
		w.save(ctx)
	case was.Cursor != w.state.Cursor || t.tried:
		w.dirty = true
		if time.Since(w.saved) >= w.savePause() {
			w.save(ctx)
		}
	}
	w.tellFull(t.full && len(w.dead) > 0)
	return !w.dirty
}

// tellFull counts, and logs when it begins, that events are not given up although their patience is over.
func (w *worker) tellFull(full bool) {
	if full {
		w.Meter.Postponed(w.target.Name)
	}
	if full && !w.full {
		w.Log.Error("dead letters cannot be written; until they can, no more events are given up", "webhook", w.target.Name, "unwritten", len(w.dead))
	}
	w.full = full
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
	err := w.Journal.SaveWebhook(ctx, w.target.Name, w.state, w.dead)
	if err != nil && !w.unsaved {
		w.Log.Warn("the progress of a webhook could not be written; a restart would deliver again", "webhook", w.target.Name, "error", err)
	}
	w.dirty, w.unsaved, w.saved = err != nil, err != nil, time.Now()
	if err == nil {
		w.dead = nil
	}
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
	w.state, w.dead, w.dirty, w.unsaved = next, nil, false, false
	w.changes = append(w.changes, do)
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
	if err := w.Journal.RewindWebhook(ctx, w.target.Name, next, w.dead); err != nil {
		return err
	}
	w.state, w.dead, w.dirty, w.unsaved = next, nil, false, false
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
		Cursor: s.Cursor, Last: last, WaitingChats: len((&turn{worker: w, state: &s}).lanes()), Failures: s.Failures, NextTryAt: bot.At(s.Retry),
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
		if s.Retry.IsZero() && !line.Retry.IsZero() && (out.NextTryAt.IsZero() || line.Retry.Before(out.NextTryAt.Time)) {
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
