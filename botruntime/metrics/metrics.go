// Package metrics counts what happens to one session and shows it to Prometheus; it never puts a phone
// number, a name or a client ID into a label.
package metrics

import (
	"net/http"
	"sync/atomic"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Bot holds the counters of one bot and collects its gauges at each scrape, so that none goes stale.
type Bot struct {
	version string

	reconnects, logouts                                reasons
	codes, pairings, takeovers                         atomic.Uint64
	messages, undecryptable, backupFailures, restoreds atomic.Uint64

	snapshot   atomic.Pointer[func() *bot.Snapshot]
	webVersion atomic.Int64 // Unix seconds, 0 for unknown
	backedUp   atomic.Int64 // Unix milliseconds, 0 for never
	interval   atomic.Int64 // a time.Duration
	now        func() time.Time
}

// New returns the metrics of a bot of this version.
func New(version string) *Bot {
	b := &Bot{version: version, now: time.Now}
	b.reconnects.expect(bot.ReasonConnectionLost, bot.ReasonKeepAliveTimeout, bot.ReasonStreamReplaced,
		bot.ReasonTemporaryBan, bot.ReasonClientOutdated, bot.ReasonConnectFailure)
	b.logouts.expect(bot.ReasonLoggedOut, bot.ReasonPrimaryDeviceGone, bot.ReasonAccountBanned, bot.ReasonClearedByUser)
	return b
}

// Observe says where the gauges come from; before it, and while snapshot returns nil, there are none.
func (b *Bot) Observe(snapshot func() *bot.Snapshot) { b.snapshot.Store(&snapshot) }

// Handler answers a scrape. It never compresses: the answer is a few kilobytes, and a compressor would stay
// in memory for good.
func (b *Bot) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		var p page
		b.collect(&p)
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(p.text) // whoever hung up needs no answer
	})
}

// Reconnect counts a connection opened again after one that ended for reason.
func (b *Bot) Reconnect(reason bot.Reason) { b.reconnects.add(reason) }

// CodeIssued counts a QR code.
func (b *Bot) CodeIssued() { b.codes.Add(1) }

// Paired counts a pairing.
func (b *Bot) Paired() { b.pairings.Add(1) }

// LoggedOut counts the end of a link.
func (b *Bot) LoggedOut(reason bot.Reason) { b.logouts.add(reason) }

// TakenOver counts a takeover.
func (b *Bot) TakenOver() { b.takeovers.Add(1) }

// MessageReceived counts a message that was decrypted.
func (b *Bot) MessageReceived() { b.messages.Add(1) }

// MessageUndecryptable counts a message that could not be decrypted.
func (b *Bot) MessageUndecryptable() { b.undecryptable.Add(1) }

// BackupFailed counts a backup that failed.
func (b *Bot) BackupFailed() { b.backupFailures.Add(1) }

// StoreRestored counts a damaged store that a backup replaced.
func (b *Bot) StoreRestored() { b.restoreds.Add(1) }

// BackedUp says that a backup of all that the store holds was known at that moment.
func (b *Bot) BackedUp(at time.Time) { b.backedUp.Store(at.UnixMilli()) }

// BackupInterval says how often backups are due; 0 for never.
func (b *Bot) BackupInterval(every time.Duration) { b.interval.Store(int64(every)) }

// WebVersion says of when the web version in use is.
func (b *Bot) WebVersion(at time.Time) { b.webVersion.Store(at.Unix()) }
