package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"sesi.dev/sesi/api/bot"
)

const socketToken = "a-token-of-20-letters"

// WAHA's WebSocket: the token in the query, the events that were asked for, and no others.
func TestWAHAsSocket(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir(), "API_TOKEN="+socketToken))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	open := func(query string) *websocket.Conn {
		socket, _, err := websocket.Dial(ctx, "ws://"+p.plain+bot.PathWebSocket+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = socket.CloseNow() })
		return socket
	}
	if _, answer, err := websocket.Dial(ctx, "ws://"+p.plain+bot.PathWebSocket, nil); err == nil || answer.StatusCode != 401 {
		t.Errorf("without a token: %v", err)
	}
	for _, query := range []string{"?session=other&x-api-key=" + socketToken, "?events=message,nothing&x-api-key=" + socketToken} {
		socket := open(query)
		_, _, err := socket.Read(ctx)
		if websocket.CloseStatus(err) != 4001 || !strings.Contains(err.Error(), `{"error":`) && !strings.Contains(err.Error(), `{\"error\":`) {
			t.Errorf("%s: %v", query, err)
		}
	}
	socket := open("?session=*&events=session.status&events=message&x-api-key=" + socketToken)
	var code bot.WAHAValue
	p.waitFor("a code", func() bool {
		status, body := p.call("GET", "/api/default/auth/qr?format=raw", "X-Api-Key", socketToken)
		return status == 200 && json.Unmarshal(body, &code) == nil
	})
	own := p.scan(wa, code.Value, phone)
	seen := map[string]bool{}
	for !seen["WORKING"] {
		_, body, err := socket.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var e struct {
			Event   string `json:"event"`
			Payload struct {
				Status string `json:"status"`
			} `json:"payload"`
		}
		if err := json.Unmarshal(body, &e); err != nil || e.Event != "session.status" {
			t.Fatalf("%s, %v", body, err)
		}
		seen[e.Payload.Status] = true
	}
	id, err := wa.Person("6289900000001").Write(own.ToNonAD(), "halo")
	mustSend(t, id, err)
	for {
		_, body, err := socket.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), `"event":"message"`) {
			if !strings.Contains(string(body), "false_6289900000001@c.us_"+id) {
				t.Errorf("%s", body)
			}
			break
		}
	}
}
