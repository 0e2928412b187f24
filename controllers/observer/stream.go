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

// stream listens to one incarnation of one bot, for as long as that is wanted.
type stream struct {
	observer *Observer
	key      Key
	cancel   context.CancelFunc // nil until launched; guarded by observer.mu

	mu        sync.Mutex
	closed    bool
	target    Target
	hearing   Hearing
	since     time.Time
	err       error
	snapshot  *bot.Snapshot
	lastHeard time.Time
	// measured is the newest revision whose lag counted, or whose age is no measure of it.
	measured uint64
	// permits bounds the events; telling is the one that waits, urgent if it waits for a permit alone.
	permits *rate.Limiter
	telling *time.Timer
	urgent  bool
	// losing ends the grace.
	losing *time.Timer
}

func newStream(o *Observer, key Key, target Target) *stream {
	s := &stream{
		observer: o, key: key, target: target, hearing: Listening, since: time.Now(),
		permits: rate.NewLimiter(rate.Every(o.opts.EmitEvery), o.opts.EmitBurst),
	}
	s.losing = time.AfterFunc(o.opts.Grace, s.lose)
	o.stats.hearing(1, Listening)
	return s
}

// retarget takes another target over; false when it is another bot, which needs a stream of its own.
func (s *stream) retarget(target Target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.target.Address != target.Address || s.target.Instance != target.Instance {
		return false
	}
	s.target = target
	return true
}

// close ends the stream; its goroutine follows. observer.mu is held.
func (s *stream) close() {
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.losing.Stop()
	if s.telling != nil {
		s.telling.Stop()
	}
	s.observer.stats.hearing(-1, s.hearing)
}

func (s *stream) observation() Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Observation{
		Instance: s.target.Instance, Hearing: s.hearing, Since: s.since, Snapshot: s.snapshot,
		LastHeard: s.lastHeard, Err: s.err,
	}
}

// run opens the stream again and again until ctx ends.
func (s *stream) run(ctx context.Context) {
	opts := &s.observer.opts
	for attempt := 0; ; attempt++ {
		if s.observer.starts.Wait(ctx) != nil {
			return
		}
		opened := time.Now()
		err := s.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		s.lost(err)
		// Only a stream that stood for a while clears the backoff: a bot that speaks once and hangs up does not.
		if time.Since(opened) > opts.BackoffCap {
			attempt = 0
		}
		if !sleep(ctx, backoff(attempt, opts.BackoffBase, opts.BackoffCap)) {
			return
		}
	}
}

// backoff is the wait after the attempt: it doubles up to the cap, and a random half of it keeps bots that were
// lost together from being dialled together.
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

// listen opens the stream once and reads it to its end.
func (s *stream) listen(ctx context.Context) error {
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
	spoken := false
	for {
		conn.meter.left = 2 * opts.EventBytes
		size, err := reader.next(func(data []byte) error {
			snapshot, err := decode(data, target.Instance)
			if err != nil {
				return err
			}
			s.heard(snapshot, !spoken)
			spoken = true
			return nil
		})
		if err != nil {
			return classifyEnd(err, spoken)
		}
		now := time.Now()
		if wait := bytes.ReserveN(now, size).DelayFrom(now); wait > 0 {
			if !sleep(ctx, wait) {
				return ctx.Err()
			}
			now = time.Now()
		}
		if spoken {
			s.alive(now)
			deadline = now.Add(opts.Silence)
		}
		if err := conn.SetReadDeadline(deadline); err != nil {
			return errors.New("the stream was closed")
		}
	}
}

// classifyEnd names a silence for what it is.
func classifyEnd(err error, spoken bool) error {
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case spoken:
		return errors.New("the bot fell silent: not even a heartbeat came")
	default:
		return errors.New("the bot sends no snapshot")
	}
}

func (s *stream) alive(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastHeard = now
}

// heard takes a snapshot over. The first on a connection may be of any age, so its lag is no measure.
func (s *stream) heard(snapshot *bot.Snapshot, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.lastHeard = time.Now()
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
		s.tellWithin(0)
	case minor:
		s.tellWithin(s.observer.opts.MinorEvery)
	}
}

// lost notes that the stream ended; what was seen on it holds for the grace.
func (s *stream) lost(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.observer.stats.reconnects.Inc()
	switch s.hearing {
	case Heard:
		s.become(Listening, err)
		s.losing.Reset(s.observer.opts.Grace)
	case Lost:
		if s.err.Error() != err.Error() {
			s.tellWithin(s.observer.opts.Silence)
		}
	}
	s.err = err
}

// lose ends the grace.
func (s *stream) lose() {
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
	s.tellWithin(0)
	s.observer.opts.Log.Info("bot lost", "session", s.key, "error", err.Error())
}

// become changes the hearing; s.mu is held.
func (s *stream) become(hearing Hearing, err error) {
	s.observer.stats.hearing(-1, s.hearing)
	s.observer.stats.hearing(1, hearing)
	if hearing == Heard {
		s.losing.Stop()
	}
	s.hearing, s.since, s.err = hearing, time.Now(), err
}

// tellWithin tells of a change at the latest after the wait; a wait of zero is as soon as a permit is free. One
// event that waits already stands for every change until it is told. s.mu is held.
func (s *stream) tellWithin(wait time.Duration) {
	if s.telling != nil {
		if s.urgent || wait > 0 || !s.telling.Stop() {
			return
		}
		s.telling = nil
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
	s.telling = time.AfterFunc(wait, s.tell)
}

func (s *stream) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.telling = nil
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
