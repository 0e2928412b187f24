package controllers

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// states collects the sessions' states from the cache at scrape time, so that no series of a deleted session or an
// earlier state remains.
type states struct{ sessions client.Reader }

var stateDesc = prometheus.NewDesc("sesi_session_state",
	"1 for the current state of a WhatsAppSession.", []string{"namespace", "name", "state"}, nil)

var actionDesc = prometheus.NewDesc("sesi_session_user_action",
	"1 for what a person should do about a WhatsAppSession.", []string{"namespace", "name", "action"}, nil)

var rolloutDesc = prometheus.NewDesc("sesi_rollout_sessions",
	"WhatsAppSessions that wait for their turn in a rollout of the operator, or whose bot is not back from it.", []string{"waits_for"}, nil)

// knownStates keep an invented state from becoming a series.
var knownStates = append(slices.Clone(bot.States), v1alpha1.StatePending, v1alpha1.StateSuspended,
	v1alpha1.StateTerminating, v1alpha1.StateUnknown)

// Describe implements prometheus.Collector.
func (c *states) Describe(out chan<- *prometheus.Desc) {
	out <- stateDesc
	out <- actionDesc
	out <- rolloutDesc
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
	}
	for waitsFor, count := range waiting {
		out <- prometheus.MustNewConstMetric(rolloutDesc, prometheus.GaugeValue, float64(count), waitsFor)
	}
}
