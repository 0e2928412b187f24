package main

import "sesi.dev/sesi/api/bot"

const tagWebhooks = "webhooks"

type webhookRequest struct {
	Name string `path:"name" description:"The webhook's name; the one of WEBHOOK_URL is default."`
}

type deadRequest struct {
	webhookRequest
	Before int64 `query:"before" description:"The before of an earlier answer."`
	Limit  int   `query:"limit" default:"50" minimum:"1" maximum:"500" description:"At most so many. A page also ends at about 1 MiB; before says where to go on."`
}

type redeliverRequest struct {
	webhookRequest
	After string `query:"after" required:"true" description:"The cursor behind which to begin again, or oldest."`
}

var webhookOperations = map[string]operation{
	"GET " + bot.PathWebhooks: {summary: "Webhooks, and how far they are",
		description: "Webhooks are set by WEBHOOKS_FILE or WEBHOOK_URL; the API steers their deliveries.",
		tag:         tagWebhooks, answer: bot.Webhooks{}, problems: []int{409}},
	"GET " + bot.PathWebhook: {summary: "One webhook", tag: tagWebhooks, request: webhookRequest{}, answer: bot.Webhook{}, problems: []int{404, 409}},
	"GET " + bot.PathWebhookDead: {summary: "Events that a webhook never took, newest first", tag: tagWebhooks, request: deadRequest{},
		answer: bot.DeadLetters{}, problems: []int{400, 404, 409}},
	"POST " + bot.PathWebhookTest: {summary: "Send a test event",
		description: "Sends an event of type webhook.test, signed as every other, and says what the receiver answered.",
		tag:         tagWebhooks, request: webhookRequest{}, answer: bot.WebhookTest{}, problems: []int{404, 409}},
	"POST " + bot.PathWebhookRedeliver: {summary: "Deliver again what came behind a cursor",
		description: "Events keep their ids, so a receiver knows what it has had. Dead letters behind the cursor leave the list.",
		tag:         tagWebhooks, request: redeliverRequest{}, answer: bot.Webhook{}, problems: []int{400, 404, 409, 422}},
	"POST " + bot.PathWebhookPause: {summary: "Hold the deliveries back", description: "Events wait, for eight days at most.",
		tag: tagWebhooks, request: webhookRequest{}, answer: bot.Webhook{}, problems: []int{404, 409}},
	"POST " + bot.PathWebhookResume: {summary: "Deliver again, at once", description: "It also ends a wait between two tries, and revives a webhook that ended with 410 Gone.",
		tag: tagWebhooks, request: webhookRequest{}, answer: bot.Webhook{}, problems: []int{404, 409}},
}
