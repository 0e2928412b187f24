package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
)

func frame(seq int) string {
	return fmt.Sprintf("id: %d\nevent: message\ndata: {\"seq\":%d,\"id\":\"evt_%d\",\"type\":\"message\",\"data\":{\"message\":{\"text\":\"t%d\"}}}\n\n", seq, seq, seq, seq)
}

// A broken stream, an answer that is not JSON, and a busy bot: each event comes once, in order.
func TestFollowGoesOnBehindTheLastEvent(t *testing.T) {
	var call atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		after, err := strconv.Atoi(r.URL.Query().Get("after"))
		if n := call.Add(1); n == 1 && r.URL.Query().Get("after") != client.Latest || n > 1 && err != nil {
			t.Errorf("call %d asks for %s", n, r.URL)
		}
		if r.URL.Query().Get("types") != "message,reaction" {
			t.Errorf("asked for the types %q", r.URL.Query().Get("types"))
		}
		switch call.Load() {
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3: // a proxy's page
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			for seq := after + 1; seq <= after+2; seq++ {
				_, _ = fmt.Fprint(w, frame(seq))
			}
			_, _ = fmt.Fprintf(w, "id: %d\ndata: {\"se", after+3) // cut off
		}
	})
	var got []uint64
	stop := errors.New("enough")
	err := c.Follow(t.Context(), client.EventQuery{After: client.Latest, Types: []bot.EventType{bot.EventMessage, bot.EventReaction}}, func(e bot.Event) error {
		got = append(got, e.Seq)
		if len(got) == 6 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || fmt.Sprint(got) != "[1 2 3 4 5 6]" {
		t.Errorf("got %v, %v", got, err)
	}
}

// A reader of few types goes on from the cursor that the bot told it, not from its own last event: what was deleted
// since then was not for it.
func TestFollowKeepsUpWithEventsOfOtherTypes(t *testing.T) {
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("after"))
		w.Header().Set("Content-Type", "text/event-stream")
		switch len(asked) {
		case 1:
			_, _ = fmt.Fprint(w, "retry: 1\nid: 40\n\n", frame(41), ":\nid: 97\n\n", "id: 98\ndata: {\"se")
		case 2:
			_, _ = fmt.Fprint(w, ":\nid: 120\n\n")
		default:
			_, _ = fmt.Fprint(w, frame(121))
		}
	})
	stop := errors.New("enough")
	err := c.Follow(t.Context(), client.EventQuery{After: client.Latest}, func(e bot.Event) error {
		if e.Seq == 121 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || fmt.Sprint(asked) != "[latest 97 120]" {
		t.Errorf("asked after %v, %v", asked, err)
	}
}

func TestFollowEndsWhereTheBotRefuses(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(bot.HeaderOldestCursor, "41")
		w.WriteHeader(http.StatusGone)
		_, _ = fmt.Fprint(w, `{"type":"urn:sesi:problem:cursor-gone"}`)
	})
	var failed *client.Error
	err := c.Follow(t.Context(), client.EventQuery{After: "7"}, func(bot.Event) error { return nil })
	if !errors.As(err, &failed) || failed.OldestCursor != 41 || failed.Problem.Status != http.StatusGone {
		t.Errorf("got %v", err)
	}
}

func TestPathsOfMessagesAndWebhooks(t *testing.T) {
	var asked string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.RequestURI()
		_, _ = fmt.Fprint(w, `{}`)
	})
	ctx := t.Context()
	for want, do := range map[string]func() error{
		"GET /bots/shop/api/messages?before=9&chat=%2B62812&limit=3": func() error {
			_, err := c.Messages(ctx, client.MessageQuery{Chat: "+62812", Before: 9, Limit: 3})
			return err
		},
		"GET /bots/shop/api/messages/A%2FB?chat=1%40g.us": func() error { _, err := c.Message(ctx, "A/B", "1@g.us"); return err },
		"DELETE /bots/shop/api/chats/1@g.us/messages":     func() error { _, err := c.EraseChat(ctx, "1@g.us"); return err },
		"GET /bots/shop/api/webhooks":                     func() error { _, err := c.Webhooks(ctx); return err },
		"GET /bots/shop/api/webhooks/a":                   func() error { _, err := c.Webhook(ctx, "a"); return err },
		"POST /bots/shop/api/webhooks/a/test":             func() error { _, err := c.TestWebhook(ctx, "a"); return err },
		"POST /bots/shop/api/webhooks/a/pause":            func() error { _, err := c.PauseWebhook(ctx, "a"); return err },
		"POST /bots/shop/api/webhooks/a/resume":           func() error { _, err := c.ResumeWebhook(ctx, "a"); return err },
		"POST /bots/shop/api/webhooks/a/redeliver?after=oldest": func() error {
			_, err := c.Redeliver(ctx, "a", client.Oldest)
			return err
		},
		"GET /bots/shop/api/webhooks/a/dead?before=4": func() error { _, err := c.DeadLetters(ctx, "a", 4); return err },
		"GET /bots/shop/api/events?after=3&limit=5&wait=30": func() error {
			_, err := c.Events(ctx, client.EventQuery{After: client.Cursor(3), Limit: 5, Wait: 30e9})
			return err
		},
	} {
		if err := do(); err != nil || asked != want {
			t.Errorf("asked for %s, want %s; %v", asked, want, err)
		}
	}
}
