package charts_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/apiserver"
)

// TestManifestsOfTheDocumentation: a real API server takes the budget and the quota of the documentation, and they are
// about what the operator makes. A budget over pods whose owner has no scale subresource works only with a number in
// minAvailable; another one refuses every eviction.
func TestManifestsOfTheDocumentation(t *testing.T) {
	_, api := apiserver.Strict(t)
	var budget policyv1.PodDisruptionBudget
	documented(t, api, "operations.md", "budget", &budget)
	var quota corev1.ResourceQuota
	documented(t, api, "security.md", "quota", &quota)

	text, err := os.ReadFile(chart + "/files/crd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: "sales", Name: "shop"}}

	if slices.ContainsFunc(crd.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool {
		return v.Subresources != nil && v.Subresources.Scale != nil
	}) {
		t.Error("sessions have a scale subresource; the documentation says that they have none")
	}
	if least := budget.Spec.MinAvailable; least == nil || least.Type != intstr.Int {
		t.Errorf("minAvailable is %v, which counts nothing for a bot", least)
	}
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	if err != nil || selector.Empty() || !selector.Matches(labels.Set(naming.Labels(session))) {
		t.Errorf("the budget selects %v, %v, and not just the pods of sessions", selector, err)
	}
	if _, limited := quota.Spec.Hard[corev1.ResourceName("count/"+crd.Name)]; !limited {
		t.Errorf("the quota %v does not limit %s", quota.Spec.Hard, crd.Name)
	}
}

// documented reads a manifest of a page, and asks the API server to try it.
func documented(t *testing.T, api client.Client, name, marker string, into client.Object) {
	t.Helper()
	page, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "<!-- "+marker+" -->\n```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	if !found {
		t.Fatalf("docs/%s has no %s", name, marker)
	}
	object := decode(t, []byte(text))[0]
	object.SetNamespace("default")
	if err := api.Create(t.Context(), &object, client.DryRunAll); err != nil {
		t.Fatalf("docs/%s: %v", name, err)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into); err != nil {
		t.Fatal(err)
	}
}
