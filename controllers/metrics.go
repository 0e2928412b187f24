package controllers

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// states collects the sessions' states from the cache at scrape time, so that no series of a deleted session or an
// earlier state remains.
type states struct {
	sessions client.Reader
	// foreign reports whether another operator serves a namespace.
	foreign func(namespace string) bool
}

var stateDesc = prometheus.NewDesc("sesi_session_state",
	"1 for the current state of a WhatsAppSession.", []string{"namespace", "name", "state"}, nil)

var actionDesc = prometheus.NewDesc("sesi_session_user_action",
	"1 for what a person should do about a WhatsAppSession.", []string{"namespace", "name", "action"}, nil)

var rolloutDesc = prometheus.NewDesc("sesi_rollout_sessions",
	"WhatsAppSessions that wait for their turn in a rollout of the operator, or whose bot is not back from it.", []string{"waits_for"}, nil)

var deliveredDesc = prometheus.NewDesc("sesi_session_events_delivered",
	"1 while every webhook of a WhatsAppSession gets its events, 0 while one does not, with the reason of the condition EventsDelivered.", []string{"namespace", "name", "reason"}, nil)

var sendingDesc = prometheus.NewDesc("sesi_session_sending",
	"1 while nothing holds a WhatsAppSession's messages back, 0 while something does, with the reason of the condition Sending.", []string{"namespace", "name", "reason"}, nil)

var backlogDesc = prometheus.NewDesc("sesi_session_webhook_backlog_seconds",
	"About how long the oldest event that waits for a webhook has waited; 0 while none has for half a minute.", []string{"namespace", "name", "webhook"}, nil)

var deadLettersDesc = prometheus.NewDesc("sesi_session_webhook_dead_letters",
	"Events of a webhook that were given up, rounded down to 1, 2 or 5 with zeros behind.", []string{"namespace", "name", "webhook"}, nil)

// knownStates keep an invented state from becoming a series.
var knownStates = v1alpha1.States

// Describe implements prometheus.Collector.
func (c *states) Describe(out chan<- *prometheus.Desc) {
	out <- stateDesc
	out <- actionDesc
	out <- rolloutDesc
	out <- deliveredDesc
	out <- sendingDesc
	out <- backlogDesc
	out <- deadLettersDesc
}

// Collect implements prometheus.Collector.
func (c *states) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var list v1alpha1.WhatsAppSessionList
	if err := c.sessions.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		out <- prometheus.NewInvalidMetric(stateDesc, err)
		return
	}
	waiting := map[string]int{v1alpha1.ReplacementWaitsForTurn: 0, v1alpha1.ReplacementWaitsForBot: 0}
	for i := range list.Items {
		session := &list.Items[i]
		if c.foreign(session.Namespace) {
			continue // its own operator has these metrics
		}
		if replacement := session.Status.Replacement; replacement != nil && replacement.WaitsFor != v1alpha1.ReplacementWaitsForPairing {
			waiting[replacement.WaitsFor]++
		}
		if slices.Contains(knownStates, session.Status.State) {
			out <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, 1,
				session.Namespace, session.Name, string(session.Status.State))
		}
		if action := session.Status.UserAction; action != bot.ActionNone && slices.Contains(bot.UserActions, action) {
			out <- prometheus.MustNewConstMetric(actionDesc, prometheus.GaugeValue, 1, session.Namespace, session.Name, string(action))
		}
		collectMessages(session, out)
	}
	for waitsFor, count := range waiting {
		out <- prometheus.MustNewConstMetric(rolloutDesc, prometheus.GaugeValue, float64(count), waitsFor)
	}
}

// collectMessages collects how a session's deliveries and sending are going. What no bot has reported yet has no series.
func collectMessages(session *v1alpha1.WhatsAppSession, out chan<- prometheus.Metric) {
	for kind, desc := range map[string]*prometheus.Desc{v1alpha1.ConditionEventsDelivered: deliveredDesc, v1alpha1.ConditionSending: sendingDesc} {
		if found := meta.FindStatusCondition(session.Status.Conditions, kind); found != nil && found.Status != metav1.ConditionUnknown {
			value := 0.0
			if found.Status == metav1.ConditionTrue {
				value = 1
			}
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, session.Namespace, session.Name, found.Reason)
		}
	}
	for i := range session.Status.Webhooks {
		w := &session.Status.Webhooks[i]
		waited := 0.0
		if w.BacklogSince != nil {
			waited = max(0, time.Since(w.BacklogSince.Time).Seconds())
		}
		out <- prometheus.MustNewConstMetric(backlogDesc, prometheus.GaugeValue, waited, session.Namespace, session.Name, w.Name)
		out <- prometheus.MustNewConstMetric(deadLettersDesc, prometheus.GaugeValue, float64(w.DeadLetters), session.Namespace, session.Name, w.Name)
	}
}
