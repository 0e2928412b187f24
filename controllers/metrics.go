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

// states collects the sessions' states from the cache when it is asked, so that nothing of a session that is gone, or
// of a state that has passed, is left over.
type states struct{ sessions client.Reader }

var stateDesc = prometheus.NewDesc("sesi_session_state",
	"One for the state that a WhatsAppSession is in.", []string{"namespace", "name", "state"}, nil)

// knownStates keep a made-up state from becoming a series.
var knownStates = append(slices.Clone(bot.States), v1alpha1.StatePending, v1alpha1.StateSuspended,
	v1alpha1.StateTerminating, v1alpha1.StateUnknown)

// Describe implements prometheus.Collector.
func (c *states) Describe(out chan<- *prometheus.Desc) { out <- stateDesc }

// Collect implements prometheus.Collector.
func (c *states) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var list v1alpha1.WhatsAppSessionList
	if err := c.sessions.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		out <- prometheus.NewInvalidMetric(stateDesc, err)
		return
	}
	for i := range list.Items {
		session := &list.Items[i]
		if slices.Contains(knownStates, session.Status.State) {
			out <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, 1,
				session.Namespace, session.Name, string(session.Status.State))
		}
	}
}
