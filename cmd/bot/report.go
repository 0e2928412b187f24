package main

import (
	"context"
	"slices"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/botruntime/summary"
)

const (
	// reportTime is how often the summary of messages may change. It bounds what a bot's messages cost the operator.
	reportTime = 30 * time.Second
	// newWebhooksTime is how soon new webhooks are shown.
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
