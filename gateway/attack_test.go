package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/gateway"
)

// raw sends bytes as they are and reads one answer.
func (s *served) raw(t *testing.T, request string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, request)
	must(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	defer answer.Body.Close()
	data, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(data)
}

// No spelling of a path, a name or a body reaches another session or another right than the one that was checked.
func TestTricksReachNoOtherSession(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	newBot(t, mine, "shop", echo)
	victim := newBot(t, other, "shop", echo)
	g := newGateway(t)
	key := newKey(t, mine, "read,send")
	base := bot.GatewayPath(mine, "shop")
	g.eventually(http.StatusOK, "GET", base, key, "")
	victimKey := newKey(t, other, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(other, "shop"), victimKey, "")

	paths := []string{
		base + "/../../" + other + "/sessions/shop/messages", base + "/..%2f..%2f" + other, base + "/%2e%2e/x", base + "/session/./backup",
		base + "/session%252fbackup", base + "/session;x/backup", base + "/messages;/../session/backup", "/v1/namespaces/" + mine + ";x/sessions/shop",
		base + "//session/backup", base + "/session%2fbackup", base + "/session%5cbackup", base + "/session\\backup", base + "/messages%00",
		"/v1/namespaces/" + mine + "/sessions/shop%2f..%2f..%2f" + other, "/v1//namespaces/" + mine + "/sessions/shop/messages",
		"/api/" + other + ".shop/chats", "/api/" + mine + "." + other + ".shop/chats", "/api/.shop/chats", "/api/" + other + "./chats",
		"/api/messages?session=" + other + ".shop", "/api/messages?session=shop&session=" + other + ".shop", "/api/messages?session=../" + other,
		"/v1/namespaces/*/sessions/shop/messages", "/v1/namespaces/" + mine + "/sessions/SHOP/messages", "/v1/namespaces//sessions/shop",
		base + "/session/backup", base + "/session/backup/", base + "/api/session/backup", base + "/SESSION/backup", base + "/session/%62ackup",
		base + "/api/session/qr", base + "/qr", base + "/metrics", base + "/api/../qr", "/api/session/backup", "/metrics", "/debug/pprof/",
		"/" + strings.Repeat("a", 3000),
	}
	for _, path := range paths {
		status, body := g.raw(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\nX-Api-Key: "+key+"\r\nConnection: close\r\n\r\n")
		if status < 400 || status == http.StatusBadGateway || strings.HasPrefix(body, "GET /api/session/backup") {
			// A path that the bot does not serve may reach it: it answers 404 by itself. Only the caller's own may.
			if !strings.HasPrefix(body, "GET /api/") || strings.Contains(strings.ToLower(body), "session/") {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
	}
	for name, body := range map[string]string{
		"twice":            `{"session":"shop","session":"` + other + `.shop"}`,
		"another case":     `{"session":"shop","Session":"` + other + `.shop"}`,
		"escaped":          `{"\u0073ession":"` + other + `.shop"}`,
		"nested only":      `{"x":{"session":"shop"},"session":"` + other + `.shop"}`,
		"number":           `{"session":5}`,
		"two objects":      `{"session":"shop"}{"session":"` + other + `.shop"}`,
		"array":            `[{"session":"shop"}]`,
		"query and body":   `{"session":"bank"}`,
		"foreign":          `{"session":"` + other + `.shop"}`,
		"path in the name": `{"session":"../../` + other + `/sessions/shop"}`,
	} {
		path := "/api/sendText"
		if name == "query and body" {
			path += "?session=shop"
		}
		if got := g.do("POST", path, key, body); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for name, request := range map[string]string{
		"two lengths":        "POST " + base + "/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + key + "\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nhello",
		"length and chunked": "POST " + base + "/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + key + "\r\nTransfer-Encoding: chunked, identity\r\nContent-Length: 50\r\n\r\n0\r\n\r\n",
		"a bad chunk":        "POST " + base + "/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + key + "\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"a header in a name": "GET " + base + " HTTP/1.1\r\nHost: x\r\nX-Api-Key : " + key + "\r\n\r\n",
		"no host":            "GET " + base + " HTTP/1.1\r\nX-Api-Key: " + key + "\r\n\r\n",
	} {
		if status, body := g.raw(t, request); status < 400 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if got := victim.asked.Load(); got != 0 {
		t.Errorf("the other namespace's bot was asked %d times", got)
	}
}

// A body that is too large is refused, and does not fill the memory.
func TestOversizedBodies(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	g := newGateway(t, func(o *gateway.Options) { o.Limits.Body, o.Limits.Held = 1<<20, 1<<20 })
	key := newKey(t, namespace, "read,send")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, key, "")
	large := `{"session":"shop","data":"` + strings.Repeat("x", 2<<20) + `"}`
	for _, path := range []string{base + "/messages", "/api/sendImage"} {
		for _, length := range []int64{int64(len(large)), -1} {
			request, err := http.NewRequestWithContext(t.Context(), "POST", g.url+path, io.LimitReader(bytes.NewReader([]byte(large)), int64(len(large))))
			must(t, err)
			request.ContentLength = length
			request.Header.Set("X-Api-Key", key)
			request.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				continue // the gateway closed the connection while it was sent
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("%s, length %d: %d", path, length, answer.StatusCode)
			}
		}
	}
	if got := g.do("POST", "/api/sendText", key, `{"session":"shop"}`); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

// A bot that hangs, or that sends answers no real bot sends, harms its own callers only.
func TestHostileBots(t *testing.T) {
	namespace := newNamespace(t)
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, text)
		}
	}
	bots := map[string]struct {
		handler http.HandlerFunc
		want    int
	}{
		"redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		}, 502},
		"refuses":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, 503},
		"long-header":   {raw("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), 502},
		"noise":         {raw(strings.Repeat("\x00\xff", 5000)), 502},
		"switches":      {raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), 502},
		"no-status":     {raw("HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"), 502},
		"early-answers": {raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n", 20)), 502},
		"page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<script>fetch('/desk')</script>")
		}, 200},
	}
	for name, b := range bots {
		newBot(t, namespace, name, b.handler)
	}
	hanging := make(chan struct{})
	defer close(hanging)
	newBot(t, namespace, "hangs", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-hanging:
		}
	})
	newBot(t, namespace, "good", echo)
	g := newGateway(t, func(o *gateway.Options) { o.Limits.PerSession = 4 })
	key := newKey(t, namespace, "read,send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "good")+"/messages", key, "")
	for name, b := range bots {
		got := g.do("POST", bot.GatewayPath(namespace, name)+"/messages", key, `{}`)
		if got.status != b.want {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, b.want)
		}
		if got.header.Get("Location") != "" || got.header.Get("Link") != "" || got.header.Get("Www-Authenticate") != "" {
			t.Errorf("%s: headers %v", name, got.header)
		}
		if b.want == 200 && !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: a page runs at the gateway's address", name)
		}
	}
	// The callers of a bot that hangs are limited; those of other bots do not wait for them.
	var refused atomic.Int32
	for range 8 {
		go func() {
			request, err := http.NewRequestWithContext(t.Context(), "GET", g.url+bot.GatewayPath(namespace, "hangs")+"/messages", nil)
			if err != nil {
				return
			}
			request.Header.Set("X-Api-Key", key)
			answer, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				return
			}
			defer answer.Body.Close()
			if answer.StatusCode == http.StatusTooManyRequests {
				refused.Add(1)
			}
		}()
	}
	wait(t, "the callers of the bot that hangs to be bounded", func() bool { return refused.Load() == 4 })
	if got := g.do("GET", bot.GatewayPath(namespace, "good")+"/messages", key, ""); got.status != http.StatusOK {
		t.Errorf("another session's caller: %d", got.status)
	}
}

