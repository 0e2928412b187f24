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
		"with the gateway": {config: "gateway", chart: []string{"--set", "gateway.enabled=true,gateway.image.repository=sesi.dev/gateway"}},
		"prometheus": {
			config: "prometheus",
			chart: []string{"--set", "metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true," +
				"metrics.prometheusRule.enabled=true"},
			only: []string{"ServiceMonitor", "PodMonitor", "PrometheusRule"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fromConfig := byKey(kustomize(t, "../config/"+c.config), c.only)
			fromChart := byKey(render(t, "sesi", append([]string{"--values", valuesFile("default")}, c.chart...)...), c.only)
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

// TestAnOverlaySetsBothImages holds that the overlay of the documentation sets the operator's image and the bots'.
func TestAnOverlaySetsBothImages(t *testing.T) {
	page, err := os.ReadFile("../docs/quickstart-kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, overlay, found := strings.Cut(string(page), "<!-- overlay -->\n```yaml\n")
	overlay, _, _ = strings.Cut(overlay, "```")
	if !found {
		t.Fatal("the documentation has no overlay")
	}
	root, dir := t.TempDir(), "overlay"
	if err := os.CopyFS(filepath.Join(root, "sesi", "config"), os.DirFS("../config")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, dir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, dir, "kustomization.yaml"), []byte(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, object := range kustomize(t, filepath.Join(root, dir)) {
		if object.GetKind() != "Deployment" {
			continue
		}
		text := string(asYAML(t, object.Object))
		for _, want := range []string{"image: registry.example/sesi/operator:0.1.0", "value: registry.example/sesi/bot:0.1.0"} {
			if !strings.Contains(text, want) {
				t.Errorf("the Deployment lacks %q", want)
			}
		}
		if strings.Contains(text, "sesi.dev/bot") {
			t.Error("the placeholder of the bot's image is left")
		}
		return
	}
	t.Error("there is no Deployment")
}

func kustomize(t *testing.T, folder string) []unstructured.Unstructured {
	t.Helper()
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		t.Fatal("KUBEBUILDER_ASSETS must name a folder with kubectl")
	}
	command := exec.CommandContext(t.Context(), filepath.Join(assets, "kubectl"), "kustomize", folder)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("kubectl kustomize %s: %v", folder, err)
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
			switch arg {
			case "--watch-namespaces=$(POD_NAMESPACE)":
				args[i] = "--watch-namespaces=" + namespace
			case "--bot-image=$(BOT_IMAGE)": // an overlay replaces a variable by its name, and an argument only by its place
				env, _ := container.(map[string]any)["env"].([]any)
				image, _ := env[0].(map[string]any)["value"].(string)
				args[i], container.(map[string]any)["env"] = "--bot-image="+image, env[1:]
			}
		}
	}
	if found {
		_ = unstructured.SetNestedSlice(object.Object, containers, "spec", "template", "spec", "containers")
	}
	return object.Object
}
