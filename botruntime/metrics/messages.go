package metrics

import (
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Messages counts what happens to messages. It is there only while messages are on.
type Messages struct {
	received, repeats, deliveries *counter
	postponed                     *counter
	refused, unstorable           *counter
	gauges                        func() []Gauge
	attempts, retries             *counter
	attemptTime                   *histogram
	keys                          *counter
	files, fileBytes              *counter
}

// Gauge is a value that is read at each scrape.
type Gauge struct {
	// Name is one of the names in messageGauges.
	Name   string
	Value  float64
	Labels []string
}

// messageGauges are the gauges of messages. No label holds a number, a chat or a person's name.
var messageGauges = []struct {
	name string
	*desc
}{
	{"journal_bytes", gauge("journal_bytes", "Disk space used by messages and events.")},
	{"journal_last_event", gauge("journal_last_event", "Number of the newest event.")},
	{"journal_oldest_event", gauge("journal_oldest_event", "Number of the oldest event that is kept.")},
	{"journal_expired", gauge("journal_expired_events", "Events deleted because of their age since the start.")},
	{"journal_evicted", gauge("journal_evicted_events", "Events deleted because the journal was full, since the start.")},
	{"journal_commit_failures", gauge("journal_commit_failures", "Transactions that could not be written since the start.")},
	{"journal_last_commit_secs", gauge("journal_last_commit_seconds", "Duration of the last commit.")},
	{"webhook_backlog_events", gauge("webhook_backlog_events", "Events that wait for a webhook.", "webhook")},
	{"webhook_backlog_secs", gauge("webhook_backlog_seconds", "How long the oldest event that a webhook has not taken has waited; 0 for none.", "webhook")},
	{"webhook_dead_letters", gauge("webhook_dead_letters", "Entries in a webhook's list of dead letters.", "webhook")},
	{"webhook_delivering", gauge("webhook_delivering", "1 while a webhook takes its events, 0 while they wait.", "webhook")},
	{"media_bytes", gauge("media_bytes", "Disk space used by files of messages.")},
	{"media_files", gauge("media_files", "Files of messages on the disk.")},
	{"outbox", gauge("outbox_messages", "Messages that wait to be sent, by state.", "state")},
}

// NewMessages adds the metrics of messages, before the first scrape. gauges is called at each scrape.
func (b *Bot) NewMessages(gauges func() []Gauge) *Messages {
	m := &Messages{
		received:   newCounter("events_received_total", "Events from WhatsApp that were written to the journal, by type.", "type"),
		repeats:    newCounter("events_repeated_total", "Repeated events that were recognised, by type.", "type"),
		refused:    newCounter("events_refused_total", "Events that could not be written; WhatsApp delivers them again."),
		unstorable: newCounter("events_unstorable_total", "Events whose content the journal can never take; of a message, only that it came or was sent is kept."),
		deliveries: newCounter("webhook_deliveries_total", "Tries to deliver an event, by webhook and outcome: taken, refused, away or gone.", "outcome", "webhook"),
		postponed:  newCounter("webhook_postponed_total", "Times that events were not given up although their patience was over, because dead letters could not be written.", "webhook"),
		gauges:     gauges,
		attempts:   newCounter("send_attempts_total", "Attempts to send a message, by the state that they led to.", "state"),
		attemptTime: newHistogram("send_attempt_seconds", "Time from the start of an attempt to WhatsApp's answer.",
			.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 45),
		keys: newCounter("send_keys_repeated_total", "Requests to send whose Idempotency-Key was known, so that nothing was sent again."),
		files: newCounter("media_files_total", "Files by their way (upload and download to and from WhatsApp, fetch from an address, convert) and outcome (done or failed).",
			"outcome", "way"),
		fileBytes: newCounter("media_bytes_total", "Bytes of files that were moved, by their way.", "way"),
		retries:   newCounter("send_retry_requests_total", "Recipients that asked for a message again, by whether the bot still had it.", "found"),
	}
	for _, kind := range bot.EventTypes {
		m.received.add(0, string(kind))
	}
	for _, state := range []bot.MessageState{bot.MessageSent, bot.MessageQueued, bot.MessageHeld, bot.MessageUnknown, bot.MessageFailed} {
		m.attempts.add(0, string(state))
	}
	for _, found := range []string{"true", "false"} {
		m.retries.add(0, found)
	}
	for _, way := range []string{"upload", "download", "fetch", "convert"} {
		m.files.add(0, "done", way)
		m.files.add(0, "failed", way)
		m.fileBytes.add(0, way)
	}
	b.messages = m
	return m
}

func (m *Messages) counters() []*counter {
	if m == nil {
		return nil
	}
	return []*counter{m.received, m.repeats, m.deliveries, m.postponed, m.refused, m.unstorable, m.attempts, m.keys, m.retries, m.files, m.fileBytes}
}

func (m *Messages) collect() (all []sample) {
	for _, c := range m.counters() {
		all = append(all, c.collect()...)
	}
	all = append(all, m.attemptTime.collect()...)
	gauges := m.gauges()
	for _, one := range messageGauges {
		for _, g := range gauges {
			if g.Name == one.name {
				all = append(all, number(one.desc, g.Value, g.Labels...))
			}
		}
	}
	return all
}

// Received counts an event that was written to the journal, or a repeat of one.
func (m *Messages) Received(kind bot.EventType, repeat bool) {
	if repeat {
		m.repeats.inc(string(kind))
		return
	}
	m.received.inc(string(kind))
}

// Refused counts an event that could not be written to the journal.
func (m *Messages) Refused() { m.refused.inc() }

// Unstorable counts an event whose content the journal can never take.
func (m *Messages) Unstorable() { m.unstorable.inc() }

// Delivered counts a try to deliver an event to a webhook.
func (m *Messages) Delivered(webhook, outcome string) {
	m.deliveries.inc(outcome, webhook)
}

// Postponed counts a time that a webhook's events were not given up, because dead letters could not be written.
func (m *Messages) Postponed(webhook string) { m.postponed.inc(webhook) }

// Attempted counts an attempt to send by the state that it led to.
func (m *Messages) Attempted(state bot.MessageState, took time.Duration) {
	m.attempts.inc(string(state))
	m.attemptTime.observe(took.Seconds())
}

// KeyRepeated counts a request whose Idempotency-Key was known.
func (m *Messages) KeyRepeated() { m.keys.inc() }

// AskedAgain counts a recipient who asked for a message again; found is false when the bot no longer has it.
func (m *Messages) AskedAgain(found bool) { m.retries.inc(strconv.FormatBool(found)) }

// Moved counts a file by its way and its outcome.
func (m *Messages) Moved(way, outcome string, bytes int64) {
	m.files.inc(outcome, way)
	m.fileBytes.add(float64(bytes), way)
}
