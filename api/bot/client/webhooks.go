package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"sesi.dev/sesi/api/bot"
)

// Webhooks lists the webhooks, and how far each is.
func (c *Client) Webhooks(ctx context.Context) (all bot.Webhooks, err error) {
	return all, c.Do(ctx, http.MethodGet, bot.PathWebhooks, nil, &all)
}

// Webhook describes one webhook.
func (c *Client) Webhook(ctx context.Context, name string) (w bot.Webhook, err error) {
	return w, c.Do(ctx, http.MethodGet, fill(bot.PathWebhook, "name", name), nil, &w)
}

// TestWebhook sends an event of type webhook.test.
func (c *Client) TestWebhook(ctx context.Context, name string) (result bot.WebhookTest, err error) {
	return result, c.Do(ctx, http.MethodPost, fill(bot.PathWebhookTest, "name", name), nil, &result)
}

// PauseWebhook holds a webhook's events back, ResumeWebhook delivers them at once.
func (c *Client) PauseWebhook(ctx context.Context, name string) (w bot.Webhook, err error) {
	return w, c.Do(ctx, http.MethodPost, fill(bot.PathWebhookPause, "name", name), nil, &w)
}

// ResumeWebhook is explained at PauseWebhook.
func (c *Client) ResumeWebhook(ctx context.Context, name string) (w bot.Webhook, err error) {
	return w, c.Do(ctx, http.MethodPost, fill(bot.PathWebhookResume, "name", name), nil, &w)
}

// Redeliver delivers everything behind a cursor again. after is Oldest or the number of an event.
func (c *Client) Redeliver(ctx context.Context, name, after string) (w bot.Webhook, err error) {
	path := fill(bot.PathWebhookRedeliver, "name", name) + "?after=" + url.QueryEscape(after)
	return w, c.Do(ctx, http.MethodPost, path, nil, &w)
}

// DeadLetters lists the events that a webhook never took, newest first. before is the Before of an earlier answer, 0
// for the first page.
func (c *Client) DeadLetters(ctx context.Context, name string, before uint64) (page bot.DeadLetters, err error) {
	path := fill(bot.PathWebhookDead, "name", name)
	if before > 0 {
		path += "?before=" + strconv.FormatUint(before, 10)
	}
	return page, c.do(ctx, http.MethodGet, path, nil, &page, nil, maxPage)
}
