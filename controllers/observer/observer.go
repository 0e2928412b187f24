// Package observer keeps one event stream per running bot and says which sessions changed in a way that their
// status shows; it never writes to the Kubernetes API and never blocks who asks it.
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

// Target is where one incarnation of a bot is heard, and how either side knows the other.
type Target struct {
	// Address is host:port of the bot's TLS listener.
	Address string
	// Instance must be what the bot calls itself: its pod's UID. A recycled address can't speak for another bot.
	Instance string
	// Pins are the serving keys the bot may prove to hold.
	Pins Pins
	// Token is what the bot demands of the operator.
	Token string
}

// Hearing says how well a bot is heard.
type Hearing string

// How well a bot is heard.
const (
	// Listening: the stream is being opened, or was lost less than the grace ago. What was last seen still holds.
	Listening Hearing = "Listening"
	// Heard: the stream stands, and the bot has spoken on it.
	Heard Hearing = "Heard"
	// Lost: the bot has not been heard for the grace.
	Lost Hearing = "Lost"
)

// Observation is what is known of a bot at one moment.
type Observation struct {
	// Instance is the incarnation that was listened to.
	Instance string
	Hearing  Hearing
	// Since is when Hearing became what it is.
	Since time.Time
	// Snapshot is the last that this incarnation sent; nil before the first. It is shared and must not be changed.
	Snapshot *bot.Snapshot
	// LastHeard is when the bot last sent anything, heartbeats included; zero before the first.
	LastHeard time.Time
	// Err is why the bot is not heard; nil while it is.
	Err error
}

// Options bound what a stream may cost and how long it may be silent. A zero field takes its default.
type Options struct {
	// Silence is the longest wait for a line on a standing stream: more than two of the bot's heartbeats (40 s).
	Silence time.Duration
	// Opening is the longest wait for a connection, a handshake, an answer and the first snapshot (5 s).
	Opening time.Duration
	// Grace is how long a bot may be unheard before it counts as lost (10 s).
	Grace time.Duration
	// BackoffBase and BackoffCap bound the wait before a stream is opened again (200 ms, 30 s).
	BackoffBase, BackoffCap time.Duration
	// Starts is how many streams may be opened in a second, all bots together (500), after a first burst of as
	// many. It bounds the work after a restart of the operator and after a network's failure.
	Starts int
	// EmitEvery is the least mean distance of two events of one session (1 s), after a first burst of EmitBurst (5).
	EmitEvery time.Duration
	EmitBurst int
	// MinorEvery is how soon a change that only touches the store's size and age is told (10 min).
	MinorEvery time.Duration
	// EventBytes bounds one event and one line of a stream (16 KiB).
	EventBytes int
	// BytesPerSecond bounds what is read from one stream (512 KiB), after a first burst of half as much.
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

// Observer keeps the streams. It is a manager.Runnable; streams asked for before Start begin with it.
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

// Events gives the sessions that changed; a session that changes again before it is read is given once.
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

// deliver hands the changed sessions to the reader of Events.
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

// Ensure asks for a stream from the target. A standing stream goes on when only its credentials changed, which
// count from its next opening; another address or instance ends it and begins anew. It never blocks.
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

// Forget ends a session's stream, if it has one, and drops what it said.
func (o *Observer) Forget(key Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.streams[key]; s != nil {
		s.close()
		delete(o.streams, key)
	}
}

// Observed returns what is known of a session's bot; false when nobody asked to listen to it.
func (o *Observer) Observed(key Key) (Observation, bool) {
	o.mu.Lock()
	s := o.streams[key]
	o.mu.Unlock()
	if s == nil {
		return Observation{}, false
	}
	return s.observation(), true
}

// Shown tells that a session's status now shows the snapshot of this revision, for the measure of the lag.
func (o *Observer) Shown(key Key, revision uint64) {
	o.mu.Lock()
	s := o.streams[key]
	o.mu.Unlock()
	if s != nil {
		s.shown(revision)
	}
}

// changes holds the sessions whose event waits for a reader, each once: a slow reader costs no memory.
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
