package gateway_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/gateway"
	"sesi.dev/sesi/test/poll"
)

// echo answers with what the bot got.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintf(w, "%s %s\n", r.Method, r.URL.RequestURI())
	for name, values := range r.Header {
		fmt.Fprintf(w, "%s: %s\n", name, strings.Join(values, ","))
	}
	fmt.Fprintf(w, "\n%s", body)
}

// firstLine is the request line that the bot got.
func (r reply) firstLine() string {
	line, _, _ := strings.Cut(r.body, "\n")
	return line
}

// Every path of a bot is below its session's, with or without /api, and in WAHA's form.
func TestAddresses(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,control,manage")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base+bot.PathStatus, key, "")

	cases := map[string]struct{ method, path, body, want, sent string }{
		"own path":               {"GET", base + bot.PathStatus, "", "GET /api/session/status", ""},
		"without api":            {"GET", base + "/session/status", "", "GET /api/session/status", ""},
		"query":                  {"GET", base + "/messages?chat=62@s.whatsapp.net&limit=2", "", "GET /api/messages?chat=62@s.whatsapp.net&limit=2", ""},
		"send":                   {"POST", base + "/messages", `{"to":"+62","text":"hi"}`, "POST /api/messages", `{"to":"+62","text":"hi"}`},
		"one to come":            {"PATCH", base + "/something/new", "", "PATCH /api/something/new", ""},
		"openapi":                {"GET", base + bot.PathOpenAPI, "", "GET /openapi.json", ""},
		"escaped":                {"GET", base + "/chats/62%40c.us/messages", "", "GET /api/chats/62@c.us/messages", ""},
		"waha, in the path":      {"GET", "/api/shop/auth/qr?format=raw", "", "GET /api/default/auth/qr?format=raw", ""},
		"waha, with a namespace": {"GET", "/api/" + namespace + ".shop/chats", "", "GET /api/default/chats", ""},
		"waha, in the query":     {"GET", "/api/messages?chatId=1&session=shop", "", "GET /api/messages?chatId=1&session=default", ""},
		"waha, in the body": {"POST", "/api/sendText", `{"chatId":"62@c.us", "session": "shop", "text":"session"}`,
			"POST /api/sendText", `{"chatId":"62@c.us", "session": "default", "text":"session"}`},
		"waha, namespace in the body": {"POST", "/api/sendText", `{"session":"` + namespace + `.shop"}`, "POST /api/sendText", `{"session":"default"}`},
		"waha, restart":               {"POST", "/api/sessions/shop/restart", "", "POST /api/sessions/default/restart", ""},
		"waha, contacts":              {"GET", "/api/contacts/check-exists?phone=62&session=shop", "", "GET /api/contacts/check-exists?phone=62&session=default", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := g.do(c.method, c.path, key, c.body)
			if got.status != http.StatusOK || got.firstLine() != c.want {
				t.Fatalf("answered %d %q, want %q", got.status, got.body, c.want)
			}
			if _, sent, _ := strings.Cut(got.body, "\n\n"); sent != c.sent {
				t.Errorf("the bot got the body %q, want %q", sent, c.sent)
			}
		})
	}
	for _, kind := range []string{"application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"} {
		got := g.do("POST", "/api/sendText", key, `{"session":"shop"}`, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		if got.status != http.StatusOK || !strings.HasSuffix(got.body, `{"session":"default"}`) {
			t.Errorf("a body of %s: %d %s", kind, got.status, got.body)
		}
	}
	if got := g.do("GET", bot.PathWAHAPing, "", ""); got.status != http.StatusOK || !strings.Contains(got.body, "pong") {
		t.Errorf("ping: %d %s", got.status, got.body)
	}
}

