package gateway

import (
	"net/http"
	"slices"
	"strings"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
)

// action is what a request does; it decides which right the request needs.
type action string

const (
	actSee     action = "see"     // one session's state
	actList    action = "list"    // the states of many
	actWatch   action = "watch"   // their changes
	actRead    action = "read"    // messages
	actSend    action = "send"    // messages, and what else the account can do
	actLink    action = "link"    // codes and passkeys
	actControl action = "control" // restart, stop, start, log out, clear, erase
	actBackup  action = "backup"  // the session's keys
	actCreate  action = "create"
	actChange  action = "change"
	actDelete  action = "delete"
)

// right is the name of an action for Kubernetes and for an API key.
type right struct {
	verb, subresource string
	key               apikey.Verb
}

// words name a right as a role has it.
func (need right) words(on string) string {
	resource := "whatsappsessions"
	if need.subresource != "" {
		resource += "/" + need.subresource
	}
	return "\"" + need.verb + "\" " + on + " " + resource
}

var rights = map[action]right{
	actSee:     {"get", "", apikey.VerbRead},
	actList:    {"list", "", apikey.VerbRead},
	actWatch:   {"watch", "", apikey.VerbRead},
	actRead:    {"get", "messages", apikey.VerbRead},
	actSend:    {"create", "messages", apikey.VerbSend},
	actLink:    {"create", "link", apikey.VerbLink},
	actControl: {"update", "control", apikey.VerbControl},
	actBackup:  {"get", "backup", apikey.VerbManage},
	actCreate:  {"create", "", apikey.VerbManage},
	actChange:  {"update", "", apikey.VerbManage},
	actDelete:  {"delete", "", apikey.VerbManage},
}

// audited reports whether a call is written to the audit log. Reading is not, except for what gives control of the
// account.
func (a action) audited() bool {
	return !slices.Contains([]action{actSee, actList, actWatch, actRead}, a)
}

// classifyBot returns the right that a request to a bot needs; false for a path that is not passed on. A path that this
// release does not know needs the right to read or to send, so that new routes of a bot work, and none of the routes
// with a right of their own lies below an unknown one.
func classifyBot(method, path string) (action, bool) {
	segments := segmentsOf(strings.ToLower(path))
	if len(segments) == 0 {
		return "", false
	}
	read := method == http.MethodGet || method == http.MethodHead
	switch {
	case path == bot.PathOpenAPI, path == bot.PathWAHAPing:
		return actSee, read
	case path == bot.PathPasskeyExtension:
		return actLink, read
	case path == bot.PathWebSocket:
		return actRead, read
	case segments[0] != "api" || len(segments) < 2:
		return "", false
	}
	part := ""
	if len(segments) > 2 {
		part = segments[2]
	}
	switch segments[1] {
	case "health":
		return actSee, true
	case "session":
		return classifyOwn(part, read), true
	case "sessions":
		if read {
			return actSee, true
		}
		return actControl, true
	case "screenshot":
		return actLink, true // it shows the code where there is one
	case "webhooks":
		if !read {
			return actControl, true // it decides who gets every message
		}
		return actRead, true
	}
	last := segments[len(segments)-1]
	switch {
	case part == "auth":
		return actLink, true
	case part == "chats" && last == "overview": // WAHA also reads it by POST
		return actRead, true
	case method == http.MethodDelete && (segments[1] == "chats" || part == "chats") && last == "messages":
		return actControl, true
	case read && !strings.HasPrefix(segments[1], "send"): // WAHA also sends by GET
		return actRead, true
	}
	return actSend, true
}

// classifyOwn is classifyBot for the paths of a bot's own session.
func classifyOwn(part string, read bool) action {
	switch part {
	case "status", "events":
		if read {
			return actSee
		}
	case "backup":
		return actBackup
	case "qr", "pair", "passkey":
		return actLink
	}
	return actControl
}
