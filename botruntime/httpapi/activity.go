package httpapi

import (
	"net/http"

	"sesi.dev/sesi/api/bot"
)

// activity says what came of messages, for people who look at the bot. It tells no content, number or name.
func (c *call) activity() error {
	sender, err := c.sender()
	if err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	is := sender.Activity()
	shown := bot.Activity{Since: bot.At(is.Since), Received: is.Received, Sent: is.Sent, Failed: is.Failed}
	if is.LastProblem != "" {
		shown.LastError, shown.LastErrorAt = sendFault(is.LastProblem).title.in(c.lang), bot.At(is.LastProblemAt)
	}
	waiting, err := c.Journal.OutboxSize(ctx)
	if err != nil {
		return err
	}
	for _, n := range waiting {
		shown.Waiting += n
	}
	hooks, err := c.Webhooks.List(ctx)
	if err != nil {
		return err
	}
	for _, w := range hooks {
		shown.Backlog += w.Backlog
		shown.DeadLetters += w.DeadLetters
		if w.LastErrorAt.After(shown.LastErrorAt.Time) {
			shown.LastError, shown.LastErrorAt = "webhook "+w.Name+": "+w.LastError, w.LastErrorAt
		}
	}
	return c.json(http.StatusOK, shown)
}
