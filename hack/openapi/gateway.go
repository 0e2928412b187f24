package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/swaggest/jsonschema-go"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/httpapi"
)

const aboutGateway = `The gateway: the bots of all sessions at one address.

Send an API key as X-Api-Key, or a Kubernetes token as Authorization: Bearer. Errors are application/problem+json.
Below /v1/namespaces/{namespace}/sessions/{session} is the API of that session's bot. In WAHA's paths a session is
its name, in the namespace of the key, or namespace.name.`

const tagGateway = "gateway"

// located says which session a path means.
type located struct {
	Namespace string `path:"namespace"`
	Session   string `path:"session"`
}

type sessionsFilter struct {
	Namespace  string `query:"namespace"`
	State      string `query:"state" description:"States, separated by commas."`
	UserAction string `query:"userAction" description:"What a person should do; several are separated by commas."`
	Attention  bool   `query:"attention" description:"Only sessions that wait for a person."`
	Selector   string `query:"selector" example:"tier=gold,team!=test" description:"A label selector."`
	Search     string `query:"search" description:"A part of the name, the number or the account's name."`
}

type sessionsRequest struct {
	sessionsFilter
	Sort     string `query:"sort" enum:"since" description:"since puts those first that have been in their state longest."`
	Limit    int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	Continue string `query:"continue" description:"continue from an earlier answer."`
}

type streamRequest struct {
	sessionsFilter
	Messages    string `query:"messages" example:"shop,sales.bank" description:"Whose messages the stream carries: true for all sessions that the filters let through, or names; at most 100."`
	Types       string `query:"types" description:"Types of the messages' events, separated by commas; empty means all."`
	After       string `query:"after" enum:"oldest,latest" default:"latest" description:"Where a session's events begin."`
	LastEventID string `header:"Last-Event-ID" description:"The id of the last event of a stream that reconnects."`
}

type wahaListRequest struct {
	All bool `query:"all" description:"Sessions that are STOPPED, too."`
}

// WAHAMakeRequest and the others are exported for their names in the document.
type WAHAMakeRequest struct{ bot.GatewayWAHARequest }

// WAHAChangeRequest changes a session.
type WAHAChangeRequest struct {
	named
	bot.GatewayWAHARequest
}

type socketRequest struct {
	Session string `query:"session" default:"default" description:"A session, or * for all that you may read."`
	Events  string `query:"events" description:"WAHA's events, separated by commas, or *."`
	Key     string `query:"x-api-key" description:"The API key, where no header can be set."`
}

// gatewayOperations describe the gateway's own routes, by method and path.
var gatewayOperations = map[string]operation{
	"GET " + bot.PathGatewaySessions: {summary: "A page of the sessions that you may list", tag: tagGateway, request: sessionsRequest{}, answer: bot.GatewaySessions{}, problems: []int{400, 503}},
	"GET " + bot.PathGatewayEvents: {summary: "All sessions, as server-sent events",
		description: "First each session once (session, a GatewaySession), then what changes (session, gone), and a comment every 15 seconds. With messages also the events of these sessions' journals: their type is the name, a GatewayEvent the data. The id holds a cursor for each session, so that a stream that is opened again with it continues there. gap (a GatewayGap) says that events were deleted before they were read.",
		tag:         tagGateway, request: streamRequest{}, media: []media{{kind: "text/event-stream"}}, problems: []int{400, 404, 422, 503}},
	"GET " + bot.PathGatewaySession:    {summary: "A session's state, from its resource", tag: tagGateway, request: located{}, answer: bot.GatewaySession{}, problems: []int{404, 503}},
	"DELETE " + bot.PathGatewaySession: {summary: "Delete a session", description: "Its claim is kept or deleted by its retentionPolicy.", tag: tagGateway, request: located{}, problems: []int{404, 503}},
	"GET " + bot.PathOpenAPI:           {summary: "This document", tag: tagGateway, answer: map[string]any{}},

	"GET " + bot.PathWAHASessions:    {summary: "The sessions that you may list", tag: tagWAHA, request: wahaListRequest{}, answer: []bot.GatewayWAHASession{}, problems: []int{503}},
	"POST " + bot.PathWAHASessions:   {summary: "Make a session", tag: tagWAHA, request: WAHAMakeRequest{}, status: 201, answer: bot.GatewayWAHASession{}, problems: []int{400, 413, 422, 503}},
	"GET " + bot.PathWAHASession:     {summary: "A session", tag: tagWAHA, request: named{}, answer: bot.GatewayWAHASession{}, problems: []int{404, 503}},
	"PUT " + bot.PathWAHASession:     {summary: "Change a session", tag: tagWAHA, request: WAHAChangeRequest{}, answer: bot.GatewayWAHASession{}, problems: []int{400, 404, 409, 413, 422, 503}},
	"DELETE " + bot.PathWAHASession:  {summary: "Delete a session", tag: tagWAHA, request: named{}, problems: []int{404, 503}},
	"GET " + bot.PathWAHAMe:          {summary: "The linked account", description: "null when no account is linked.", tag: tagWAHA, request: named{}, answer: new(bot.WAHAMe), problems: []int{404, 503}},
	"POST " + bot.PathWAHAStart:      {summary: "Run a session's bot", tag: tagWAHA, request: named{}, status: 201, answer: bot.GatewayWAHASession{}, problems: []int{404, 409, 503}},
	"POST " + bot.PathWAHAStop:       {summary: "Stop a session's bot, and keep the session", tag: tagWAHA, request: named{}, status: 201, answer: bot.GatewayWAHASession{}, problems: []int{404, 409, 503}},
	"POST " + bot.PathWAHARestart:    {summary: "Reconnect now", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409, 502, 503, 504}},
	"POST " + bot.PathWAHALogout:     {summary: "Unlink the device at WhatsApp", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409, 502, 503, 504}},
	"POST " + bot.PathWAHAOldStart:   {summary: "Run a session's bot, and make the session where it is missing", tag: tagWAHA, request: bot.GatewayWAHARequest{}, status: 201, answer: bot.GatewayWAHASession{}, problems: []int{400, 404, 409, 422, 503}},
	"POST " + bot.PathWAHAOldStop:    {summary: "Stop a session's bot", tag: tagWAHA, request: bot.WAHAOrder{}, status: 201, answer: bot.GatewayWAHASession{}, problems: []int{400, 404, 409, 503}},
	"POST " + bot.PathWAHAOldLogout:  {summary: "Unlink a session and delete it", tag: tagWAHA, request: bot.WAHAOrder{}, status: 201, problems: []int{400, 404, 409, 503}},
	"GET " + bot.PathWebSocket:       {summary: "WAHA's WebSocket", tag: tagWAHA, request: socketRequest{}, status: 101, problems: []int{400, 404, 422}},
	"GET " + bot.PathWAHAPing:        {summary: "Is the gateway reachable?", tag: tagWAHA, answer: bot.WAHAPing{}},
	"GET " + bot.PathWAHAHealth:      {summary: "Does the gateway answer?", tag: tagWAHA, answer: map[string]any{}},
	"GET " + bot.PathGatewayVersion:  {summary: "The gateway's version", tag: tagWAHA, answer: map[string]any{}},
	"GET " + bot.PathGatewayVersion1: {summary: "The gateway's version", tag: tagWAHA, answer: map[string]any{}},
	"GET " + bot.PathGatewayStatus:   {summary: "Since when the gateway runs", tag: tagWAHA, answer: map[string]any{}},
}

