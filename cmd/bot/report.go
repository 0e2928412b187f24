package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/messenger"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/botruntime/summary"
	"sesi.dev/sesi/internal/reread"
)

const (
	// reportTime is how often the summary of messages may change. It bounds what a bot's messages cost the operator.
	reportTime = 30 * time.Second
	// newWebhooksTime is how soon new webhooks are shown, and how often MESSAGES_FILE is looked at.
	newWebhooksTime = 2 * time.Second
)

// report shows how deliveries and sending are going in the session's snapshot, until ctx ends.
func (m *messages) report(ctx context.Context, sup *session.Supervisor) error {
	tick := time.NewTicker(newWebhooksTime)
	defer tick.Stop()
	var shown *bot.MessagesSummary
	at := time.Time{}
	for {
		if time.Since(at) >= reportTime || shown == nil || !sameNames(shown, m.webhooks.Known()) {
			at = time.Now()
			shown = m.show(ctx, sup, shown)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// show shows a summary if it differs from the one that is shown, and returns the one that is shown then.
func (m *messages) show(ctx context.Context, sup *session.Supervisor, shown *bot.MessagesSummary) *bot.MessagesSummary {
	all, err := m.webhooks.List(ctx)
	if err != nil {
		return shown
	}
	facts := summary.Facts{Webhooks: all, Refused: m.webhooks.Refused(), Held: m.messenger.Held()}
	if next := summary.Next(shown, facts, m.journal.Now()); next != shown && sup.Show(ctx, next) == nil {
		return next
	}
	return shown
}

func sameNames(shown *bot.MessagesSummary, names []string) bool {
	return slices.EqualFunc(shown.Webhooks, names, func(s bot.WebhookSummary, name string) bool { return s.Name == name })
}

// messageSettings are the settings of messages, which the file of MESSAGES_FILE may change while the bot runs.
type messageSettings struct {
	given config.Config
	now   config.Config
	file  *reread.Files
}

// openSettings reads MESSAGES_FILE for the first time.
func openSettings(given config.Config) (*messageSettings, error) {
	s := &messageSettings{given: given, now: given}
	if given.MessagesFile == "" {
		return s, nil
	}
	var err error
	s.file, err = reread.New(s.read, given.MessagesFile)
	return s, err
}

func (s *messageSettings) read() error {
	next, err := s.given.Reread()
	if err == nil {
		s.now = next
	}
	return err
}

// pace is how fast the bot may send.
func (s *messageSettings) pace() messenger.Pace {
	return messenger.Pace{
		PerMinute: s.now.MessagesPace, Burst: s.now.MessagesBurst, NewChats: s.now.MessagesNewChats, Zone: s.now.MessagesZone,
		Quiet: messenger.QuietHours{From: s.now.MessagesQuiet[0], To: s.now.MessagesQuiet[1]},
	}
}

// follow takes over what changes in the settings, until ctx ends.
func (m *messages) follow(ctx context.Context) error {
	if m.settings.file == nil {
		return nil
	}
	tick := time.NewTicker(newWebhooksTime)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		was := m.settings.now
		if err := m.settings.file.Refresh(); err != nil {
			m.log.Error("the settings of messages were not read again; those before stay", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		now := m.settings.now
		if was.MessagesRetention != now.MessagesRetention || was.MessagesMaxSize != now.MessagesMaxSize {
			m.journal.SetLimits(now.MessagesRetention, now.MessagesMaxSize)
		}
		m.messenger.SetReceipts(now.MessagesReceipts)
		if err := m.messenger.SetPace(m.settings.pace()); err != nil {
			m.log.Error("messages that the former pace held stay held until their time", "error", err)
		}
	}
}
