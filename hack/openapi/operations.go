package main

import "sesi.dev/sesi/api/bot"

// operation describes a route to its callers.
type operation struct {
	summary, description string
	tag                  string
	request              any     // with path and query parameters, and a JSON body
	form                 bool    // the request's body is a form
	status               int     // of the answer; 200 when 0
	answer               any     // in JSON
	media                []media // other forms of the answer
	unwell               any     // the type of an answer with status 503, where that is no problem document
	problems             []int   // statuses that it can answer with, beyond those that every route can
}

// media is a form of an answer that is not JSON.
type media struct {
	kind, format string
}

const (
	tagSession = "session"
	tagPage    = "page"
	tagWAHA    = "WAHA"
	tagProbes  = "probes"
)

// named is the session's name in a path of WAHA's.
type named struct {
	Name string `path:"name" default:"default" description:"The client id, or \"default\"."`
}

// language is how a caller chooses the language of messages.
type language struct {
	AcceptLanguage string `header:"Accept-Language" example:"en" description:"Indonesian unless this, or the bot's LOCALE, asks for English."`
}

type codeRequest struct {
	SVG bool `query:"svg" description:"Adds the code's picture to the JSON."`
}

type pageRequest struct {
	Token string `query:"token" description:"The token, once: it becomes a cookie, and the address loses it."`
}

// TokenForm is exported for its name in the document.
type TokenForm struct {
	Token string `formData:"token" required:"true"`
}

type wahaCodeRequest struct {
	named
	Format string `query:"format" enum:"image,raw" default:"image" description:"raw gives the code's text."`
}

// WAHAPairRequest is exported for its name in the document.
type WAHAPairRequest struct {
	named
	bot.PairRequest
}