// open are the gateway's routes that need no credential.
var open = []string{bot.PathOpenAPI, bot.PathWAHAPing, bot.PathWAHAHealth}

// buildGatewayDocument returns the OpenAPI document of the gateway: its own routes, and those of a bot below the path of
// its session. WAHA's paths stay as they are.
func buildGatewayDocument(root string, ofBot []byte) ([]byte, error) {
	src, err := readSource(root)
	if err != nil {
		return nil, err
	}
	r := newReflector(src, "Sesi gateway", aboutGateway)
	for _, at := range slices.Sorted(maps.Keys(gatewayOperations)) {
		method, path, _ := strings.Cut(at, " ")
		route := httpapi.Route{Method: method, Path: path, Token: !slices.Contains(open, path)}
		if err := describe(r, route, gatewayOperations[at], bot.GatewayProblem{}); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	for _, value := range []any{bot.GatewayEvent{}, bot.GatewayGap{}} {
		if _, err := r.Reflect(value, jsonschema.RootRef, jsonschema.DefinitionsPrefix("#/components/schemas/"), collect(r)); err != nil {
			return nil, err
		}
	}
	own, err := json.Marshal(r.Spec)
	if err != nil {
		return nil, err
	}
	var document, other map[string]any
	if err := json.Unmarshal(own, &document); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(ofBot, &other); err != nil {
		return nil, err
	}
	addBot(document["paths"].(map[string]any), other["paths"].(map[string]any))
	schemas := document["components"].(map[string]any)["schemas"].(map[string]any)
	for name, schema := range other["components"].(map[string]any)["schemas"].(map[string]any) {
		if _, known := schemas[name]; !known {
			schemas[name] = schema
		}
	}
	out, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}

// addBot adds a bot's paths to the gateway's own.
func addBot(paths, ofBot map[string]any) {
	parameters := []any{}
	for _, name := range []string{"namespace", "session"} {
		parameters = append(parameters, map[string]any{"name": name, "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for path, item := range ofBot {
		for method, operation := range item.(map[string]any) {
			operation := operation.(map[string]any)
			tag, _ := operation["tags"].([]any)
			to := path
			switch {
			case slices.Contains(tag, any(tagPage)) || slices.Contains(tag, any(tagProbes)) || path == bot.PathOpenAPI:
				continue // the gateway does not pass them on
			case !slices.Contains(tag, any(tagWAHA)):
				to = bot.PathGatewaySession + strings.TrimPrefix(path, "/api")
				given, _ := operation["parameters"].([]any)
				operation["parameters"] = append(slices.Clone(parameters), given...)
			}
			there, _ := paths[to].(map[string]any)
			if there == nil {
				there = map[string]any{}
				paths[to] = there
			}
			if _, own := there[method]; !own {
				operation["security"] = []any{map[string]any{"bearer": []any{}}, map[string]any{"apiKey": []any{}}}
				addAway(operation)
				there[method] = operation
			}
		}
	}
}

// addAway adds the answers that a gateway gives where a bot is away.
func addAway(operation map[string]any) {
	answers := operation["responses"].(map[string]any)
	for _, status := range []int{http.StatusNotFound, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		if code := fmt.Sprint(status); answers[code] == nil {
			answers[code] = map[string]any{"description": http.StatusText(status), "content": map[string]any{
				"application/problem+json": map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/GatewayProblem"}}}}
		}
	}
}
