package main

import "sesi.dev/sesi/api/bot"

// operation describes a route to its callers.
type operation struct {
	summary, description string
	tag                  string
	request              any     // path and query parameters, and the JSON body
	form                 bool    // the request's body is a form
	status               int     // of the answer; 0 means 200
	answer               any     // the answer's JSON
	media                []media // other forms of the answer
	unwell               any     // the type of a 503 answer that is not a problem document
	problems             []int   // statuses of problems, beyond those that every route can have
}

// media is a form of an answer other than JSON.
type media struct {
	kind, format string
}

const (
	tagSession = "session"
	tagPage    = "page"
	tagWAHA    = "WAHA"
	tagProbes  = "probes"
)

// named is the session's name in a WAHA path.
type named struct {
	Name string `path:"name" default:"default" description:"The client id, or \"default\"."`
}

// language is how a caller chooses the language of messages.
type language struct {
	AcceptLanguage string `header:"Accept-Language" example:"en" description:"Language of messages: Indonesian, unless this header or the bot's LOCALE asks for English."`
}

type clearRequest struct {
	language
	Force bool `query:"force" description:"Removes the session also when no backup could be taken and WhatsApp cannot be told."`
}

type codeRequest struct {
	SVG bool `query:"svg" description:"Adds the code's picture to the JSON."`
}

type pageRequest struct {
	Token string `query:"token" description:"The token: it becomes a cookie and is removed from the address."`
}

// TokenForm is exported for its name in the document.
type TokenForm struct {
	Token string `formData:"token" required:"true"`
}

type wahaCodeRequest struct {
	named
	Format string `query:"format" enum:"image,raw" default:"image" description:"raw returns the code's text."`
}

// WAHAPairRequest is exported for its name in the document.
type WAHAPairRequest struct {
	named
	bot.PairRequest
}

// WAHAPasskeyRequest is exported for its name in the document.
type WAHAPasskeyRequest struct {
	named
	bot.PasskeySignature
}

