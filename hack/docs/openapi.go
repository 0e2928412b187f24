package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// openAPI is the part of the bot's document that the page shows.
type openAPI struct {
	Info struct {
		Description string `json:"description"`
	} `json:"info"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]shape `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Tags        []string `json:"tags"`
	Summary     string   `json:"summary"`
	Description string   `json:"description"`
	Parameters  []struct {
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description"`
	} `json:"parameters"`
	RequestBody *body                 `json:"requestBody"`
	Responses   map[string]body       `json:"responses"`
	Security    []map[string][]string `json:"security"`
}

type body struct {
	Description string `json:"description"`
	Content     map[string]struct {
		Schema shape `json:"schema"`
	} `json:"content"`
}

type shape struct {
	Ref         string           `json:"$ref"`
	Type        any              `json:"type"`
	Description string           `json:"description"`
	Enum        []string         `json:"enum"`
	Format      string           `json:"format"`
	Required    []string         `json:"required"`
	Properties  map[string]shape `json:"properties"`
	Items       *shape           `json:"items"`
	AllOf       []shape          `json:"allOf"`
	AnyOf       []shape          `json:"anyOf"`
	OneOf       []shape          `json:"oneOf"`
}

func readOpenAPI(path string) (openAPI, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return openAPI{}, err
	}
	var document openAPI
	if err := json.Unmarshal(data, &document); err != nil {
		return openAPI{}, fmt.Errorf("%s: %w", path, err)
	}
	return document, nil
}

// methods in the order in which a path's operations are shown.
var methods = []string{"get", "post", "put", "patch", "delete"}

func (o openAPI) page() string {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# HTTP API of a bot\n\n")
	b.WriteString(o.Info.Description + "\n\nThe bot serves this document as OpenAPI 3.1 at `" + bot.PathOpenAPI + "`.\n")
	tags := map[string][]string{}
	for _, path := range sorted(o.Paths) {
		for _, method := range methods {
			found, ok := o.Paths[path][method]
			if !ok {
				continue
			}
			tag := "other"
			if len(found.Tags) > 0 {
				tag = found.Tags[0]
			}
			tags[tag] = append(tags[tag], o.operation(method, path, found))
		}
	}
	for _, tag := range sorted(tags) {
		fmt.Fprintf(&b, "\n## %s\n\n%s", tag, strings.Join(tags[tag], "\n"))
	}
	b.WriteString("\n## Types\n")
	for _, name := range sorted(o.Components.Schemas) {
		if text := o.Components.Schemas[name].definition(name); text != "" {
			b.WriteString(text)
		}
	}
	return b.String()
}

func (o openAPI) operation(method, path string, op operation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### `%s %s`\n\n%s.", strings.ToUpper(method), path, strings.TrimRight(op.Summary, "."))
	if op.Description != "" {
		b.WriteString(" " + op.Description)
	}
	b.WriteString("\n\n")
	for _, p := range op.Parameters {
		fmt.Fprintf(&b, "- %s `%s`: %s\n", p.In, p.Name, cell(p.Description))
	}
	if op.RequestBody != nil {
		fmt.Fprintf(&b, "- body: %s\n", op.RequestBody.types())
	}
	var problems []string
	for _, status := range sorted(op.Responses) {
		answer := op.Responses[status]
		if _, ok := answer.Content["application/problem+json"]; ok {
			problems = append(problems, status)
			continue
		}
		fmt.Fprintf(&b, "- %s %s: %s\n", status, answer.Description, answer.types())
	}
	if len(problems) > 0 {
		fmt.Fprintf(&b, "- %s: [Problem](#problem)\n", strings.Join(problems, ", "))
	}
	if len(op.Security) == 0 {
		b.WriteString("- no token\n")
	}
	return b.String()
}

// types returns the media types of a body, each with its shape.
func (b body) types() string {
	var out []string
	for _, media := range sorted(b.Content) {
		text := "`" + media + "`"
		if name := b.Content[media].Schema.name(); name != "" {
			text += " " + name
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

// name returns the name of a shape, or "" if it needs none.
func (s shape) name() string {
	if s.Ref != "" {
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	}
	for _, parts := range [][]shape{s.AllOf, s.AnyOf, s.OneOf} {
		var out []string
		for _, part := range parts {
			if name := part.name(); name != "" {
				out = append(out, name)
			}
		}
		if len(out) > 0 {
			return strings.Join(out, " or ")
		}
	}
	switch kind := s.Type.(type) {
	case string:
		if kind == "array" && s.Items != nil {
			return "list of " + s.Items.name()
		}
		return kind
	case []any:
		var out []string
		for _, one := range kind {
			out = append(out, fmt.Sprint(one))
		}
		return strings.Join(out, " or ")
	}
	return ""
}

// definition explains a type: its values, or its fields.
func (s shape) definition(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n", name)
	if s.Description != "" {
		b.WriteString(spaces.ReplaceAllString(s.Description, " ") + "\n\n")
	}
	switch {
	case len(s.Enum) > 0:
		var values []string
		for _, value := range s.Enum {
			if value == "" {
				value = `""`
			}
			values = append(values, "`"+value+"`")
		}
		b.WriteString(strings.Join(values, ", ") + "\n")
	case len(s.Properties) > 0:
		b.WriteString(head("field", "type", "what it is"))
		for _, field := range sorted(s.Properties) {
			shown := code(field)
			if !slices.Contains(s.Required, field) {
				shown += " (may be missing)"
			}
			b.WriteString(row(shown, s.Properties[field].name(), cell(s.Properties[field].Description)))
		}
	}
	return b.String()
}

func sorted[V any](of map[string]V) []string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
