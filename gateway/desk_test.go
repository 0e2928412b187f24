package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/chromium"
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

// The desk does not offer what a reader may not do, and refuses it when it is sent anyway.
func TestDeskOffersOnlyWhatTheReaderMayDo(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
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

// tab is a browser's.
type tab struct {
	t   *testing.T
	ctx context.Context
}

type step = chromedp.Action[chromedp.Void]

func (b *tab) run(steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("in the browser: %v; the page shows:\n%s", err, eval[string](b, "document.body.innerText"))
	}
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// until waits for an expression to become true, also across a change of page.
func (b *tab) until(expression string) {
	b.t.Helper()
	wait(b.t, expression, func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
		defer cancel()
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		return err == nil && holds
	}, func() string { return eval[string](b, "location.href + document.body.innerText") })
}

// screen is what a person looks at.
type screen struct {
	name          string
	width, height int64
	scheme        string
}

var screens = []screen{{"desktop", 1280, 900, "light"}, {"desktop", 1280, 900, "dark"}, {"phone", 390, 844, "light"}, {"phone", 390, 844, "dark"}}

// look looks at the page on every screen: nothing is cut off, and axe-core finds nothing serious. AXE_CORE names its
// file; SCREENSHOTS names a folder for pictures.
func (b *tab) look(name string) {
	b.t.Helper()
	for _, s := range screens {
		b.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, sized := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.name == "phone"})
			_, coloured := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}})
			return errors.Join(sized, coloured)
		}))
		if wide := eval[float64](b, "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
			b.t.Errorf("%s on a %s is %v pixels too wide", name, s.name, wide)
		}
		if folder := os.Getenv("SCREENSHOTS"); folder != "" {
			ctx, cancel := context.WithTimeout(b.ctx, patience)
			picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			cancel()
			must(b.t, err)
			must(b.t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%s-%s.png", name, s.name, s.scheme)), picture, 0o600))
		}
		if file := os.Getenv("AXE_CORE"); file != "" {
			b.axe(name+" on a "+s.name+", "+s.scheme, file)
		}
	}
}

// axe runs axe-core in the page.
func (b *tab) axe(name, file string) {
	b.t.Helper()
	source, err := os.ReadFile(file)
	must(b.t, err)
	eval[bool](b, string(source)+"; true")
	eval[bool](b, `(window.found = null, axe.run().then(r => { window.found = JSON.stringify(r.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html + ' ' + n.failureSummary).join('; ')])) }), true)`)
	b.until("window.found !== null")
	var found [][]string
	must(b.t, json.Unmarshal([]byte(eval[string](b, "window.found")), &found))
	for _, f := range found {
		b.t.Errorf("%s: axe finds %v", name, f)
	}
}

// linking is a bot that waits to be linked.
func linking(t *testing.T, snapshots <-chan bot.Snapshot) http.HandlerFunc {
	picture := image.NewGray(image.Rect(0, 0, 29, 29))
	for i := range 29 * 29 {
		picture.SetGray(i%29, i/29, color.Gray{Y: uint8(i * 37 % 2 * 255)})
	}
	var code bytes.Buffer
	must(t, png.Encode(&code, picture))
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case bot.PathSessionEvents:
			w.Header().Set("Content-Type", "text/event-stream")
			if bottest.WriteEvent(w, bottest.Unlinked("toko", "")) != nil {
				return
			}
			for {
				select {
				case <-r.Context().Done():
					return
				case snapshot := <-snapshots:
					if bottest.WriteEvent(w, snapshot) != nil {
						return
					}
				}
			}
		case bot.PathCode:
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(code.Bytes())
		case bot.PathPair:
			fmt.Fprint(w, `{"pairingCode":"ABCD-EFGH"}`)
		case bot.PathMessages:
			if r.Method == http.MethodPost {
				fmt.Fprint(w, `{}`)
				return
			}
			fmt.Fprint(w, `{"messages":[{"id":"1","kind":"text","text":"<b>hai</b>","from":{"name":"<img src=x onerror=alert(1)>"},"timestamp":"2026-01-15T10:30:00.000Z"}],"before":0}`)
		default:
			http.NotFound(w, r)
		}
	}
}

