package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	botclient "sesi.dev/sesi/api/bot/client"
	"sesi.dev/sesi/gateway"
)

// A bot's stream that the gateway passes on ends with the credential that opened it, as the gateway's own streams do.
func TestAPassedStreamIsReviewed(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", silent)
	g := newGateway(t)
	g.gateway.ReviewEvery(50 * time.Millisecond)
	for name, end := range map[string]func(*corev1.Secret) error{
		"revoked": func(s *corev1.Secret) error { return admin.Delete(t.Context(), s) },
		"narrowed": func(s *corev1.Secret) error {
			patch := client.MergeFrom(s.DeepCopy())
			s.Data[apikey.FieldVerbs] = []byte("link")
			return admin.Patch(t.Context(), s, patch)
		},
	} {
		passedStreamEnds(t, g, namespace, name, end)
	}
}

func passedStreamEnds(t *testing.T, g *served, namespace, name string, end func(*corev1.Secret) error) {
	t.Helper()
	key := apikey.New()
	secret := makeKey(t, key, apikey.Key{Namespace: namespace, Name: name, Verbs: []apikey.Verb{apikey.VerbRead}})
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, key, "")
	c := botclient.Client{BaseURL: g.url + base, Token: key}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := c.Stream(ctx, bot.PathEvents, "", patience)
	must(t, err)
	defer stream.Close()
	conn, _, err := websocket.Dial(ctx, g.url+base+bot.PathWebSocket, &websocket.DialOptions{HTTPHeader: http.Header{"X-Api-Key": {key}}})
	must(t, err)
	defer conn.CloseNow()
	must(t, conn.Ping(conn.CloseRead(ctx)))

	must(t, end(secret))
	if event, err := stream.Next(); err == nil || ctx.Err() != nil {
		t.Errorf("the stream of a key that was %s: %+v, %v", name, event, err)
	}
	if <-conn.CloseRead(ctx).Done(); ctx.Err() != nil {
		t.Errorf("the WebSocket of a key that was %s is open", name)
	}
}

// What a caller may not do counts as what they ask for, or a caller without a right could ask the API server without end.
func TestRefusedCallsCount(t *testing.T) {
	namespace := newNamespace(t)
	newSession(t, namespace, "shop", nil)
	var reviews atomic.Int32
	g := newGateway(t, func(o *gateway.Options) {
		o.Limits.Rate = 5
		o.Config = rest.CopyConfig(o.Config)
		o.Config.Wrap(func(base http.RoundTripper) http.RoundTripper {
			return before(base, func(r *http.Request) error {
				if strings.HasSuffix(r.URL.Path, "/subjectaccessreviews") {
					reviews.Add(1)
				}
				return nil
			})
		})
	})
	g.gateway.StopClock()
	for name, ask := range map[string]func(n int) reply{
		"a user's requests for what is not theirs": func() func(int) reply {
			token := newToken(t, namespace, "nobody")
			return func(n int) reply { return g.do("GET", bot.GatewayPath(namespace, fmt.Sprint("s", n)), token, "") }
		}(),
		"a user's WebSockets": func() func(int) reply {
			token := newToken(t, namespace, "listener")
			return func(n int) reply {
				return g.do("GET", fmt.Sprint(bot.PathWebSocket, "?session=s", n), token, "", func(r *http.Request) { r.Header.Set("Connection", "Upgrade"); r.Header.Set("Upgrade", "websocket") })
			}
		}(),
		"a user's new sessions": func() func(int) reply {
			token := newToken(t, namespace, "maker")
			return func(n int) reply { return g.do("POST", bot.PathWAHASessions, token, fmt.Sprintf(`{"name":"s%d"}`, n)) }
		}(),
		"a key's requests for what is not its": func() func(int) reply {
			key := newKey(t, namespace, "read")
			return func(n int) reply { return g.do("GET", bot.GatewayPath(namespace, fmt.Sprint("s", n)), key, "") }
		}(),
	} {
		last := reply{}
		for n := range 100 {
			last = ask(n)
			if last.status < 400 {
				t.Fatalf("%s: %d %s", name, last.status, last.body)
			}
			if last.status == http.StatusTooManyRequests {
				break
			}
		}
		if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
			t.Errorf("%s: a hundred were answered, the last with %d %s", name, last.status, last.body)
		}
	}
	if got := reviews.Load(); got > 120 {
		t.Errorf("the API server was asked %d times", got)
	}
}

