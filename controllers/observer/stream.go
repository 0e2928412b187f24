package observer

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"sesi.dev/sesi/api/bot"
)

// minCharge is the least that a line costs of a stream's bytes per second. A line costs the operator time whatever its
// length, so a stream of one-byte lines would else take a tenth of a core.
const minCharge = 64

// stream reads the reports of one bot process until it is closed.
type stream struct {
	observer *Observer
	key      Key
	cancel   context.CancelFunc // nil until launched; guarded by observer.mu

	mu       sync.Mutex
	closed   bool
	target   Target
	hearing  Hearing
	err      error
	snapshot *bot.Snapshot
	// measured is the newest revision whose lag was counted, or whose age does not measure it.
	measured uint64
	// permits bounds the events. pending is the event that waits; urgent is true if it waits only for a permit.
	permits *rate.Limiter
	pending *time.Timer
	urgent  bool
	// grace is the timer at whose end the bot is lost; nil until the first dial.
	grace *time.Timer
}

func newStream(o *Observer, key Key, target Target) *stream {
	s := &stream{
		observer: o, key: key, target: target, hearing: Listening,
		permits: rate.NewLimiter(rate.Every(o.opts.EmitEvery), o.opts.EmitBurst),
	}
	o.stats.hearing(1, Listening)
	return s
}

// retarget takes a new target over. It returns false for another bot process, which needs another stream.
func (s *stream) retarget(target Target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.target.Address != target.Address || s.target.Instance != target.Instance {
		return false
	}
	s.target = target
	return true
}

// close ends the stream; its goroutine ends soon after. observer.mu is held.
func (s *stream) close() {
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.grace != nil {
		s.grace.Stop()
	}
	if s.pending != nil {
		s.pending.Stop()
	}
	s.observer.stats.hearing(-1, s.hearing)
}

func (s *stream) observation() Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Observation{Instance: s.target.Instance, Hearing: s.hearing, Snapshot: s.snapshot, Err: s.err}
}

// run opens the stream again and again until ctx ends.
func (s *stream) run(ctx context.Context) {
	opts := &s.observer.opts
	for attempt := 0; ; attempt++ {
		if s.observer.starts.Wait(ctx) != nil {
			return
		}
		opened := time.Now()
		s.startGrace()
		err := s.read(ctx)
		if ctx.Err() != nil {
			return
		}
		s.ended(err)
		// Only a stream that was open for a while resets the backoff; one event and a hangup do not.
		if time.Since(opened) > opts.BackoffCap {
			attempt = 0
		}
		if !sleep(ctx, backoff(attempt, opts.BackoffBase, opts.BackoffCap)) {
			return
		}
	}
}

// startGrace starts the grace at the first dial. After a restart of the operator thousands of streams wait for a permit
// to dial, and a bot that was not dialled is not lost.
func (s *stream) startGrace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.grace == nil {
		s.grace = time.AfterFunc(s.observer.opts.Grace, s.endGrace)
	}
}

// backoff is the wait after an attempt. It doubles up to the cap; the random half keeps bots that were lost together from
// being dialled together.
func backoff(attempt int, base, limit time.Duration) time.Duration {
	wait := limit
	if attempt < 30 && base<<attempt < limit {
		wait = base << attempt
	}
	return wait/2 + rand.N(wait/2+1)
}

func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// read opens the stream once and reads it to its end.
func (s *stream) read(ctx context.Context) error {
	opts := &s.observer.opts
	s.mu.Lock()
	target := s.target
	s.mu.Unlock()

	deadline := time.Now().Add(opts.Opening)
	conn, err := connect(ctx, target, deadline, opts.EventBytes)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	reader := newEventReader(conn.body, opts.EventBytes)
	defer reader.release()
	bytes := rate.NewLimiter(rate.Limit(opts.BytesPerSecond), opts.BytesPerSecond/2)
	reported := false
	for {
		conn.meter.left = 2 * opts.EventBytes
		size, err := reader.next(func(data []byte) error {
			snapshot, err := decode(data, target.Instance)
			if err != nil {
				return err
			}
			s.report(snapshot, !reported)
			reported = true
			return nil
		})
		if err != nil {
			return classifyEnd(err, reported)
		}
		now := time.Now()
		if wait := bytes.ReserveN(now, max(size, minCharge)).DelayFrom(now); wait > 0 {
			if !sleep(ctx, wait) {
				return ctx.Err()
			}
			now = time.Now()
		}
		if reported {
			deadline = now.Add(opts.Silence)
		}
		if err := conn.SetReadDeadline(deadline); err != nil {
			return errors.New("the stream was closed")
		}
	}
}

// classifyEnd replaces the error of a deadline by what the bot failed to do.
func classifyEnd(err error, reported bool) error {
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case reported:
		return errors.New("the bot sends nothing any more, not even a heartbeat")
	default:
		return errors.New("the bot sends no snapshot")
	}
}

// report takes a snapshot over. The first one on a connection may be of any age, so it does not measure the lag.
func (s *stream) report(snapshot *bot.Snapshot, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	what := classifyChange(s.snapshot, snapshot)
	if s.hearing == Lost {
		what = major
	}
	s.snapshot = snapshot
	if first {
		s.measured = snapshot.Revision
	}
	if s.hearing != Heard {
		s.become(Heard, nil)
	}
	switch what {
	case major:
		s.emitWithin(0)
	case minor:
		s.emitWithin(s.observer.opts.MinorEvery)
	}
}

// ended notes that the stream ended. What it reported holds for the grace.
func (s *stream) ended(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.observer.stats.reconnects.Inc()
	switch s.hearing {
	case Heard:
		s.become(Listening, err)
		s.grace.Reset(s.observer.opts.Grace)
	case Lost:
		if s.err.Error() != err.Error() {
			s.emitWithin(s.observer.opts.Silence)
		}
	}
	s.err = err
}

// endGrace makes a bot lost that did not report within the grace.
func (s *stream) endGrace() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.hearing != Listening {
		return
	}
	err := s.err
	if err == nil {
		err = errors.New("the bot does not answer")
	}
	s.become(Lost, err)
	s.emitWithin(0)
	s.observer.opts.Log.Info("bot lost", "session", s.key, "error", err.Error())
}

// become changes the hearing; s.mu is held.
func (s *stream) become(hearing Hearing, err error) {
	s.observer.stats.hearing(-1, s.hearing)
	s.observer.stats.hearing(1, hearing)
	if hearing == Heard {
		s.grace.Stop()
	}
	s.hearing, s.err = hearing, err
}

// emitWithin emits an event after at most the wait; with a wait of zero, as soon as there is a permit. An event that
// waits already stands for every change until it is emitted. s.mu is held.
func (s *stream) emitWithin(wait time.Duration) {
	if s.pending != nil {
		if s.urgent || wait > 0 || !s.pending.Stop() {
			return
		}
		s.pending = nil
	}
	s.urgent = wait == 0
	if s.urgent {
		now := time.Now()
		wait = s.permits.ReserveN(now, 1).DelayFrom(now)
	}
	if wait == 0 {
		s.observer.changed.add(s.key)
		return
	}
	s.pending = time.AfterFunc(wait, s.emit)
}

func (s *stream) emit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = nil
	if !s.closed {
		s.observer.changed.add(s.key)
	}
}

// shown counts the lag of a change, once.
func (s *stream) shown(revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil || s.snapshot.Revision != revision || revision <= s.measured {
		return
	}
	s.measured = revision
	s.observer.stats.lag.Observe(max(0, time.Since(s.snapshot.ChangedAt.Time).Seconds()))
}
