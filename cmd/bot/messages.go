package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/directory"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/messenger"
	"sesi.dev/sesi/botruntime/metrics"
	"sesi.dev/sesi/botruntime/store"
	"sesi.dev/sesi/botruntime/turn"
	"sesi.dev/sesi/botruntime/webhook"
)

const (
	// namesTime bounds one lookup in whatsmeow's list of numbers and LIDs, and namesPause is the pause before the next one
	// where that failed.
	namesTime  = 2 * time.Second
	namesPause = 200 * time.Millisecond
	// scrapeTime bounds the journal queries of one scrape.
	scrapeTime = 2 * time.Second
	// tidyTime is how often the journal deletes old events.
	tidyTime = 10 * time.Minute
	// roomTime is how often it looks whether it is too large. A flood of messages fills a claim in less than tidyTime.
	roomTime = 10 * time.Second
)

// messages are the parts of a bot that handle messages.
type messages struct {
	log       *slog.Logger
	names     message.Names
	journal   *journal.Journal
	messenger *messenger.Messenger
	directory *directory.Directory
	webhooks  *webhook.Manager
	files     *media.Store
	settings  *messageSettings
	// watch returns the session's snapshot, once there is a session.
	watch atomic.Pointer[func() (*bot.Snapshot, <-chan struct{})]
}

// openMessages opens the journal; it returns nil while messages are off.
func openMessages(ctx context.Context, cfg config.Config, st *store.Store, meter *metrics.Bot, log *slog.Logger) (*messages, error) {
	if !cfg.Messages {
		return nil, nil //nolint:nilnil // messages are off
	}
	set, err := openSettings(cfg)
	if err != nil {
		return nil, errors.Join(errSettings, err)
	}
	book, err := journal.Open(ctx, journal.Options{
		Directory: store.SessionPath(cfg.AuthPath, cfg.ClientID), Session: cfg.ClientID,
		Retention: set.now.MessagesRetention, MaxBytes: set.now.MessagesMaxSize, Log: log,
	})
	if err != nil {
		return nil, err
	}
	m := &messages{log: log, names: namesOf(ctx, st, log), journal: book, settings: set}
	count := meter.NewMessages(m.gauges)
	if m.files, err = openFiles(cfg, set, book, count); err != nil {
		return nil, errors.Join(err, book.Close())
	}
	inbox := journal.NewInbox(book, count, log)
	m.messenger = messenger.New(messenger.Options{
		Journal: book, Inbox: inbox, Names: m.names, Log: log, Meter: count,
		Pace: set.pace(), Files: m.files,
	})
	m.messenger.SetReceipts(set.now.MessagesReceipts)
	m.directory = directory.New(directory.Options{Journal: book, Names: m.names, Inbox: inbox, People: st.Named, Meter: count, Log: log})
	if m.webhooks, err = openWebhooks(cfg, m, count); err != nil {
		return nil, errors.Join(errSettings, err, book.Close())
	}
	return m, nil
}

// take is the session's sink.
func (m *messages) take(evt any, in turn.Turn) bool {
	if concerned, kept := m.directory.Take(evt, in); concerned {
		return kept
	}
	return m.messenger.Take(evt, in)
}

// run keeps the journal small until ctx ends.
func (m *messages) run(ctx context.Context) error {
	tidy, room := time.NewTicker(tidyTime), time.NewTicker(roomTime)
	defer tidy.Stop()
	defer room.Stop()
	for {
		if err := m.journal.Tidy(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("old messages could not be deleted from the journal", "error", err)
		}
		if err := m.files.Tidy(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("old files could not be deleted", "error", err)
		}
		if !m.untilTidy(ctx, tidy.C, room.C) {
			return nil
		}
	}
}

// untilTidy waits until there is something to delete; false when ctx ends.
func (m *messages) untilTidy(ctx context.Context, tidy, room <-chan time.Time) bool {
	for {
		select {
		case <-tidy:
			return true
		case <-room:
			if m.journal.Full(ctx) {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// namesOf looks addresses up in whatsmeow's list, which outlives a connection. While the list cannot be read, the caller
// waits until ctx ends: a person whose other address is missed would be two people, whose messages have no order. What is
// still handled after ctx's end gets one lookup.
func namesOf(ctx context.Context, st *store.Store, log *slog.Logger) message.Names {
	return func(jid types.JID) (other types.JID) {
		for said := false; ; said = true {
			var err error
			known := st.Container().LIDMap
			look, cancel := context.WithTimeout(context.WithoutCancel(ctx), namesTime)
			switch jid.Server {
			case types.DefaultUserServer:
				other, err = known.GetLIDForPN(look, jid)
			case types.HiddenUserServer:
				other, err = known.GetPNForLID(look, jid)
			}
			cancel()
			if err == nil || ctx.Err() != nil {
				return other.ToNonAD()
			}
			if !said {
				log.Error("the list of numbers and LIDs cannot be read; what needs it waits", "error", err)
			}
			select {
			case <-time.After(namesPause):
			case <-ctx.Done():
			}
		}
	}
}

// gauges reads the message gauges of a scrape.
func (m *messages) gauges() []metrics.Gauge {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	floor, last := m.journal.Range()
	stats := m.journal.Stats()
	out := []metrics.Gauge{
		{Name: "journal_last_event", Value: float64(last)},
		{Name: "journal_oldest_event", Value: float64(floor + 1)},
		{Name: "journal_expired", Value: float64(stats.Expired)},
		{Name: "journal_evicted", Value: float64(stats.Evicted)},
		{Name: "journal_commit_failures", Value: float64(stats.CommitFailures)},
		{Name: "journal_last_commit_secs", Value: stats.LastCommit.Seconds()},
	}
	bytes, files := m.files.Usage()
	out = append(out, metrics.Gauge{Name: "media_bytes", Value: float64(bytes)}, metrics.Gauge{Name: "media_files", Value: float64(files)})
	out = append(out, m.webhookGauges(ctx)...)
	if size, err := m.journal.Size(ctx); err == nil {
		out = append(out, metrics.Gauge{Name: "journal_bytes", Value: float64(size)})
	}
	return append(out, m.outboxGauges(ctx)...)
}

// outboxGauges count what waits to be sent.
func (m *messages) outboxGauges(ctx context.Context) []metrics.Gauge {
	states, err := m.journal.OutboxSize(ctx)
	if err != nil {
		return nil
	}
	out := []metrics.Gauge{}
	for _, state := range []bot.MessageState{bot.MessageQueued, bot.MessageHeld, bot.MessageSending, bot.MessageUnknown} {
		out = append(out, metrics.Gauge{Name: "outbox", Value: float64(states[state]), Labels: []string{string(state)}})
	}
	return out
}
