package summary_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/summary"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// hook is a webhook whose oldest waiting event came so long ago; zero for none.
func hook(state bot.WebhookState, now time.Time, age time.Duration, dead uint64) bot.Webhook {
	w := bot.Webhook{Name: "orders", State: state, DeadLetters: dead}
	if age > 0 {
		w.BacklogSince = bot.At(now.Add(-age))
	}
	return w
}

func TestNext(t *testing.T) {
	since := func(at time.Time) bot.WebhookSummary {
		return bot.WebhookSummary{Name: "orders", State: bot.WebhookRetrying, BacklogSince: bot.At(at)}
	}
	hold := func(reason bot.HoldReason, after time.Duration) *bot.Hold {
		return &bot.Hold{Reason: reason, Until: bot.At(start.Add(after))}
	}
	cases := map[string]struct {
		was  *bot.MessagesSummary
		is   summary.Facts
		want bot.MessagesSummary
	}{
		"nothing": {nil, summary.Facts{}, bot.MessagesSummary{Webhooks: []bot.WebhookSummary{}}},
		"a short trouble is not shown": {nil, summary.Facts{Webhooks: []bot.Webhook{hook(bot.WebhookRetrying, start, 29*time.Second, 0)}},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{{Name: "orders", State: bot.WebhookDelivering}}}},
		"a long one is": {nil, summary.Facts{Webhooks: []bot.Webhook{hook(bot.WebhookRetrying, start, 30*time.Second, 0)}},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{since(start.Add(-30 * time.Second))}}},
		"a slow receiver is behind, and gets its events": {nil, summary.Facts{Webhooks: []bot.Webhook{hook(bot.WebhookDelivering, start, time.Hour, 0)}},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{{Name: "orders", State: bot.WebhookDelivering, BacklogSince: bot.At(start.Add(-time.Hour))}}}},
		"what was shown stays until the wait is short": {&bot.MessagesSummary{Webhooks: []bot.WebhookSummary{since(start.Add(-40 * time.Second))}},
			summary.Facts{Webhooks: []bot.Webhook{hook(bot.WebhookRetrying, start, 16*time.Second, 0)}},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{since(start.Add(-40 * time.Second))}}},
		"then it is over": {&bot.MessagesSummary{Webhooks: []bot.WebhookSummary{since(start.Add(-40 * time.Second))}},
			summary.Facts{Webhooks: []bot.Webhook{hook(bot.WebhookRetrying, start, 14*time.Second, 0)}},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{{Name: "orders", State: bot.WebhookDelivering}}}},
		"a pause is shown at once": {nil, summary.Facts{Webhooks: []bot.Webhook{hook(bot.WebhookPaused, start, 0, 0)}},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{{Name: "orders", State: bot.WebhookPaused}}}},
		"dead letters in steps": {nil, summary.Facts{Webhooks: []bot.Webhook{hook(bot.WebhookDelivering, start, 0, 4999)}},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{{Name: "orders", State: bot.WebhookDelivering, DeadLetters: 2000}}}},
		"refused": {nil, summary.Facts{Refused: true}, bot.MessagesSummary{Webhooks: []bot.WebhookSummary{}, WebhooksRefused: true}},
		"held":    {nil, summary.Facts{Held: hold(bot.HoldCapped, time.Hour)}, bot.MessagesSummary{Webhooks: []bot.WebhookSummary{}, Held: hold(bot.HoldCapped, time.Hour)}},
		"an end that moves a little": {&bot.MessagesSummary{Held: hold(bot.HoldTimelocked, time.Hour)}, summary.Facts{Held: hold(bot.HoldTimelocked, 70*time.Minute)},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{}, Held: hold(bot.HoldTimelocked, time.Hour)}},
		"an end that moves": {&bot.MessagesSummary{Held: hold(bot.HoldTimelocked, time.Hour)}, summary.Facts{Held: hold(bot.HoldTimelocked, 80*time.Minute)},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{}, Held: hold(bot.HoldTimelocked, 80*time.Minute)}},
		"another reason": {&bot.MessagesSummary{Held: hold(bot.HoldTimelocked, time.Hour)}, summary.Facts{Held: hold(bot.HoldCapped, time.Hour)},
			bot.MessagesSummary{Webhooks: []bot.WebhookSummary{}, Held: hold(bot.HoldCapped, time.Hour)}},
		"no longer held": {&bot.MessagesSummary{Held: hold(bot.HoldTimelocked, time.Hour)}, summary.Facts{}, bot.MessagesSummary{Webhooks: []bot.WebhookSummary{}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := summary.Next(c.was, c.is, start)
			if !equal(*got, c.want) {
				t.Errorf("summary %+v, want %+v", *got, c.want)
			}
			if again := summary.Next(got, c.is, start); again != got {
				t.Errorf("the same facts make another summary: %+v, then %+v", *got, *again)
			}
		})
	}
}

func equal(a, b bot.MessagesSummary) bool {
	if len(a.Webhooks) != len(b.Webhooks) || a.WebhooksRefused != b.WebhooksRefused || (a.Held == nil) != (b.Held == nil) {
		return false
	}
	for i := range a.Webhooks {
		if a.Webhooks[i] != b.Webhooks[i] {
			return false
		}
	}
	return a.Held == nil || *a.Held == *b.Held
}

// TestFewChanges: whatever a webhook does in an hour, its summary, looked at every half minute, changes rarely: a
// receiver that fails and comes back all the time, one that is far behind and catches up, one that stays down.
func TestFewChanges(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	cases := map[string]struct {
		most int
		at   func(now time.Time) bot.Webhook
	}{
		"fails every third time": {1, func(now time.Time) bot.Webhook {
			states := []bot.WebhookState{bot.WebhookDelivering, bot.WebhookRetrying}
			return hook(states[dice.IntN(2)], now, time.Duration(dice.IntN(12_000))*time.Millisecond, 0)
		}},
		"stays down": {2, func(now time.Time) bot.Webhook {
			return hook(bot.WebhookRetrying, now, now.Sub(start)+time.Second, 0)
		}},
		"catches up from a day behind": {12, func(now time.Time) bot.Webhook {
			left := 24*time.Hour - 24*now.Sub(start)
			return hook(bot.WebhookDelivering, now, max(left, 0), 0)
		}},
		"gives up an event each half minute": {9, func(now time.Time) bot.Webhook {
			return hook(bot.WebhookDelivering, now, 0, uint64(now.Sub(start)/(30*time.Second)))
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			changes := 0
			var shown *bot.MessagesSummary
			for now := start; now.Before(start.Add(time.Hour)); now = now.Add(30 * time.Second) {
				next := summary.Next(shown, summary.Facts{Webhooks: []bot.Webhook{c.at(now)}}, now)
				if next != shown {
					changes++
				}
				shown = next
			}
			if changes > c.most {
				t.Errorf("the summary changed %d times in an hour, want at most %d", changes, c.most)
			}
		})
	}
}
