package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// heartbeat is how often a silent event stream sends a comment; streamWait bounds a write to a slow reader.
const (
	heartbeat  = 15 * time.Second
	streamWait = 10 * time.Second
)

// getEvents answers with the events, or streams them to a client that accepts text/event-stream.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("since")
	if resumed := r.Header.Get("Last-Event-ID"); resumed != "" {
		text = resumed
	}
	since, err := sinceOf(text)
	if err != nil {
		replyError(w, err)
		return
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		events, _ := s.Events(since)
		reply(w, http.StatusOK, events)
		return
	}
	s.streamEvents(w, r, since)
}

// streamEvents ends with the request, with the simulator, or with a reader that is too slow.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request, since int64) {
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the request is read: nothing more is to come
	w.Header().Set("Content-Type", "text/event-stream")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		events, changed := s.Events(since)
		_ = out.SetWriteDeadline(time.Now().Add(streamWait))
		if err := writeEvents(w, events); err != nil {
			return
		}
		if len(events) > 0 {
			since = events[len(events)-1].Seq
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-beat.C:
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		}
	}
}

// writeEvents writes events, or a comment if there is none, so that a dead reader is noticed.
func writeEvents(w http.ResponseWriter, events []Event) error {
	if len(events) == 0 {
		_, err := fmt.Fprint(w, ": alive\n\n")
		return err
	}
	for _, e := range events {
		raw, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Seq, raw); err != nil {
			return err
		}
	}
	return nil
}