// A caller who may see nothing costs the same questions for a session that is there as for one that is not: the time of an
// answer tells no names either.
func TestANameIsNotToldByTheQuestions(t *testing.T) {
	namespace, own := newNamespace(t), newNamespace(t)
	newSession(t, namespace, "shop", nil)
	var reviews atomic.Int32
	g := newGateway(t, func(o *gateway.Options) {
		o.Config = rest.CopyConfig(o.Config)
		o.Config.Wrap(func(base http.RoundTripper) http.RoundTripper {
			return before(base, func(r *http.Request) error {
				if strings.HasSuffix(r.URL.Path, "/subjectaccessreviews") {
					reviews.Add(1)
				}
				return nil
			})
		})
	})
	key := newKey(t, namespace, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	token := newToken(t, own, "stranger", rbacv1.PolicyRule{APIGroups: []string{"sesi.dev"}, Resources: []string{"whatsappsessions"}, Verbs: []string{"get"}})
	count := func(method, path, body string) int32 {
		before := reviews.Load()
		if got := g.do(method, path, token, body); got.status != http.StatusNotFound {
			t.Errorf("%s %s: %d %s", method, path, got.status, got.body)
		}
		return reviews.Load() - before
	}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/messages", ""}, {"POST", "/messages", "{}"}, {"GET", "/session/qr", ""}, {"POST", "/session/restart", ""}, {"DELETE", "", ""}, {"GET", "", ""},
	} {
		there := count(c.method, bot.GatewayPath(namespace, "shop")+c.path, c.body)
		absent := count(c.method, bot.GatewayPath(namespace, "nothing")+c.path, c.body)
		if there != absent {
			t.Errorf("%s %s: %d questions for a session that is there, %d for none", c.method, c.path, there, absent)
		}
	}
	count("GET", bot.GatewayPath(own, "nothing")+"/messages", "") // who may see sessions, but not their messages, is told 404 too
}

