package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/webhook"
)

// The faults of webhooks.
var (
	faultNoWebhook = fault{status: http.StatusNotFound, kind: bot.ProblemNoWebhook,
		title:  text{"Webhook tidak ditemukan", "No such webhook"},
		detail: text{"Bot tidak punya webhook dengan nama ini; lihat " + bot.PathWebhooks + ".", "The bot has no webhook of this name; see " + bot.PathWebhooks + "."}}
	faultCursor = fault{status: http.StatusUnprocessableEntity, kind: bot.ProblemBadCursor,
		title:  text{"Cursor tidak valid", "Invalid cursor"},
		detail: text{"after lebih baru daripada event terakhir.", "after is newer than the newest event."}}
)

func webhookRoutes() []route {
	return []route{
		{"GET", bot.PathWebhooks, withToken, (*call).listWebhooks},
		{"GET", bot.PathWebhook, withToken, (*call).getWebhook},
		{"GET", bot.PathWebhookDead, withToken, (*call).deadLetters},
		{"POST", bot.PathWebhookTest, withToken, (*call).testWebhook},
		{"POST", bot.PathWebhookRedeliver, withToken, (*call).redeliver},
		{"POST", bot.PathWebhookPause, withToken, (*call).pauseWebhook},
		{"POST", bot.PathWebhookResume, withToken, (*call).resumeWebhook},
	}
}

// webhooks is what delivers; it fails while messages are off.
func (c *call) webhooks() (*webhook.Manager, error) {
	if c.Webhooks == nil {
		return nil, faultMessagesOff
	}
	return c.Webhooks, nil
}

func webhookFault(err error) error {
	switch {
	case errors.Is(err, webhook.ErrUnknown):
		return faultNoWebhook
	case errors.Is(err, webhook.ErrCursor):
		return faultCursor
	}
	return err
}

func (c *call) listWebhooks() error {
	hooks, err := c.webhooks()
	if err != nil {
		return err
	}
	all, err := hooks.List(c.r.Context())
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, bot.Webhooks{Webhooks: all})
}

// answerWebhook does something with the webhook that the path names, and describes it.
func (c *call) answerWebhook(do func(*webhook.Manager, context.Context, string) (bot.Webhook, error)) error {
	hooks, err := c.webhooks()
	if err != nil {
		return err
	}
	one, err := do(hooks, c.r.Context(), c.r.PathValue("name"))
	if err != nil {
		return webhookFault(err)
	}
	return c.json(http.StatusOK, one)
}

func (c *call) getWebhook() error    { return c.answerWebhook((*webhook.Manager).Get) }
func (c *call) pauseWebhook() error  { return c.answerWebhook((*webhook.Manager).Pause) }
func (c *call) resumeWebhook() error { return c.answerWebhook((*webhook.Manager).Resume) }

func (c *call) redeliver() error {
	return c.answerWebhook(func(hooks *webhook.Manager, ctx context.Context, name string) (bot.Webhook, error) {
		after := uint64(0)
		if value := c.r.URL.Query().Get("after"); value != "oldest" {
			var err error
			if after, err = strconv.ParseUint(value, 10, 63); err != nil {
				return bot.Webhook{}, badParameter("after", "oldest, or the cursor of an event")
			}
		}
		return hooks.Redeliver(ctx, name, after)
	})
}

func (c *call) deadLetters() error {
	hooks, err := c.webhooks()
	if err != nil {
		return err
	}
	limit, err := c.number("limit", defaultPage, 1, maxPage)
	if err != nil {
		return err
	}
	before, err := c.number("before", 0, 0, 1<<62)
	if err != nil {
		return err
	}
	letters, err := hooks.Dead(c.r.Context(), c.r.PathValue("name"), before, int(limit))
	if err != nil {
		return webhookFault(err)
	}
	return c.json(http.StatusOK, letters)
}

func (c *call) testWebhook() error {
	hooks, err := c.webhooks()
	if err != nil {
		return err
	}
	result, err := hooks.Test(c.r.Context(), c.r.PathValue("name"))
	if err != nil {
		return webhookFault(err)
	}
	return c.json(http.StatusOK, result)
}
