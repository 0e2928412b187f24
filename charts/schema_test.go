package charts_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestSchemaRefuses: a wrong value is refused with a message that names it.
func TestSchemaRefuses(t *testing.T) {
	cases := map[string]struct {
		set  string
		want []string
	}{
		"unknown value":            {`{"replicaCount": 2}`, []string{"replicaCount"}},
		"unknown value deep down":  {`{"metrics": {"serviceMonitor": {"enable": true}}}`, []string{"metrics/serviceMonitor", "enable"}},
		"replicas a word":          {`{"replicas": "two"}`, []string{"replicas", "integer"}},
		"replicas negative":        {`{"replicas": -1}`, []string{"replicas", "minimum"}},
		"replicas too many":        {`{"replicas": 6}`, []string{"replicas", "maximum"}},
		"log level unknown":        {`{"logLevel": "loud"}`, []string{"logLevel", "debug", "info", "error"}},
		"pull policy unknown":      {`{"image": {"pullPolicy": "Sometimes"}}`, []string{"image/pullPolicy", "Always", "IfNotPresent", "Never"}},
		"image without a name":     {`{"bot": {"image": {"repository": "bot"}}}`, []string{"image.repository is empty", "--set image.repository=registry.example/sesi/operator"}},
		"bot without a name":       {`{"image": {"repository": "operator"}}`, []string{"bot.image.repository is empty"}},
		"image with its tag":       {`{"bot": {"image": {"repository": "bot@sha256:00"}}}`, []string{"bot/image/repository", "pattern"}},
		"digest cut short":         {`{"image": {"digest": "sha256:abc"}}`, []string{"image/digest", "pattern"}},
		"tag with a colon":         {`{"image": {"tag": "a:b"}}`, []string{"image/tag", "pattern"}},
		"namespaces a word":        {`{"watchNamespaces": "sales"}`, []string{"watchNamespaces", "array"}},
		"namespace of no name":     {`{"watchNamespaces": ["Sales"]}`, []string{"watchNamespaces", "pattern"}},
		"namespace twice":          {`{"watchNamespaces": ["a", "a"]}`, []string{"watchNamespaces", "equal"}},
		"template policy unknown":  {`{"templatePolicy": "some"}`, []string{"templatePolicy", "none", "safe", "any"}},
		"personal data unknown":    {`{"personalData": "hashed"}`, []string{"personalData", "shown", "masked"}},
		"address without a length": {`{"closedCIDRs": ["10.0.0.1"]}`, []string{"closedCIDRs", "pattern"}},
		"pull secret a word":       {`{"imagePullSecrets": ["registry"]}`, []string{"imagePullSecrets", "object"}},
		"crds a switch":            {`{"crds": true}`, []string{"crds", "object"}},
		"keep a word":              {`{"crds": {"keep": "yes"}}`, []string{"crds/keep", "boolean"}},
		"interval without a unit":  {`{"metrics": {"podMonitor": {"interval": "30"}}}`, []string{"metrics/podMonitor/interval", "pattern"}},
		"memory limit of no unit":  {`{"goMemoryLimit": "430 MB"}`, []string{"goMemoryLimit", "pattern"}},
		"budget of nothing":        {`{"podDisruptionBudget": {"maxUnavailable": 0}}`, []string{"podDisruptionBudget/maxUnavailable"}},
		"label no word":            {`{"podLabels": {"tier": 1}}`, []string{"podLabels", "string"}},
		"limits a list":            {`{"resources": {"limits": ["1Gi"]}}`, []string{"resources/limits", "object"}},
		"account of no name":       {`{"serviceAccount": {"name": "My Account"}}`, []string{"serviceAccount/name", "pattern"}},
		"runbooks at no address":   {`{"metrics": {"prometheusRule": {"runbooks": "docs/runbooks"}}}`, []string{"metrics/prometheusRule/runbooks", "pattern"}},
		"gateway's host a path":    {`{"gateway": {"host": "example.com/wa"}}`, []string{"gateway/host", "pattern"}},
		"trusted proxy by name":    {`{"gateway": {"trustedProxies": ["nginx"]}}`, []string{"gateway/trustedProxies", "pattern"}},
		"two proxies in one name":  {`{"gateway": {"authProxy": {"names": ["front,anyone"]}}}`, []string{"gateway/authProxy/names", "pattern"}},
		"user header of no name":   {`{"gateway": {"authProxy": {"userHeader": "X User"}}}`, []string{"gateway/authProxy/userHeader", "pattern"}},
		"group header of no name":  {`{"gateway": {"authProxy": {"groupHeader": ""}}}`, []string{"gateway/authProxy/groupHeader", "pattern"}},
		"monitor without metrics":  {`{"metrics": {"enabled": false, "serviceMonitor": {"enabled": true}}}`, []string{"metrics.serviceMonitor.enabled needs metrics.enabled"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := t.TempDir() + "/values.json"
			if err := os.WriteFile(file, []byte(c.set), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := helm(t, "template", "sesi", chart, "--values", file)
			if err == nil {
				t.Fatal("the value was taken")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("message %q\nlacks %q", err, part)
				}
			}
		})
	}
}

type schema struct {
	Description          string            `json:"description"`
	Ref                  string            `json:"$ref"`
	Type                 any               `json:"type"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties any               `json:"additionalProperties"`
	Items                *schema           `json:"items"`
	Definitions          map[string]any    `json:"definitions"`
}

// TestSchemaDescribesAll: every value has a description, and the schema and the chart's values have the same keys.
func TestSchemaDescribesAll(t *testing.T) {
	data, err := os.ReadFile("sesi/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root schema
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	if root.AdditionalProperties != false {
		t.Error("unknown values are taken")
	}
	data, err = os.ReadFile("sesi/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	delete(root.Properties, "global") // Helm's own
	sameValues(t, "", root, root, values)
}

func sameValues(t *testing.T, path string, root, described schema, values map[string]any) {
	t.Helper()
	for name, property := range described.Properties {
		at := strings.TrimPrefix(path+"."+name, ".")
		if strings.HasPrefix(property.Ref, "#/definitions/") && property.Description == "" {
			property = definition(t, root, strings.TrimPrefix(property.Ref, "#/definitions/"))
		}
		if property.Description == "" {
			t.Errorf("%s has no description", at)
		}
		value, ok := values[name]
		if !ok {
			t.Errorf("%s is not in values.yaml", at)
		}
		if len(property.Properties) > 0 {
			if property.AdditionalProperties != false {
				t.Errorf("%s takes unknown values", at)
			}
			below, _ := value.(map[string]any)
			if at != "resources" {
				sameValues(t, at, root, property, below)
			}
		}
	}
	for name := range values {
		if _, ok := described.Properties[name]; !ok {
			t.Errorf("%s.%s is not in values.schema.json", path, name)
		}
	}
}

// definition finds a part of the schema by its path below definitions.
func definition(t *testing.T, root schema, path string) schema {
	t.Helper()
	var at any = root.Definitions
	for part := range strings.SplitSeq(path, "/") {
		object, _ := at.(map[string]any)
		at = object[part]
	}
	data, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	var found schema
	if err := json.Unmarshal(data, &found); err != nil {
		t.Fatal(err)
	}
	return found
}
