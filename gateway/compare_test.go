package gateway_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// oddRequests are requests that no well-behaved client sends: the request line's method and path, further header lines, and a body.
// The answers of a bot and of the gateway are the same, but for refused, which is the gateway's status where it does not
// pass the request on.
var oddRequests = []struct {
	line, header, body string
	refused            int
}{
	// methods
	{"OPTIONS /api/messages", "", "", 0}, {"TRACE /api/messages", "", "", 0}, {"PUT /api/messages", "", "{}", 0}, {"PATCH /api/session/status", "", "", 0},
	{"DELETE /api/session/qr", "", "", 0}, {"get /api/session/status", "", "", 0}, {"PROPFIND /api/chats", "", "", 0}, {"GETX /api/chats", "", "", 0},
	{"HEAD /api/session/status", "", "", 0}, {"HEAD /api/session/events", "", "", 0}, {"HEAD /api/events", "Accept: text/event-stream", "", 0},
	{"HEAD /api/events?wait=50", "", "", 0}, {"HEAD /api/messages", "", "", 0}, {"HEAD /api/nothing", "", "", 0}, {"HEAD /openapi.json", "", "", 0},
	{"POST /api/session/status", "", "", 0}, {"GET /api/session/restart", "", "", 0}, {"GET /api/session/clear", "", "", 0}, {"POST /api/health", "", "", 0},
	// paths
	{"GET /api/messages/", "", "", 0}, {"GET /api/session/status/", "", "", 0}, {"GET /api/MESSAGES", "", "", 0}, {"GET /API/messages", "", "", 404},
	{"GET /api/messages/%20", "", "", 0}, {"GET /api/messages/%25", "", "", 0}, {"GET /api/messages/%3F", "", "", 0}, {"GET /api/messages/%23", "", "", 0},
	{"GET /api/messages/a;b", "", "", 0}, {"GET /api/messages/a%3Bb", "", "", 0}, {"GET /api/messages/%C3%A9", "", "", 0}, {"GET /api/messages/%ff", "", "", 0},
	{"GET /api/messages/%E2%80%AE", "", "", 0}, {"GET /api/messages/a+b", "", "", 0}, {"GET /api/messages/a%2Bb", "", "", 0}, {"GET /api/messages/a:b@c", "", "", 0},
	{"GET /api/messages/a%2Fb", "", "", 400}, {"GET /api/messages/%2e%2e", "", "", 400}, {"GET /api/messages/..", "", "", 400}, {"GET /api/./messages", "", "", 400},
	{"GET /api//messages", "", "", 400}, {"GET /api/messages//", "", "", 400}, {"GET /api/messages/a%5Cb", "", "", 400}, {"GET /api/messages/%00", "", "", 400},
	{"GET /api/messages/%0d%0aX-Evil:%201", "", "", 400}, {"GET /api/messages/" + strings.Repeat("a", 1000), "", "", 0}, {"GET /api/messages/" + strings.Repeat("a", 3000), "", "", 400},
	{"GET /api/chats/" + "628123456789%40s.whatsapp.net" + "/messages", "", "", 0}, {"GET /api/chats/x/messages", "", "", 0}, {"GET /api/nothing/at/all", "", "", 0},
	{"GET /api/session", "", "", 0}, {"GET /api/session/nothing", "", "", 0}, {"GET /api/default/chats", "", "", 0}, {"GET /api/other/chats", "", "", 0},
	{"GET /api/default/nothing", "", "", 0}, {"GET /api/sessions/default", "", "", 0}, {"GET /api/sessions/other", "", "", 0}, {"GET /api/default/auth/qr", "", "", 0},
	{"GET /api/files/default/x.jpg", "", "", 0}, {"GET /api/files/other/x.jpg", "", "", 0}, {"GET /api/default/labels", "", "", 0}, {"POST /api/default/apps", "", "{}", 0},
	// queries
	{"GET /api/messages?limit=0", "", "", 0}, {"GET /api/messages?limit=-1", "", "", 0}, {"GET /api/messages?limit=1e3", "", "", 0}, {"GET /api/messages?limit=99999999999999999999", "", "", 0},
	{"GET /api/messages?limit=2&limit=0", "", "", 0}, {"GET /api/messages?limit=%zz", "", "", 0}, {"GET /api/messages?limit", "", "", 0}, {"GET /api/messages?;limit=0", "", "", 0},
	{"GET /api/messages?chat=..%2f..", "", "", 0}, {"GET /api/messages?chat=%00", "", "", 0}, {"GET /api/events?after=-1", "", "", 0}, {"GET /api/events?after=18446744073709551616", "", "", 0},
	{"GET /api/events?after=18446744073709551615", "", "", 0}, {"GET /api/events?types=nothing", "", "", 0}, {"GET /api/events?wait=51", "", "", 0}, {"GET /api/events?wait=NaN", "", "", 0},
	{"DELETE /api/session/clear?force=perhaps", "", "", 0}, {"GET /api/messages?x-api-key=wrong", "", "", 0}, {"GET /api/messages?token=wrong", "", "", 0},
	{"GET /api/contacts/check-exists?session=other", "", "", 0}, {"GET /api/contacts/check-exists?session=default&phone=x", "", "", 0},
	// bodies
	{"POST /api/messages", "", "{}", 0}, {"POST /api/messages", "", "", 0}, {"POST /api/messages", "", "[]", 0}, {"POST /api/messages", "", "null", 0}, {"POST /api/messages", "", `"x"`, 0},
	{"POST /api/messages", "", `{"to":`, 0}, {"POST /api/messages", "", `{"to":"x"}{"to":"y"}`, 0}, {"POST /api/messages", "", `{"to":1}`, 0}, {"POST /api/messages", "", `{"nothing":1}`, 0},
	{"POST /api/messages", "", "\xff\xfe{\x00}\x00", 0}, {"POST /api/messages", "", "\ufeff{}", 0}, {"POST /api/messages", "", strings.Repeat("[", 20000), 0},
	{"POST /api/messages", "", `{"to":"` + strings.Repeat("x", 100<<10) + `"}`, 0}, {"POST /api/messages", "Content-Type: text/plain", "{}", 0}, {"POST /api/messages", "Content-Type: application/json; charset=utf-16", "{}", 0},
	{"POST /api/messages", "Content-Type: application/json;;;", "{}", 0}, {"POST /api/messages", "Content-Type: application/x-www-form-urlencoded", "to=x&text=y", 0},
	{"POST /api/messages", "Content-Type: multipart/form-data", "x", 0}, {"POST /api/messages", "Content-Type: multipart/form-data; boundary=", "x", 0}, {"POST /api/messages", "Content-Type: multipart/form-data; boundary=b", "--b\r\n\r\nx", 0},
	{"POST /api/messages", "Content-Encoding: gzip", "{}", 0}, {"POST /api/session/pair", "", `{"phoneNumber":"0"}`, 0}, {"POST /api/session/pair", "", `{"phoneNumber":{}}`, 0}, {"POST /api/session/passkey", "", "{}", 0},
	{"POST /api/session/restart", "", "what is this", 0}, {"GET /api/messages", "", "a GET with a body", 0}, {"POST /api/sendText", "", `{"session":"other","chatId":"1","text":"x"}`, 0},
	{"POST /api/sendText", "", `{"chatId":1,"text":"x"}`, 0}, {"POST /api/webhooks", "", `{"url":"file:///etc/passwd"}`, 0}, {"PUT /api/webhooks/x", "", `{}`, 0},
	// headers
	{"GET /api/session/qr", "Accept: text/html", "", 0}, {"GET /api/session/qr", "Accept: image/*;q=0, */*;q=0.1", "", 0}, {"GET /api/session/status", "Accept: ;;;,,,q=9", "", 0},
	{"GET /api/session/status", "Accept-Language: " + strings.Repeat("en,", 900), "", 0}, {"GET /api/session/status", "Range: bytes=0-1", "", 0}, {"GET /openapi.json", "Accept-Encoding: gzip;q=0", "", 0},
	{"GET /openapi.json", "Accept-Encoding: gzip", "", 0}, {"GET /openapi.json", "If-None-Match: *", "", 0}, {"POST /api/messages", "Expect: 100-continue", "{}", 0},
	{"POST /api/messages", "Idempotency-Key: " + strings.Repeat("k", 5000), `{"to":"+628123456789","text":"x"}`, 0}, {"POST /api/messages", "Idempotency-Key: \x01", `{}`, 0},
	{"GET /api/events", "Last-Event-ID: x", "", 0}, {"GET /api/events", "Last-Event-ID: 99999", "", 0}, {"GET /api/session/status", "Cookie: sesi-shop=1.x", "", 0},
	{"GET /api/session/status", "X-Forwarded-For: 1.2.3.4, 127.0.0.1", "", 0}, {"GET /api/session/status", "Forwarded: for=127.0.0.1;host=localhost;proto=https", "", 0}, {"GET /api/session/status", "X-Original-URL: /api/session/backup", "", 0},
	{"GET /api/session/status", "X-HTTP-Method-Override: DELETE", "", 0}, {"GET /api/session/status", "X-Forwarded-Prefix: //evil.example", "", 0}, {"GET /api/session/status", "Origin: null", "", 0},
	{"GET /api/session/status", "TE: trailers", "", 0}, {"GET /api/session/status", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", "", 0}, {"GET /api/session/status", "Max-Forwards: 0", "", 0}, {"GET /ws", "", "", 0},
}

// answered is what a caller can tell two answers apart by.
type answered struct {
	status            int
	kind, allow, told string
}

func read(t *testing.T, conn net.Conn, method, request string) answered {
	t.Helper()
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	go func() { _, _ = io.WriteString(conn, request) }() // who refuses a long body does not read it to its end
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && answer.StatusCode == http.StatusContinue {
		answer, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if err != nil {
		return answered{told: "no answer"}
	}
	defer answer.Body.Close()
	got := answered{status: answer.StatusCode, kind: answer.Header.Get("Content-Type"), allow: answer.Header.Get("Allow")}
	if body, err := io.ReadAll(answer.Body); err == nil && strings.HasPrefix(got.kind, "application/problem+json") {
		var p bot.Problem
		_ = json.Unmarshal(body, &p) // an answer to a HEAD has none
		got.told = p.Type
	}
	return got
}

// An odd request gets the same answer from a bot and through the gateway.
func TestTheBotAnswersTheSameThroughTheGateway(t *testing.T) {
	namespace := newNamespace(t)
	f := newSession(t, namespace, "shop", nil)
	realBot(t, f, buildBot(t), simtest.Start(t, sim.Config{}))
	f.setState(bot.StatePairing, v1alpha1.ReasonPodRunning)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,control,manage")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base+bot.PathStatus, key, "")
	address := net.JoinHostPort(f.pod.Status.PodIP, fmt.Sprint(naming.PortTLS))
	for _, c := range oddRequests {
		method, path, _ := strings.Cut(c.line, " ")
		rest := "\r\nConnection: close\r\n"
		if c.header != "" {
			rest += c.header + "\r\n"
		}
		if c.body != "" {
			if !strings.Contains(c.header, "Content-Type") {
				rest += "Content-Type: application/json\r\n"
			}
			rest += fmt.Sprintf("Content-Length: %d\r\n", len(c.body))
		}
		rest += "\r\n" + c.body
		direct := func() answered {
			conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test's own bot
			must(t, err)
			return read(t, conn, method, method+" "+path+" HTTP/1.1\r\nHost: bot\r\nAuthorization: Bearer "+f.token()+rest)
		}
		through := func() answered {
			conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
			must(t, err)
			return read(t, conn, method, method+" "+base+path+" HTTP/1.1\r\nHost: gateway\r\nX-Api-Key: "+key+rest)
		}
		var want, got answered
		wait(t, "the session not to change between the two", func() bool { // a code comes and goes, and one request is a restart
			want, got = direct(), through()
			return want.status != 0 && (got == want || got.status != 0 && direct() == want) // a refused body can reset the answer
		})
		name := c.line
		if len(name) > 80 {
			name = name[:80]
		}
		switch {
		case c.refused != 0:
			if got.status != c.refused || got.told == "" {
				t.Errorf("%s, %.40q, %.40q: the gateway answers %+v, want %d", name, c.header, c.body, got, c.refused)
			}
		case got != want:
			t.Errorf("%s, %.40q, %.40q:\nthe bot     %+v\nthe gateway %+v", name, c.header, c.body, want, got)
		case want.status >= http.StatusInternalServerError && want.status != http.StatusNotImplemented || want.status == 0:
			t.Errorf("%s, %.40q, %.40q: %+v", name, c.header, c.body, want)
		}
	}
}