// A key that opens one session needs no name: WAHA's clients then say "default".
func TestDefaultIsTheOnlySessionOfAKey(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	newBot(t, namespace, "bank", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send", func(k *apikey.Key) { k.Sessions = []string{"shop"} })
	for _, body := range []string{`{"session":"default","text":"x"}`, `{"text":"x"}`} {
		if got := g.eventually(http.StatusOK, "POST", "/api/sendText", key, body); !strings.HasPrefix(got.body, "POST /api/sendText") {
			t.Errorf("got %s", got.body)
		}
	}
	if got := g.do("POST", "/api/sendText", key, `{"session":"bank"}`); got.status != http.StatusNotFound {
		t.Errorf("another session: %d", got.status)
	}
	two := newKey(t, namespace, "read,send", func(k *apikey.Key) { k.Sessions = []string{"shop", "bank"} })
	g.eventually(http.StatusOK, "POST", "/api/sendText", two, `{"session":"bank"}`)
	if got := g.do("POST", "/api/sendText", two, `{"session":"default"}`); got.status != http.StatusNotFound {
		t.Errorf("the default of a key of two sessions: %d %s", got.status, got.body)
	}
}

// The bot gets its own token and none of the caller's credentials, and its answer cannot set what only the gateway may
// set.
func TestHeaders(t *testing.T) {
	namespace := newNamespace(t)
	f := newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, name := range []string{"Set-Cookie", "Set-Cookie2", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Strict-Transport-Security",
			"Location", "Content-Location", "Link", "Clear-Site-Data", "Service-Worker-Allowed", "Content-Security-Policy", "Content-Security-Policy-Report-Only",
			"Cross-Origin-Resource-Policy", "X-Content-Type-Options", "Alt-Svc", "Nel", "Report-To", "Reporting-Endpoints", "Www-Authenticate", "Proxy-Authenticate",
			"Refresh", "Server", "Sourcemap", "X-Sourcemap", "X-Accel-Redirect", "X-Accel-Expires", "X-Sendfile"} {
			h.Set(name, "hostile")
		}
		h.Set("Etag", `"1"`)
		w.WriteHeader(http.StatusEarlyHints)
		echo(w, r)
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	path := bot.GatewayPath(namespace, "shop") + "/messages"
	g.eventually(http.StatusOK, "GET", path, key, "")
	got := g.do("GET", path, key, "", func(r *http.Request) {
		for _, name := range []string{"Cookie", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-Ip", "Sec-Fetch-Site", "Origin", "Referer",
			"X-Http-Method-Override", "X-Original-Url", "Impersonate-User", "X-Remote-User", "Proxy-Authorization", "X-Sesi-Page"} {
			r.Header.Set(name, "secret")
		}
		r.Header.Set("Authorization", "Basic c2VjcmV0OnNlY3JldA==")
		r.Header.Set("Connection", "Authorization, X-Smuggled")
		r.Header.Set("X-Smuggled", "secret")
		r.Header.Set("Upgrade", "h2c")
		r.Header.Set("Idempotency-Key", "mine")
		r.Header.Set("Accept-Language", "id")
	})
	if strings.Contains(got.body, "secret") || strings.Contains(got.body, key) {
		t.Errorf("the bot got what it must not:\n%s", got.body)
	}
	for _, want := range []string{"Authorization: Bearer " + f.token(), "Idempotency-Key: mine", "Accept-Language: id"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the bot did not get %q:\n%s", want, got.body)
		}
	}
	for name, values := range got.header {
		if strings.Contains(strings.Join(values, ","), "hostile") {
			t.Errorf("the caller got %s of the bot", name)
		}
	}
	if got.header.Get("Etag") != `"1"` || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") ||
		got.header.Get("Cross-Origin-Resource-Policy") != "same-origin" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", got.header)
	}
}

