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
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/bottest"
	"sesi.dev/sesi/test/chromium"
)

// tab is a browser's.
type tab struct {
	t   *testing.T
	ctx context.Context
	axe string
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

// screens are what the pages of a language are looked at on.
var screens = map[string][]screen{
	"id": {{"desktop", 1280, 900, "light"}, {"phone", 390, 844, "dark"}},
	"en": {{"desktop", 1280, 900, "dark"}, {"phone", 390, 844, "light"}},
}

// look looks at the page: nothing is cut off, and axe-core finds nothing. SCREENSHOTS names a folder for pictures.
func (b *tab) look(name string) {
	b.t.Helper()
	language := eval[string](b, "document.documentElement.lang")
	for _, s := range screens[language] {
		b.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, sized := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
				Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.name == "phone"})
			_, coloured := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}})
			return errors.Join(sized, coloured)
		}))
		at := fmt.Sprintf("%s-%s-%s-%s", name, language, s.name, s.scheme)
		if wide := eval[float64](b, "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
			b.t.Errorf("%s is %v pixels too wide", at, wide)
		}
		if folder := os.Getenv("SCREENSHOTS"); folder != "" {
			ctx, cancel := context.WithTimeout(b.ctx, patience)
			picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			cancel()
			must(b.t, err)
			must(b.t, os.WriteFile(filepath.Join(folder, at+".png"), picture, 0o600))
		}
		if b.axe != "" {
			b.inspect(at)
		}
	}
}

// inspect runs axe-core in the page.
func (b *tab) inspect(at string) {
	b.t.Helper()
	if !eval[bool](b, "Boolean(window.axe)") {
		eval[bool](b, b.axe+"; true")
	}
	eval[bool](b, `(window.found = null, axe.run({resultTypes: ["violations"]}).then(r => { window.found = JSON.stringify(r.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html + ' ' + n.failureSummary).join('; ')])) }), true)`)
	b.until("window.found !== null")
	var found [][]string
	must(b.t, json.Unmarshal([]byte(eval[string](b, "window.found")), &found))
	for _, f := range found {
		b.t.Errorf("%s: axe-core finds %v", at, f)
	}
}

// axeCore returns axe-core's script; "" where there is no npm.
func axeCore(t *testing.T) string {
	t.Helper()
	path, err := exec.CommandContext(t.Context(), filepath.Join("..", "test", "axe", "install.sh")).Output()
	if err != nil {
		t.Fatalf("install axe-core: %v", err)
	}
	if len(path) == 0 {
		t.Log("there is no npm, so axe-core does not look at the pages")
		return ""
	}
	script, err := os.ReadFile(strings.TrimSpace(string(path)))
	must(t, err)
	return string(script)
}

// told is what a bot tells on each of its streams. A page that was left may still have one.
type told struct {
	mu   sync.Mutex
	last bot.Snapshot
	more chan struct{} // closed when there is a later one
}

func (s *told) tell(snapshot bot.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = snapshot
	close(s.more)
	s.more = make(chan struct{})
}

func (s *told) now() (bot.Snapshot, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.more
}

// linking is a bot that waits to be linked.
func linking(t *testing.T, snapshots *told) http.HandlerFunc {
	picture := image.NewGray(image.Rect(0, 0, 29, 29))
	for i := range 29 * 29 {
		picture.SetGray(i%29, i/29, color.Gray{Y: uint8(i * 37 % 2 * 255)})
	}
	var code bytes.Buffer
	must(t, png.Encode(&code, picture))
	var paused atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case bot.PathSessionEvents:
			w.Header().Set("Content-Type", "text/event-stream")
			for {
				snapshot, more := snapshots.now()
				if bottest.WriteEvent(w, snapshot) != nil {
					return
				}
				select {
				case <-r.Context().Done():
					return
				case <-more:
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
		case bot.PathStatus:
			fmt.Fprint(w, `{"backupAt":"2026-01-15T09:00:00.000Z"}`)
		case bot.PathWebhooks:
			state := bot.WebhookRetrying
			if paused.Load() {
				state = bot.WebhookPaused
			}
			fmt.Fprintf(w, `{"webhooks":[{"name":"crm","url":"https://crm.example/hook","state":%q,"backlog":12,"deadLetters":3,"lastError":"503 Service Unavailable"}]}`, state)
		case bot.PathWebhooks + "/crm/pause":
			paused.Store(true)
			fmt.Fprint(w, `{}`)
		case bot.PathBackup:
			w.Header().Set("Content-Type", "application/gzip")
			fmt.Fprint(w, "keys")
		case bot.PathPasskey:
			if r.Method == http.MethodPost {
				signed, _ := io.ReadAll(r.Body)
				if string(signed) != `{"id":"AA"}` {
					http.Error(w, "no signature", http.StatusUnprocessableEntity)
					return
				}
				snapshots.tell(asksPasskey(bot.ReasonPasskeyConfirmation))
				return
			}
			step := `{"step":"sign","options":{"challenge":"AAAA"},"console":"sign()","revision":1}`
			if last, _ := snapshots.now(); last.Reason == bot.ReasonPasskeyConfirmation {
				step = `{"step":"compare","code":"WXYZ-1234","revision":2}`
			}
			fmt.Fprint(w, step)
		case bot.PathPasskeyConfirm:
			snapshots.tell(bottest.Paired("toko", "", "62811:1@s.whatsapp.net"))
		default:
			http.NotFound(w, r)
		}
	}
}