// Over TLS the desk takes only the cookie that no other host can set: a page of a sibling could else sign a person in
// with a key of its own, and get the phone that they link.
func TestACookieOfASiblingSignsNobodyIn(t *testing.T) {
	namespace := newNamespace(t)
	g := newGateway(t)
	key := newKey(t, namespace, "read,link")
	wait(t, "the key", func() bool { return g.do("GET", bot.PathGatewaySessions, key, "").status == http.StatusOK })
	overTLS := func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }
	for name, c := range map[string]struct {
		cookie string
		edit   func(*http.Request)
		want   int
	}{
		"the plain cookie, without TLS": {"sesi-desk=" + key, func(*http.Request) {}, http.StatusOK},
		"the plain cookie, over TLS":    {"sesi-desk=" + key, overTLS, http.StatusUnauthorized},
		"the safe cookie, over TLS":     {"__Host-sesi-desk=" + key, overTLS, http.StatusOK},
		"both, over TLS":                {"sesi-desk=" + apikey.New() + "; __Host-sesi-desk=" + key, overTLS, http.StatusOK},
	} {
		got := g.do("GET", bot.PathGatewaySessions, "", "", func(r *http.Request) {
			r.Header.Set("Cookie", c.cookie)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			c.edit(r)
		})
		if got.status != c.want {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// What a bot's answer says beside its content stays behind: a header that a browser or a proxy would apply to the gateway's
// address, and the leave to keep an answer, whose address is another session for another caller.
func TestABotsHeadersStayBehind(t *testing.T) {
	namespace, other := newNamespace(t), newNamespace(t)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, name := range []string{"Accept-Ch", "Critical-Ch", "Set-Login", "Secure-Session-Registration", "Sec-Session-Registration", "Use-As-Dictionary", "Speculation-Rules",
			"Activate-Storage-Access", "Supports-Loading-Mode", "No-Vary-Search", "Permissions-Policy", "Document-Policy", "Integrity-Policy", "Timing-Allow-Origin",
			"Cdn-Cache-Control", "Surrogate-Control", "Surrogate-Key", "Cache-Tag", "Age", "Warning", "Pragma", "X-Accel-Limit-Rate", "X-Accel-Charset", "X-Reproxy-Url",
			"X-Lighttpd-Send-File", "X-Litespeed-Cache-Control", "X-Robots-Tag", "Expect-Ct", "X-Dns-Prefetch-Control", "Cross-Origin-Opener-Policy",
			"Cross-Origin-Embedder-Policy", "Observe-Browsing-Topics", "Attribution-Reporting-Register-Source", "Access-Control-Allow-Private-Network", "X-Frame-Options"} {
			h.Set(name, "hostile")
		}
		h.Set("Cache-Control", r.URL.Query().Get("kept"))
		h.Set("Expires", "Thu, 01 Jan 2099 00:00:00 GMT")
		h.Set("Content-Disposition", "attachment")
		h.Set("Retry-After", "7")
		h.Set("Etag", `"1"`)
		h.Set("Vary", "Accept")
		h.Set("Allow", "GET")
		h.Set(bot.HeaderOldestCursor, "4")
		_, _ = io.WriteString(w, "hello")
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	for kept, want := range map[string]string{
		"public, max-age=31536000": "no-store", "max-age=60": "no-store", "": "no-store", "private, max-age=60": "no-store", "immutable": "no-store",
		"private, no-cache": "private, no-cache", "no-store": "no-store",
	} {
		for _, path := range []string{"/api/messages?session=shop&kept=", bot.GatewayPath(namespace, "shop") + "/messages?kept="} {
			got := g.do("GET", path+strings.ReplaceAll(kept, " ", "%20"), key, "")
			if got.status != http.StatusOK || got.body != "hello" {
				t.Fatalf("%q: %d %s", kept, got.status, got.body)
			}
			for name, values := range got.header {
				if strings.Contains(strings.Join(values, ","), "hostile") {
					t.Errorf("the caller got %s of the bot", name)
				}
			}
			if said := strings.Join(got.header["Cache-Control"], "|"); said != want {
				t.Errorf("a bot's Cache-Control %q came as %q", kept, said)
			}
			for name, value := range map[string]string{"Content-Disposition": "attachment", "Retry-After": "7", "Etag": `"1"`, "Vary": "Accept", "Allow": "GET", bot.HeaderOldestCursor: "4"} {
				if got.header.Get(name) != value {
					t.Errorf("%s came as %q", name, got.header.Get(name))
				}
			}
		}
	}
	if got := g.do("GET", "/api/messages?session=shop", newKey(t, other, "read"), ""); got.status == http.StatusOK {
		t.Error("the same address opens the session for another namespace")
	}
}

// One caller does not take every place of a session: the others' requests and streams still find one.
func TestACallerLeavesPlacesToOthers(t *testing.T) {
	namespace := newNamespace(t)
	release := make(chan struct{})
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("wait") {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	})
	defer close(release)
	g := newGateway(t)
	greedy, other := newKey(t, namespace, "read"), newKey(t, namespace, "read,send")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, greedy, "")
	g.eventually(http.StatusOK, "GET", base, other, "")
	var refused atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 80 {
		go func() {
			request, err := http.NewRequestWithContext(ctx, "GET", g.url+base+"/events?wait=50", nil)
			if err != nil {
				return
			}
			request.Header.Set("X-Api-Key", greedy)
			if answer, err := http.DefaultTransport.RoundTrip(request); err == nil {
				if answer.StatusCode == http.StatusTooManyRequests {
					refused.Add(1)
				}
				answer.Body.Close()
			}
		}()
	}
	wait(t, "the bound of one caller", func() bool { return refused.Load() >= 80-64 })
	if got := g.do("POST", base+"/messages", other, "{}"); got.status != http.StatusOK {
		t.Errorf("another caller: %d %s", got.status, got.body)
	}
}