func TestStreams(t *testing.T) {
	namespace := newNamespace(t)
	ended := make(chan struct{})
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "id: %s1\ndata: {}\n\n", r.Header.Get("Last-Event-ID"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(ended)
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	c := botclient.Client{BaseURL: g.url + bot.GatewayPath(namespace, "shop"), Token: key}
	stream, err := c.Stream(t.Context(), bot.PathSessionEvents, "4", patience)
	must(t, err)
	event, err := stream.Next()
	if err != nil || event.ID != "41" {
		t.Fatalf("got %+v, %v", event, err)
	}
	stream.Close()
	poll.Receive(t, "the bot's side to end with the caller's", ended, patience)
}

// A stream ends when the gateway is drained, so that its client goes to another one.
func TestDrainEndsStreams(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	c := botclient.Client{BaseURL: g.url + bot.GatewayPath(namespace, "shop"), Token: key}
	stream, err := c.Stream(t.Context(), bot.PathSessionEvents, "", patience)
	must(t, err)
	defer stream.Close()
	g.gateway.Drain()
	if event, err := stream.Next(); err == nil || errors.Is(err, botclient.ErrSilent) {
		t.Errorf("after the drain: %+v, %v", event, err)
	}
}

func TestWebSocket(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "" {
			http.Error(w, "the caller's key", http.StatusBadRequest)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, data, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, append([]byte("bot: "), data...)) != nil {
				return
			}
		}
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	ctx := bounded(t)
	conn, _, err := websocket.Dial(ctx, g.url+bot.GatewayPath(namespace, "shop")+bot.PathWebSocket, &websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {key}}})
	must(t, err)
	defer conn.CloseNow()
	must(t, conn.Write(ctx, websocket.MessageText, []byte("hi")))
	if _, data, err := conn.Read(ctx); err != nil || string(data) != "bot: hi" {
		t.Errorf("got %q, %v", data, err)
	}
}

// When a session's bot is away, the answer has the session's state, and when to ask again.
func TestAway(t *testing.T) {
	namespace := newNamespace(t)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send")
	cases := map[string]struct {
		prepare func(*fixture)
		status  int
		kind    bot.ProblemKind
		state   bot.State
		action  bot.UserAction
		retry   string
		detail  string
	}{
		"crashing": {func(f *fixture) {
			f.setState(v1alpha1.StatePending, v1alpha1.ReasonCrashLooping)
		}, 503, bot.ProblemSessionAway, v1alpha1.StatePending, bot.ActionNone, "5", "The bot is Pending."},
		"needs a person": {func(f *fixture) {
			f.setState(v1alpha1.StateUnknown, v1alpha1.ReasonNodeUnreachable, func(s *v1alpha1.WhatsAppSessionStatus) { s.UserAction = bot.ActionFixStorage })
		}, 503, bot.ProblemSessionAway, v1alpha1.StateUnknown, bot.ActionFixStorage, "60", ""},
		"unknown": {func(f *fixture) {
			f.setState(v1alpha1.StateUnknown, v1alpha1.ReasonNodeUnreachable)
		}, 503, bot.ProblemSessionAway, v1alpha1.StateUnknown, bot.ActionNone, "30", ""},
		"suspended": {func(f *fixture) {
			f.session.Spec.Suspended = new(true)
			must(t, admin.Update(t.Context(), f.session))
			f.setState(v1alpha1.StateSuspended, v1alpha1.ReasonSuspended)
		}, 409, bot.ProblemSessionSuspended, v1alpha1.StateSuspended, bot.ActionNone, "", "start it first"},
	}
	n := 0
	for name, c := range cases {
		n++
		session := fmt.Sprintf("away-%d", n)
		t.Run(name, func(t *testing.T) {
			f := newSession(t, namespace, session, nil)
			c.prepare(f)
			path := bot.GatewayPath(namespace, session) + "/messages"
			wait(t, "the gateway to know the state", func() bool {
				p := g.do("GET", path, key, "").problem()
				return p.State == c.state && p.UserAction == c.action
			})
			got := g.do("POST", path, key, `{}`)
			p := got.problem()
			if got.status != c.status || p.Kind() != c.kind || p.State != c.state || p.UserAction != c.action ||
				got.header.Get("Retry-After") != c.retry || !strings.Contains(p.Detail, c.detail) {
				t.Errorf("got %d, Retry-After %q: %s", got.status, got.header.Get("Retry-After"), got.body)
			}
		})
	}
}

