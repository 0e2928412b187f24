package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/httpapi"
	"sesi.dev/sesi/gateway"
	"sesi.dev/sesi/hack/internal/module"
)

// document is the part of an OpenAPI document that these tests look at.
type document struct {
	OpenAPI string                               `json:"openapi"`
	Paths   map[string]map[string]map[string]any `json:"paths"`
	Parts   struct {
		Schemas map[string]struct {
			Properties map[string]map[string]any `json:"properties"`
			Required   []string                  `json:"required"`
			Enum       []string                  `json:"enum"`
		} `json:"schemas"`
	} `json:"components"`
}

func embedded(t *testing.T) (document, []byte) {
	t.Helper()
	data, err := httpapi.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return d, data
}

func TestDocumentIsUpToDate(t *testing.T) {
	root, err := module.Root()
	if err != nil {
		t.Fatal(err)
	}
	want, err := buildDocument(root)
	if err != nil {
		t.Fatal(err)
	}
	short, err := compact(want)
	if err != nil {
		t.Fatal(err)
	}
	_, got := embedded(t)
	readable, err := os.ReadFile(filepath.Join(root, target, "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, short) || !bytes.Equal(readable, want) {
		t.Error("the document is not what the code says; run go run ./hack/openapi")
	}
	if want, err = buildGatewayDocument(root, want); err != nil {
		t.Fatal(err)
	}
	if short, err = compact(want); err != nil {
		t.Fatal(err)
	}
	if got, err = gateway.OpenAPI(); err != nil || !bytes.Equal(got, short) {
		t.Errorf("the gateway's document is not what the code says (%v); run go run ./hack/openapi", err)
	}
}

// Every route is in the document, and nothing else is.
func TestDocumentHoldsEveryRoute(t *testing.T) {
	d, _ := embedded(t)
	served := map[string]bool{}
	for _, r := range httpapi.Routes() {
		served[strings.ToLower(r.Method)+" "+r.Path] = true
		op := d.Paths[r.Path][strings.ToLower(r.Method)]
		if op == nil {
			t.Errorf("%s %s is not in the document", r.Method, r.Path)
			continue
		}
		if _, secured := op["security"]; secured != r.Token {
			t.Errorf("%s %s: security in the document %v, token needed %v", r.Method, r.Path, secured, r.Token)
		}
		if op["summary"] == "" {
			t.Errorf("%s %s has no summary", r.Method, r.Path)
		}
	}
	for path, methods := range d.Paths {
		for method := range methods {
			if !served[method+" "+path] {
				t.Errorf("%s %s is in the document and not served", method, path)
			}
		}
	}
	for name := range allOperations() {
		method, path, _ := strings.Cut(name, " ")
		if !served[strings.ToLower(method)+" "+path] {
			t.Errorf("%s is described and not served", name)
		}
	}
}

// The schemas say what the types say.
func TestDocumentKnowsTheTypes(t *testing.T) {
	d, _ := embedded(t)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %s", d.OpenAPI)
	}
	data, err := json.Marshal(bot.Snapshot{})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Snapshot", "Status"} {
		schema := d.Parts.Schemas[name]
		for field := range fields {
			if schema.Properties[field] == nil || !slices.Contains(schema.Required, field) {
				t.Errorf("%s.%s: %v, required %v", name, field, schema.Properties[field], schema.Required)
			}
		}
		if schema.Properties["messages"] == nil || slices.Contains(schema.Required, "messages") {
			t.Errorf("%s.messages: %v, required %v; a bot without messages leaves it out", name, schema.Properties["messages"], schema.Required)
		}
		if len(schema.Properties) != len(fields)+1 {
			t.Errorf("%s has %d properties, want %d", name, len(schema.Properties), len(fields)+1)
		}
	}
	if got := len(d.Parts.Schemas["State"].Enum); got != len(bot.States) {
		t.Errorf("%d states, want %d", got, len(bot.States))
	}
	if reasons := d.Parts.Schemas["Reason"].Enum; !slices.Contains(reasons, string(bot.ReasonQRIdle)) {
		t.Errorf("reasons %v", reasons)
	}
}
