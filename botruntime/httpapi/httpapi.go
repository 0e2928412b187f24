// Package httpapi serves a bot's session over HTTP: the session API, the page to link from, the event streams, health,
// and the paths that WAHA's scripts call. It keeps no session state, and never writes a code, a key or a token to a
// log.
package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/webhook"
)

// Session is the session behind the API. It refuses with a *session.Refusal.
type Session interface {
	// Watch returns the current snapshot, and a channel that is closed at the next change.
	Watch() (*bot.Snapshot, <-chan struct{})
	// Fresh returns the current snapshot with the present size and time of the session's files.
	Fresh() *bot.Snapshot
	// Look returns the current code. Looking wakes a session that waits for someone to look.
	Look(ctx context.Context) (bot.Code, error)
	// Pair asks for a code to type into the phone with that number (E.164).
	Pair(ctx context.Context, phone string) (bot.Code, error)
	// Passkey says what a linking with a passkey waits for.
	Passkey() (bot.Passkey, error)
	// SignPasskey gives WhatsApp a signature: the JSON of a PublicKeyCredential.
	SignPasskey(ctx context.Context, signature []byte) error
	// ConfirmPasskey says that a person has seen the same code on the phone.
	ConfirmPasskey(ctx context.Context) error
	// Restart reconnects now. It ends every wait and resets the counters of the waits.
	Restart(ctx context.Context) error
	// Resume connects, but keeps the takeover budget and the end of a ban.
	Resume(ctx context.Context) error
	// Stop disconnects until Restart, and keeps the keys.
	Stop(ctx context.Context) error
	// Logout is Clear for a session that is linked.
	Logout(ctx context.Context) (told bool, err error)
	// Clear unlinks the device if possible and empties the store. With force it does so even if no backup could be
	// taken. told is false if WhatsApp was out of reach and still knows the device.
	Clear(ctx context.Context, force bool) (told bool, err error)
	// Backup writes a fresh, verified and compressed copy of the store.
	Backup(ctx context.Context, w io.Writer) error
}

// Config configures the API.
type Config struct {
	Session Session
	bot.Identity
	// Locale is the language of messages if a request names none: "en" is English, anything else Indonesian.
	Locale string
	// Token returns the token that callers must present now; nil or "" if there is none.
	Token func() string
	// Storage and Loop return what is broken: the session directory, or the goroutine that owns the state. Every probe
	// calls them. Nil means healthy.
	Storage, Loop func() error
	// Journal holds messages and events; nil while messages are off.
	Journal *journal.Journal
	// Sender is the outbox; nil while messages are off.
	Sender Sender
	// Files keeps the files of messages; nil while messages are off.
	Files *media.Store
	// Directory knows groups and contacts; nil while messages are off.
	Directory Directory
	// Names finds the phone number of a LID and the reverse.
	Names message.Names
	// LIDs lists the people of whom both addresses are known, and counts them all.
	LIDs func(ctx context.Context, limit, offset int) (people []wastore.LIDMapping, total int, err error)
	// Version is the bot's.
	Version string
	// Webhooks delivers events; nil while messages are off.
	Webhooks *webhook.Manager
	// Metrics answers /metrics.
	Metrics http.Handler
	// Log gets one debug line per request, and one line per failure.
	Log *slog.Logger
}

// API answers requests. A Server provides its listeners.
type API struct {
	Config
	fallback lang
	streams  *hub
	failures *throttle
	backups  chan struct{}
	waking   chan struct{}
	readers  chan struct{} // one place for each waiting reader of events
	limits   limits
	began    time.Time
}

// New returns an API. Close ends what New started.
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
		began:    time.Now(),
	}
}

// Close ends every event stream at once, and refuses new ones.
func (a *API) Close() { a.streams.close() }

// snapshot returns the session's current snapshot.
func (a *API) snapshot() *bot.Snapshot {
	snap, _ := a.Session.Watch()
	return snap
}
