package resources

import (
	"encoding/json"
	"os"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/v1alpha1"
)

// TestDefaultsAgree: a spec without the API server's defaults gives the same objects as one with them.
func TestDefaultsAgree(t *testing.T) {
	empty := newSession("shop", v1alpha1.WhatsAppSessionSpec{})
	proxied := newSession("shop", v1alpha1.WhatsAppSessionSpec{ProxySecretRef: &v1alpha1.ProxySecretRef{Name: "proxy", Port: 1}})
	for name, session := range map[string]*v1alpha1.WhatsAppSession{"empty": empty, "proxied": proxied} {
		t.Run(name, func(t *testing.T) {
			filled := defaulted(t, session)
			if filled.Spec.AuthPath == "" {
				t.Fatal("the CRD's defaults were not applied")
			}
			before, after := built(t, session), built(t, filled)
			for i := range before {
				if b, a := string(asYAML(t, before[i])), string(asYAML(t, after[i])); b != a {
					t.Errorf("without the CRD's defaults:\n%s\nwith them:\n%s", b, a)
				}
			}
		})
	}
}

// defaulted is the session with the API server's defaults.
func defaulted(t *testing.T, session *v1alpha1.WhatsAppSession) *v1alpha1.WhatsAppSession {
	t.Helper()
	data, err := os.ReadFile("../../config/crd/sesi.dev_whatsappsessions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		t.Fatal(err)
	}
	schema, err := structuralschema.NewStructural(&props)
	if err != nil {
		t.Fatal(err)
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(session)
	if err != nil {
		t.Fatal(err)
	}
	defaulting.Default(object, schema)
	data, err = json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	filled := &v1alpha1.WhatsAppSession{}
	if err := json.Unmarshal(data, filled); err != nil {
		t.Fatal(err)
	}
	return filled
}
