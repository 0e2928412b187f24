package httpapi

import (
	"net/http"
	"slices"
	"strings"
)

// access says who may call a route.
type access uint8

const (
	// withToken: whoever holds the token, by header or by the page's cookie; on loopback, everyone.
	withToken access = iota
	// withTokenAlways: the token by header, on loopback too.
	withTokenAlways
	// forPeople: a browser that holds no token is asked for it.
	forPeople
	// forAll: no token.
	forAll
)

// route is one thing that can be asked of the bot.
type route struct {
	method, path string
	access       access
	do           func(*call) error
}

// pattern is the route in the words of http.ServeMux.
func (r route) pattern() string { return r.method + " " + r.path }

// waha tells whether the route is there for WAHA's scripts, which read errors in WAHA's words.
func (r route) waha() bool {
	return strings.HasPrefix(r.path, "/api/sessions") || strings.HasPrefix(r.path, "/api/{name}/") || r.path == "/ping"
}

// apiRoutes are served on the plain and the TLS listener.
func apiRoutes() []route {
	return slices.Concat([]route{
		{"GET", "/{$}", forAll, (*call).home},
		{"GET", "/qr", forPeople, (*call).page},
		{"POST", "/qr", forPeople, (*call).enter},
		{"GET", "/api/health", withToken, (*call).health},
		{"GET", "/api/session/status", withToken, (*call).status},
		{"GET", "/api/session/qr", withToken, (*call).code},
		{"GET", "/api/session/events", withToken, (*call).events},
		{"GET", "/api/session/backup", withTokenAlways, (*call).backup},
		{"POST", "/api/session/pair", withToken, (*call).pair},
		{"POST", "/api/session/restart", withToken, (*call).restart},
		{"POST", "/api/session/stop", withToken, (*call).stop},
		{"POST", "/api/session/logout", withToken, (*call).logout},
		{"DELETE", "/api/session/clear", withToken, (*call).clear},
		{"GET", "/openapi.json", withToken, (*call).openAPI},
	}, messageRoutes(), wahaRoutes())
}

// probeRoutes are served on the metrics listener.
func probeRoutes() []route {
	return []route{
		{"GET", "/livez", forAll, (*call).live},
		{"GET", "/readyz", forAll, (*call).ready},
		{"GET", "/metrics", forAll, (*call).metrics},
	}
}

// Route names a route, for the document that describes them.
type Route struct {
	Method, Path string
	// Probe is true for the routes of the metrics listener.
	Probe bool
	// Token is true where a token is needed wherever the bot asks for one, TokenAlways where it is needed on
	// loopback too.
	Token, TokenAlways bool
}

// Routes lists every route that is served.
func Routes() []Route {
	var out []Route
	for _, r := range apiRoutes() {
		out = append(out, Route{
			Method: r.method, Path: strings.TrimSuffix(r.path, "{$}"),
			Token: r.access == withToken || r.access == withTokenAlways, TokenAlways: r.access == withTokenAlways,
		})
	}
	for _, r := range probeRoutes() {
		out = append(out, Route{Method: r.method, Path: r.path, Probe: true})
	}
	return out
}

// mux is a ServeMux that knows its routes.
type mux struct {
	http.ServeMux
	routes map[string]route
}

// find returns the route of r; false when there is none.
func (m *mux) find(r *http.Request) (route, bool) {
	_, pattern := m.Handler(r)
	found, ok := m.routes[pattern]
	return found, ok
}
