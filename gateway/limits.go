package gateway

import (
	"crypto/sha256"
	"maps"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what one caller, one session and all callers together may use of the gateway. A zero field means its
// default.
type Limits struct {
	// Rate is how many requests per second a caller may send, after a first burst of twice as many (200).
	Rate float64
	// PerCaller and PerSession are requests at once (256, 64), CallerStreams and SessionStreams open streams (256, 16).
	PerCaller, PerSession         int
	CallerStreams, SessionStreams int
	// Streams are all open streams (5000).
	Streams int
	// Body is the largest body in bytes (96 MiB). It is passed on while it is read.
	Body int64
	// Held is how many bytes of bodies are in memory at once, of requests whose body names the session (64 MiB), and
	// Spooled how many are on disk, of large ones that name it late (1 GiB).
	Held, Spooled int64
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.Rate, 200)
	setDefault(&l.PerCaller, 256)
	setDefault(&l.PerSession, 64)
	setDefault(&l.CallerStreams, 256)
	setDefault(&l.SessionStreams, 16)
	setDefault(&l.Streams, 5000)
	setDefault(&l.Body, 96<<20)
	setDefault(&l.Held, 64<<20)
	setDefault(&l.Spooled, 1<<30)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// ledger counts what is in use.
type ledger struct {
	limits Limits
	// memory and disk are what is kept of bodies.
	memory, disk budget

	mu      sync.Mutex
	callers map[string]*account
	used    map[sessionKey]*account
	streams int
}

// account is what one caller or session uses.
type account struct {
	requests, streams int
	// by is what each caller uses of a session.
	by   map[*account]*account
	rate *rate.Limiter
	last time.Time
}

// maxAccounts bounds how many callers are remembered; those without a request are forgotten first.
const maxAccounts = 10_000

func newLedger(limits Limits) *ledger {
	return &ledger{limits: limits, memory: budget{limit: limits.Held}, disk: budget{limit: limits.Spooled},
		callers: map[string]*account{}, used: map[sessionKey]*account{}}
}

// pace counts a request of a caller, whatever becomes of it.
func (l *ledger) pace(who string, now time.Time) (refused *problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.caller(who, now).rate.AllowN(now, 1) {
		return problemTooMany.after(1)
	}
	return nil
}

// admit counts a caller's request as one that is open, and its session's if it has one, until done is called.
func (l *ledger) admit(who string, key sessionKey, stream bool, now time.Time) (done func(), refused *problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begin(l.caller(who, now), key, stream)
}

// caller returns what is counted of a caller. l.mu is held.
func (l *ledger) caller(who string, now time.Time) *account {
	a := l.callers[who]
	if a == nil {
		l.forget(now)
		a = &account{rate: rate.NewLimiter(rate.Limit(l.limits.Rate), int(2*l.limits.Rate)+1)}
		l.callers[who] = a
	}
	a.last = now
	return a
}

// open counts one more stream to a bot, which the gateway opens for a request of a caller that was admitted, until done
// is called.
func (l *ledger) open(who string, key sessionKey) (done func(), refused *problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.callers[who]
	if a == nil {
		return nil, problemTooManyStreams.after(5)
	}
	return l.begin(a, key, true)
}

// begin counts what was let in. l.mu is held.
func (l *ledger) begin(a *account, key sessionKey, stream bool) (done func(), refused *problem) {
	var s, own *account // of the session, and of the caller at the session
	if key.name != "" {
		if s = l.used[key]; s == nil {
			s = &account{by: map[*account]*account{}}
		}
		if own = s.by[a]; own == nil {
			own = &account{}
		}
	}
	if stream {
		if l.streams >= l.limits.Streams || a.streams >= l.limits.CallerStreams ||
			s != nil && (s.streams >= l.limits.SessionStreams || own.streams >= share(l.limits.SessionStreams)) {
			return nil, problemTooManyStreams.after(5)
		}
	} else if a.requests >= l.limits.PerCaller || s != nil && (s.requests >= l.limits.PerSession || own.requests >= share(l.limits.PerSession)) {
		return nil, problemTooMany.after(1)
	}
	if s != nil {
		l.used[key], s.by[a] = s, own
	}
	l.count(stream, 1, a, s, own)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count(stream, -1, a, s, own)
		if own != nil && own.requests == 0 && own.streams == 0 {
			delete(s.by, a)
		}
		if s != nil && s.requests == 0 && s.streams == 0 {
			delete(l.used, key)
		}
	}, nil
}