// A bot without the pinned key gets neither the token nor the request.
func TestAForeignKeyGetsNothing(t *testing.T) {
	namespace := newNamespace(t)
	f := newSession(t, namespace, "shop", nil)
	f.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
	thief := newSession(t, namespace, "thief", nil)
	address := newAddress()
	thief.listen(address, echo)
	f.makePod(address) // another listener has the address of the bot
	g := newGateway(t)
	key := newKey(t, namespace, "read,send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")
	got := g.do("POST", bot.GatewayPath(namespace, "shop")+"/messages", key, `{"text":"secret"}`)
	if got.status != http.StatusServiceUnavailable || thief.asked.Load() != 0 {
		t.Errorf("answered %d; the thief was asked %d times", got.status, thief.asked.Load())
	}
}

// A pod or a Secret that an earlier session of the same name left, or that somebody else labelled, gets no request, and
// neither does a pod that ends.
func TestWhatAnotherSessionOwnsGetsNothing(t *testing.T) {
	namespace := newNamespace(t)
	made := map[string]*fixture{}
	for name, change := range map[string]func(*fixture){
		"pod": func(f *fixture) {
			own := f.session
			f.session = own.DeepCopy()
			f.session.UID = "an-earlier-one"
			f.start(echo)
			f.session = own
		},
		"secret": func(f *fixture) {
			f.start(echo)
			patch := client.MergeFrom(f.secret.DeepCopy())
			f.secret.OwnerReferences[0].UID = "an-earlier-one"
			must(t, admin.Patch(t.Context(), f.secret, patch))
		},
		"other-name": func(f *fixture) { // such as a copy that somebody made to look into it
			f.start(echo)
			other := &corev1.Pod{ObjectMeta: *f.pod.ObjectMeta.DeepCopy(), Spec: f.pod.Spec}
			other.Name, other.UID, other.ResourceVersion = f.pod.Name+"-copy", "", ""
			status := f.pod.Status
			f.removePod()
			must(t, admin.Create(t.Context(), other))
			other.Status = status
			must(t, admin.Status().Update(t.Context(), other))
		},
		"other-secret": func(f *fixture) {
			f.start(echo)
			other := &corev1.Secret{ObjectMeta: *f.secret.ObjectMeta.DeepCopy(), Data: f.secret.Data}
			other.Name, other.UID, other.ResourceVersion = f.secret.Name+"-copy", "", ""
			must(t, admin.Delete(t.Context(), f.secret))
			must(t, admin.Create(t.Context(), other))
		},
		"going": func(f *fixture) {
			f.start(echo)
			patch := client.MergeFrom(f.pod.DeepCopy())
			f.pod.Finalizers = []string{"sesi.dev/test"}
			must(t, admin.Patch(t.Context(), f.pod, patch))
			t.Cleanup(func() {
				patch := client.MergeFrom(f.pod.DeepCopy())
				f.pod.Finalizers = nil
				must(t, admin.Patch(context.Background(), f.pod, patch))
			})
			must(t, admin.Delete(t.Context(), f.pod, client.GracePeriodSeconds(0)))
		},
		"ended": func(f *fixture) {
			f.start(echo)
			patch := client.MergeFrom(f.pod.DeepCopy())
			f.pod.Status.Phase = corev1.PodFailed
			must(t, admin.Status().Patch(t.Context(), f.pod, patch))
		},
	} {
		f := newSession(t, namespace, name, nil)
		f.setState(v1alpha1.StatePending, v1alpha1.ReasonCrashLooping)
		change(f)
		made[name] = f
	}
	newBot(t, namespace, "good", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "good")+"/messages", key, "")
	for name, f := range made {
		g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, name), key, "")
		if got := g.do("POST", bot.GatewayPath(namespace, name)+"/messages", key, `{"text":"secret"}`); got.status != http.StatusServiceUnavailable || f.asked.Load() != 0 {
			t.Errorf("%s: answered %d, asked %d times", name, got.status, f.asked.Load())
		}
	}
}

