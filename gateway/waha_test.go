package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/poll"
)

// named answers like echo, with its own name first.
func named(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, name+" ")
		echo(w, r)
	}
}

var placeholder = regexp.MustCompile(`\{[a-zA-Z]+\}`)

// Each operation of WAHA's API reaches the session that it names, and no other.
func TestEveryPathOfWAHA(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", named("shop"))
	newBot(t, namespace, "bank", named("bank"))
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,control,manage")
	for _, name := range []string{"shop", "bank"} {
		g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, name)+bot.PathStatus, key, "")
	}
	text, err := os.ReadFile("testdata/waha.txt")
	must(t, err)
	operations := 0
	for line := range strings.Lines(string(text)) {
		parts := strings.Fields(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		operations++
		method, path, where := parts[0], parts[1], parts[2]
		for _, name := range []string{"bank", namespace + ".bank"} {
			asked := placeholder.ReplaceAllString(strings.ReplaceAll(path, "{session}", name), "628123456789@c.us")
			want := "bank " + method + " " + placeholder.ReplaceAllString(strings.ReplaceAll(path, "{session}", "default"), "628123456789@c.us")
			body := ""
			switch where {
			case "query":
				asked, want = asked+"?limit=1&session="+name, want+"?limit=1&session=default"
			case "body":
				body = `{"chatId":"628123456789@c.us","session":"` + name + `"}`
			}
			if where == "gateway" && method != http.MethodGet {
				continue // TestSessionsOfWAHA has them: they change sessions
			}
			got := g.do(method, asked, key, body)
			switch {
			case where == "none":
				if got.status != http.StatusNotImplemented {
					t.Errorf("%s %s: %d %s", method, asked, got.status, got.body)
				}
			case where == "gateway":
				if got.status != http.StatusOK || strings.HasPrefix(got.body, "bank ") {
					t.Errorf("%s %s: %d %s", method, asked, got.status, got.body)
				}
			case got.status != http.StatusOK || got.firstLine() != want:
				t.Errorf("%s %s: %d %q, want %q", method, asked, got.status, got.firstLine(), want)
			case body != "" && !strings.HasSuffix(got.body, `"session":"default"}`):
				t.Errorf("%s %s: the bot got %s", method, asked, got.body)
			}
		}
	}
	if operations < 150 {
		t.Errorf("only %d operations were tried", operations)
	}
	if got := g.do("GET", "/api/server/version", "", ""); got.status != http.StatusUnauthorized {
		t.Errorf("the version without a key: %d", got.status)
	}
}

