// Package observer keeps one event stream open to each running bot and reports which sessions changed in a way that their
// status shows. It never writes to the Kubernetes API and never blocks its callers.
package observer

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"sesi.dev/sesi/api/bot"
)

// Key names the session a stream belongs to.
type Key = types.NamespacedName

// Event says that a session's observation changed in a way that its status shows.
type Event = event.TypedGenericEvent[Key]

// Target is one bot process: its address, and what each side proves to the other.
type Target struct {
	// Address is host:port of the bot's TLS listener.
	Address string
	// Instance must be in every snapshot: the UID of the bot's pod. So the next user of an address cannot report for it.
	Instance string
	// Pins are the keys that the bot may serve with.
	Pins Pins
	// Token authenticates the operator to the bot.
	Token string
}

// Hearing says how well the operator reaches a bot.
type Hearing string

// How well the operator reaches a bot. The values are those of the metric's label.
const (
	// Listening: the stream is being opened, or ended less than the grace ago. The last snapshot still holds.
	Listening Hearing = "Listening"
	// Heard: the stream is open, and the bot has reported on it.
	Heard Hearing = "Heard"
	// Lost: the bot has been unreachable for longer than the grace.
	Lost Hearing = "Lost"
)

// Observation is what is known of a bot at one moment.
type Observation struct {
	// Instance is the bot process that was observed.
	Instance string
	Hearing  Hearing
	// Snapshot is the last one of this process; nil before the first. It is shared and must not be changed.
	Snapshot *bot.Snapshot
	// Err is why the bot is unreachable; nil while it is reached.
	Err error
}

// Options bound what a stream may cost and how long it may be silent. A zero field takes its default.
type Options struct {
	// Silence is the longest wait for a line on an open stream: more than two of the bot's heartbeats (40 s).
	Silence time.Duration
	// Opening is the longest wait for a connection, a handshake, an answer and the first snapshot (5 s).
	Opening time.Duration
	// Grace is how long a bot may be unreachable before it is lost (10 s). It begins with the first dial.
	Grace time.Duration
	// BackoffBase and BackoffCap bound the wait before a stream is opened again (200 ms, 30 s).
	BackoffBase, BackoffCap time.Duration
	// Starts is how many streams may be opened per second (500), after a first burst of as many. It bounds the work
	// after a restart of the operator and after a failure of the network.
	Starts int
	// EmitEvery is the mean time between two events of one session (1 s), after a first burst of EmitBurst (5).
	EmitEvery time.Duration
	EmitBurst int
	// MinorEvery is the longest delay of an event for a change of only the size and age of a session directory (10 min).
	MinorEvery time.Duration
	// EventBytes bounds one event and one line of a stream (16 KiB).
	EventBytes int
	// BytesPerSecond bounds what is read from one stream (512 KiB), after a first burst of half as much. A line costs at
	// least minCharge bytes.
	BytesPerSecond int
	Log            logr.Logger
}

func (o Options) withDefaults() Options {
	set(&o.Silence, 40*time.Second)
	set(&o.Opening, 5*time.Second)
	set(&o.Grace, 10*time.Second)
	set(&o.BackoffBase, 200*time.Millisecond)
	set(&o.BackoffCap, 30*time.Second)
	set(&o.Starts, 500)
	set(&o.EmitEvery, time.Second)
	set(&o.EmitBurst, 5)
	set(&o.MinorEvery, 10*time.Minute)
	set(&o.EventBytes, 16<<10)
	set(&o.BytesPerSecond, 512<<10)
	if o.Log.GetSink() == nil {
		o.Log = logr.Discard()
	}
	return o
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Observer keeps the streams. It is a manager.Runnable; streams that were asked for before Start begin with it.
type Observer struct {
	opts   Options
	starts *rate.Limiter
	events chan Event
	stats  stats

	changed changes
	running sync.WaitGroup

	mu      sync.Mutex      // taken before a stream's
	ctx     context.Context // nil until Start
	streams map[Key]*stream
}

// New returns an observer without streams.
func New(opts Options) *Observer {
	opts = opts.withDefaults()
	return &Observer{
		opts:    opts,
		starts:  rate.NewLimiter(rate.Limit(opts.Starts), opts.Starts),
		events:  make(chan Event),
		stats:   newStats(),
		streams: map[Key]*stream{},
		changed: changes{wake: make(chan struct{}, 1)},
	}
}

// Events returns the sessions that changed. A session that changes again before it is read appears once.
func (o *Observer) Events() <-chan Event { return o.events }

// Start runs the streams until ctx ends; it returns when the last of them has ended.
func (o *Observer) Start(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	o.mu.Lock()
	o.ctx = ctx
	for _, s := range o.streams {
		o.launch(s)
	}
	o.mu.Unlock()

	o.deliver(ctx)

	cancel()
	o.mu.Lock()
	for key, s := range o.streams {
		s.close()
		delete(o.streams, key)
	}
	o.mu.Unlock()
	o.running.Wait()
	return nil
}

// deliver sends the changed sessions to the reader of Events.
func (o *Observer) deliver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.changed.wake:
		}
		for key := range o.changed.take() {
			select {
			case <-ctx.Done():
				return
			case o.events <- Event{Object: key}:
			}
		}
	}
}

// launch starts a stream's goroutine; o.mu is held.
func (o *Observer) launch(s *stream) {
	ctx, cancel := context.WithCancel(o.ctx)
	s.cancel = cancel
	o.running.Go(func() { s.run(ctx) })
}

// Ensure asks for a stream from the target. If only the credentials changed, an open stream stays and uses them when it is
// opened the next time. Another address or instance ends it and starts a new one. Ensure never blocks.
func (o *Observer) Ensure(key Key, target Target) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.streams[key]; s != nil {
		if s.retarget(target) {
			return
		}
		s.close()
	}
	s := newStream(o, key, target)
	o.streams[key] = s
	if o.ctx != nil && o.ctx.Err() == nil {
		o.launch(s)
	}
}

// Forget ends a session's stream, if it has one, and forgets its snapshot.
func (o *Observer) Forget(key Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.streams[key]; s != nil {
		s.close()
		delete(o.streams, key)
	}
}

// Observed returns what is known of a session's bot; false if no stream was asked for.
func (o *Observer) Observed(key Key) (Observation, bool) {
	o.mu.Lock()
	s := o.streams[key]
	o.mu.Unlock()
	if s == nil {
		return Observation{}, false
	}
	return s.observation(), true
}

// Notify reports a session as changed, for a reason that no stream knows. It never blocks.
func (o *Observer) Notify(key Key) { o.changed.add(key) }

// Shown notes that a session's status now shows the snapshot of this revision; it measures the lag.
func (o *Observer) Shown(key Key, revision uint64) {
	o.mu.Lock()
	s := o.streams[key]
	o.mu.Unlock()
	if s != nil {
		s.shown(revision)
	}
}

// changes holds the sessions whose event waits for a reader, each once, so that a slow reader costs no memory.
type changes struct {
	mu   sync.Mutex
	keys map[Key]struct{}
	wake chan struct{}
}

func (c *changes) add(key Key) {
	c.mu.Lock()
	if c.keys == nil {
		c.keys = map[Key]struct{}{}
	}
	c.keys[key] = struct{}{}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *changes) take() map[Key]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys := c.keys
	c.keys = nil
	return keys
}