// A request that was not sent waits for the pod that replaces the bot's; one that was sent is sent again only if that
// is safe.
func TestRetries(t *testing.T) {
	cases := map[string]struct {
		method, idempotency string
		breaks              bool // the bot reads the request and hangs up
		want                int
		asked               int32
	}{
		"POST that was not sent":             {"POST", "", false, 200, 0},
		"POST that was sent":                 {"POST", "", true, 502, 1},
		"POST with a key that was sent":      {"POST", "once", true, 200, 1},
		"GET that was sent":                  {"GET", "", true, 200, 1},
		"DELETE without a key that was sent": {"DELETE", "", true, 502, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			namespace := newNamespace(t)
			g := newGateway(t)
			g.gateway.WaitForBots(patience)
			key := newKey(t, namespace, "read,send")
			f := newSession(t, namespace, "shop", nil)
			replace := sync.OnceFunc(func() {
				f.setState(v1alpha1.StatePending, v1alpha1.ReasonAwaitingTermination)
				// The gateway may hear of the pod's end before it hears of the status, and nobody waits for a bot that is said to run.
				wait(t, "the gateway to know the state", func() bool {
					return strings.Contains(g.do("GET", bot.GatewayPath(namespace, "shop"), key, "").body, `"state":"`+string(v1alpha1.StatePending)+`"`)
				})
				f.removePod()
			})
			f.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
			f.start(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != c.method { // the first look
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				replace()
				panic(http.ErrAbortHandler)
			})
			path := bot.GatewayPath(namespace, "shop") + "/messages"
			g.eventually(http.StatusOK, map[bool]string{true: "POST", false: "GET"}[c.method == "GET"], path, key, "")
			f.asked.Store(0)
			if !c.breaks {
				f.server.CloseClientConnections()
				f.server.Close()
				replace()
			}
			done := make(chan reply, 1)
			go func() {
				done <- g.do(c.method, path, key, `{"text":"hi"}`, func(r *http.Request) {
					if c.idempotency != "" {
						r.Header.Set("Idempotency-Key", c.idempotency)
					}
				})
			}()
			if c.want == http.StatusOK {
				old := f.asked.Load
				wait(t, "the old pod to go", func() bool { return old() >= c.asked })
				wait(t, "the old pod's end", func() bool {
					return apierrors.IsNotFound(admin.Get(t.Context(), client.ObjectKeyFromObject(f.pod), &corev1.Pod{}))
				})
				f.start(func(w http.ResponseWriter, r *http.Request) { echo(w, r) })
			}
			got := poll.Receive(t, "the answer", done, patience)
			if got.status != c.want {
				t.Fatalf("answered %d %s, want %d", got.status, got.body, c.want)
			}
			if c.want == http.StatusOK && !strings.HasSuffix(got.body, `{"text":"hi"}`) {
				t.Errorf("the new bot got %q", got.body)
			}
			if c.want != http.StatusOK && (f.asked.Load() != c.asked || got.problem().Kind() != bot.ProblemBotFailed) {
				t.Errorf("the bot was asked %d times: %s", f.asked.Load(), got.body)
			}
		})
	}
}

// A request that could not be sent waits for a bot that listens again, and its body then arrives whole.
func TestABotThatListensAgain(t *testing.T) {
	namespace := newNamespace(t)
	f := newBot(t, namespace, "shop", echo)
	registry := prometheus.NewRegistry()
	g := newGateway(t, func(o *gateway.Options) { o.Metrics = registry })
	g.gateway.WaitForBots(patience)
	key := newKey(t, namespace, "read,send")
	path := bot.GatewayPath(namespace, "shop") + "/messages"
	g.eventually(http.StatusOK, "GET", path, key, "")
	address, _, _ := strings.Cut(f.server.Listener.Addr().String(), ":")
	f.server.CloseClientConnections()
	f.server.Close()
	answered := make(chan reply, 1)
	go func() { answered <- g.do("POST", path, key, `{"text":"hi"}`) }()
	wait(t, "a second try", func() bool {
		families, err := registry.Gather()
		must(t, err)
		return slices.ContainsFunc(families, func(m *dto.MetricFamily) bool {
			return m.GetName() == "sesi_gateway_retries_total" && m.GetMetric()[0].GetCounter().GetValue() > 0
		})
	})
	f.listen(address, echo)
	if got := poll.Receive(t, "the answer", answered, patience); got.status != http.StatusOK || !strings.HasSuffix(got.body, `{"text":"hi"}`) {
		t.Errorf("answered %d %s", got.status, got.body)
	}
}