// asksPasskey is the snapshot of a bot that waits for a passkey.
func asksPasskey(reason bot.Reason) bot.Snapshot {
	snapshot := bottest.Unlinked("toko", "")
	snapshot.UserAction, snapshot.Reason = bot.ActionSignPasskey, reason
	return snapshot
}

// TestDesk does at the desk what a person does, in Chromium.
func TestDesk(t *testing.T) {
	namespace := newNamespace(t)
	snapshots := &told{last: bottest.Unlinked("toko", ""), more: make(chan struct{})}
	f := newSession(t, namespace, "toko", nil)
	f.start(linking(t, snapshots))
	f.setState(bot.StatePairing, v1alpha1.ReasonPodRunning, func(s *v1alpha1.WhatsAppSessionStatus) { s.UserAction = bot.ActionScanQR })
	other := newSession(t, namespace, "kasir", nil)
	other.setState(bot.StateConnected, v1alpha1.ReasonPodRunning, func(s *v1alpha1.WhatsAppSessionStatus) {
		s.Session = &v1alpha1.SessionStatus{PushName: `<img src=x onerror="document.title='owned'">`, PhoneNumber: "+628123456789"}
	})
	must(t, admin.Create(t.Context(), &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "toko.1"}, Reason: "ClaimPending", Message: "waiting for a volume", Type: corev1.EventTypeNormal,
		InvolvedObject: corev1.ObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "WhatsAppSession", Namespace: namespace, Name: "toko", UID: f.session.UID},
	}))
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,control,manage")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "kasir"), key, "")

	ctx := chromium.Start(t, chromedp.Flag("accept-lang", "id-ID"), chromedp.Flag("hide-scrollbars", true))
	b := &tab{t, ctx, axeCore(t)}
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

	// The session that waits is reached, and opened, with the keyboard alone.
	b.run(chromedp.KeyEvent("\t"))
	b.until("document.activeElement.className === 'skip'")
	for range 20 {
		if eval[bool](b, "document.activeElement.matches('.needs .button')") {
			break
		}
		b.run(chromedp.KeyEvent("\t"))
	}
	b.run(chromedp.KeyEvent("\r"))
	b.until("location.pathname.endsWith('/toko')")
	b.run(chromedp.Navigate(g.url + "/"))
	b.until("document.querySelector('.needs a')")

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
	page := eval[string](b, "document.querySelector('main').textContent")
	for _, want := range []string{"Bot berjalan", "tidak, sejak", "ClaimPending", "Penyimpanan sedang disediakan.", "waiting for a volume", "crm", "12 peristiwa menunggu", "3 tidak terkirim", "503 Service", "2026-01-15 09:00"} {
		if !strings.Contains(page, want) {
			t.Errorf("the session's page lacks %q", want)
		}
	}
	b.look("session")

	// WhatsApp asks for a passkey: the helper's answer comes back behind the #, and the codes are compared.
	snapshots.tell(asksPasskey(bot.ReasonPasskeyRequired))
	b.until("!document.querySelector('#passkeySign').hidden && document.querySelector('#console').value === 'sign()'")
	b.look("passkey")
	eval[bool](b, "(location.hash = '#passkey=bm90aGluZw', true)")
	b.until("document.querySelector('#passkeyProblem').innerText.includes('tidak lengkap')")
	eval[bool](b, `(location.hash = '#passkey=' + btoa('{"id":"AA"}').replaceAll('=', ''), true)`)
	b.until("document.querySelector('#compare').textContent === 'WXYZ-1234'")
	eval[bool](b, "(document.querySelector('#confirm').click(), true)")
	b.until("document.querySelector('#passkey').hidden && document.querySelector('#link').hidden")
	f.setState(bot.StateConnected, v1alpha1.ReasonPodRunning)
	b.until("document.querySelector('#panel [data-state=Connected]')")

	// A webhook is paused, which asks first.
	eval[bool](b, "(document.querySelector('form[action$=\"/pause\"]').closest('details').querySelector('summary').click(), true)")
	b.until("document.querySelector('form[action$=\"/pause\"] button').offsetHeight > 0")
	eval[bool](b, "(document.querySelector('#webhooksTitle').scrollIntoView(), true)")
	b.look("webhook")
	eval[bool](b, "(document.querySelector('form[action$=\"/pause\"] button').click(), true)")
	b.until("document.querySelector('.done') && document.querySelector('.done').innerText.includes('Webhook dijeda') && document.querySelector('form[action$=\"/resume\"]') && !document.querySelector('form[action$=\"/pause\"]')")

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
	b.look("list")
	b.run(chromedp.Navigate(g.url + "/desk/sessions/" + namespace + "/toko"))
	b.until("document.querySelector('main').textContent.includes('The bot runs')")
	b.look("session")
	b.run(chromedp.Navigate(g.url + "/desk/new"))
	b.until("document.querySelector('#name') && document.body.innerText.includes('New session')")
	b.look("new")
	eval[bool](b, "(document.querySelector('#name').value='baru', document.querySelector('#webhook').value='https://crm.example/hook', document.querySelector('#secret').value='a-key-of-the-crm-1', document.querySelector('form.stack button').click(), true)")
	b.until("location.pathname.endsWith('/baru')")
	made := &v1alpha1.WhatsAppSession{}
	must(t, admin.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "baru"}, made))
	if hooks := made.Spec.Webhooks; len(hooks) != 1 || hooks[0].URL != "https://crm.example/hook" || hooks[0].Format != v1alpha1.WebhookFormatSesi || hooks[0].SecretRef == nil {
		t.Errorf("made with %+v", hooks)
	}
	eval[bool](b, "(document.querySelector('nav form button').click(), true)")
	b.until("document.querySelector('#credential')")
}