// A new pod gets the requests at once, although its bot proves itself as before and the old one still has a connection.
func TestANewAddress(t *testing.T) {
	namespace := newNamespace(t)
	f := newBot(t, namespace, "shop", named("old"))
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	path := bot.GatewayPath(namespace, "shop") + "/messages"
	g.eventually(http.StatusOK, "GET", path, key, "")
	f.removePod()
	f.start(named("new"))
	wait(t, "the new pod to be asked", func() bool { return strings.HasPrefix(g.do("GET", path, key, "").body, "new ") })
}

// A new token is used at once. A bot that proves itself with a key that is no longer pinned gets nothing, also over a
// connection that is open already.
func TestNewCredentials(t *testing.T) {
	namespace := newNamespace(t)
	f := newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read")
	path := bot.GatewayPath(namespace, "shop") + "/messages"
	g.eventually(http.StatusOK, "GET", path, key, "")
	secret := f.secret.DeepCopy()
	change := func(data map[string][]byte) {
		t.Helper()
		patch := client.MergeFrom(secret.DeepCopy())
		maps.Copy(secret.Data, data)
		must(t, admin.Patch(t.Context(), secret, patch))
	}
	change(map[string][]byte{credentials.KeyToken: []byte("a-token-that-this-bot-does-not-know")})
	g.eventually(http.StatusServiceUnavailable, "GET", path, key, "")
	change(map[string][]byte{credentials.KeyToken: []byte(f.token() + "\n")})
	g.eventually(http.StatusOK, "GET", path, key, "")
	other, err := credentials.Build(f.session, nil, time.Now())
	must(t, err)
	f.setState(v1alpha1.StatePending, v1alpha1.ReasonCrashLooping) // so that no request waits for it
	change(map[string][]byte{credentials.KeyCertificate: other.Data[credentials.KeyCertificate], credentials.KeyRoots: other.Data[credentials.KeyRoots]})
	g.eventually(http.StatusServiceUnavailable, "GET", path, key, "")
	asked := f.asked.Load()
	if got := g.do("GET", path, key, ""); got.status != http.StatusServiceUnavailable || f.asked.Load() != asked {
		t.Errorf("answered %d %s, and the bot was asked %d times more", got.status, got.body, f.asked.Load()-asked)
	}
}

