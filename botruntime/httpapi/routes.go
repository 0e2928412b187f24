package httpapi

import (
	"slices"

	"sesi.dev/sesi/api/bot"
)

// access says who may call a route.
type access uint8

const (
	// withToken requires the token by header, or the page's cookie. A listener without a token accepts every local
	// request.
	withToken access = iota
	// withTokenAlways requires the token by header, on every listener.
	withTokenAlways
	// forPeople shows the token form to a browser without a token.
	forPeople
	// forAll requires no token.
	forAll
)

// route is one method of one path.
type route struct {
	method, path string
	access       access
	do           func(*call) error
}

// apiRoutes are the routes of the plain and the TLS listener.
//
// To add a part of the API: put its paths and types into api/bot; write its handlers, methods of call, in a file of
// this package, together with a function like sessionRoutes; name that function here; describe each route in
// hack/openapi/operations.go and run make generate. A handler returns a fault, or any error, instead of writing one.
func apiRoutes() mux {
	m := make(mux, 0, 224)
	for _, part := range []func() []route{pageRoutes, sessionRoutes, messageRoutes, sendRoutes, changeRoutes, liveRoutes, chatRoutes, contactRoutes, pictureRoutes, groupRoutes, channelRoutes, labelRoutes, webhookRoutes} {
		for _, r := range part() {
			m = append(m, entry{route: r})
		}
	}
	for _, r := range wahaRoutes() {
		m = append(m, entry{route: r, waha: true})
	}
	return slices.Clip(m)
}

func pageRoutes() []route {
	return []route{
		{"GET", bot.PathHome, forAll, (*call).home},
		{"GET", bot.PathPage, forPeople, (*call).page},
		{"POST", bot.PathPage, forPeople, (*call).enter},
		{"GET", bot.PathPasskeyExtension, forAll, (*call).extension},
	}
}

func sessionRoutes() []route {
	return []route{
		{"GET", bot.PathHealth, withToken, (*call).health},
		{"GET", bot.PathStatus, withToken, (*call).status},
		{"GET", bot.PathCode, withToken, (*call).code},
		{"GET", bot.PathSessionEvents, withToken, (*call).events},
		{"GET", bot.PathBackup, withTokenAlways, (*call).backup},
		{"POST", bot.PathPair, withToken, (*call).pair},
		{"GET", bot.PathPasskey, withToken, (*call).passkey},
		{"POST", bot.PathPasskey, withToken, (*call).signPasskey},
		{"POST", bot.PathPasskeyConfirm, withToken, (*call).confirmPasskey},
		{"POST", bot.PathRestart, withToken, (*call).restart},
		{"POST", bot.PathStop, withToken, (*call).stop},
		{"POST", bot.PathLogout, withToken, (*call).logout},
		{"DELETE", bot.PathClear, withToken, (*call).clear},
		{"GET", bot.PathOpenAPI, withToken, (*call).openAPI},
	}
}

// probeRoutes are the routes of the metrics listener.
func probeRoutes() mux {
	return mux{
		{route: route{"GET", bot.PathLive, forAll, (*call).live}},
		{route: route{"GET", bot.PathReady, forAll, (*call).ready}},
		{route: route{"GET", bot.PathMetrics, forAll, (*call).metrics}},
	}
}

// Route names a route, for the OpenAPI document.
type Route struct {
	Method, Path string
	// Probe is true for the routes of the metrics listener.
	Probe bool
	// Token is true if the route requires the token on a listener that has one, TokenAlways if it requires it on every
	// listener.
	Token, TokenAlways bool
}

// Routes lists every served route.
func Routes() []Route {
	var out []Route
	for _, r := range apiRoutes() {
		out = append(out, Route{
			Method: r.method, Path: r.path,
			Token: r.access == withToken || r.access == withTokenAlways, TokenAlways: r.access == withTokenAlways,
		})
	}
	for _, r := range probeRoutes() {
		out = append(out, Route{Method: r.method, Path: r.path, Probe: true})
	}
	return out
}
