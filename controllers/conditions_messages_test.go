package controllers

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

func TestClassifyDeliveries(t *testing.T) {
	since := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	reports := func(hooks ...bot.WebhookSummary) *bot.MessagesSummary { return &bot.MessagesSummary{Webhooks: hooks} }
	hook := func(name string, state bot.WebhookState) bot.WebhookSummary {
		return bot.WebhookSummary{Name: name, State: state}
	}
	late := func(name string, state bot.WebhookState) bot.WebhookSummary {
		return bot.WebhookSummary{Name: name, State: state, BacklogSince: bot.At(since)}
	}
	const a, b = "books", "crm"
	cases := map[string]struct {
		spec   []string
		report *bot.MessagesSummary
		status metav1.ConditionStatus
		reason string
		want   string
	}{
		"no webhooks":              {nil, reports(), metav1.ConditionTrue, v1alpha1.ReasonNoWebhooks, ""},
		"one that is taken out":    {nil, reports(late(a, bot.WebhookRetrying)), metav1.ConditionTrue, v1alpha1.ReasonNoWebhooks, ""},
		"an older bot":             {[]string{a}, nil, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "does not report"},
		"a new one":                {[]string{a, b}, reports(hook(a, bot.WebhookDelivering)), metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "taken over crm yet"},
		"a new one beside trouble": {[]string{a, b}, reports(late(a, bot.WebhookRetrying)), metav1.ConditionFalse, v1alpha1.ReasonRetrying, "webhook books"},
		"delivering":               {[]string{a}, reports(hook(a, bot.WebhookDelivering)), metav1.ConditionTrue, v1alpha1.ReasonDelivering, ""},
		"retrying":                 {[]string{a, b}, reports(hook(a, bot.WebhookDelivering), late(b, bot.WebhookRetrying)), metav1.ConditionFalse, v1alpha1.ReasonRetrying, "webhook crm does not accept events; they are tried again. Events wait since about 2026-01-01T08:00:00Z."},
		"behind":                   {[]string{a}, reports(late(a, bot.WebhookDelivering)), metav1.ConditionFalse, v1alpha1.ReasonBehind, "slower"},
		"paused":                   {[]string{a}, reports(late(a, bot.WebhookPaused)), metav1.ConditionFalse, v1alpha1.ReasonPaused, "Webhook books is paused."},
		"ended":                    {[]string{a}, reports(hook(a, bot.WebhookEnded)), metav1.ConditionFalse, v1alpha1.ReasonEnded, "410 Gone"},
		"the worst is shown":       {[]string{a, b}, reports(late(a, bot.WebhookPaused), hook(b, bot.WebhookEnded)), metav1.ConditionFalse, v1alpha1.ReasonEnded, "webhook crm"},
		"refused":                  {[]string{a}, &bot.MessagesSummary{WebhooksRefused: true}, metav1.ConditionFalse, v1alpha1.ReasonRefused, "cannot read"},
		"a state of a newer bot":   {[]string{a}, reports(hook(a, "resting")), metav1.ConditionTrue, v1alpha1.ReasonDelivering, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var spec []v1alpha1.Webhook
			for _, name := range c.spec {
				spec = append(spec, v1alpha1.Webhook{Name: name})
			}
			status, reason, message := classifyDeliveries(spec, c.report)
			if status != c.status || reason != c.reason || !strings.Contains(message, c.want) || message == "" {
				t.Errorf("%s, %s: %s; want %s, %s: %s", status, reason, message, c.status, c.reason, c.want)
			}
		})
	}
}

func TestClassifyHold(t *testing.T) {
	until := bot.At(time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC))
	for held, want := range map[bot.HoldReason]string{
		bot.HoldTimelocked: v1alpha1.ReasonTimelocked, bot.HoldCapped: v1alpha1.ReasonCapped, bot.HoldQuietHours: v1alpha1.ReasonQuietHours,
		"of-the-future": v1alpha1.ReasonHeld,
	} {
		reason, message := classifyHold(&bot.Hold{Reason: held, Until: until})
		if reason != want || !strings.Contains(message, "2026-01-01T08:00:00Z") {
			t.Errorf("%s is %s: %s; want %s and its end", held, reason, message, want)
		}
	}
}
