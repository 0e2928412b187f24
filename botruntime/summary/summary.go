// Package summary reduces how deliveries and sending are going to steps so coarse that they change rarely. It is pure:
// it reads no clock and does no I/O.
package summary

import (
	"reflect"
	"slices"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	// late is how long an event must wait before a webhook counts as behind, and prompt how short the wait must be for it
	// to count as up to date again. What lies between changes nothing.
	late, prompt = 30 * time.Second, 15 * time.Second
	// jitter is by how much the end of a hold, or the oldest event, may move without being shown.
	jitter = 15 * time.Minute
)

// Facts are what a summary is made of.
type Facts struct {
	Webhooks []bot.Webhook
	// Refused is true while the webhooks as they are now cannot be read.
	Refused bool
	// Held is why messages are not sent; nil when they are.
	Held *bot.Hold
}

// Next returns the summary of the facts, or was itself where it still says what matters.
func Next(was *bot.MessagesSummary, facts Facts, now time.Time) *bot.MessagesSummary {
	before := bot.MessagesSummary{}
	if was != nil {
		before = *was
	}
	next := &bot.MessagesSummary{Webhooks: []bot.WebhookSummary{}, WebhooksRefused: facts.Refused, Held: heldOf(before.Held, facts.Held, now)}
	for _, w := range facts.Webhooks {
		shown := bot.WebhookSummary{}
		if i := slices.IndexFunc(before.Webhooks, func(s bot.WebhookSummary) bool { return s.Name == w.Name }); i >= 0 {
			shown = before.Webhooks[i]
		}
		next.Webhooks = append(next.Webhooks, webhookOf(shown, w, now))
	}
	if was != nil && reflect.DeepEqual(was, next) {
		return was
	}
	return next
}

func webhookOf(was bot.WebhookSummary, w bot.Webhook, now time.Time) bot.WebhookSummary {
	next := bot.WebhookSummary{Name: w.Name, State: w.State, DeadLetters: step(w.DeadLetters)}
	age := time.Duration(0)
	if !w.BacklogSince.IsZero() {
		age = now.Sub(w.BacklogSince.Time)
	}
	limit := late
	if !was.BacklogSince.IsZero() {
		limit = prompt
	}
	if age >= limit {
		next.BacklogSince = bot.At(w.BacklogSince.Truncate(time.Second))
		if moved := next.BacklogSince.Sub(was.BacklogSince.Time).Abs(); !was.BacklogSince.IsZero() && moved < max(age/2, time.Minute) {
			next.BacklogSince = was.BacklogSince
		}
	} else if w.State == bot.WebhookRetrying {
		next.State = bot.WebhookDelivering
	}
	return next
}

// step rounds down to 1, 2 or 5 with zeros behind.
func step(n uint64) uint64 {
	for power := uint64(1e18); power > 0; power /= 10 {
		for _, digit := range []uint64{5, 2, 1} {
			if n/power >= digit {
				return digit * power
			}
		}
	}
	return 0
}

// heldOf keeps the end of a hold that was shown as long as it is about right: where WhatsApp names no end, the bot's guess
// moves with every question.
func heldOf(was, is *bot.Hold, now time.Time) *bot.Hold {
	if is == nil {
		return nil
	}
	if was != nil && was.Reason == is.Reason && now.Before(was.Until.Time) && is.Until.Sub(was.Until.Time).Abs() < jitter {
		return was
	}
	return &bot.Hold{Reason: is.Reason, Until: bot.At(is.Until.Truncate(time.Second))}
}
