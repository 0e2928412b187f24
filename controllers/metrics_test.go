package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/observer"
)

// A bot's image may be the user's, so what it reports makes no series of its own, and a clock ahead no negative wait. Another
// operator's namespace has its series there.
func TestWhatABotReportsMakesNoSeries(t *testing.T) {
	m := newModel(t, 1)
	session := newSession(kasir.Name)
	session.UID = ""
	m.must(m.store.create(session))
	snapshot := connected()
	snapshot.State, snapshot.UserAction = "Invented", "Dance"
	snapshot.Messages = &bot.MessagesSummary{Webhooks: []bot.WebhookSummary{{Name: "crm", State: bot.WebhookRetrying, BacklogSince: bot.At(time.Now().Add(time.Hour))}}}
	session.Status = *deriveStatus(decided(says(observer.Heard, snapshot)))
	session.Status.State = "Invented"
	session.Status.Replacement = &v1alpha1.ReplacementStatus{WaitsFor: v1alpha1.ReplacementWaitsForPairing, Since: metav1.NewTime(noon)}
	m.must(m.store.write(session, true))
	m.sync("WhatsAppSession")
	series := func(foreign bool) map[string]float64 {
		registry := prometheus.NewRegistry()
		registry.MustRegister(&states{m.client, func(string) bool { return foreign }})
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]float64{}
		for _, family := range families {
			for _, metric := range family.GetMetric() {
				all[family.GetName()+" "+strings.ReplaceAll(metric.String(), "  ", " ")] = metric.GetGauge().GetValue()
			}
		}
		return all
	}
	found := series(false)
	for text, value := range found {
		if strings.Contains(text, "Invented") || strings.Contains(text, "Dance") || value < 0 || strings.Contains(text, v1alpha1.ReplacementWaitsForPairing) {
			t.Errorf("%s is %v", text, value)
		}
	}
	if len(found) < 5 {
		t.Errorf("there are only %v", found)
	}
	for text := range series(true) {
		if strings.Contains(text, kasir.Name) {
			t.Errorf("of another operator's namespace there is %s", text)
		}
	}
}