// A key in the query counts where the bot takes its token there: a browser's WebSocket and the address of a file.
func TestAKeyInTheQuery(t *testing.T) {
	namespace := newNamespace(t)
	f := newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, key, "")
	for path, want := range map[string]int{
		"/api/files/shop/true_62@c.us_A.jpg":           http.StatusOK,
		base + "/api/files/default/true_62@c.us_A.jpg": http.StatusOK,
		base + "/ws":            http.StatusOK,
		base + "/api/files":     http.StatusUnauthorized,
		base + "/messages":      http.StatusUnauthorized,
		base + "/ws/x":          http.StatusUnauthorized,
		base:                    http.StatusUnauthorized,
		bot.PathGatewaySessions: http.StatusUnauthorized,
		bot.PathGatewayEvents:   http.StatusUnauthorized,
		"/api/sessions":         http.StatusUnauthorized,
		"/api/shop/chats":       http.StatusUnauthorized,
		"/desk/list":            http.StatusUnauthorized,
		"/v1/namespaces/" + namespace + "/sessions/api/files/x": http.StatusUnauthorized,
	} {
		f.asked.Store(0)
		got := g.do("GET", path+"?x-api-key="+key+"&a=b", "", "")
		if got.status != want || strings.Contains(got.body, key) || (f.asked.Load() > 0) != (want == http.StatusOK) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// Wrong tokens from an address do not lock out who is in already: callers can share it, behind a proxy. Nobody is signed
// out by them either.
func TestWrongTokensLockNobodyOut(t *testing.T) {
	namespace := newNamespace(t)
	g := newGateway(t)
	g.gateway.StopClock()
	rights := rbacv1.PolicyRule{APIGroups: []string{"sesi.dev"}, Resources: []string{"whatsappsessions"}, Verbs: []string{"get", "list", "watch"}}
	in, late := newToken(t, namespace, "in", rights), newToken(t, namespace, "late", rights)
	wait(t, "the rights", func() bool { return g.do("GET", bot.PathGatewaySessions, in, "").status == http.StatusOK })
	wrong := reply{}
	for n := 0; n < 50 && wrong.status != http.StatusTooManyRequests; n++ {
		wrong = g.do("GET", bot.PathGatewaySessions, fmt.Sprint("wrong-token-", n), "")
	}
	if wrong.status != http.StatusTooManyRequests {
		t.Fatalf("fifty wrong tokens: %d", wrong.status)
	}
	if got := g.do("GET", bot.PathGatewaySessions, in, ""); got.status != http.StatusOK {
		t.Errorf("a token that was right before: %d %s", got.status, got.body)
	}
	if got := g.do("GET", bot.PathGatewaySessions, late, ""); got.status != http.StatusTooManyRequests {
		t.Errorf("a token of which nothing is known: %d %s", got.status, got.body)
	}
	got := g.do("GET", "/", "", "", func(r *http.Request) {
		r.Header.Set("Cookie", "sesi-desk="+late)
		r.Header.Set("Sec-Fetch-Site", "none")
	})
	if strings.Contains(got.header.Get("Set-Cookie"), "sesi-desk") {
		t.Errorf("the cookie of a person whose token was not looked at: %q", got.header.Get("Set-Cookie"))
	}
}

// A filter that means nothing is refused by its name: an empty list would say that all is well.
func TestAFilterThatMeansNothingIsRefused(t *testing.T) {
	namespace := newNamespace(t)
	newSession(t, namespace, "shop", nil)
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	for query, field := range map[string]string{
		"state=connected": "state", "state=Connected,Paring": "state", "userAction=scan": "userAction", "userAction=ScanQR,x": "userAction",
		"attention=yes": "attention", "sort=age": "sort", "limit=0": "limit", "selector=((": "selector", "continue=!": "continue",
	} {
		if got := g.do("GET", bot.PathGatewaySessions+"?"+query, key, ""); got.status != http.StatusBadRequest || !strings.Contains(got.problem().Detail, field) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	for _, query := range []string{"state=", "state=Connected,Suspended,Unknown,Pending", "userAction=ScanQR", "attention=true", "attention=false", "attention=", "sort=since", "sort=name", "sort="} {
		if got := g.do("GET", bot.PathGatewaySessions+"?"+query, key, ""); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}
