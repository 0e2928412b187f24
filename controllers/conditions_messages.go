package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// setEventsDelivered says whether the webhooks get their events. A Secret that is wrong comes first: the bot reports
// nothing about a webhook that it does not have.
func (c *conditions) setEventsDelivered() {
	const kind = v1alpha1.ConditionEventsDelivered
	problems, snapshot := c.pass.deliveries.Problems, c.pass.snapshot()
	switch {
	case !resources.MessagesEnabled(c.pass.session):
		c.set(kind, metav1.ConditionTrue, v1alpha1.ReasonMessagesOff, "Messages are off, so there are no events to deliver.")
	case len(problems) > 0:
		all := make([]string, len(problems))
		for i, problem := range problems {
			all[i] = problem.Message
		}
		c.set(kind, metav1.ConditionFalse, problems[0].Reason, strings.Join(all, " "))
	case c.known != reported:
		c.keepReport(kind)
	default:
		value, reason, message := classifyDeliveries(c.pass.session.Spec.Webhooks, snapshot.Messages)
		c.set(kind, value, reason, message)
	}
}

// ownReasons are those that the operator found without the bot. They do not outlast their cause.
var ownReasons = []string{v1alpha1.ReasonMessagesOff, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretInvalid}

// keepReport keeps what the bot said last.
func (c *conditions) keepReport(kind string) {
	if before := c.find(kind); before != nil && slices.Contains(ownReasons, before.Reason) {
		c.set(kind, metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "No report from the bot yet.")
		return
	}
	c.keepOrUnknown(kind)
}

// worst orders the reasons of EventsDelivered; the first that is true of a webhook is shown.
var worst = []string{v1alpha1.ReasonEnded, v1alpha1.ReasonRetrying, v1alpha1.ReasonBehind, v1alpha1.ReasonPaused}

// classifyDeliveries says how the deliveries are going, for all webhooks of a spec together. A webhook that the bot does not
// report yet is unknown: the node updates a mounted Secret after up to a minute or two.
func classifyDeliveries(spec []v1alpha1.Webhook, messages *bot.MessagesSummary) (status metav1.ConditionStatus, reason, message string) {
	switch {
	case len(spec) == 0:
		return metav1.ConditionTrue, v1alpha1.ReasonNoWebhooks, "The session has no webhooks."
	case messages == nil:
		return metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The bot does not report on its webhooks. It is of another release than the operator, or about to be replaced."
	case messages.WebhooksRefused:
		return metav1.ConditionFalse, v1alpha1.ReasonRefused, "The bot cannot read its webhooks as they are now, and goes on with those before. Its log says why: use the bot image of the operator's release."
	}
	by := map[string][]string{}
	var unseen []string
	for i := range spec {
		at := slices.IndexFunc(messages.Webhooks, func(w bot.WebhookSummary) bool { return w.Name == spec[i].Name })
		if at < 0 {
			unseen = append(unseen, spec[i].Name)
			continue
		}
		w := &messages.Webhooks[at]
		if why := classifyWebhook(w); why != v1alpha1.ReasonDelivering {
			by[why] = append(by[why], describeWebhook(w))
		}
	}
	for _, why := range worst {
		if found := by[why]; len(found) > 0 {
			return metav1.ConditionFalse, why, strings.Join(found, " ")
		}
	}
	if len(unseen) > 0 {
		return metav1.ConditionUnknown, v1alpha1.ReasonNotObserved, "The bot has not taken over " + strings.Join(unseen, ", ") + " yet. Its node updates the file within a minute or two."
	}
	return metav1.ConditionTrue, v1alpha1.ReasonDelivering, "Every webhook gets its events."
}

func classifyWebhook(w *bot.WebhookSummary) string {
	switch {
	case w.State == bot.WebhookEnded:
		return v1alpha1.ReasonEnded
	case w.State == bot.WebhookPaused:
		return v1alpha1.ReasonPaused
	case w.State == bot.WebhookRetrying:
		return v1alpha1.ReasonRetrying
	case !w.BacklogSince.IsZero():
		return v1alpha1.ReasonBehind
	}
	return v1alpha1.ReasonDelivering
}

func describeWebhook(w *bot.WebhookSummary) string {
	since := ""
	if !w.BacklogSince.IsZero() {
		since = " Events wait since about " + w.BacklogSince.UTC().Format(time.RFC3339) + "."
	}
	switch classifyWebhook(w) {
	case v1alpha1.ReasonEnded:
		return fmt.Sprintf("The receiver of webhook %s answered 410 Gone and gets nothing more. Resume the webhook, or change its url.", w.Name)
	case v1alpha1.ReasonPaused:
		return fmt.Sprintf("Webhook %s is paused.%s", w.Name, since)
	case v1alpha1.ReasonRetrying:
		return fmt.Sprintf("The receiver of webhook %s does not accept events; they are tried again.%s kubectl sesi webhooks shows the error.", w.Name, since)
	}
	return fmt.Sprintf("The receiver of webhook %s is slower than its events come.%s", w.Name, since)
}

// setSending says whether something holds messages back.
func (c *conditions) setSending() {
	const kind = v1alpha1.ConditionSending
	switch snapshot := c.pass.snapshot(); {
	case !resources.MessagesEnabled(c.pass.session):
		c.set(kind, metav1.ConditionFalse, v1alpha1.ReasonMessagesOff, "Messages are off, so the bot sends none.")
	case c.known != reported:
		c.keepReport(kind)
	case snapshot.Messages == nil || snapshot.Messages.Held == nil:
		c.set(kind, metav1.ConditionTrue, v1alpha1.ReasonNotHeld, "Nothing holds messages back, as far as the bot knows.")
	default:
		reason, message := classifyHold(snapshot.Messages.Held)
		c.set(kind, metav1.ConditionFalse, reason, message)
	}
}

func classifyHold(held *bot.Hold) (reason, message string) {
	until := held.Until.UTC().Format(time.RFC3339)
	switch held.Reason {
	case bot.HoldTimelocked:
		return v1alpha1.ReasonTimelocked, fmt.Sprintf("WhatsApp does not let the account write to new people until %s. Replies and groups go on.", until)
	case bot.HoldCapped:
		return v1alpha1.ReasonCapped, fmt.Sprintf("The account used up WhatsApp's quota of new people until %s. Replies and groups go on.", until)
	case bot.HoldQuietHours:
		return v1alpha1.ReasonQuietHours, fmt.Sprintf("Quiet hours: nothing is sent until %s.", until)
	}
	return v1alpha1.ReasonHeld, fmt.Sprintf("Messages are held until %s.", until)
}