// TestDesk does at the desk what a person does, in Chromium.
func TestDesk(t *testing.T) {
	namespace := newNamespace(t)
	snapshots := make(chan bot.Snapshot, 1)
	f := newSession(t, namespace, "toko", nil)
	f.start(linking(t, snapshots))
	f.setState(bot.StatePairing, v1alpha1.ReasonPodRunning, func(s *v1alpha1.WhatsAppSessionStatus) { s.UserAction = bot.ActionScanQR })
	other := newSession(t, namespace, "kasir", nil)
	other.setState(bot.StateConnected, v1alpha1.ReasonPodRunning, func(s *v1alpha1.WhatsAppSessionStatus) {
		s.Session = &v1alpha1.SessionStatus{PushName: `<img src=x onerror="document.title='owned'">`, PhoneNumber: "+628123456789"}
	})
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,control,manage")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "kasir"), key, "")

	alloc := chromium.Start(t, chromedp.Flag("accept-lang", "id-ID"), chromedp.Flag("hide-scrollbars", true))
	ctx, end := chromedp.NewContext(alloc)
	defer end()
	must(t, chromedp.Do(ctx))
	b := &tab{t, ctx}
	b.run(chromedp.Navigate(g.url + "/"))
	b.until("document.querySelector('#credential')")
	b.look("sign-in")
	eval[bool](b, fmt.Sprintf("(document.querySelector('#credential').value=%q, document.querySelector('form.stack button').click(), true)", key))
	b.until("document.querySelector('.needs a')")
	eval[bool](b, "window.neverReloaded = true")
	if text := eval[string](b, "document.body.innerText"); !strings.Contains(text, "Pindai kode") || !strings.Contains(text, "kasir") || !strings.Contains(text, "<img src=x") || eval[string](b, "document.title") == "owned" {
		t.Errorf("the list shows\n%s", text)
	}
	b.look("list")

	// The row of a session leaves when it is connected, and a new one comes, without a reload.
	third := newSession(t, namespace, "gudang", nil)
	third.setState(bot.StateConflict, v1alpha1.ReasonPodRunning, func(s *v1alpha1.WhatsAppSessionStatus) { s.UserAction = bot.ActionResolveConflict })
	b.until("document.querySelectorAll('.needs li').length === 2")
	third.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
	b.until("document.querySelectorAll('.needs li').length === 1 && window.neverReloaded")

	// Searching by keyboard changes the list alone.
	eval[bool](b, "(document.querySelector('[type=search]').value='kas', document.querySelector('[type=search]').dispatchEvent(new Event('input', {bubbles: true})), true)")
	b.until("document.querySelectorAll('tbody tr').length === 1 && location.search.includes('kas')")

	// Linking: the code, and a code to type.
	b.run(chromedp.Navigate(g.url + "/desk/sessions/" + namespace + "/toko"))
	b.until("document.querySelector('#qr').naturalWidth > 0 && !document.querySelector('#qr').hidden")
	eval[bool](b, "(document.querySelector('#phone').value='+628123456789', document.querySelector('#pair button').click(), true)")
	b.until("document.querySelector('#code').textContent === 'ABCD-EFGH'")
	if text := eval[string](b, "document.querySelector('.messages').innerText"); !strings.Contains(text, "<b>hai</b>") || !strings.Contains(text, "<img") {
		t.Errorf("messages show %s", text)
	}
	b.look("session")
	snapshots <- bottest.Paired("toko", "", "62811:1@s.whatsapp.net")
	b.until("document.querySelector('#link').hidden")
	f.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
	b.until("document.querySelector('#panel [data-state=Connected]')")

	// A message is sent, and an action that changes the session asks for confirmation.
	eval[bool](b, "(document.querySelector('#to').value='+628123456789', document.querySelector('form[action$=\"/send\"] button').click(), true)")
	b.until("document.querySelector('.done') && document.querySelector('.done').innerText.includes('Pesan dikirim')")
	eval[bool](b, "(document.querySelector('form[action$=\"/stop\"]').closest('details').querySelector('summary').click(), true)")
	b.until("document.querySelector('form[action$=\"/stop\"] button').offsetHeight > 0")
	eval[bool](b, "(document.querySelector('form[action$=\"/stop\"] button').click(), true)")
	b.until("document.querySelector('form[action$=\"/start\"]')")

	// English, and a new session.
	b.run(chromedp.Navigate(g.url + "/?lang=en"))
	b.until("document.documentElement.lang === 'en' && document.body.innerText.includes('Session desk')")
	b.run(chromedp.Navigate(g.url + "/desk/new"))
	b.until("document.querySelector('#name') && document.body.innerText.includes('New session')")
	b.look("new")
	eval[bool](b, "(document.querySelector('#name').value='baru', document.querySelector('form.stack button').click(), true)")
	b.until("location.pathname.endsWith('/baru')")
	eval[bool](b, "(document.querySelector('nav form button').click(), true)")
	b.until("document.querySelector('#credential')")
}
