package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
)

// form sends a form as the desk's own page does.
func (s *served) form(path, cookie string, values url.Values, edit ...func(*http.Request)) reply {
	return s.do("POST", path, "", "", append([]func(*http.Request){func(r *http.Request) {
		body := values.Encode()
		r.Body, r.ContentLength = readCloser(body), int64(len(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
	}}, edit...)...)
}

type body struct{ *strings.Reader }

func (body) Close() error { return nil }

func readCloser(text string) body { return body{strings.NewReader(text)} }

// signIn returns the desk's cookie.
func (s *served) signIn(credential string) string {
	s.t.Helper()
	got := s.form("/desk/login", "", url.Values{"credential": {credential}})
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	if got.status != http.StatusSeeOther || cookie == "" {
		s.t.Fatalf("sign in: %d %s", got.status, got.body)
	}
	return cookie
}

// Scripts cannot read the cookie, it is sent to no other host, and it does not work for pages of other sites.
func TestDeskCookie(t *testing.T) {
	namespace := newNamespace(t)
	f := newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,control,manage")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), key, "")

	got := g.form("/desk/login", "", url.Values{"credential": {key}}, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") })
	for _, want := range []string{"__Host-sesi-desk=", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(got.header.Get("Set-Cookie"), want) {
			t.Errorf("the cookie %q lacks %s", got.header.Get("Set-Cookie"), want)
		}
	}
	if got := g.form("/desk/login", "", url.Values{"credential": {apikey.New()}}); got.status != http.StatusUnauthorized || got.header.Get("Set-Cookie") != "" {
		t.Errorf("a wrong key: %d", got.status)
	}
	cookie := g.signIn(key)
	path := "/desk/sessions/" + namespace + "/shop"
	if got := g.form(path+"/stop", cookie, nil); got.status != http.StatusSeeOther {
		t.Errorf("the desk's own form: %d %s", got.status, got.body)
	}
	wait(t, "the session to be suspended", func() bool { return admin.Get(t.Context(), f.key, f.session) == nil && *f.session.Spec.Suspended })
	for name, edit := range map[string]func(*http.Request){
		"another site":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a sibling":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"an old browser":  func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
		"a form's origin": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
	} {
		for _, action := range []string{path + "/delete", "/desk/login", "/desk/new"} {
			if got := g.form(action, cookie, url.Values{"credential": {key}}, edit); got.status != http.StatusForbidden {
				t.Errorf("%s, %s: %d", name, action, got.status)
			}
		}
		if got := g.do("DELETE", bot.GatewayPath(namespace, "shop"), "", "", func(r *http.Request) { r.Header.Set("Cookie", cookie); edit(r) }); got.status != http.StatusForbidden {
			t.Errorf("%s, the API: %d", name, got.status)
		}
	}
	f.asked.Store(0)
	g.do("GET", bot.GatewayPath(namespace, "shop")+"/messages", "", "", func(r *http.Request) {
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	})
	if f.asked.Load() == 0 {
		t.Error("the desk's own page cannot use the API")
	}
}

// A credential that no browser keeps as a cookie is refused, instead of a sign-in that leads back to it; so is a form that no
// page of the desk sends.
func TestSignInWithALongCredential(t *testing.T) {
	namespace := newNamespace(t)
	newToken(t, namespace, "viewer")
	g := newGateway(t)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "viewer"}}
	request := &authenticationv1.TokenRequest{}
	must(t, admin.SubResource("token").Create(t.Context(), account, request))
	audiences := request.Spec.Audiences // the API server's own
	token := func(audience string) string {
		t.Helper()
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: append([]string{audience}, audiences...)}}
		must(t, admin.SubResource("token").Create(t.Context(), account, request))
		return request.Status.Token
	}
	for length, want := range map[int]int{10: http.StatusSeeOther, 4000: http.StatusUnauthorized} {
		got := g.form("/desk/login", "", url.Values{"credential": {token(strings.Repeat("a", length))}})
		if got.status != want || (got.header.Get("Set-Cookie") != "") != (want == http.StatusSeeOther) {
			t.Errorf("a token of an audience of %d letters: %d %s", length, got.status, got.body)
		}
	}
	if got := g.form("/desk/login", "", url.Values{"credential": {"x"}, "more": {strings.Repeat("x", 17<<10)}}); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long form: %d %s", got.status, got.body)
	}
}

