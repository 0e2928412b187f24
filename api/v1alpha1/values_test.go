package v1alpha1_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// TestTheTextNamesEveryValue: what kubectl explain says of a field of the status has one line for each value that the field
// can have, in the order of the type, and no line for another.
func TestTheTextNamesEveryValue(t *testing.T) {
	data, err := os.ReadFile("../../config/crd/sesi.dev_whatsappsessions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	status := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["status"].Properties
	entry := regexp.MustCompile(`(?m)^\s*- ([-A-Za-z]+): [a-zA-Z]`)
	for name, c := range map[string]struct {
		field  apiextensionsv1.JSONSchemaProps
		values []string
	}{
		"state":                {status["state"], words(v1alpha1.States)},
		"userAction":           {status["userAction"], words(bot.UserActions)},
		"notice":               {status["notice"], words(bot.Notices)},
		"conditions":           {status["conditions"], v1alpha1.ConditionTypes},
		"webhooks.state":       {status["webhooks"].Items.Schema.Properties["state"], words(bot.WebhookStates)},
		"sending.heldFor":      {status["sending"].Properties["heldFor"], words(bot.HoldReasons)},
		"replacement.waitsFor": {status["replacement"].Properties["waitsFor"], v1alpha1.ReplacementWaits},
	} {
		var got []string
		for _, found := range entry.FindAllStringSubmatch(c.field.Description, -1) {
			got = append(got, found[1])
		}
		if len(c.values) == 0 || !slices.Equal(got, c.values) {
			t.Errorf("status.%s names %q, want %q:\n%s", name, got, c.values, c.field.Description)
		}
	}
}

func words[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}