// operations describe every route, by method and path.
var operations = map[string]operation{
	"GET " + bot.PathHome: {summary: "Health for monitors; a browser is redirected to the page", tag: tagPage, answer: bot.Home{}, unwell: bot.Home{}},
	"GET " + bot.PathPage: {summary: "The page for linking a phone",
		description: "A page for people: the current QR code, linking by phone number, and what the session's state means. Opening it wakes an idle session. It asks for the token if one is needed.",
		tag:         tagPage, request: pageRequest{}, media: []media{{kind: "text/html"}}, problems: []int{429}},
	"POST " + bot.PathPage: {summary: "Exchange the token for the page's cookie", description: "Answers with a cookie that is derived from the token.",
		tag: tagPage, request: TokenForm{}, form: true, status: 303, problems: []int{400, 413, 415, 429}},
	"GET " + bot.PathPasskeyExtension: {summary: "The browser extension that signs with a passkey",
		description: "For Chrome and the browsers built on it; unpack it and load the folder. It acts on https://web.whatsapp.com only.",
		tag:         tagPage, media: []media{{"application/zip", "binary"}}},
	"GET " + bot.PathHealth: {summary: "Health, with the session",
		description: "503 with the same body only if the storage or the bot's loop is broken.",
		tag:         tagSession, answer: bot.Health{}, unwell: bot.Health{}},
	"GET " + bot.PathStatus: {summary: "The session's status, with the whole snapshot", tag: tagSession, request: language{}, answer: bot.Status{}},
	"GET " + bot.PathCode: {summary: "The current QR code",
		description: "As JSON, PNG or SVG, by the Accept header. A request wakes an idle session: the answer is then 409; retry in a moment.",
		tag:         tagSession, request: codeRequest{}, answer: bot.LiveCode{},
		media: []media{{"image/png", "binary"}, {"image/svg+xml", ""}}, problems: []int{406, 409, 503, 504}},
	"GET " + bot.PathSessionEvents: {summary: "Snapshots, as server-sent events",
		description: "The current snapshot at once (data is a Snapshot in JSON, id its revision), then one for each change, and a comment every 15 seconds. It never contains a code. A client that does not read is disconnected. The stream also ends when the token or the cookie that opened it expires.",
		tag:         tagSession, media: []media{{kind: "text/event-stream"}}, problems: []int{503}},
	"GET " + bot.PathBackup: {summary: "A fresh backup",
		description: "Verified, consistent and compressed (zstd). It gives access to the account, so the token is required on loopback too. If the download is interrupted, discard the file.",
		tag:         tagSession, media: []media{{"application/zstd", "binary"}}, problems: []int{403, 409, 503}},
	"POST " + bot.PathPair: {summary: "A pairing code to type into the phone", tag: tagSession,
		request: bot.PairRequest{}, answer: bot.PairingCode{}, problems: []int{400, 409, 413, 415, 422, 503, 504}},
	"GET " + bot.PathPasskey: {summary: "What a linking with a passkey waits for",
		description: "While userAction is SignPasskey: the challenge to sign on https://web.whatsapp.com, or the code to compare with the phone's.",
		tag:         tagSession, answer: bot.Passkey{}, problems: []int{409}},
	"POST " + bot.PathPasskey: {summary: "Sign with the account's passkey",
		description: "The credential that navigator.credentials.get gave on https://web.whatsapp.com, as its toJSON() writes it. After a 422 another can be given.",
		tag:         tagSession, request: bot.PasskeySignature{}, answer: bot.Done{}, problems: []int{400, 409, 413, 415, 422, 503, 504}},
	"POST " + bot.PathPasskeyConfirm: {summary: "The phone shows the same code",
		tag: tagSession, request: language{}, answer: bot.Done{}, problems: []int{409, 503, 504}},
	"POST " + bot.PathRestart: {summary: "Reconnect now",
		description: "Ends the wait of an idle, conflicting, restricted, failed or stopped session and resets its counters.",
		tag:         tagSession, request: language{}, answer: bot.Done{}, problems: []int{409, 503, 504}},
	"POST " + bot.PathStop: {summary: "Disconnect, and keep the session",
		description: "The bot disconnects from WhatsApp and keeps the keys. It stays Stopped until it is asked to restart, even if its process restarts. Clearing a stopped session leaves it stopped.",
		tag:         tagSession, request: language{}, answer: bot.Done{}, problems: []int{503, 504}},
	"POST " + bot.PathLogout: {summary: "Unlink the device at WhatsApp", tag: tagSession, request: language{}, answer: bot.Done{}, problems: []int{409, 503, 504, 507}},
	"DELETE " + bot.PathClear: {summary: "Unlink the device and delete its data",
		description: "A backup is kept first. If there is none and WhatsApp is out of reach, the only keys of a device that still exists would be lost: then 409 (backup-failed), unless force is true. Clearing an empty session succeeds too.",
		tag:         tagSession, request: clearRequest{}, answer: bot.Done{}, problems: []int{400, 409, 503, 504, 507}},
	"GET " + bot.PathOpenAPI: {summary: "This document", tag: tagSession, answer: map[string]any{}},

	"GET " + bot.PathWAHAPing:       {summary: "Is the bot reachable?", tag: tagWAHA, answer: bot.WAHAPing{}},
	"GET " + bot.PathWAHASessions:   {summary: "The bot's one session", tag: tagWAHA, answer: []bot.WAHASession{}},
	"GET " + bot.PathWAHASession:    {summary: "The session", tag: tagWAHA, request: named{}, answer: bot.WAHASession{}, problems: []int{404}},
	"GET " + bot.PathWAHAMe:         {summary: "The linked account", description: "null when no account is linked.", tag: tagWAHA, request: named{}, answer: new(bot.WAHAMe), problems: []int{404}},
	"POST " + bot.PathWAHAStart:     {summary: "Start a session that does not run", description: "A session that is FAILED or STOPPED is restarted; any other is left alone.", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409}},
	"POST " + bot.PathWAHAStop:      {summary: "Disconnect, and keep the session", description: "STOPPED until start or restart, even if the bot restarts.", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404}},
	"POST " + bot.PathWAHARestart:   {summary: "Reconnect now", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409}},
	"POST " + bot.PathWAHALogout:    {summary: "Unlink the device at WhatsApp", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409}},
	"POST " + bot.PathWAHAOldStart:  {summary: "Start a session that does not run", description: "WAHA's older path. A config is refused with 501: a bot is configured by its environment.", tag: tagWAHA, request: bot.WAHAOldStart{}, status: 201, answer: bot.WAHASession{}, problems: []int{400, 404, 409, 413, 415, 501}},
	"POST " + bot.PathWAHAOldStop:   {summary: "Disconnect, and keep the session; with logout, unlink it", description: "WAHA's older path.", tag: tagWAHA, request: bot.WAHAOrder{}, status: 201, answer: bot.WAHASession{}, problems: []int{400, 404, 409, 413, 415}},
	"POST " + bot.PathWAHAOldLogout: {summary: "Unlink the device at WhatsApp", description: "WAHA's older path.", tag: tagWAHA, request: bot.WAHAOrder{}, status: 201, answer: bot.WAHASession{}, problems: []int{400, 404, 409, 413, 415}},
	"GET " + bot.PathWAHAHealth:     {summary: "Does the bot work?", description: "503 with the same body where a part is down. The session's state does not matter.", tag: tagWAHA, answer: bot.WAHAHealth{}},
	"GET " + bot.PathWAHACode: {summary: "The current QR code", description: "A picture; with Accept: application/json, the picture as JSON; with format=raw, the code's text as JSON.",
		tag: tagWAHA, request: wahaCodeRequest{}, answer: bot.WAHAImage{}, media: []media{{"image/png", "binary"}}, problems: []int{404, 422}},
	"POST " + bot.PathWAHARequestCode:     {summary: "A pairing code to type into the phone", tag: tagWAHA, request: WAHAPairRequest{}, status: 201, answer: bot.WAHACode{}, problems: []int{400, 404, 409, 413, 415, 422}},
	"GET " + bot.PathWAHAPasskeyChallenge: {summary: "The challenge to sign with the passkey", description: "In the status PASSKEY_REQUIRED.", tag: tagWAHA, request: named{}, answer: map[string]any{}, problems: []int{404, 422}},
	"POST " + bot.PathWAHAPasskey:         {summary: "Sign with the account's passkey", tag: tagWAHA, request: WAHAPasskeyRequest{}, status: 201, answer: bot.WAHASession{}, problems: []int{400, 404, 409, 413, 415, 422}},
	"GET " + bot.PathWAHAPasskeyCode:      {summary: "The code that the phone shows too", description: "In the status PASSKEY_CONFIRMATION_REQUIRED.", tag: tagWAHA, request: named{}, answer: bot.WAHAPasskeyCode{}, problems: []int{404, 422}},
	"POST " + bot.PathWAHAPasskeyConfirm:  {summary: "The phone shows the same code", tag: tagWAHA, request: named{}, status: 201, answer: bot.WAHASession{}, problems: []int{404, 409}},

	"GET " + bot.PathLive:    {summary: "Is the process alive?", description: "On the metrics port.", tag: tagProbes, media: []media{{kind: "text/plain"}}, problems: []int{503}},
	"GET " + bot.PathReady:   {summary: "Does the API work?", description: "On the metrics port. Succeeds also while a code must be scanned.", tag: tagProbes, media: []media{{kind: "text/plain"}}, problems: []int{503}},
	"GET " + bot.PathMetrics: {summary: "Metrics for Prometheus", description: "On the metrics port.", tag: tagProbes, media: []media{{kind: "text/plain"}}},
}

// extra are types of the document that no answer uses directly.
var extra = []any{bot.Snapshot{}}
