package charts_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestConfigIsTheChart: the manifests in config and the chart's are the same objects, so an installation by kustomize
// is what the chart's tests check.
func TestConfigIsTheChart(t *testing.T) {
	cases := map[string]struct {
		config string
		chart  []string
		only   []string // kinds to compare; empty for all
	}{
		"cluster-wide":     {config: "default"},
		"namespaced":       {config: "namespaced", chart: []string{"--set", "watchNamespaces={" + namespace + "}"}},
		"with the gateway": {config: "gateway", chart: []string{"--set", "gateway.enabled=true"}},
		"prometheus": {
			config: "prometheus",
			chart: []string{"--set", "metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true," +
				"metrics.prometheusRule.enabled=true"},
			only: []string{"ServiceMonitor", "PodMonitor", "PrometheusRule"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fromConfig := byKey(kustomize(t, c.config), c.only)
			fromChart := byKey(render(t, "sesi", c.chart...), c.only)
			delete(fromConfig, "Namespace /"+namespace) // helm install --create-namespace
			for name, want := range fromChart {
				got, ok := fromConfig[name]
				if !ok {
					t.Errorf("config/%s lacks %s", c.config, name)
					continue
				}
				if g, w := asYAML(t, plain(got)), asYAML(t, plain(want)); !bytes.Equal(g, w) {
					t.Errorf("%s in config/%s is\n%s\nand in the chart\n%s", name, c.config, g, w)
				}
			}
			for name := range fromConfig {
				if _, ok := fromChart[name]; !ok {
					t.Errorf("the chart lacks %s", name)
				}
			}
		})
	}
}

func kustomize(t *testing.T, folder string) []unstructured.Unstructured {
	t.Helper()
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		t.Fatal("KUBEBUILDER_ASSETS must name a folder with kubectl")
	}
	command := exec.CommandContext(t.Context(), filepath.Join(assets, "kubectl"), "kustomize", "../config/"+folder)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("kubectl kustomize config/%s: %v", folder, err)
	}
	return decode(t, out)
}

func byKey(objects []unstructured.Unstructured, only []string) map[string]unstructured.Unstructured {
	found := map[string]unstructured.Unstructured{}
	for _, object := range objects {
		if len(only) == 0 || strings.Contains(strings.Join(only, " ")+" ", object.GetKind()+" ") {
			found[key(object)] = object
		}
	}
	return found
}

// plain returns an object without fields that only Helm or the API server's tools write, and with one spelling of the
// namespace.
func plain(object unstructured.Unstructured) map[string]any {
	object = *object.DeepCopy()
	labels := object.GetLabels()
	for name := range labels {
		if strings.HasPrefix(name, "app.kubernetes.io/") || strings.HasPrefix(name, "helm.sh/") {
			delete(labels, name)
		}
	}
	if len(labels) == 0 {
		unstructured.RemoveNestedField(object.Object, "metadata", "labels")
	} else {
		object.SetLabels(labels)
	}
	annotations := object.GetAnnotations()
	delete(annotations, "helm.sh/resource-policy")
	if len(annotations) == 0 {
		unstructured.RemoveNestedField(object.Object, "metadata", "annotations")
	} else {
		object.SetAnnotations(annotations)
	}
	containers, found, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
	for _, container := range containers {
		args, _ := container.(map[string]any)["args"].([]any)
		for i, arg := range args {
			if arg == "--watch-namespaces=$(POD_NAMESPACE)" {
				args[i] = "--watch-namespaces=" + namespace
			}
		}
	}
	if found {
		_ = unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers")
	}
	return object.Object
}
