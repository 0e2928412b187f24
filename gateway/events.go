package gateway

import (
	"context"
	"encoding/json"
	"fmt"
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
	// reviewEvery is how often a stream asks again what its caller may see, and whether the credential is still valid.
	reviewEvery = 30 * time.Second
)

// serveEvents streams the sessions that the caller may see: all at once, then each that changes. A stream that is
// opened again begins with all of them, so nothing is missed.
func (c *call) serveEvents() error {
	if c.r.Method != http.MethodGet {
		return methods(http.MethodGet)
	}
	f, failure := parseFilter(c.r)
	if failure != nil {
		return failure
	}
	matches := func(s *v1alpha1.WhatsAppSession) bool {
		_, kept := f.matches(s)
		return kept
	}
	shown := map[sessionKey]bool{}
	put := func(key sessionKey, s *v1alpha1.WhatsAppSession) string {
		if s == nil {
			if !shown[key] {
				return ""
			}
			delete(shown, key)
			data, _ := json.Marshal(bot.GatewaySession{Namespace: key.namespace, Name: key.name}) // of strings: it does not fail
			return "event: gone\ndata: " + string(data) + "\n\n"
		}
		shown[key] = true
		data, _ := json.Marshal(show(s))
		return "event: session\ndata: " + string(data) + "\n\n"
	}
	return c.stream(true, func(keys []sessionKey, seen func(*v1alpha1.WhatsAppSession) bool) string {
		var out strings.Builder
		for _, key := range keys {
			s := c.fleet.session(key)
			if s != nil && !(seen(s) && matches(s)) {
				s = nil
			}
			out.WriteString(put(key, s))
		}
		return out.String()
	})
}

// stream sends what tell returns for the sessions that changed, until the caller, the gateway or the credential ends.
// With all it begins with every session.
func (c *call) stream(all bool, tell func(keys []sessionKey, seen func(*v1alpha1.WhatsAppSession) bool) string) error {
	who, failure := c.identify(c.r)
	if failure != nil {
		return failure
	}
	seen, failure := c.seen(c.r.Context(), who, actWatch)
	return c.counted(who, actWatch, sessionKey{}, true, failure, func(ctx context.Context) error {
		changed, stop := c.fleet.follow()
		defer stop()
		h := c.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
		h.Set("X-Content-Type-Options", "nosniff")
		send := func(text string) bool {
			_, err := fmt.Fprint(c.w, text)
			return err == nil && c.w.control.Flush() == nil
		}
		first := ": sesi\n\n"
		if all {
			first += tell(keysOf(c.fleet.sessions(func(*v1alpha1.WhatsAppSession) bool { return true })), seen)
		}
		if !send(first) {
			return nil
		}
		beat, review := time.NewTicker(heartbeat), time.NewTicker(reviewEvery)
		defer beat.Stop()
		defer review.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-beat.C:
				if !send(":\n\n") {
					return nil
				}
			case <-review.C:
				if who, failure = c.identify(c.r); failure != nil {
					return nil // its next request says why
				}
				if seen, failure = c.seen(ctx, who, actWatch); failure != nil {
					return nil
				}
			case <-changed.wake:
				pause := time.NewTimer(eventPause)
				select {
				case <-pause.C:
				case <-ctx.Done():
					pause.Stop()
					return nil
				}
				var keys []sessionKey
				for key := range changed.take() {
					keys = append(keys, key)
				}
				if text := tell(keys, seen); text != "" && !send(text) {
					return nil
				}
			}
		}
	})
}

func keysOf(sessions []*v1alpha1.WhatsAppSession) []sessionKey {
	keys := make([]sessionKey, len(sessions))
	for i, s := range sessions {
		keys[i] = sessionKey{s.Namespace, s.Name}
	}
	return keys
}
