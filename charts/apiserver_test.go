package charts_test

import (
	"encoding/json"
	"os"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kjson "sigs.k8s.io/json"

	"sesi.dev/sesi/test/apiserver"
)

// TestAPIServerTakesAll: a real API server accepts everything that is rendered, without an unknown field, in a
// namespace that enforces the Pod Security profile "restricted". Objects of the Prometheus operator are decoded
// strictly into that project's own types instead.
func TestAPIServerTakesAll(t *testing.T) {
	_, api := apiserver.Strict(t)
	for _, name := range []string{namespace, "sales", "support"} {
		restricted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			"pod-security.kubernetes.io/enforce": "restricted",
			"pod-security.kubernetes.io/warn":    "restricted",
		}}}
		if err := api.Create(t.Context(), restricted); err != nil {
			t.Fatal(err)
		}
	}
	for name, release := range cases {
		t.Run(name, func(t *testing.T) {
			for _, object := range renderCase(t, name, release) {
				if object.GroupVersionKind().Group == monitoringv1.SchemeGroupVersion.Group {
					readStrictly(t, object)
				} else if err := api.Create(t.Context(), &object, client.DryRunAll); err != nil {
					t.Errorf("%s: %v", key(object), err)
				}
			}
		})
	}
}

func readStrictly(t *testing.T, object unstructured.Unstructured) {
	t.Helper()
	into, ok := map[string]any{
		"ServiceMonitor": &monitoringv1.ServiceMonitor{},
		"PodMonitor":     &monitoringv1.PodMonitor{},
		"PrometheusRule": &monitoringv1.PrometheusRule{},
	}[object.GetKind()]
	if !ok {
		t.Fatalf("%s is of a kind that this test does not know", key(object))
	}
	data, err := json.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	strict, err := kjson.UnmarshalStrict(data, into)
	if err != nil || len(strict) > 0 {
		t.Errorf("%s: %v %v", key(object), err, strict)
	}
}

// TestDashboard: the dashboard is valid JSON, and no two panels share an id.
func TestDashboard(t *testing.T) {
	data, err := os.ReadFile("sesi/files/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	seen := map[int]string{}
	for _, panel := range dashboard.Panels {
		if other, ok := seen[panel.ID]; ok || len(panel.Targets) == 0 {
			t.Errorf("panel %q has the id of %q, or shows nothing", panel.Title, other)
		}
		seen[panel.ID] = panel.Title
	}
	if dashboard.UID == "" || len(seen) == 0 {
		t.Error("the dashboard has no uid or no panels")
	}
}