// operations describe every route, by method and path.
var operations = map[string]operation{
	"GET " + bot.PathHome: {summary: "Health for monitors; a browser is sent to the page", tag: tagPage, answer: bot.Home{}, unwell: bot.Home{}},
	"GET " + bot.PathPage: {summary: "The page to link from",
		description: "A page for people: the live QR code, the phone-number way, and what the session's state means. Opening it counts as looking. Without a token where one is needed it asks for it.",
		tag:         tagPage, request: pageRequest{}, media: []media{{kind: "text/html"}}, problems: []int{429}},
	"POST " + bot.PathPage: {summary: "Hand the token to the page", description: "Answers with a cookie that is derived from the token.",
		tag: tagPage, request: TokenForm{}, form: true, status: 303, problems: []int{400, 413, 415, 429}},
	"GET " + bot.PathHealth: {summary: "Health, with the session",
		description: "503 with the same body only when the storage or the bot's own loop is broken.",
		tag:         tagSession, answer: bot.Health{}, unwell: bot.Health{}},
	"GET " + bot.PathStatus: {summary: "What is stored, and the whole snapshot", tag: tagSession, request: language{}, answer: bot.Status{}},
	"GET " + bot.PathCode: {summary: "The live code",
		description: "In JSON, PNG or SVG, as Accept asks. Looking wakes a session that is idle: 409 then says to come back in a moment.",
		tag:         tagSession, request: codeRequest{}, answer: bot.LiveCode{},
		media: []media{{"image/png", "binary"}, {"image/svg+xml", ""}}, problems: []int{406, 409, 503, 504}},
	"GET " + bot.PathSessionEvents: {summary: "Every change, as server-sent events",
		description: "The whole snapshot at once (the schema Snapshot, in JSON, as data; its revision as id), then one for each change; a comment every 15 seconds. Never a code. A client that does not read is dropped and begins anew; the stream also ends with the token or the cookie that opened it.",
		tag:         tagSession, media: []media{{kind: "text/event-stream"}}, problems: []int{503}},
	"GET " + bot.PathBackup: {summary: "A fresh copy of the store",
		description: "Verified, consistent and compressed (zstd). Whoever holds it holds the account: the token is needed on loopback too. A connection that breaks off means that the copy is not whole.",
		tag:         tagSession, media: []media{{"application/zstd", "binary"}}, problems: []int{403, 409, 503}},
	"POST " + bot.PathPair: {summary: "A code to type into the phone", tag: tagSession,
		request: bot.PairRequest{}, answer: bot.PairingCode{}, problems: []int{400, 409, 413, 415, 422, 503, 504}},
	"POST " + bot.PathRestart: {summary: "Reconnect now",
		description: "Ends the waits of an idle, conflicting, restricted, failed or stopped session and resets what they count.",
		tag:         tagSession, request: language{}, answer: bot.Done{}, problems: []int{409, 503, 504}},
	"POST " + bot.PathStop: {summary: "Disconnect, and keep the session",
		description: "The bot leaves WhatsApp and keeps the keys. It stays Stopped until a restart is asked for, also over a restart of its process; clearing a stopped session empties it, and leaves it stopped.",
		tag:         tagSession, request: language{}, answer: bot.Done{}, problems: []int{503, 504}},
	"POST " + bot.PathLogout: {summary: "Unlink the device at WhatsApp", tag: tagSession, request: language{}, answer: bot.Done{}, problems: []int{409, 503, 504}},
	"DELETE " + bot.PathClear: {summary: "Unlink the device and empty the store",
		description: "A copy of the store is kept first. Clearing what is empty succeeds too.",
		tag:         tagSession, request: language{}, answer: bot.Done{}, problems: []int{409, 503, 504}},
	"GET " + bot.PathOpenAPI: {summary: "This document", tag: tagSession, answer: map[string]any{}},

	"GET " + bot.PathWAHAPing:     {summary: "Is the bot there?", tag: tagWAHA, answer: bot.WAHAPing{}},
	"GET " + bot.PathWAHASessions: {summary: "The bot's one session", tag: tagWAHA, answer: []bot.WAHASession{}},
	"GET " + bot.PathWAHASession:  {summary: "The session", tag: tagWAHA, request: named{}, answer: bot.WAHASession{}, problems: []int{404}},
	"GET " + bot.PathWAHAMe:       {summary: "The linked account", description: "null when no account is linked.", tag: tagWAHA, request: named{}, answer: new(bot.WAHAMe), problems: []int{404}},
	"POST " + bot.PathWAHAStart:   {summary: "Start what does not run", description: "A session that is FAILED or STOPPED is restarted; any other is left alone.", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409}},
	"POST " + bot.PathWAHAStop:    {summary: "Disconnect, and keep the session", description: "STOPPED until start or restart; over a restart of the bot too.", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404}},
	"POST " + bot.PathWAHARestart: {summary: "Reconnect now", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409}},
	"POST " + bot.PathWAHALogout:  {summary: "Unlink the device at WhatsApp", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409}},
	"GET " + bot.PathWAHACode: {summary: "The live code", description: "A picture; with Accept: application/json the picture in JSON; with format=raw the code's text in JSON.",
		tag: tagWAHA, request: wahaCodeRequest{}, answer: bot.WAHAImage{}, media: []media{{"image/png", "binary"}}, problems: []int{404, 422}},
	"POST " + bot.PathWAHARequestCode: {summary: "A code to type into the phone", tag: tagWAHA, request: WAHAPairRequest{}, status: 201, answer: bot.WAHACode{}, problems: []int{400, 404, 409, 413, 415, 422}},

	"GET " + bot.PathLive:    {summary: "Should the process be left alone?", description: "On the metrics port.", tag: tagProbes, media: []media{{kind: "text/plain"}}, problems: []int{503}},
	"GET " + bot.PathReady:   {summary: "Does the API work?", description: "On the metrics port. Also while a code must be scanned.", tag: tagProbes, media: []media{{kind: "text/plain"}}, problems: []int{503}},
	"GET " + bot.PathMetrics: {summary: "Metrics for Prometheus", description: "On the metrics port.", tag: tagProbes, media: []media{{kind: "text/plain"}}},
}

// extra are types that stand in the document though no answer is of them.
var extra = []any{bot.Snapshot{}}
