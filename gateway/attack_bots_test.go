package gateway_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/poll"
)

// hijacked answers with bytes as they are.
func hijacked(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, text)
	}
}

// wire sends a request as it is, and returns the answer as it is.
func (s *served) wire(t *testing.T, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	go func() { _, _ = io.WriteString(conn, request) }() // who refuses a long header does not read it to its end
	answer, _ := io.ReadAll(conn)                        // the connection may end with a reset
	return string(answer)
}

// Trailers can set what headers can: none passes, in either direction.
func TestTrailers(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", hijacked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Told\r\n\r\n5\r\nhello\r\n0\r\nX-Told: trailed\r\nSet-Cookie: trailed=1\r\n\r\n"))
	got := make(chan http.Header, 1)
	newBot(t, namespace, "bank", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.Trailer
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read,send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "bank"), key, "")
	head := " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Api-Key: " + key + "\r\n"
	answer := g.wire(t, "GET "+bot.GatewayPath(namespace, "shop")+"/messages"+head+"TE: trailers\r\n\r\n")
	if !strings.Contains(answer, "hello") || strings.Contains(strings.ToLower(answer), "trailed") {
		t.Errorf("the bot's answer came as\n%s", answer)
	}
	g.wire(t, "POST "+bot.GatewayPath(namespace, "bank")+"/messages"+head+"Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer trailed\r\n\r\n")
	if trailer := poll.Receive(t, "the bot's request", got, patience); len(trailer) > 0 {
		t.Errorf("the bot got the trailers %v", trailer)
	}
}

// An early answer of a bot, with headers that nothing has checked, does not reach the caller.
func TestEarlyAnswers(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", hijacked("HTTP/1.1 103 Early Hints\r\nLink: </owned>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	path := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", path, key, "")
	answer := g.wire(t, "GET "+path+"/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Api-Key: "+key+"\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") || !strings.HasSuffix(answer, "hello") || strings.Contains(answer, "owned") {
		t.Errorf("the bot's answer came as\n%s", answer)
	}
}

// A WebSocket is opened only for a WebSocket, and its answer sets nothing at the gateway's address.
func TestHostileUpgrades(t *testing.T) {
	namespace := newNamespace(t)
	const evil = "Set-Cookie: owned=1\r\nLocation: https://evil.example/\r\nClear-Site-Data: \"*\"\r\n\r\nhello"
	newBot(t, namespace, "shop", hijacked("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+evil))
	newBot(t, namespace, "bank", hijacked("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"+evil))
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	for _, name := range []string{"shop", "bank"} {
		g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, name), key, "")
	}
	for name, c := range map[string]struct{ session, upgrade, want string }{
		"a WebSocket":             {"shop", "websocket", " 101 "},
		"another protocol":        {"shop", "h2c", " 502 "},
		"an answer of another":    {"bank", "websocket", " 502 "},
		"two protocols in one":    {"shop", "websocket, h2c", " 502 "},
		"nothing was asked to be": {"shop", "", " 502 "},
	} {
		request := "GET " + bot.GatewayPath(namespace, c.session) + "/ws HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + key + "\r\nConnection: "
		if c.upgrade == "" {
			request += "close\r\n\r\n"
		} else {
			request += "Upgrade, close\r\nUpgrade: " + c.upgrade + "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
		}
		answer := g.wire(t, request)
		line, rest, _ := strings.Cut(answer, "\r\n")
		if !strings.Contains(line, c.want) || strings.Contains(rest, "owned") || strings.Contains(rest, "evil") || strings.Contains(rest, "Clear-Site-Data") {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

// A bot that never ends its answer holds up no page of the desk, and no memory.
func TestAnAnswerWithoutEnd(t *testing.T) {
	namespace := newNamespace(t)
	var sent atomic.Int64
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusConflict)
		}
		_, _ = io.WriteString(w, `{"title":"`)
		block := []byte(strings.Repeat("x", 64<<10))
		for {
			n, err := w.Write(block)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,control")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	cookie := g.signIn(key)
	path := "/desk/sessions/" + namespace + "/shop"
	got := g.do("GET", path, "", "", func(r *http.Request) { r.Header.Set("Cookie", cookie); r.Header.Set("Sec-Fetch-Site", "none") })
	if got.status != http.StatusOK || !strings.Contains(got.body, path+"/restart") || len(got.body) > 200<<10 {
		t.Errorf("the page: %d, %d bytes", got.status, len(got.body))
	}
	if got := g.form(path+"/restart", cookie, nil); got.status != http.StatusConflict || len(got.body) > 200<<10 {
		t.Errorf("what the bot refuses: %d, %d bytes", got.status, len(got.body))
	}
	if got := sent.Load() >> 20; got > 64 { // most of it is in the buffers of the connections
		t.Errorf("%d MiB were read", got)
	}
}

// What is no plain request for a path of the gateway is refused before anyone is asked.
func TestRequestsOfOtherKinds(t *testing.T) {
	namespace := newNamespace(t)
	f := newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, key, "")
	head := " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Api-Key: " + key + "\r\n"
	for name, c := range map[string]struct{ request, want string }{
		"a tunnel":           {"CONNECT evil.example:443" + head + "\r\n", " 400 "},
		"a huge header":      {"GET " + base + head + "X-Large: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", " 431 "},
		"many headers":       {"GET " + base + head + strings.Repeat("X-A: "+strings.Repeat("x", 100)+"\r\n", 600) + "\r\n", " 431 "},
		"HTTP/2":             {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", " 4"},
		"a folded header":    {"GET " + base + " HTTP/1.1\r\nHost: x\r\nX-A: b\r\n X-Api-Key: " + key + "\r\nConnection: close\r\n\r\n", " 4"},
		"another method":     {"GET " + base + "/messages" + head + "X-HTTP-Method-Override: DELETE\r\n\r\n", " 200 "},
		"another address":    {"GET http://evil.example" + base + "/session/backup" + head + "\r\n", " 403 "},
		"a key for the bot":  {"GET " + base + "/messages?x-api-key=" + key + "&a=b" + head + "\r\n", " 200 "},
		"a key, encoded":     {"GET " + base + "/messages?x%2Dapi%2Dkey=" + key + "&a=b" + head + "\r\n", " 200 "},
		"a query with ;":     {"GET /api/messages?a=b;session=shop" + head + "\r\n", " 400 "},
		"a second host line": {"GET " + base + head + "Host: y\r\n\r\n", " 400 "},
	} {
		answer := g.wire(t, c.request)
		line, rest, _ := strings.Cut(answer, "\r\n")
		if !strings.Contains(line, c.want) || strings.Contains(rest, key) || strings.Contains(rest, "DELETE") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	if got := f.asked.Load(); got != 3 {
		t.Errorf("the bot was asked %d times, want 3", got)
	}
}
