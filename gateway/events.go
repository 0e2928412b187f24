package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// heartbeat is how often a silent stream gets a comment, which keeps it open; eventPause is how long changes are
	// collected.
	heartbeat  = 15 * time.Second
	eventPause = 200 * time.Millisecond
	// reviewTime is how often a stream asks again what its caller may see, and whether the credential is still valid.
	reviewTime = 30 * time.Second
)

// serveEvents streams the sessions that the caller may see: all at once, then each that changes. A stream that is
// opened again begins with all of them, so nothing is missed. Messages come where they are asked for, from where the
// reader was.
func (c *call) serveEvents() error {
	if c.r.Method != http.MethodGet {
		return methods(http.MethodGet)
	}
	f, failure := parseFilter(c.r)
	if failure != nil {
		return failure
	}
	s := &stream{call: c, all: true, tell: tellSessions(c.fleet, f)}
	if s.who, failure = c.identify(c.r); failure != nil {
		return failure
	}
	if s.messages, failure = c.parseMessages(s.who, f); failure != nil {
		return failure
	}
	return s.serve()
}

// tellSessions writes the events of sessions that a filter lets through.
func tellSessions(fleet *fleet, f filter) teller {
	shown := map[sessionKey]bool{}
	return func(keys []sessionKey, seen sight) string {
		var out strings.Builder
		for _, key := range keys {
			s := fleet.session(key)
			kept := s != nil && seen(s)
			if kept {
				_, kept = f.matches(s)
			}
			switch {
			case kept:
				shown[key] = true
				writeFrame(&out, "", bot.GatewayEventSession, show(s))
			case shown[key]:
				delete(shown, key)
				writeFrame(&out, "", bot.GatewayEventGone, bot.GatewaySession{Namespace: key.namespace, Name: key.name})
			}
		}
		return out.String()
	}
}

// writeFrame writes a server-sent event. It reports whether the value has a JSON form: one of our own types always has.
func writeFrame(out *strings.Builder, id, name string, value any) bool {
	data, err := json.Marshal(value)
	if err != nil {
		return false
	}
	if id != "" {
		out.WriteString("id: " + id + "\n")
	}
	out.WriteString("event: " + name + "\ndata: ")
	out.Write(data)
	out.WriteString("\n\n")
	return true
}

func keysOf(sessions []*v1alpha1.WhatsAppSession) []sessionKey {
	keys := make([]sessionKey, len(sessions))
	for i, s := range sessions {
		keys[i] = sessionKey{s.Namespace, s.Name}
	}
	return keys
}
