package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// crd is the resource as the pages describe it.
type crd struct {
	columns []column
	rules   []rule
	spec    []field
	status  []field
}

type column struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	JSONPath    string `json:"jsonPath"`
	Priority    int    `json:"priority"`
}

type rule struct {
	Message string `json:"message"`
}

// schema is the part of a CRD's OpenAPI schema that the pages show.
type schema struct {
	Type        string            `json:"type"`
	Description string            `json:"description"`
	Default     json.RawMessage   `json:"default"`
	Enum        []string          `json:"enum"`
	Pattern     string            `json:"pattern"`
	Minimum     *int64            `json:"minimum"`
	Maximum     *int64            `json:"maximum"`
	MaxLength   *int64            `json:"maxLength"`
	Required    []string          `json:"required"`
	Rules       []rule            `json:"x-kubernetes-validations"`
	Properties  map[string]schema `json:"properties"`
	Items       *schema           `json:"items"`
}

// field is one line of a table.
type field struct {
	path     string
	required bool
	schema
}

func readCRD(path string) (crd, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return crd{}, err
	}
	var document struct {
		Spec struct {
			Versions []struct {
				Columns []column `json:"additionalPrinterColumns"`
				Schema  struct {
					Root schema `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(data, &document); err != nil {
		return crd{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(document.Spec.Versions) != 1 {
		return crd{}, fmt.Errorf("%s: %d versions; the page is for one", path, len(document.Spec.Versions))
	}
	version := document.Spec.Versions[0]
	root := version.Schema.Root
	return crd{
		columns: version.Columns,
		rules:   root.Rules,
		spec:    fields("spec", root.Properties["spec"]),
		status:  fields("status", root.Properties["status"]),
	}, nil
}

// fields returns the schema's properties, parents before their children.
func fields(path string, of schema) []field {
	var out []field
	names := make([]string, 0, len(of.Properties))
	for name := range of.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		child := of.Properties[name]
		at := path + "." + name
		out = append(out, field{path: at, required: slices.Contains(of.Required, name), schema: child})
		if child.Items != nil && len(child.Items.Properties) > 0 {
			out = append(out, fields(at+"[]", *child.Items)...)
		}
		out = append(out, fields(at, child)...)
	}
	return out
}

// fallback returns the field's default; a parent's is that of its children.
func (f field) fallback() string {
	if len(f.Properties) > 0 || len(f.Default) == 0 {
		return ""
	}
	var text string
	if json.Unmarshal(f.Default, &text) == nil {
		return text
	}
	return string(f.Default)
}

// limits describes allowed values, except for what a rule of the CRD says in words.
func (f field) limits() string {
	var out []string
	if f.required {
		out = append(out, "required")
	}
	if len(f.Enum) > 0 {
		out = append(out, strings.Join(f.Enum, ", "))
	}
	if f.Minimum != nil && f.Maximum != nil {
		out = append(out, fmt.Sprintf("%d to %d", *f.Minimum, *f.Maximum))
	}
	if f.Pattern != "" {
		out = append(out, code(f.Pattern))
	}
	if f.MaxLength != nil {
		out = append(out, fmt.Sprintf("at most %d characters", *f.MaxLength))
	}
	return strings.Join(out, "; ")
}

func (c crd) page() string {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# WhatsAppSession\n\n`sesi.dev/v1alpha1`, short names `wasession` and `was`. ")
	b.WriteString("The same text is in the cluster: `kubectl explain wasession.spec --recursive`.\n\n")
	b.WriteString("## Columns of `kubectl get wasession`\n\n")
	b.WriteString(head("column", "field", "what it is"))
	for _, column := range c.columns {
		name := strings.ToUpper(column.Name)
		if column.Priority > 0 {
			name += " (`-o wide`)"
		}
		b.WriteString(row(name, code(column.JSONPath), cell(column.Description)))
	}
	b.WriteString("\n## spec\n\n")
	table(&b, c.spec)
	b.WriteString("\n## What the API server refuses\n\nBeside the limits above:\n\n")
	for _, r := range c.rules {
		fmt.Fprintf(&b, "- %s\n", cell(r.Message))
	}
	for _, f := range c.spec {
		for _, r := range f.Rules {
			fmt.Fprintf(&b, "- %s: %s\n", code(f.path), cell(r.Message))
		}
	}
	b.WriteString("\n## status\n\nWritten by the operator alone.\n\n")
	table(&b, c.status)
	return b.String()
}

func table(b *strings.Builder, fields []field) {
	b.WriteString(head("field", "type", "default", "limits", "what it is"))
	for _, f := range fields {
		b.WriteString(row(code(f.path), f.Type, code(f.fallback()), f.limits(), listed(f.Description)))
	}
}
