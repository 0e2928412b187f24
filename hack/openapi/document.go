package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/swaggest/jsonschema-go"
	"github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/httpapi"
)

const about = `The HTTP API of one bot: one WhatsApp session.

On loopback no token is needed (but for a backup), and only the names localhost, 127.0.0.1 and [::1] are answered.
Everywhere else send the token as Authorization: Bearer, or as X-Api-Key. Errors are application/problem+json.
The probes are on a port of their own.`

// buildDocument returns the OpenAPI document of every route.
func buildDocument(root string) ([]byte, error) {
	src, err := readSource(root)
	if err != nil {
		return nil, err
	}
	r := newReflector(src, "Sesi bot", about)
	described := allOperations()
	for _, route := range httpapi.Routes() {
		op, ok := described[route.Method+" "+route.Path]
		if !ok {
			return nil, fmt.Errorf("%s %s: describe this route in operations", route.Method, route.Path)
		}
		if err := describe(r, route, op, bot.Problem{}); err != nil {
			return nil, err
		}
	}
	for _, value := range extra {
		if _, err := r.Reflect(value, jsonschema.RootRef, jsonschema.DefinitionsPrefix("#/components/schemas/"),
			collect(r)); err != nil {
			return nil, err
		}
	}
	document, err := json.MarshalIndent(r.Spec, "", " ")
	if err != nil {
		return nil, err
	}
	return append(document, '\n'), nil
}

// collect puts the definitions of a type into the document.
func collect(r *openapi31.Reflector) func(*jsonschema.ReflectContext) {
	return jsonschema.CollectDefinitions(func(name string, schema jsonschema.Schema) {
		if plain, err := schema.ToSchemaOrBool().ToSimpleMap(); err == nil {
			r.SpecEns().ComponentsEns().WithSchemasItem(name, plain)
		}
	})
}

func newReflector(src *source, title, description string) *openapi31.Reflector {
	r := openapi31.NewReflector()
	r.Spec.SetTitle(title)
	r.Spec.SetVersion("1")
	r.Spec.SetDescription(description)
	r.Spec.SetHTTPBearerTokenSecurity("bearer", "", "The token, as Authorization: Bearer.")
	r.Spec.SetAPIKeySecurity("apiKey", "X-Api-Key", openapi.InHeader, "The token, as X-Api-Key.")
	r.DefaultOptions = append(r.DefaultOptions,
		jsonschema.InterceptDefName(func(t reflect.Type, _ string) string { return t.Name() }),
		jsonschema.InterceptSchema(src.describeSchema),
	)
	return r
}

// describe adds a route to the document; problem is the type of its errors.
func describe(r *openapi31.Reflector, route httpapi.Route, op operation, problem any) error {
	oc, err := r.NewOperationContext(route.Method, route.Path)
	if err != nil {
		return err
	}
	oc.SetSummary(op.summary)
	if op.description != "" {
		oc.SetDescription(op.description)
	}
	oc.SetTags(op.tag)
	oc.SetID(operationID(route))
	if op.request != nil {
		kind := ""
		if op.form {
			kind = "application/x-www-form-urlencoded"
		}
		oc.AddReqStructure(op.request, openapi.WithContentType(kind))
	}
	answer(oc, op)
	problems := op.problems
	if route.Token {
		oc.AddSecurity("bearer")
		oc.AddSecurity("apiKey")
		problems = append([]int{401, 403, 429}, problems...)
	}
	slices.Sort(problems)
	for _, status := range slices.Compact(problems) {
		oc.AddRespStructure(problem, openapi.WithHTTPStatus(status), openapi.WithContentType("application/problem+json"),
			describeContent(http.StatusText(status)))
	}
	return r.AddOperation(oc)
}

func answer(oc openapi.OperationContext, op operation) {
	status := op.status
	if status == 0 {
		status = http.StatusOK
	}
	if op.answer != nil {
		kind := "application/json"
		if status >= http.StatusBadRequest {
			kind = "application/problem+json"
		}
		oc.AddRespStructure(op.answer, openapi.WithHTTPStatus(status), openapi.WithContentType(kind), describeContent(http.StatusText(status)))
	}
	if op.unwell != nil {
		oc.AddRespStructure(op.unwell, openapi.WithHTTPStatus(http.StatusServiceUnavailable), describeContent("Service Unavailable"))
	}
	for _, m := range op.media {
		oc.AddRespStructure(nil, openapi.WithHTTPStatus(status), openapi.WithContentType(m.kind), describeContent(http.StatusText(status)),
			func(cu *openapi.ContentUnit) { cu.Format = m.format })
	}
	if op.answer == nil && op.media == nil {
		oc.AddRespStructure(nil, openapi.WithHTTPStatus(status), describeContent(http.StatusText(status)))
	}
}

func describeContent(text string) openapi.ContentOption {
	return func(cu *openapi.ContentUnit) { cu.Description = text }
}

// operationID names an operation for generated clients, such as getApiSessionStatus.
func operationID(route httpapi.Route) string {
	id := strings.ToLower(route.Method)
	for _, word := range strings.FieldsFunc(route.Path, func(r rune) bool { return strings.ContainsRune("/-.{}", r) }) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

// describeSchema adds to a schema what the source says: comments, enumerated values, and which fields are always
// present.
func (s *source) describeSchema(p jsonschema.InterceptSchemaParams) (bool, error) {
	t := p.Value.Type()
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[bot.Time]() {
		moment := jsonschema.Schema{}
		moment.AddType(jsonschema.String)
		moment.AddType(jsonschema.Null)
		moment.WithFormat("date-time")
		*p.Schema = moment
		return true, nil
	}
	if !p.Processed {
		return false, nil
	}
	if values := s.values[t.Name()]; t.Kind() == reflect.String && len(values) > 0 {
		p.Schema.Enum = nil
		for _, value := range values {
			p.Schema.Enum = append(p.Schema.Enum, value)
		}
	}
	if comment := s.types[t.Name()]; comment != "" && strings.HasPrefix(t.PkgPath(), "sesi.dev/") {
		p.Schema.WithDescription(comment)
	}
	if t.Kind() == reflect.Struct {
		s.describeFields(t, p.Schema)
	}
	return false, nil
}

// describeFields handles a struct's fields. The outermost of equal names comes first, as in encoding/json.
func (s *source) describeFields(t reflect.Type, schema *jsonschema.Schema) {
	var embedded []reflect.Type
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			embedded = append(embedded, field.Type)
			continue
		}
		property, ok := schema.Properties[name]
		if !ok || property.TypeObject == nil {
			continue
		}
		if comment := s.fields[t.Name()+"."+field.Name]; comment != "" && property.TypeObject.Description == nil {
			property.TypeObject.WithDescription(comment)
		}
		if !strings.Contains(options, "omitempty") && !slices.Contains(schema.Required, name) {
			schema.Required = append(schema.Required, name)
		}
	}
	for _, inner := range embedded {
		s.describeFields(inner, schema)
	}
}