// share is how much of a session's places one caller may take: an eighth is left to others.
func share(places int) int { return places - places/8 }

func (l *ledger) count(stream bool, by int, accounts ...*account) {
	for _, one := range accounts {
		switch {
		case one == nil:
		case stream:
			one.streams += by
		default:
			one.requests += by
		}
	}
	if stream {
		l.streams += by
	}
}

// forget makes room for a caller: it removes those that have not called for a minute.
func (l *ledger) forget(now time.Time) {
	if len(l.callers) < maxAccounts {
		return
	}
	for who, a := range l.callers {
		if a.requests == 0 && a.streams == 0 && now.Sub(a.last) > time.Minute {
			delete(l.callers, who)
		}
	}
}

// openStreams is how many streams are open.
func (l *ledger) openStreams() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams
}

// budget is a number of bytes that all requests share.
type budget struct {
	mu          sync.Mutex
	limit, used int64
}

// take reserves bytes; false when too many are in use.
func (b *budget) take(size int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+size > b.limit {
		return false
	}
	b.used += size
	return true
}

// give returns reserved bytes.
func (b *budget) give(size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= size
}

const (
	throttleBurst   = 10              // wrong credentials before an address has to wait
	throttleRefill  = 3 * time.Second // gives one more try
	throttleCallers = 4096            // addresses remembered at once
)

// throttle bounds how often an address may send a wrong credential.
type throttle struct {
	mu   sync.Mutex
	full map[netip.Prefix]time.Time // when an address has all its attempts again
}

// wait is how long an address must wait before its next attempt; 0 when it need not.
func (t *throttle) wait(from netip.Addr, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	open := t.full[t.key(from)].Add(-(throttleBurst - 1) * throttleRefill)
	return max(0, open.Sub(now))
}

// failed counts a wrong credential.
func (t *throttle) failed(from netip.Addr, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full == nil {
		t.full = map[netip.Prefix]time.Time{}
	}
	if len(t.full) >= throttleCallers {
		for key, full := range t.full {
			if full.Before(now) {
				delete(t.full, key)
			}
		}
	}
	key := t.key(from)
	begin := t.full[key]
	if begin.Before(now) {
		begin = now
	}
	t.full[key] = begin.Add(throttleRefill)
}

// key is the network of an address, or one for all new ones once too many are remembered.
func (t *throttle) key(from netip.Addr) netip.Prefix {
	bits := 32
	if from.Is6() {
		bits = 64 // a caller has at least a network of this size
	}
	network, err := from.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	if _, known := t.full[network]; known || len(t.full) < throttleCallers {
		return network
	}
	return netip.Prefix{}
}

const (
	welcomeTime   = 10 * time.Minute // how long a token is remembered after its last use
	welcomeTokens = 4096             // remembered at once
)

// welcome remembers the hashes of the tokens that the API server recognized lately.
type welcome struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func (w *welcome) has(token [sha256.Size]byte, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return now.Before(w.until[token])
}

func (w *welcome) add(token [sha256.Size]byte, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.until) >= welcomeTokens {
		maps.DeleteFunc(w.until, func(_ [sha256.Size]byte, until time.Time) bool { return !now.Before(until) })
	}
	if w.until == nil {
		w.until = map[[sha256.Size]byte]time.Time{}
	}
	if _, known := w.until[token]; known || len(w.until) < welcomeTokens {
		w.until[token] = now.Add(welcomeTime)
	}
}
