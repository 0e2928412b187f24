// Package httpapi serves a bot's session over HTTP: the session API, the page to link from, the event stream,
// health, and the paths that WAHA's scripts call. It keeps no state of the session itself, and never writes a
// code, a key or a token to a log.
package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// Session is what the API stands on. A refusal is a *session.Refusal.
type Session interface {
	// Watch returns the current snapshot, and a channel that is closed at the next change.
	Watch() (*bot.Snapshot, <-chan struct{})
	// Fresh returns the current snapshot with the size and time that the session's files have now.
	Fresh() *bot.Snapshot
	// Look returns the live code; looking wakes a session that waits for someone to look.
	Look(ctx context.Context) (bot.Code, error)
	// Pair asks for a code to type into the phone with that number (E.164).
	Pair(ctx context.Context, phone string) (bot.Code, error)
	// Restart reconnects now; it ends every wait and resets what the waits count.
	Restart(ctx context.Context) error
	// Resume connects, but keeps the budget of takeovers and the end of a ban.
	Resume(ctx context.Context) error
	// Stop disconnects and keeps the keys, until Restart.
	Stop(ctx context.Context) error
	// Logout unlinks the device at WhatsApp.
	Logout(ctx context.Context) error
	// Clear unlinks the device when it can, and empties the store; force does so also when no backup could be taken.
	Clear(ctx context.Context, force bool) error
	// Backup writes a fresh, verified and compressed copy of the store.
	Backup(ctx context.Context, w io.Writer) error
}

// Config is what the API must know.
type Config struct {
	Session Session
	bot.Identity
	// Locale is the language of messages when a request asks for none: "en" is English, all else Indonesian.
	Locale string
	// Token returns the token that callers must present, at this moment; nil or "" when there is none.
	Token func() string
	// Storage and Loop say what is broken: the session directory, the goroutine that owns the state. They are
	// called for every probe. Nil means sound.
	Storage, Loop func() error
	// Journal holds messages and events; nil while messages are off.
	Journal *journal.Journal
	// Names finds the other address of a person.
	Names message.Names
	// Metrics answers /metrics.
	Metrics http.Handler
	// Log takes one line per request, at debug, and one per failure.
	Log *slog.Logger
}

// API answers requests. A Server gives it listeners.
type API struct {
	Config
	fallback lang
	streams  *hub
	failures *throttle
	backups  chan struct{}
	waking   chan struct{}
	readers  chan struct{} // one place for each reader of events that waits
	limits   limits
}

// New returns an API. Close ends what it started.
func New(c Config) *API {
	if c.Token == nil {
		c.Token = func() string { return "" }
	}
	if c.Storage == nil {
		c.Storage = func() error { return nil }
	}
	if c.Loop == nil {
		c.Loop = func() error { return nil }
	}
	if c.Metrics == nil {
		c.Metrics = http.NotFoundHandler()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &API{
		Config:   c,
		fallback: languageOf(c.Locale),
		streams:  newHub(c.Session.Watch, c.Token),
		failures: newThrottle(),
		backups:  make(chan struct{}, 1),
		waking:   make(chan struct{}, 1),
		readers:  make(chan struct{}, readerLimit),
		limits:   defaultLimits,
	}
}

// Close ends every event stream at once, and refuses new ones.
func (a *API) Close() { a.streams.close() }

// snapshot is the session's current one.
func (a *API) snapshot() *bot.Snapshot {
	snap, _ := a.Session.Watch()
	return snap
}
