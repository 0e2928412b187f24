package charts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"

	"sesi.dev/sesi/test/apiserver"
)

// TestKubeconform: the chart, config and the samples pass kubeconform, strict, with the schemas that a real API server
// publishes, as pipelines check them before they apply anything. TestAPIServerTakesAll checks the Prometheus
// operator's kinds.
func TestKubeconform(t *testing.T) {
	program, err := tool("kubeconform")
	if err != nil {
		t.Fatalf("building kubeconform: %v", err)
	}
	schemas := publishedSchemas(t)
	manifests := map[string][]unstructured.Unstructured{}
	for name, release := range cases {
		manifests["chart, "+name] = renderCase(t, name, release)
	}
	for _, folder := range []string{"default", "namespaced", "gateway", "prometheus", "samples"} {
		manifests["config/"+folder] = kustomize(t, "../config/"+folder)
	}
	check := func(objects []unstructured.Unstructured) (string, error) {
		command := exec.CommandContext(t.Context(), program, "-strict", "-skip", "ServiceMonitor,PodMonitor,PrometheusRule",
			"-schema-location", filepath.Join(schemas, "{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json"))
		var all strings.Builder
		for _, object := range objects {
			all.WriteString("---\n")
			all.Write(asYAML(t, object.Object))
		}
		command.Stdin = strings.NewReader(all.String())
		out, err := command.CombinedOutput()
		return string(out), err
	}
	for name, objects := range manifests {
		if out, err := check(objects); err != nil || len(objects) == 0 {
			t.Errorf("%s, %d objects: %v\n%s", name, len(objects), err, out)
		}
	}
	wrong := newShop()
	wrong.Object["spec"] = map[string]any{"unknown": true}
	if _, err := check([]unstructured.Unstructured{*wrong}); err == nil {
		t.Error("an unknown field passes: nothing was checked")
	}
}

// publishedSchemas writes a JSON schema for each kind of a real API server that has the CRD.
func publishedSchemas(t *testing.T) string {
	t.Helper()
	environment := apiserver.New("../config/crd")
	if err := apiserver.Start(environment); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := apiserver.Stop(environment); err != nil {
			t.Errorf("stop the API server: %v", err)
		}
	})
	api := discovery.NewDiscoveryClientForConfigOrDie(environment.Config).RESTClient()
	var text []byte
	waitFor(t, "the CRD's schema is published", func(ctx context.Context) bool {
		text, _ = api.Get().AbsPath("/openapi/v2").SetHeader("Accept", "application/json").DoRaw(ctx)
		return strings.Contains(string(text), `"dev.sesi.v1alpha1.WhatsAppSession"`)
	})
	var document struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	document.Definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"]["type"] = []string{"number", "string"}
	dir := t.TempDir()
	for name, definition := range document.Definitions {
		tighten(definition)
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 { // what belongs to every group is no manifest
			continue
		}
		kind := kinds[0].(map[string]any)
		if kind["group"] == "" { // the tool's name for the group without one
			kind["group"] = kind["version"]
		}
		file := fmt.Sprintf("%s_%s_%s.json", kind["group"], kind["version"], strings.ToLower(kind["kind"].(string)))
		schema := fmt.Appendf(nil, `{"$ref": "definitions.json#/definitions/%s"}`, name)
		if err := os.WriteFile(filepath.Join(dir, file), schema, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "definitions.json"), all, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tighten allows no field that the schema does not name, and says of what may be a number or a text that it may be both,
// which OpenAPI cannot say.
func tighten(schema any) {
	switch schema := schema.(type) {
	case map[string]any:
		if _, open := schema["additionalProperties"]; schema["properties"] != nil && !open && schema["x-kubernetes-preserve-unknown-fields"] == nil {
			schema["additionalProperties"] = false
		}
		if schema["format"] == "int-or-string" {
			schema["type"] = []string{"integer", "string"}
		}
		for _, part := range schema {
			tighten(part)
		}
	case []any:
		for _, part := range schema {
			tighten(part)
		}
	}
}