// A body arrives whole, however long it is and whether its length is told, also where it may be sent again.
func TestABodyWithAKeyArrivesWhole(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, sum(t, r.Body)) })
	g := newGateway(t)
	key := newKey(t, namespace, "read,send")
	path := bot.GatewayPath(namespace, "shop") + "/messages"
	g.eventually(http.StatusOK, "GET", path, key, "")
	for _, size := range []int{100, 3 << 20} {
		for _, told := range []bool{true, false} {
			body, length := fileBody(size, true, "shop")
			if !told {
				length = -1
			}
			got := g.do("POST", path, key, "", func(r *http.Request) {
				r.Body, r.ContentLength = io.NopCloser(body()), length
				r.Header.Set("Idempotency-Key", "once")
			})
			if want := sum(t, body()); got.status != http.StatusOK || got.body != want {
				t.Errorf("of %d bytes, length told %t: %d, the bot got %s, want %s", size, told, got.status, got.body, want)
			}
		}
	}
}

// silent is a bot whose streams and WebSockets stay open and tell nothing.
func silent(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == bot.PathWebSocket {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		<-conn.CloseRead(r.Context()).Done()
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// Streams have places of their own, so that those who only listen take no request's place.
func TestStreamsTakeNoRequestsPlace(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("quick") || r.Method == http.MethodHead {
			return
		}
		silent(w, r)
	})
	g := newGateway(t, func(o *gateway.Options) { o.Limits.PerSession, o.Limits.SessionStreams = 1, 3 })
	key := newKey(t, namespace, "read")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base+"/messages?quick=1", key, "")
	c := botclient.Client{BaseURL: g.url + base, Token: key}
	stream, err := c.Stream(t.Context(), bot.PathEvents, "", patience)
	must(t, err)
	defer stream.Close()
	plain, err := http.NewRequestWithContext(t.Context(), "GET", g.url+base+bot.PathSessionEvents, nil) // without Accept, as curl sends it
	must(t, err)
	plain.Header.Set("X-Api-Key", key)
	answer, err := http.DefaultTransport.RoundTrip(plain)
	must(t, err)
	defer answer.Body.Close()
	dial := func() (*websocket.Conn, *http.Response, error) {
		return websocket.Dial(t.Context(), g.url+base+bot.PathWebSocket, &websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {key}}})
	}
	conn, _, err := dial()
	must(t, err)
	defer conn.CloseNow()
	if got := g.do("GET", base+"/messages?quick=1", key, ""); got.status != http.StatusOK {
		t.Errorf("a request beside the streams: %d %s", got.status, got.body)
	}
	if _, answer, err := dial(); err == nil || answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one stream more than may be: %v", err)
	}
	g.eventually(http.StatusOK, "HEAD", base+bot.PathSessionEvents, key, "")
	if got := g.do("HEAD", "/desk/events", key, ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("a HEAD of the desk's stream: %d", got.status)
	}
}

// A line of an answer that is still open reaches the caller at once.
func TestStreamsAreNotBuffered(t *testing.T) {
	namespace := newNamespace(t)
	next := make(chan struct{})
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	request, err := http.NewRequestWithContext(bounded(t), "GET", g.url+bot.GatewayPath(namespace, "shop")+bot.PathEvents, nil)
	must(t, err)
	request.Header.Set("X-Api-Key", key)
	request.Header.Set("Accept", "text/event-stream")
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	defer answer.Body.Close()
	if answer.Header.Get("X-Accel-Buffering") != "no" {
		t.Error("a proxy in front may hold events back")
	}
	lines := bufio.NewScanner(answer.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) {
			t.Fatalf("got %q, %v", lines.Text(), lines.Err())
		}
		lines.Scan()
		select {
		case next <- struct{}{}:
		case <-time.After(patience):
			t.Fatal("the bot does not go on")
		}
	}
}
