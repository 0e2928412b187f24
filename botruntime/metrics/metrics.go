// Package metrics counts what happens to one session for Prometheus. It never puts a phone number, a name or a client
// ID into a label.
//
// It writes Prometheus's text format itself. The official library costs each bot 0.7 MB of program and 0.1 MB of memory,
// and its encoder alone 0.08 MB of program and as much code of our own; the small VictoriaMetrics/metrics writes no text
// behind HELP, and bsm/openmetrics another format.
package metrics

import (
	"net/http"
	"sync/atomic"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Bot holds the counters of one bot. It collects its gauges at each scrape, so that none is stale.
type Bot struct {
	counters []*counter

	reconnects, logouts                                *counter
	codes, pairings, takeovers                         *counter
	received, undecryptable, backupFailures, restoreds *counter

	version    string
	messages   *Messages // nil while messages are off
	snapshot   atomic.Pointer[func() *bot.Snapshot]
	webVersion atomic.Int64 // Unix seconds, 0 for unknown
	backedUp   atomic.Int64 // Unix milliseconds, 0 for never
	interval   atomic.Int64 // a time.Duration
	now        func() time.Time
}

// New returns the metrics of a bot of this version.
func New(version string) *Bot {
	b := &Bot{version: version, now: time.Now}
	count := func(name, help string, labels ...string) *counter {
		c := newCounter(name, help, labels...)
		b.counters = append(b.counters, c)
		return c
	}
	// Every reason exists from the start: rate() does not see the first increment of a counter that appears with it.
	byReason := func(name, help string, reasons []bot.Reason) *counter {
		c := count(name, help, "reason")
		for _, reason := range reasons {
			c.add(0, string(reason))
		}
		return c
	}
	b.reconnects = byReason("reconnects_total", "Reconnections, by why the previous connection ended.", []bot.Reason{
		bot.ReasonConnectionLost, bot.ReasonKeepAliveTimeout, bot.ReasonStreamReplaced, bot.ReasonTemporaryBan,
		bot.ReasonClientOutdated, bot.ReasonConnectFailure,
	})
	b.codes = count("qr_codes_total", "QR codes shown.")
	b.pairings = count("pairings_total", "Times a phone linked the session.")
	b.logouts = byReason("logouts_total", "Ends of the link, by reason.", []bot.Reason{
		bot.ReasonLoggedOut, bot.ReasonPrimaryDeviceGone, bot.ReasonAccountBanned, bot.ReasonClearedByUser,
	})
	b.takeovers = count("takeovers_total", "Times the bot took its session back from another client.")
	b.received = count("messages_received_total", "Messages received and decrypted.")
	b.undecryptable = count("messages_undecryptable_total", "Messages received that could not be decrypted.")
	b.backupFailures = count("backup_failures_total", "Backups of the store that failed.")
	b.restoreds = count("store_restored_total", "Times a damaged store was replaced by a backup.")
	return b
}

// Observe sets where the gauges come from. There are no gauges before this call, and while snapshot returns nil.
func (b *Bot) Observe(snapshot func() *bot.Snapshot) { b.snapshot.Store(&snapshot) }

// Handler answers a scrape. It never compresses: the answer is a few kilobytes, and a compressor would stay in memory.
func (b *Bot) Handler() http.Handler { return serve(b.collect) }

// Reconnect counts a connection opened again after one that ended for reason.
func (b *Bot) Reconnect(reason bot.Reason) { b.reconnects.inc(string(reason)) }

// CodeIssued counts a QR code.
func (b *Bot) CodeIssued() { b.codes.inc() }

// Paired counts a pairing.
func (b *Bot) Paired() { b.pairings.inc() }

// LoggedOut counts the end of a link.
func (b *Bot) LoggedOut(reason bot.Reason) { b.logouts.inc(string(reason)) }

// TakenOver counts a takeover.
func (b *Bot) TakenOver() { b.takeovers.inc() }

// MessageReceived counts a message that was decrypted.
func (b *Bot) MessageReceived() { b.received.inc() }

// MessageUndecryptable counts a message that could not be decrypted.
func (b *Bot) MessageUndecryptable() { b.undecryptable.inc() }

// BackupFailed counts a backup that failed.
func (b *Bot) BackupFailed() { b.backupFailures.inc() }

// StoreRestored counts a damaged store that a backup replaced.
func (b *Bot) StoreRestored() { b.restoreds.inc() }

// BackedUp sets the time at which a complete backup was known to exist.
func (b *Bot) BackedUp(at time.Time) { b.backedUp.Store(at.UnixMilli()) }

// BackupInterval sets the time between backups; 0 for never.
func (b *Bot) BackupInterval(every time.Duration) { b.interval.Store(int64(every)) }

// WebVersion sets the date of the web version in use.
func (b *Bot) WebVersion(at time.Time) { b.webVersion.Store(at.Unix()) }
