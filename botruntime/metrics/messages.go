package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sesi.dev/sesi/api/bot"
)

// Messages counts what happens to messages. It is registered only while messages are on.
type Messages struct {
	received, repeats, deliveries *prometheus.CounterVec
	refused, unstorable           prometheus.Counter
	gauges                        func() []Gauge
	attempts, retries             *prometheus.CounterVec
	attemptTime                   prometheus.Histogram
	keys                          prometheus.Counter
	files, fileBytes              *prometheus.CounterVec
}

// Gauge is a value that is read at each scrape.
type Gauge struct {
	// Name is one of the names in messageGauges.
	Name   string
	Value  float64
	Labels []string
}

// messageGauges are the gauges of messages. No label holds a number, a chat or a person's name.
var messageGauges = map[string]*prometheus.Desc{
	"journal_bytes":            gauge("journal_bytes", "Disk space used by messages and events."),
	"journal_last_event":       gauge("journal_last_event", "Number of the newest event."),
	"journal_oldest_event":     gauge("journal_oldest_event", "Number of the oldest event that is kept."),
	"journal_expired":          gauge("journal_expired_events", "Events deleted because of their age since the start."),
	"journal_evicted":          gauge("journal_evicted_events", "Events deleted because the journal was full, since the start."),
	"journal_commit_failures":  gauge("journal_commit_failures", "Transactions that could not be written since the start."),
	"journal_last_commit_secs": gauge("journal_last_commit_seconds", "Duration of the last commit."),
	"webhook_backlog_events":   gauge("webhook_backlog_events", "Events that wait for a webhook.", "webhook"),
	"webhook_backlog_secs":     gauge("webhook_backlog_seconds", "How long the oldest event that a webhook has not taken has waited; 0 for none.", "webhook"),
	"webhook_dead_letters":     gauge("webhook_dead_letters", "Entries in a webhook's list of dead letters.", "webhook"),
	"webhook_delivering":       gauge("webhook_delivering", "1 while a webhook takes its events, 0 while they wait.", "webhook"),
	"media_bytes":              gauge("media_bytes", "Disk space used by files of messages."),
	"media_files":              gauge("media_files", "Files of messages on the disk."),
	"outbox":                   gauge("outbox_messages", "Messages that wait to be sent, by state.", "state"),
}

// NewMessages registers the metrics of messages. gauges is called at each scrape.
func (b *Bot) NewMessages(gauges func() []Gauge) *Messages {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sesi_bot_" + name, Help: help}, labels)
	}
	m := &Messages{
		received: counter("events_received_total", "Events from WhatsApp that were written to the journal, by type.", "type"),
		repeats:  counter("events_repeated_total", "Repeated events that were recognised, by type.", "type"),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "sesi_bot_events_refused_total",
			Help: "Events that could not be written; WhatsApp delivers them again."}),
		unstorable: prometheus.NewCounter(prometheus.CounterOpts{Name: "sesi_bot_events_unstorable_total",
			Help: "Events whose content the journal can never take; of a message, only that it came is kept."}),
		deliveries: counter("webhook_deliveries_total", "Tries to deliver an event, by webhook and outcome: taken, refused, away or gone.", "webhook", "outcome"),
		gauges:     gauges,
		attempts:   counter("send_attempts_total", "Attempts to send a message, by the state that they led to.", "state"),
		attemptTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sesi_bot_send_attempt_seconds",
			Help: "Time from the start of an attempt to WhatsApp's answer.", Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 45}}),
		keys: prometheus.NewCounter(prometheus.CounterOpts{Name: "sesi_bot_send_keys_repeated_total",
			Help: "Requests to send whose Idempotency-Key was known, so that nothing was sent again."}),
		files: counter("media_files_total", "Files by their way (upload and download to and from WhatsApp, fetch from an address, convert) and outcome (done or failed).",
			"way", "outcome"),
		fileBytes: counter("media_bytes_total", "Bytes of files that were moved, by their way.", "way"),
		retries:   counter("send_retry_requests_total", "Recipients that asked for a message again, by whether the bot still had it.", "found"),
	}
	for _, kind := range bot.EventTypes {
		m.received.WithLabelValues(string(kind))
	}
	for _, state := range []bot.MessageState{bot.MessageSent, bot.MessageQueued, bot.MessageHeld, bot.MessageUnknown, bot.MessageFailed} {
		m.attempts.WithLabelValues(string(state))
	}
	for _, found := range []string{"true", "false"} {
		m.retries.WithLabelValues(found)
	}
	for _, way := range []string{"upload", "download", "fetch", "convert"} {
		m.files.WithLabelValues(way, "done")
		m.files.WithLabelValues(way, "failed")
		m.fileBytes.WithLabelValues(way)
	}
	b.registry.MustRegister(m)
	return m
}

func (m *Messages) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.received, m.repeats, m.deliveries, m.refused, m.unstorable, m.attempts, m.attemptTime, m.keys, m.retries, m.files, m.fileBytes}
}

// Describe implements prometheus.Collector.
func (m *Messages) Describe(descs chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(descs)
	}
	for _, desc := range messageGauges {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (m *Messages) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(metrics)
	}
	for _, g := range m.gauges() {
		if desc := messageGauges[g.Name]; desc != nil {
			metrics <- number(desc, g.Value, g.Labels...)
		}
	}
}

// Received counts an event that was written to the journal, or a repeat of one.
func (m *Messages) Received(kind bot.EventType, repeat bool) {
	if repeat {
		m.repeats.WithLabelValues(string(kind)).Inc()
		return
	}
	m.received.WithLabelValues(string(kind)).Inc()
}

// Refused counts an event that could not be written to the journal.
func (m *Messages) Refused() { m.refused.Inc() }

// Unstorable counts an event whose content the journal can never take.
func (m *Messages) Unstorable() { m.unstorable.Inc() }

// Delivered counts a try to deliver an event to a webhook.
func (m *Messages) Delivered(webhook, outcome string) {
	m.deliveries.WithLabelValues(webhook, outcome).Inc()
}

// Attempted counts an attempt to send by the state that it led to.
func (m *Messages) Attempted(state bot.MessageState, took time.Duration) {
	m.attempts.WithLabelValues(string(state)).Inc()
	m.attemptTime.Observe(took.Seconds())
}

// KeyRepeated counts a request whose Idempotency-Key was known.
func (m *Messages) KeyRepeated() { m.keys.Inc() }

// AskedAgain counts a recipient who asked for a message again; found is false when the bot has it no more.
func (m *Messages) AskedAgain(found bool) { m.retries.WithLabelValues(strconv.FormatBool(found)).Inc() }

// Moved counts a file by its way and its outcome.
func (m *Messages) Moved(way, outcome string, bytes int64) {
	m.files.WithLabelValues(way, outcome).Inc()
	m.fileBytes.WithLabelValues(way).Add(float64(bytes))
}
