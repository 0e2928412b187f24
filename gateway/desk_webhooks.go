package gateway

import (
	"net/http"
	"net/url"
	"strconv"

	"sesi.dev/sesi/api/bot"
)

// steerWebhook pauses or resumes a webhook, tests it, or delivers its events again.
func (c *call) steerWebhook(who *caller, key sessionKey, what, name, after string) error {
	if !namespacePattern.MatchString(name) { // a webhook's name has the same form; it becomes a part of a path
		return problemBadRequest.about(text{"Webhook ini tidak ada.", "There is no such webhook."})
	}
	o := order{right: actControl, path: bot.PathWebhooks + "/" + name + "/" + what}
	switch what {
	case "redeliver":
		if _, err := strconv.ParseUint(after, 10, 64); err != nil && after != "oldest" {
			return problemBadRequest.about(text{`Tulis nomor peristiwa, atau "oldest" untuk semuanya.`, `Write an event's number, or "oldest" for all.`})
		}
		o.query = url.Values{"after": {after}}.Encode()
	case "test":
		var result bot.WebhookTest
		o.into = &result
		if err := c.order(who, key, o); err != nil {
			return err
		}
		if !result.Delivered {
			return untaken(result)
		}
		return nil
	}
	return c.order(who, key, o)
}

// untaken is the problem of a test that the receiver did not take.
func untaken(result bot.WebhookTest) *problem {
	why := result.Error
	if result.Status != 0 {
		why = strconv.Itoa(result.Status) + " " + http.StatusText(result.Status) + ", " + why
	}
	return &problem{status: http.StatusConflict, kind: bot.ProblemBotFailed,
		detail: text{"Penerima tidak menerima uji ini: " + why, "The receiver did not take the test: " + why}}
}

// webhookSteps are what a person may do with a webhook in a state.
func webhookSteps(page *desk, state bot.WebhookState) []deskAction {
	names := []string{"test", "pause", "redeliver"}
	switch state {
	case bot.WebhookPaused, bot.WebhookEnded:
		names[1] = "resume"
	case bot.WebhookRetrying:
		names = []string{"test", "resume", "pause", "redeliver"} // to resume is to try at once
	}
	var steps []deskAction
	for _, name := range names {
		steps = append(steps, page.action(name, ""))
	}
	return steps
}
