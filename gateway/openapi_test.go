package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/gateway"
)

// Each operation of the document is served, without a credential only where the document says so, and the document is
// for everyone.
func TestOpenAPI(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,control,manage")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	want, err := gateway.OpenAPI()
	must(t, err)
	for encoding, packed := range map[string]bool{"": false, "gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false} {
		got := g.do("GET", bot.PathOpenAPI, "", "", func(r *http.Request) { r.Header.Set("Accept-Encoding", encoding) })
		if got.status != http.StatusOK || (got.header.Get("Content-Encoding") == "gzip") != packed || !packed && got.body != string(want) {
			t.Errorf("Accept-Encoding %q: %d, %q", encoding, got.status, got.header.Get("Content-Encoding"))
		}
	}
	var document struct {
		Paths map[string]map[string]struct {
			Security []any `json:"security"`
		} `json:"paths"`
	}
	must(t, json.Unmarshal(want, &document))
	if len(document.Paths) < 50 {
		t.Errorf("the document has %d paths", len(document.Paths))
	}
	for path, item := range document.Paths {
		if path == bot.PathGatewayEvents {
			continue // a stream: TestEventsOfAllSessions
		}
		for method, operation := range item {
			method = strings.ToUpper(method)
			name := "shop"
			if path == bot.PathGatewaySession || path == bot.PathWAHASession {
				name = "another" // some of these would delete it
			}
			asked := strings.NewReplacer("{namespace}", namespace, "{session}", name, "/api/sessions/{name}", "/api/sessions/"+name,
				"/api/{name}", "/api/"+name).Replace(path)
			asked = placeholder.ReplaceAllString(asked, "1")
			got := g.do(method, asked, key, "")
			if got.status == http.StatusNotImplemented || got.status == http.StatusMethodNotAllowed || strings.Contains(got.body, "Nothing is served") {
				t.Errorf("%s %s: %d %s", method, asked, got.status, got.body)
			}
			if got := g.do(method, asked, "", ""); (got.status == http.StatusUnauthorized) != (len(operation.Security) > 0) {
				t.Errorf("%s %s without a credential: %d, and the document says %v", method, asked, got.status, operation.Security)
			}
		}
	}
}
