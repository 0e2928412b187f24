package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"sesi.dev/sesi/api/bot/client"
)

// notForPrograms are the routes without a method, by the document's tags and paths: pages, probes, the document itself,
// and WAHA's API, which has clients of its own.
var notForPrograms = []string{"page", "probes", "WAHA", "/openapi.json"}

// document lists the bot's routes for programs, each with a pattern that its requests match.
func document(t *testing.T) map[string]*regexp.Regexp {
	t.Helper()
	raw, err := os.ReadFile("../../../botruntime/httpapi/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Paths map[string]map[string]struct{ Tags []string }
	}
	if err := json.Unmarshal(raw, &described); err != nil {
		t.Fatal(err)
	}
	routes := map[string]*regexp.Regexp{}
	for path, operations := range described.Paths {
		for method, operation := range operations {
			if len(operation.Tags) == 0 || slices.Contains(notForPrograms, operation.Tags[0]) || slices.Contains(notForPrograms, path) {
				continue
			}
			named := regexp.MustCompile(`\\\{[a-zA-Z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), "x")
			routes[strings.ToUpper(method)+" "+path] = regexp.MustCompile("^" + strings.ToUpper(method) + " " + named + "$")
		}
	}
	return routes
}

// argument is a value of a type: every text is x, so that the paths show which of them a method puts into its own.
func argument(ctx context.Context, kind reflect.Type) reflect.Value {
	switch {
	case kind == reflect.TypeFor[context.Context]():
		return reflect.ValueOf(ctx)
	case kind == reflect.TypeFor[io.Reader]():
		return reflect.ValueOf(strings.NewReader("x"))
	case kind.Kind() == reflect.String:
		return reflect.ValueOf("x").Convert(kind)
	case kind.Kind() == reflect.Func:
		return reflect.MakeFunc(kind, func([]reflect.Value) []reflect.Value {
			out := make([]reflect.Value, kind.NumOut())
			for i := range out {
				out[i] = reflect.Zero(kind.Out(i))
			}
			return out
		})
	}
	return reflect.Zero(kind)
}

// Every route of the bot for programs has a method, and no method asks for a route that the bot does not have.
func TestEveryRouteHasAMethod(t *testing.T) {
	routes := document(t)
	var mu sync.Mutex
	asked := map[string][]string{}
	var method string
	var end context.CancelFunc
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.Method+" "+r.URL.Path] = append(asked[r.Method+" "+r.URL.Path], method)
		w.WriteHeader(http.StatusBadGateway)
		end() // a method that follows a stream would open it again
	}))
	defer server.Close()
	c := reflect.ValueOf(&client.Client{BaseURL: server.URL})
	for i := range c.NumMethod() {
		name, call := c.Type().Method(i).Name, c.Method(i)
		if slices.Contains([]string{"Do", "Request", "Stream"}, name) {
			continue // they take a path
		}
		ctx, cancel := context.WithCancel(t.Context())
		mu.Lock()
		method, end = name, cancel
		mu.Unlock()
		in := make([]reflect.Value, call.Type().NumIn())
		for n := range in {
			in[n] = argument(ctx, call.Type().In(n))
		}
		if call.Type().IsVariadic() {
			call.CallSlice(in)
		} else {
			call.Call(in)
		}
		cancel()
	}
	for route, pattern := range routes {
		found := false
		for request := range asked {
			if pattern.MatchString(request) {
				delete(asked, request)
				found = true
			}
		}
		if !found {
			t.Errorf("%s: no method of the client asks for it", route)
		}
	}
	for request, methods := range asked {
		t.Errorf("%s, by %v: the bot has no such route", request, methods)
	}
}
