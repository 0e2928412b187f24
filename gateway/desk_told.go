package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// maxMessages is how many messages, webhooks and events a page shows.
	maxMessages = 10
	// maxEvents bounds the events that are read to find the newest.
	maxEvents = 200
)

// deskWebhook is a webhook as a page shows it.
type deskWebhook struct {
	bot.Webhook
	Says, Tone, Since string
	Steps             []deskAction
}

// deskEvent is an event of the cluster about a session.
type deskEvent struct {
	When, What, Tone string
	said
}

// readBot shows what a session's bot tells: the newest messages, the webhooks and the newest backup. A bot that does not
// answer at once is not waited for.
func (c *call) readBot(ctx context.Context, page *desk, key sessionKey) {
	ctx, cancel := context.WithTimeout(ctx, deskTime)
	defer cancel()
	get := func(path, query string, out any) bool {
		answer, err := c.askBot(ctx, key, http.MethodGet, path, query, nil, nil)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK && json.NewDecoder(io.LimitReader(answer.Body, maxBotAnswer)).Decode(out) == nil
	}
	var snapshot bot.Snapshot
	if get(bot.PathStatus, "", &snapshot) && !snapshot.BackupAt.IsZero() {
		page.Backup = moment(snapshot.BackupAt.Time)
	}
	if !page.MayRead {
		return
	}
	var messages bot.Messages
	if get(bot.PathMessages, "limit=10", &messages) {
		for _, m := range messages.Messages[:min(len(messages.Messages), maxMessages)] {
			words := cmp.Or(m.Text, "["+string(m.Kind)+"]")
			who := cmp.Or(m.From.Name, m.From.Phone)
			if m.FromMe {
				who = page.T("me")
			}
			page.Messages = append(page.Messages, deskMessage{FromMe: m.FromMe, Who: who, Text: words, When: moment(m.Timestamp.Time)})
		}
	}
	var webhooks bot.Webhooks
	if get(bot.PathWebhooks, "", &webhooks) {
		for _, w := range webhooks.Webhooks[:min(len(webhooks.Webhooks), maxMessages)] {
			shown := deskWebhook{Webhook: w, Says: webhookTexts[w.State].in(page.Lang), Tone: "warn"}
			if w.State == bot.WebhookDelivering {
				shown.Tone = "ok"
			}
			if !w.BacklogSince.IsZero() {
				shown.Since = ago(time.Since(w.BacklogSince.Time), page.Lang)
			}
			if page.MaySteer {
				shown.Steps = webhookSteps(page, w.State)
			}
			page.Webhooks = append(page.Webhooks, shown)
		}
	}
}

// readEvents shows the newest events of the cluster about a session. A cluster that does not answer at once is not waited
// for.
func (c *call) readEvents(ctx context.Context, page *desk, session *v1alpha1.WhatsAppSession) {
	ctx, cancel := context.WithTimeout(ctx, deskTime)
	defer cancel()
	var events corev1.EventList
	err := c.writer.List(ctx, &events, client.InNamespace(session.Namespace), client.MatchingFields{"involvedObject.uid": string(session.UID)}, client.Limit(maxEvents))
	if err != nil {
		c.log.Debug("read the events of a session", "namespace", session.Namespace, "session", session.Name, "error", err.Error())
		return
	}
	slices.SortFunc(events.Items, func(a, b corev1.Event) int { return lastOf(&b).Compare(lastOf(&a)) })
	for i := range events.Items[:min(len(events.Items), maxMessages)] {
		e := &events.Items[i]
		shown := deskEvent{When: moment(lastOf(e)), What: e.Reason, said: say(e.Reason, e.Message, page.Lang)}
		if e.Type == corev1.EventTypeWarning {
			shown.Tone = "warn"
		}
		page.Events = append(page.Events, shown)
	}
}

// lastOf is when an event was last seen.
func lastOf(e *corev1.Event) time.Time {
	last := e.LastTimestamp.Time
	if e.Series != nil {
		last = e.Series.LastObservedTime.Time
	}
	if last.IsZero() {
		last = e.EventTime.Time
	}
	if last.IsZero() {
		last = e.CreationTimestamp.Time
	}
	return last
}

// moment is a time as a page shows it.
func moment(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

// deskConditions says each condition in words.
func deskConditions(page *desk, conditions []metav1.Condition) []deskCondition {
	var all []deskCondition
	for _, condition := range conditions {
		all = append(all, deskCondition{
			Label: cmp.Or(conditionTexts[condition.Type].in(page.Lang), condition.Type),
			Value: conditionValues[condition.Status].in(page.Lang) + ", " + page.T("since2") + " " + moment(condition.LastTransitionTime.Time),
			said:  say(condition.Reason, condition.Message, page.Lang),
		})
	}
	return all
}