// The older forms of WAHA's API name the session in the body.
func TestOlderFormsOfWAHA(t *testing.T) {
	namespace := newNamespace(t)
	var unlinks atomic.Bool
	f := newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		if !unlinks.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	g := newGateway(t)
	key, weak := newKey(t, namespace, "read,control,manage"), newKey(t, namespace, "read,control")
	g.eventually(http.StatusOK, "GET", "/api/sessions/shop", key, "")
	g.eventually(http.StatusOK, "GET", "/api/sessions/shop", weak, "")
	suspended := func() bool {
		must(t, admin.Get(t.Context(), f.key, f.session))
		return f.session.Spec.Suspended != nil && *f.session.Spec.Suspended
	}
	for _, step := range []struct {
		path, body, says string
		want             int
		suspended        bool
	}{
		{"stop", `{"name":"shop"}`, `"status":"STOPPED"`, 201, true},
		{"start", `{"name":"shop"}`, `"name":"shop"`, 201, false},
		{"stop", `{"name":"` + namespace + `.shop","logout":false}`, `"status":"STOPPED"`, 201, true},
		{"start", `{"name":"shop","config":{"metadata":{"team":"sales"}}}`, `"team":"sales"`, 201, false},
		{"start", `{"name":"made","config":{"metadata":{"a":"b"}}}`, `"a":"b"`, 201, false},
		{"start", `{"name":"Nope!"}`, "", 404, false},
		{"pause", `{"name":"shop"}`, "", 405, false},
	} {
		got := g.do("POST", "/api/sessions/"+step.path, key, step.body)
		if got.status != step.want || !strings.Contains(got.body, step.says) || suspended() != step.suspended {
			t.Errorf("%s %s: %d %s, suspended %v", step.path, step.body, got.status, got.body, suspended())
		}
	}
	f.asked.Store(0)
	f.setState(bot.StateConnected, v1alpha1.ReasonPodRunning, func(s *v1alpha1.WhatsAppSessionStatus) {
		s.Session = &v1alpha1.SessionStatus{Exists: true, JID: "628123456789:1@s.whatsapp.net"}
	})
	g.eventually(http.StatusOK, "GET", "/api/sessions/shop/me", key, "")
	wait(t, "the gateway to know the account", func() bool {
		return strings.Contains(g.do("GET", "/api/sessions/shop/me", key, "").body, "628123456789")
	})
	if got := g.do("POST", "/api/sessions/logout", weak, `{"name":"shop"}`); got.status != http.StatusForbidden || f.asked.Load() != 0 {
		t.Errorf("a key that may not delete: %d, and the bot was asked %d times", got.status, f.asked.Load())
	}
	unlinks.Store(false)
	if got := g.do("POST", "/api/sessions/logout", key, `{"name":"shop"}`); got.status != http.StatusConflict || admin.Get(t.Context(), f.key, f.session) != nil {
		t.Errorf("a session that cannot be unlinked: %d %s", got.status, got.body)
	}
	unlinks.Store(true)
	f.asked.Store(0)
	if got := g.do("POST", "/api/sessions/logout", key, `{"name":"shop"}`); got.status != 201 || f.asked.Load() != 1 {
		t.Errorf("logout: %d %s, and the bot was asked %d times", got.status, got.body, f.asked.Load())
	}
	if got := g.do("POST", "/api/sessions/stop", key, `{"name":"made","logout":true}`); got.status != 201 {
		t.Errorf("stop with logout: %d %s", got.status, got.body)
	}
	if n := list(t, namespace); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

// speaker is a bot whose WebSocket sends what comes from its channel. open counts the WebSockets.
func speaker(frames <-chan string, open *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != bot.PathWebSocket || r.URL.Query().Get("session") != "default" || r.URL.Query().Has("x-api-key") {
			http.Error(w, r.URL.String(), http.StatusBadRequest)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		if r.URL.Query().Get("events") == "wrong" {
			_ = conn.Close(4001, "{\"error\":\"events\"}\x1b[2J")
			return
		}
		ctx := conn.CloseRead(r.Context())
		open.Add(1)
		defer open.Add(-1)
		for {
			select {
			case frame := <-frames:
				if conn.Write(ctx, websocket.MessageText, []byte(frame)) != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// WAHA's WebSocket carries one session or all that the key may read, each under its name here.
func TestWebSocketOfManySessions(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	shop, bank, hidden := make(chan string, 9), make(chan string, 9), make(chan string, 9)
	var open atomic.Int64
	newBot(t, mine, "shop", speaker(shop, &open))
	newBot(t, mine, "bank", speaker(bank, &open))
	victim := newBot(t, other, "shop", speaker(hidden, &open))
	g := newGateway(t)
	key, sender := newKey(t, mine, "read"), newKey(t, mine, "send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(mine, "shop"), key, "")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(mine, "bank"), key, "")
	dial := func(query, key string) (*websocket.Conn, int) {
		t.Helper()
		conn, answer, err := websocket.Dial(t.Context(), g.url+bot.PathWebSocket+"?"+query+"&x-api-key="+key, nil)
		if err != nil {
			return nil, answer.StatusCode
		}
		t.Cleanup(func() { conn.CloseNow() })
		return conn, answer.StatusCode
	}
	next := func(conn *websocket.Conn) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, data, err := conn.Read(ctx)
		must(t, err)
		return string(data)
	}
	all, _ := dial("session=*&events=message", key)
	shop <- `no JSON`
	shop <- `{"event":"message","session":"x-1","payload":{"session":"x-1"}}`
	if got, want := next(all), `{"event":"message","session":"shop","payload":{"session":"x-1"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	bank <- `{"id":"1", "session" : "default"}`
	if got, want := next(all), `{"id":"1", "session" : "bank"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	all.SetReadLimit(1 << 20)
	long := `{"event":"message","payload":"` + strings.Repeat("x", 200<<10) + `"}`
	bank <- long
	if got := next(all); got != long {
		t.Errorf("got %d bytes, want %d", len(got), len(long))
	}
	must(t, all.Close(websocket.StatusNormalClosure, ""))
	// A WebSocket to a bot that has not ended yet would take the next frame.
	if !poll.Until(func() bool { return open.Load() == 0 }, patience, nil) {
		t.Fatalf("%d WebSockets to bots stay", open.Load())
	}
	one, _ := dial("session="+mine+".bank&events=*", key)
	bank <- `{"id":"2"}`
	if got := next(one); got != `{"id":"2"}` {
		t.Errorf("one session: %s", got)
	}
	wrong, _ := dial("session=shop&events=wrong", key)
	var closed websocket.CloseError
	if _, _, err := wrong.Read(bounded(t)); !errors.As(err, &closed) || closed.Code != 4001 || closed.Reason != `{"error":"events"}[2J` {
		t.Errorf("wrong parameters: %v", err)
	}
	for query, want := range map[string]int{"session=" + other + ".shop": 404, "session=nothing": 404, "session=shop&session=bank": 400} {
		if _, got := dial(query, key); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	if _, got := dial("session=*", sender); got != http.StatusForbidden {
		t.Errorf("a key that may not read: %d", got)
	}
	if got := victim.asked.Load(); got != 0 {
		t.Errorf("the bot of another namespace was asked %d times", got)
	}
}