// The desk does not offer what a reader may not do, and refuses it when it is sent anyway.
func TestDeskOffersOnlyWhatTheReaderMayDo(t *testing.T) {
	namespace, other := newNamespace(t), newNamespace(t)+"-other"
	must(t, admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: other}}))
	newSession(t, other, "hidden", nil)
	newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == bot.PathMessages {
			fmt.Fprint(w, `{"messages":[{"id":"1","kind":"text","text":"a message","from":{"name":"ani"}}]}`)
		}
	})
	g := newGateway(t)
	reader, all := newKey(t, namespace, "read"), newKey(t, namespace, "read,send,link,control,manage")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), all, "")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), reader, "")
	path := "/desk/sessions/" + namespace + "/shop"
	see := func(key, path string) reply {
		cookie := g.signIn(key)
		return g.do("GET", path, "", "", func(r *http.Request) { r.Header.Set("Cookie", cookie); r.Header.Set("Sec-Fetch-Site", "none") })
	}
	parts := []string{path + "/restart", path + "/logout", path + "/stop", path + "/delete", path + "/send", `id="link"`}
	mine, theirs := see(all, path), see(reader, path)
	for _, part := range parts {
		if !strings.Contains(mine.body, part) {
			t.Errorf("the page lacks %s", part)
		}
		if strings.Contains(theirs.body, part) {
			t.Errorf("a reader is offered %s", part)
		}
	}
	if !strings.Contains(see(all, "/").body, `href="/desk/new"`) || strings.Contains(see(reader, "/").body, `href="/desk/new"`) {
		t.Error("a new session is offered to the wrong people")
	}
	// Who may only control a session is told nothing of it, and who may only see its state reads no messages.
	control := newKey(t, namespace, "control")
	g.eventually(http.StatusForbidden, "GET", bot.GatewayPath(namespace, "shop"), control, "")
	if got := g.form(path+"/pause", g.signIn(control), url.Values{"webhook": {".."}}); got.status != http.StatusBadRequest || strings.Contains(got.body, path) {
		t.Errorf("who may only control it: %d %s", got.status, got.body)
	}
	states := newToken(t, namespace, "states", rule("get", ""))
	if !strings.Contains(mine.body, "a message") || strings.Contains(see(states, path).body, "a message") {
		t.Error("messages are shown to the wrong people")
	}
	if list := see(all, "/").body; strings.Contains(list, other) {
		t.Error("the list shows another namespace")
	}
	if mine.header.Get("X-Frame-Options") != "DENY" {
		t.Error("the page can be framed")
	}
	ended := g.do("GET", "/", "", "", func(r *http.Request) { r.Header.Set("Cookie", "sesi-desk="+apikey.New()) })
	if cookie := ended.header.Get("Set-Cookie"); ended.status != http.StatusOK || !strings.HasPrefix(cookie, "sesi-desk=;") || !strings.Contains(cookie, "Max-Age=0") {
		t.Errorf("a cookie whose key has ended: %d, %q", ended.status, cookie)
	}
	if got := g.form(path+"/delete", g.signIn(reader), nil); got.status != http.StatusForbidden {
		t.Errorf("a reader's delete: %d", got.status)
	}
	if got := see(all, "/desk/sessions/"+namespace+"/nothing"); got.status != http.StatusNotFound {
		t.Errorf("a session that is not there: %d", got.status)
	}
	if csp := mine.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}