// A client that does not read its answer, or sends a request byte by byte, delays nobody else.
func TestSlowClients(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("large") {
			block := make([]byte, 1<<20)
			for {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}
		_, _ = io.Copy(w, r.Body)
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read,send")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, key, "")
	for _, request := range []string{
		"GET " + base + "/messages?large=1 HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + key + "\r\n\r\n",
		"POST " + base + "/messages HTTP/1.1\r\nHost: x\r\nX-Api-Key: " + key + "\r\nContent-Length: 1000\r\n\r\nx",
		"POST " + base + "/messages HTTP/1.1\r\nHost: x\r\nX-Api-",
	} {
		for range 10 {
			conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
			must(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, request)
			must(t, err)
		}
	}
	if got := g.do("POST", base+"/messages", key, "hello"); got.status != http.StatusOK || got.body != "hello" {
		t.Errorf("answered %d %q", got.status, got.body)
	}
}

// A caller that asks too fast is slowed down, and only that one.
func TestRate(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	g := newGateway(t, func(o *gateway.Options) { o.Limits.Rate = 5 })
	g.gateway.StopClock()
	fast, other := newKey(t, namespace, "read"), newKey(t, namespace, "read", func(k *apikey.Key) { k.Name = "other" })
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, other, "")
	refused := 0
	for range 100 {
		if got := g.do("GET", base, fast, ""); got.status == http.StatusTooManyRequests && got.header.Get("Retry-After") != "" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("a hundred requests at once were answered")
	}
	if got := g.do("GET", base, other, ""); got.status != http.StatusOK {
		t.Errorf("another caller: %d", got.status)
	}
}
