// Package metrics counts what happens to one session for Prometheus. It never puts a phone number, a name or a client
// ID into a label.
package metrics

import (
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sesi.dev/sesi/api/bot"
)

// Bot holds the counters of one bot. It collects its gauges at each scrape, so that none is stale.
type Bot struct {
	registry *prometheus.Registry
	counters []prometheus.Collector

	reconnects, logouts                                *prometheus.CounterVec
	codes, pairings, takeovers                         prometheus.Counter
	messages, undecryptable, backupFailures, restoreds prometheus.Counter

	build      prometheus.Metric
	snapshot   atomic.Pointer[func() *bot.Snapshot]
	webVersion atomic.Int64 // Unix seconds, 0 for unknown
	backedUp   atomic.Int64 // Unix milliseconds, 0 for never
	interval   atomic.Int64 // a time.Duration
	now        func() time.Time
}

// New returns the metrics of a bot of this version.
func New(version string) *Bot {
	b := &Bot{registry: prometheus.NewRegistry(), now: time.Now}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "sesi_bot_" + name, Help: help})
		b.counters = append(b.counters, c)
		return c
	}
	// Every reason exists from the start: rate() does not see the first increment of a counter that appears with it.
	byReason := func(name, help string, reasons []bot.Reason) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sesi_bot_" + name, Help: help}, []string{"reason"})
		for _, reason := range reasons {
			c.WithLabelValues(string(reason))
		}
		b.counters = append(b.counters, c)
		return c
	}
	b.reconnects = byReason("reconnects_total", "Reconnections, by why the previous connection ended.", []bot.Reason{
		bot.ReasonConnectionLost, bot.ReasonKeepAliveTimeout, bot.ReasonStreamReplaced, bot.ReasonTemporaryBan,
		bot.ReasonClientOutdated, bot.ReasonConnectFailure,
	})
	b.codes = counter("qr_codes_total", "QR codes shown.")
	b.pairings = counter("pairings_total", "Times a phone linked the session.")
	b.logouts = byReason("logouts_total", "Ends of the link, by reason.", []bot.Reason{
		bot.ReasonLoggedOut, bot.ReasonPrimaryDeviceGone, bot.ReasonAccountBanned, bot.ReasonClearedByUser,
	})
	b.takeovers = counter("takeovers_total", "Times the bot took its session back from another client.")
	b.messages = counter("messages_received_total", "Messages received and decrypted.")
	b.undecryptable = counter("messages_undecryptable_total", "Messages received that could not be decrypted.")
	b.backupFailures = counter("backup_failures_total", "Backups of the store that failed.")
	b.restoreds = counter("store_restored_total", "Times a damaged store was replaced by a backup.")
	b.build = prometheus.MustNewConstMetric(buildDesc, prometheus.GaugeValue, 1, version, runtime.Version())
	b.registry.MustRegister(b)
	return b
}

// Observe sets where the gauges come from. There are no gauges before this call, and while snapshot returns nil.
func (b *Bot) Observe(snapshot func() *bot.Snapshot) { b.snapshot.Store(&snapshot) }

// Handler answers a scrape. It never compresses: the answer is a few kilobytes, and a compressor would stay in memory.
func (b *Bot) Handler() http.Handler {
	return promhttp.HandlerFor(b.registry, promhttp.HandlerOpts{DisableCompression: true, MaxRequestsInFlight: 4})
}

// Reconnect counts a connection opened again after one that ended for reason.
func (b *Bot) Reconnect(reason bot.Reason) { b.reconnects.WithLabelValues(string(reason)).Inc() }

// CodeIssued counts a QR code.
func (b *Bot) CodeIssued() { b.codes.Inc() }

// Paired counts a pairing.
func (b *Bot) Paired() { b.pairings.Inc() }

// LoggedOut counts the end of a link.
func (b *Bot) LoggedOut(reason bot.Reason) { b.logouts.WithLabelValues(string(reason)).Inc() }

// TakenOver counts a takeover.
func (b *Bot) TakenOver() { b.takeovers.Inc() }

// MessageReceived counts a message that was decrypted.
func (b *Bot) MessageReceived() { b.messages.Inc() }

// MessageUndecryptable counts a message that could not be decrypted.
func (b *Bot) MessageUndecryptable() { b.undecryptable.Inc() }

// BackupFailed counts a backup that failed.
func (b *Bot) BackupFailed() { b.backupFailures.Inc() }

// StoreRestored counts a damaged store that a backup replaced.
func (b *Bot) StoreRestored() { b.restoreds.Inc() }

// BackedUp sets the time at which a complete backup was known to exist.
func (b *Bot) BackedUp(at time.Time) { b.backedUp.Store(at.UnixMilli()) }

// BackupInterval sets the time between backups; 0 for never.
func (b *Bot) BackupInterval(every time.Duration) { b.interval.Store(int64(every)) }

// WebVersion sets the date of the web version in use.
func (b *Bot) WebVersion(at time.Time) { b.webVersion.Store(at.Unix()) }
