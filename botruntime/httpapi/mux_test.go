package httpapi

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheRouteOfARequest(t *testing.T) {
	t.Parallel()
	m := mux{
		{route: route{method: "GET", path: "/"}},
		{route: route{method: "GET", path: "/api/messages/{id}"}},
		{route: route{method: "GET", path: "/api/messages/{id}/media"}},
		{route: route{method: "PUT", path: "/api/messages/{id}"}},
		{route: route{method: "GET", path: "/api/{name}/chats"}, waha: true},
		{route: route{method: "GET", path: "/api/messages/new"}, waha: true},
		{route: route{method: "GET", path: "/api/{name}/chats/{chat}"}, waha: true},
	}
	for target, want := range map[string]string{
		"GET /": "/", "GET //": "/", "HEAD /": "/", "POST /": "",
		"GET /api/messages/a": "/api/messages/{id}", "PUT /api/messages/a": "/api/messages/{id}", "DELETE /api/messages/a": "",
		"GET //api///messages/a": "/api/messages/{id}", "GET /api/messages": "", "GET /api/messages/a/b": "",
		"GET /api/messages/new": "/api/messages/new", "GET /api/messages/chats": "/api/messages/{id}",
		"GET /api/toko/chats": "/api/{name}/chats", "GET /api/%74oko/%63hats": "/api/{name}/chats", "GET /api/toko%2Fchats": "",
		"GET /api/toko/chats/6281%40c.us": "/api/{name}/chats/{chat}", "GET /api/messages/a/media": "/api/messages/{id}/media",
	} {
		var r *http.Request
		for i := range target {
			if target[i] == ' ' {
				r = httptest.NewRequest(target[:i], target[i+1:], nil)
				break
			}
		}
		found := m.find(r)
		if found == nil {
			if want != "" {
				t.Errorf("%s: no route, want %s", target, want)
			}
			continue
		}
		if found.path != want {
			t.Errorf("%s: %s, want %q", target, found.path, want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/api/toko/chats/6281%40c.us", nil)
	m.find(r).fill(r)
	if r.PathValue("name") != "toko" || r.PathValue("chat") != "6281@c.us" {
		t.Errorf("name %q, chat %q", r.PathValue("name"), r.PathValue("chat"))
	}
	if all := m.methods("/api/messages/a"); len(all) != 2 || all[0] != "GET" || all[1] != "PUT" {
		t.Errorf("methods %v", all)
	}
}