// A webhook is steered from the desk by those who may control its session, and by no name that leads elsewhere.
func TestWebhooksAtTheDesk(t *testing.T) {
	namespace := newNamespace(t)
	asked := make(chan string, 20)
	f := newBot(t, namespace, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			asked <- r.URL.String()
		}
		switch r.URL.Path {
		case bot.PathWebhooks:
			fmt.Fprint(w, `{"webhooks":[{"name":"crm","state":"delivering"},{"name":"old","state":"ended"}]}`)
		case bot.PathWebhooks + "/crm/test":
			fmt.Fprint(w, `{"delivered":true,"status":204}`)
		case bot.PathWebhooks + "/old/test":
			fmt.Fprint(w, `{"delivered":false,"status":503,"error":"<b>overloaded</b>"}`)
		case bot.PathWebhooks + "/crm/pause", bot.PathWebhooks + "/old/resume", bot.PathWebhooks + "/crm/redeliver":
			fmt.Fprint(w, `{}`)
		default:
			http.NotFound(w, r)
		}
	})
	g := newGateway(t)
	reader, all := newKey(t, namespace, "read"), newKey(t, namespace, "read,control")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), all, "")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop"), reader, "")
	path := "/desk/sessions/" + namespace + "/shop"
	cookie, readers := g.signIn(all), g.signIn(reader)
	see := func(cookie string) string {
		return g.do("GET", path, "", "", func(r *http.Request) { r.Header.Set("Cookie", cookie); r.Header.Set("Sec-Fetch-Site", "none") }).body
	}
	if mine, theirs := see(cookie), see(readers); strings.Count(mine, path+"/pause") != 1 || strings.Count(mine, path+"/resume") != 1 ||
		strings.Count(mine, path+"/redeliver") != 2 || strings.Contains(theirs, path+"/pause") || !strings.Contains(theirs, "crm") {
		t.Error("the page offers the wrong steps, or to the wrong people")
	}
	for name, c := range map[string]struct {
		what, webhook, after string
		status               int
		asked                string
		says                 string
	}{
		"pause":              {"pause", "crm", "", 303, "/api/webhooks/crm/pause", ""},
		"resume":             {"resume", "old", "", 303, "/api/webhooks/old/resume", ""},
		"a test":             {"test", "crm", "", 303, "/api/webhooks/crm/test", ""},
		"a test that fails":  {"test", "old", "", 409, "/api/webhooks/old/test", "503 Service Unavailable, &lt;b&gt;overloaded"},
		"again":              {"redeliver", "crm", "1200", 303, "/api/webhooks/crm/redeliver?after=1200", ""},
		"all again":          {"redeliver", "crm", "oldest", 303, "/api/webhooks/crm/redeliver?after=oldest", ""},
		"no number":          {"redeliver", "crm", "1&x=2", 400, "", "oldest"},
		"another path":       {"pause", "../session/logout?", "", 400, "", "no such webhook"},
		"a dot":              {"pause", "..", "", 400, "", "no such webhook"},
		"an encoded slash":   {"pause", "a%2Fb", "", 400, "", "no such webhook"},
		"one that is not it": {"pause", "other", "", 409, "/api/webhooks/other/pause", ""},
	} {
		got := g.form(path+"/"+c.what, cookie, url.Values{"webhook": {c.webhook}, "after": {c.after}})
		sent := ""
		select {
		case sent = <-asked:
		default:
		}
		if got.status != c.status || sent != c.asked || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %d, and the bot was asked %q; the page says %.900s", name, got.status, sent, got.body)
		}
	}
	before := f.asked.Load()
	for _, what := range []string{"pause", "resume", "test", "redeliver"} {
		if got := g.form(path+"/"+what, readers, url.Values{"webhook": {"crm"}, "after": {"1"}}); got.status != http.StatusForbidden {
			t.Errorf("a reader's %s: %d", what, got.status)
		}
	}
	if len(asked) > 0 {
		t.Errorf("a reader reached the bot: %d calls before, %d after", before, f.asked.Load())
	}
	wait(t, "the line of the last call", func() bool { return strings.Count(g.log.String(), `"action":"control"`) >= 11 }, g.log.String)
	if log := g.log.String(); strings.Count(log, `"action":"control"`) != 11 || !strings.Contains(log, `"status":403`) {
		t.Errorf("the audit log is %s", log)
	}
}
