package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/scan"
	"sesi.dev/sesi/test/vacant"
)

// Two more codes with the length and letters of WhatsApp's codes.
var (
	secondCode = "2@q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0x1C2v3B4n5M6QWERTYUIOPASDFGHJKLZXCVBNMqwertyuiop,b1Nk8sWq2ErT5yUiOpAsDfGhJkLzXcVbNm1234567A=,Zx9Cv8Bn7Mq6We5Rt4Yu3Io2Pa1Sd0FgHjKlQwErTyU=,mN8bV6cX4zL2kJ0hG1fD3sA5pO7iU9yT8rE6wQ4eR2t="
	thirdCode  = "2@L0kJ9hG8fD7sA6pO5iU4yT3rE2wQ1zX0cV9bN8mM7nB6vC5xZ4aS3dF2gH1jK0lPOIUYTREWQasdfghjklMNBVC,h7Gf6Ds5Aq4Wz3Sx2Ed1Cr0FvTgByHnUjMiKoLp9876=,a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ1234567=,P0o9I8u7Y6t5R4e3W2q1AsDfGhJkLzXcVbNmQwErTy8="
)

// showsCode waits until the page shows a text as its QR code, and reads it from the screen, where it stands.
func showsCode(t *testing.T, tab *browser, want string) {
	t.Helper()
	var read string
	waitUntil(t, "the picture reads as the live code", func() bool {
		read = scan.Code(tab.shotOf(".plate"))
		return read == want
	})
}

// TestPage opens the page in Chromium, over the real handler, and does what a person would do there.
func TestPage(t *testing.T) {
	main := startBrowser(t)
	for name, test := range map[string]func(*testing.T, *browser){
		"code, rotation, connected":   pageFollowsTheSession,
		"code on every screen":        pageShowsTheCodeOnEveryScreen,
		"code that ended":             pageHidesACodeThatEnded,
		"idle, new code":              pageWakesAnIdleSession,
		"untouched, then touched":     pageFallsAsleep,
		"every state":                 pageExplainsEveryState,
		"language":                    pageSwitchesLanguage,
		"dark":                        pageIsDarkInTheDark,
		"bot gone and back":           pageSurvivesTheBot,
		"phone number":                pagePairsByPhoneNumber,
		"pairing code of the bot":     pageShowsTheBotsOwnPairingCode,
		"passkey, by the console":     pageSignsByTheConsole,
		"passkey, by the extension":   pageTakesTheExtensionsAnswer,
		"passkey, on a phone":         pageSendsAPhoneToAComputer,
		"passkey, codes to compare":   pageComparesTheCodes,
		"take back":                   pageRestarts,
		"token form":                  pageTakesTheTokenByForm,
		"token in the address":        pageTakesTheTokenFromTheAddress,
		"link from another site":      pageOpensFromAnotherSite,
		"names are text":              pageTrustsNoName,
		"keyboard and screen readers": pageIsForEveryone,
		"less motion":                 pageKeepsStill,
	} {
		t.Run(name, func(t *testing.T) {
			tab := main.tab(t)
			defer tab.close()
			tab.run(window(1280, 800, 1, "light"))
			test(t, tab)
		})
	}
}

func pageFollowsTheSession(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	url := open(t, New(testConfig(f)))
	tab.run(moving, chromedp.Navigate(url+"/"), view("wait"))
	ask[bool](tab, `window.neverReloaded = true`)
	if got := ask[string](tab, `location.pathname`); got != "/qr" {
		t.Errorf("at %s, want /qr", got)
	}
	for _, code := range []string{testCode, secondCode, thirdCode} {
		f.show(code, time.Minute)
		tab.run(view("qr"))
		showsCode(t, tab, code)
	}
	if got := tab.text("#count"); !strings.HasPrefix(got, "Kode berganti dalam ") {
		t.Errorf("countdown %q", got)
	}
	f.become(func(s *bot.Snapshot) {
		s.State, s.Reason, s.Exists, s.QRExpiresAt = bot.StateConnecting, bot.ReasonPaired, true, bot.Time{}
	})
	tab.run(view("wait"), until(`document.querySelector('h1').textContent === 'Ponsel diterima'`))
	f.link()
	tab.run(view("ok"), settled)
	if read := scan.Code(tab.shot()); read != "" {
		t.Errorf("a code is still to be seen: %q", read)
	}
	for selector, want := range map[string]string{"h1": "Terhubung", "#name": "Sari", "#number-shown": "+62 812-3456-7890"} {
		if got := tab.text(selector); got != want {
			t.Errorf("%s reads %q, want %q", selector, got, want)
		}
	}
	if !ask[bool](tab, `window.neverReloaded === true && document.title === 'Terhubung · Sesi'`) {
		t.Errorf("the page was loaded again, or its title is %q", ask[string](tab, `document.title`))
	}
	// And back: the phone unlinks the device.
	f.become(func(s *bot.Snapshot) {
		revision := s.Revision
		*s = unlinkedSnapshot(bot.StateLoggedOut, bot.ReasonLoggedOut)
		s.Revision, s.Expired = revision, true
	})
	tab.run(until(`document.querySelector('h1').textContent === 'Perangkat dikeluarkan dari ponsel'`))
	f.show(testCode, time.Minute)
	showsCode(t, tab, testCode)
	if got := tab.text("#notes"); !strings.Contains(got, "Sesi sebelumnya sudah berakhir") {
		t.Errorf("notes %q, want what happened to the session", got)
	}
}

func pageShowsTheCodeOnEveryScreen(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, 10*time.Minute)
	url := open(t, New(testConfig(f)))
	for name, screen := range map[string]step{
		"phone":            window(390, 844, 3, "light"),
		"small phone":      window(320, 568, 2, "dark"),
		"tablet":           window(820, 1180, 2, "light"),
		"desktop":          window(1280, 800, 1, "dark"),
		"enlarged desktop": window(1024, 700, 1.25, "light"),
		"wide":             window(2560, 1300, 1, "light"),
	} {
		tab.run(screen, chromedp.Navigate(url+"/qr"), view("qr"), settled)
		ask[bool](tab, `document.querySelector('.plate').scrollIntoView({block: 'center'}) === undefined`)
		showsCode(t, tab, testCode)
		if !ask[bool](tab, `document.documentElement.scrollWidth <= innerWidth`) {
			t.Errorf("%s: the page is wider than the screen", name)
		}
		// Each module is a whole number of pixels; otherwise its edges blur.
		pixels := ask[float64](tab, `document.querySelector('#qr svg').getBoundingClientRect().width * devicePixelRatio / document.querySelector('#qr svg').viewBox.baseVal.width`)
		if off := pixels - float64(int(pixels+0.5)); off > 0.01 || off < -0.01 {
			t.Errorf("%s: a module is %.3f pixels wide", name, pixels)
		}
	}
}

func pageHidesACodeThatEnded(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, 3*time.Second)
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("qr"),
		until(`document.querySelector('.plate.ended')`), settled)
	if read := scan.Code(tab.shot()); read != "" {
		t.Errorf("a code that ended is still to be scanned: %q", read)
	}
	if got := tab.text("#count"); got != "Menunggu kode berikutnya…" {
		t.Errorf("countdown %q", got)
	}
	f.show(secondCode, time.Minute)
	showsCode(t, tab, secondCode)
}

func pageWakesAnIdleSession(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StatePairing, bot.ReasonQRIdle))
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("idle"))
	waitUntil(t, "opening the page counts as looking", func() bool { return f.lookCount() > 0 })
	if got := tab.text("#actions"); got != "Tampilkan kode baru" {
		t.Errorf("actions %q", got)
	}
	f.mu.Lock()
	f.onLook = func(f *fakeSession) {
		if f.snap.Reason == bot.ReasonQRIdle {
			f.becomeLocked(func(s *bot.Snapshot) { s.State, s.Reason = bot.StateConnecting, bot.ReasonNotLinked })
		}
	}
	f.mu.Unlock()
	tab.run(chromedp.Click(chromedp.CSS("[data-action=code]")), view("wait"))
	f.show(testCode, time.Minute)
	tab.run(view("qr"))
	showsCode(t, tab, testCode)
}

// pageFallsAsleep: a page that nobody uses stops asking for codes. Otherwise it would keep a session awake that nobody
// links. Its 15 minutes pass when the test says so.
func pageFallsAsleep(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, 10*time.Minute)
	tab.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `{ const real = setTimeout; window.setTimeout = (f, ms) => { if (ms !== 900000) return real(f, ms); window.tired = f; }; }`})
		return err
	}), chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("qr"))
	ask[bool](tab, `(tired(), true)`)
	tab.run(view("idle"))
	if got := tab.text("#body"); !strings.Contains(got, "lama tidak digunakan") {
		t.Errorf("the page says %q", got)
	}
	looks := f.lookCount()
	f.show(secondCode, 10*time.Minute)
	f.become(func(s *bot.Snapshot) { s.Message = "one more change" })
	tab.run(until(`document.querySelector('#facts').textContent.includes('one more change')`))
	if got := f.lookCount(); got != looks {
		t.Errorf("looked %d times while asleep", got-looks)
	}
	tab.run(chromedp.Click(chromedp.CSS("[data-action=code]")), view("qr"))
}

// pageExplainsEveryState: each state has its text in both languages, readable in light and dark mode, and a remedy if
// there is one.
func pageExplainsEveryState(t *testing.T, tab *browser) {
	var texts map[string]struct {
		pageText
		Takeover [2]string `json:"takeover"`
		Passkey  struct {
			Compare [2]string `json:"compare"`
		} `json:"passkey"`
	}
	if err := json.Unmarshal([]byte(pageTexts), &texts); err != nil {
		t.Fatal(err)
	}
	actions := map[string]string{
		"idle": "code", "phone-gone": "code", "banned": "code", "reconnecting": "reconnect", "conflict": "takeover",
		"restricted": "restart", "outdated": "restart", "failed": "restart", "stopped": "reconnect",
		"unlinked-lost": "reconnect", "unlinked-outdated": "restart", "unlinked-failed": "restart", "unlinked-stopped": "reconnect",
		"passkey-compare": "same,different",
	}
	promises := []string{"tetap disimpan", "tidak perlu memindai", "kept", "no new scan", "no scan"}
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	tab.run(chromedp.Navigate(open(t, New(testConfig(f))) + "/qr"))
	for name, set := range pageStates() {
		says := func(message string) {
			f.become(func(s *bot.Snapshot) { s.Message = message })
			tab.run(until(`document.querySelector('#facts').textContent.includes('` + message + `')`))
		}
		f.forget()
		says("before " + name)
		set(f)
		says("this is " + name)
		tab.run(window(1280, 800, 1, "light"))
		switch {
		case strings.HasPrefix(name, "qr") && name != "qr-timeout", name == "passkey-failed": // the page asks for the code by itself
			tab.run(view("qr"))
		case name == "passkey-sign":
			tab.run(view("passkey"))
		case name == "passkey-compare":
			tab.run(view("compare"))
		}
		snap, _ := f.Watch()
		for _, language := range []string{"id", "en"} {
			tab.run(chromedp.Click(chromedp.CSS("[data-lang="+language+"]")), until(`document.documentElement.lang === '`+language+`'`))
			want := texts[language].Reasons[string(snap.Reason)]
			switch name {
			case "takeover":
				want = texts[language].Takeover
			case "passkey-compare":
				want = texts[language].Passkey.Compare
			case "passkey-failed": // there is a new code; that the last try failed is said below it
				if note := want[1]; !strings.Contains(tab.text("#notes"), note) {
					t.Errorf("%s: notes %q, want %q", name, tab.text("#notes"), note)
				}
				want = texts[language].Reasons[string(bot.ReasonQRAvailable)]
			}
			if other, ok := texts[language].Unlinked[string(snap.Reason)]; ok && !snap.Exists {
				want = other
			}
			if got := tab.text("h1"); got != want[0] {
				t.Errorf("%s: title %q, want %q", name, got, want[0])
			}
			if got := tab.text("#body"); got != want[1] {
				t.Errorf("%s: text %q, want %q", name, got, want[1])
			}
			for _, promise := range promises {
				if !snap.Exists && strings.Contains(tab.text("main .intro"), promise) {
					t.Errorf("%s: no phone is linked, yet the page promises: %q", name, tab.text("main .intro"))
				}
			}
			if said := texts[language].Notices[string(snap.Notice)]; said != "" && !strings.Contains(tab.text("#notes"), said) {
				t.Errorf("%s: notes %q, want %q", name, tab.text("#notes"), said)
			}
		}
		if got := ask[string](tab, `[...document.querySelectorAll('#actions button')].map((b) => b.dataset.action).join()`); got != actions[name] {
			t.Errorf("%s: actions %q, want %q", name, got, actions[name])
		}
		for _, scheme := range []string{"light", "dark"} {
			tab.run(window(1280, 800, 1, scheme))
			for _, poor := range ask[[]string](tab, poorContrast) {
				t.Errorf("%s in %s: %s", name, scheme, poor)
			}
		}
	}
	tab.run(chromedp.Click(chromedp.CSS("[data-lang=id]"))) // the browser remembers it
}

// poorContrast lists texts whose contrast is below WCAG's level AA.
const poorContrast = `(() => {
  const parse = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = (c) => { const l = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const behind = (el) => { for (; el; el = el.parentElement) { const c = parse(getComputedStyle(el).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const out = [];
  for (const el of document.querySelectorAll('h1, p, span, b, button, li, dt, dd, summary, label')) {
    const box = el.getBoundingClientRect(), style = getComputedStyle(el);
    const own = [...el.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || box.width < 2 || box.height < 2 || style.visibility !== 'visible') continue;
    const a = light(parse(style.color)), b = light(behind(el)), size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && +style.fontWeight >= 700;
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (large ? 3 : 4.5)) out.push(el.tagName + ' "' + el.textContent.slice(0, 30) + '": contrast ' + ratio.toFixed(2));
  }
  return out;
})()`

func pageSwitchesLanguage(t *testing.T, tab *browser) {
	f := newFake(connectedSnapshot())
	url := open(t, New(testConfig(f))) + "/qr"
	tab.run(chromedp.Navigate(url), view("ok"))
	if got := tab.text("h1"); got != "Terhubung" {
		t.Errorf("a browser set to Indonesian reads %q", got)
	}
	tab.run(chromedp.Click(chromedp.CSS("[data-lang=en]")), until(`document.querySelector('h1').textContent === 'Connected'`))
	if !ask[bool](tab, `document.documentElement.lang === 'en' && document.querySelector('[data-lang=en]').ariaPressed === 'true' && document.querySelector('[data-lang=id]').ariaPressed === 'false'`) {
		t.Error("the page does not say that it is in English")
	}
	tab.run(chromedp.Navigate(url), view("ok"), until(`document.querySelector('h1').textContent === 'Connected'`))
	tab.run(chromedp.Click(chromedp.CSS("[data-lang=id]")), until(`document.querySelector('h1').textContent === 'Terhubung'`))
}

func pageIsDarkInTheDark(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, time.Minute)
	url := open(t, New(testConfig(f))) + "/qr"
	brightness := `getComputedStyle(document.querySelector('main')).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0)`
	tab.run(window(1280, 800, 1, "dark"), chromedp.Navigate(url), view("qr"), settled)
	if got := ask[float64](tab, brightness); got > 150 {
		t.Errorf("brightness %v in the dark", got)
	}
	showsCode(t, tab, testCode)
	tab.run(window(1280, 800, 1, "light"), settled)
	if got := ask[float64](tab, brightness); got < 700 {
		t.Errorf("brightness %v in the light", got)
	}
}

// pageSurvivesTheBot: the page says that the bot cannot be reached, shows no code that may have expired, and finds the
// bot again.
func pageSurvivesTheBot(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, 10*time.Minute)
	address := vacant.Address(t)
	s, err := Listen(New(testConfig(f)), Addresses{Plain: address, OpenLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	tab.run(chromedp.Navigate("http://"+address+"/qr"), view("qr"))
	ask[bool](tab, `window.neverReloaded = true`)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.Shutdown(ctx) // a browser keeps connections open that it may never use
	if err := poll.Receive(t, "the server to end", served, patience); err != nil {
		t.Fatal(err)
	}
	tab.run(view("lost"), settled)
	if read := scan.Code(tab.shot()); read != "" {
		t.Errorf("a code of a bot that is gone: %q", read)
	}
	f.show(secondCode, 10*time.Minute)
	serve(t, New(testConfig(f)), Addresses{Plain: address, OpenLoopback: true})
	tab.run(view("qr"))
	showsCode(t, tab, secondCode)
	if !ask[bool](tab, `window.neverReloaded === true`) {
		t.Error("the page was loaded again")
	}
}

func pagePairsByPhoneNumber(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, 10*time.Minute)
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("qr"),
		chromedp.Click(chromedp.CSS("[name=method][value=phone]")), view("phone"),
		chromedp.SendKeys(chromedp.CSS("#number"), "0812 3456 7890\r"),
		until(`document.querySelector('#number-error').textContent.startsWith('Mulailah dengan kode negara')`),
		until(`document.activeElement.id === 'number' && document.activeElement.ariaInvalid === 'true'`))
	if asked := f.done(); len(asked) > 0 {
		t.Errorf("the session was asked to %v with a national number", asked)
	}
	ask[string](tab, `document.querySelector('#number').value = ''`)
	tab.run(chromedp.SendKeys(chromedp.CSS("#number"), "+62 812-3456-7890\r"), view("code"))
	if got := ask[string](tab, `[...document.querySelectorAll('#pairing span')].map((s) => s.textContent).join('')`); got != "ABCDEFGH" {
		t.Errorf("the page shows %q", got)
	}
	if f.phone != "+6281234567890" {
		t.Errorf("asked for %q", f.phone)
	}
	if got := ask[string](tab, `document.querySelector('#say').textContent`); got != "Kode penautan: A B C D - E F G H" {
		t.Errorf("a screen reader hears %q", got)
	}
	// The pairing code outlives the QR codes of its round, and disappears when the bot no longer has it.
	f.show(secondCode, 10*time.Minute)
	tab.run(until(`performance.getEntriesByType('resource').filter((e) => e.name.includes('/api/session/qr')).length >= 2`), view("code"))
	tab.run(chromedp.Click(chromedp.CSS("[data-action=number]")), view("phone"), until(`document.activeElement.id === 'number'`))
	f.mu.Lock()
	f.code.PairingCode = ""
	f.mu.Unlock()
	f.show(thirdCode, 10*time.Minute)
	tab.run(until(`document.querySelector('#number-error').textContent.startsWith('Kode tadi sudah tidak berlaku')`))
	f.link()
	tab.run(view("ok"))
}

func pageShowsTheBotsOwnPairingCode(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.code.PairingCode = "WXYZ-1234"
	f.show(testCode, 10*time.Minute)
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("code"),
		chromedp.Click(chromedp.CSS("[name=method][value=qr]")), view("qr"))
	showsCode(t, tab, testCode)
}

func pageSignsByTheConsole(t *testing.T, tab *browser) {
	f := waiting(toSign)
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("passkey"))
	if got := tab.text("h1") + tab.text("#count"); !strings.Contains(got, "WhatsApp meminta passkey") || !strings.Contains(got, "Sisa waktu") {
		t.Errorf("the page reads %q", got)
	}
	tab.run(chromedp.Click(chromedp.CSS("#console-title")), until(`document.querySelector('#console').open`),
		chromedp.SendKeys(chromedp.CSS("#answer-text"), "nothing"), chromedp.Click(chromedp.CSS("#send")),
		until(`document.querySelector('#answer-error').textContent.startsWith('Teks ini tidak lengkap')`))
	f.mu.Lock()
	f.err = &session.Refusal{Kind: session.RefusedPasskey, Reason: bot.ReasonPasskeyRequired, Detail: "code 403"}
	f.mu.Unlock()
	ask[string](tab, `document.querySelector('#answer-text').value = ''`)
	tab.run(chromedp.SendKeys(chromedp.CSS("#answer-text"), `'{"id":"AA"}'`), chromedp.Click(chromedp.CSS("#send")),
		until(`document.querySelector('#answer-error').textContent.includes('WhatsApp menolak passkey ini')`))
	f.mu.Lock()
	f.err = nil
	f.mu.Unlock()
	f.done()
	tab.run(chromedp.Click(chromedp.CSS("#send")), until(`document.querySelector('#answer-text').value === ''`))
	if asked := f.done(); !slices.Equal(asked, []string{"sign"}) || f.signature != `{"id":"AA"}` {
		t.Errorf("the session was asked to %v with %q", asked, f.signature)
	}
	f.askPasskey(bot.Passkey{Step: bot.PasskeyWait, Code: "ABCD-EFGH", ExpiresAt: bot.At(time.Now().Add(time.Minute))})
	tab.run(view("wait"), until(`document.querySelector('#notes').textContent.includes('ABCD-EFGH')`))
	f.mu.Lock()
	f.passkey = bot.Passkey{}
	f.mu.Unlock()
	f.link()
	tab.run(view("ok"))
}

func pageTakesTheExtensionsAnswer(t *testing.T, tab *browser) {
	f := waiting(toSign)
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("passkey"))
	ask[bool](tab, `window.neverReloaded = true`)
	ask[string](tab, `location.hash = 'passkey=' + btoa('{"id":"AA"}').replace(/=+$/, '')`)
	waitUntil(t, "the signature is sent", func() bool { return slices.Contains(f.done(), "sign") })
	if !ask[bool](tab, `window.neverReloaded === true && location.hash === ''`) || f.signature != `{"id":"AA"}` {
		t.Errorf("at %s, with %q", ask[string](tab, `location.href`), f.signature)
	}
}

func pageSendsAPhoneToAComputer(t *testing.T, tab *browser) {
	tab.run(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent: "Mozilla/5.0 (Linux; Android 14) Mobile", UserAgentMetadata: &emulation.UserAgentMetadata{Mobile: true, Platform: "Android"}})
		return err
	}))
	tab.run(window(390, 844, 2, "light"), chromedp.Navigate(open(t, New(testConfig(waiting(toSign))))+"/qr"), view("alert"),
		until(`document.querySelector('#body').textContent.includes('komputer') && document.querySelector('[data-action=address]')`))
	if !ask[bool](tab, `document.documentElement.scrollWidth <= innerWidth`) {
		t.Error("the page is wider than the screen")
	}
}

func pageComparesTheCodes(t *testing.T, tab *browser) {
	f := waiting(bot.Passkey{Step: bot.PasskeyCompare, Code: "ABCD-EFGH"})
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("compare"))
	if got := ask[string](tab, `[...document.querySelectorAll('#pairing span')].map((s) => s.textContent).join('')`); got != "ABCDEFGH" {
		t.Errorf("the page shows %q", got)
	}
	tab.run(chromedp.Click(chromedp.CSS("[data-action=same]")))
	waitUntil(t, "the codes are said to be equal", func() bool { return slices.Contains(f.done(), "confirm") })
	tab.run(until(`document.querySelector('[data-action=same]').ariaDisabled !== 'true'`), chromedp.Click(chromedp.CSS("[data-action=different]")))
	waitUntil(t, "the linking begins again", func() bool { return slices.Contains(f.done(), "restart") })
}

func pageRestarts(t *testing.T, tab *browser) {
	f := newFake(connectedSnapshot())
	f.become(func(s *bot.Snapshot) {
		s.State, s.Reason, s.Connected = bot.StateConflict, bot.ReasonStreamReplaced, false
	})
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("wait")) // it takes the session back automatically
	f.become(func(s *bot.Snapshot) { s.UserAction = bot.ActionResolveConflict })
	tab.run(view("alert"), chromedp.Click(chromedp.CSS("[data-action=takeover]")))
	waitUntil(t, "the session is restarted", func() bool { return slices.Contains(f.done(), "restart") })
	f.link()
	tab.run(view("ok"))

	f.mu.Lock()
	f.err = fmt.Errorf("disk full")
	f.mu.Unlock()
	f.become(func(s *bot.Snapshot) {
		s.State, s.Reason, s.Connected = bot.StateFailed, bot.ReasonConnectFailure, false
	})
	tab.run(view("alert"), chromedp.Click(chromedp.CSS("[data-action=restart]")),
		until(`document.querySelector('#problem').textContent === 'Gagal: disk full'`))
}

func pageTakesTheTokenByForm(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, 10*time.Minute)
	config := testConfig(f)
	config.ClientID = "a-bot-of-its-own" // a browser shares cookies between the ports of a host
	s := serve(t, New(config), Addresses{Plain: "0.0.0.0:0"})
	_, port, err := net.SplitHostPort(s.PlainAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	url := "http://127.0.0.1:" + port + "/qr"
	tab.run(chromedp.Navigate(url), until(`document.activeElement.id === 'token'`))
	for _, poor := range ask[[]string](tab, poorContrast) {
		t.Error(poor)
	}
	tab.run(chromedp.SendKeys(chromedp.CSS("#token"), "wrong\r"), until(`document.querySelector('#error').textContent.includes('bukan API_TOKEN') && document.activeElement.id === 'token'`),
		chromedp.SendKeys(chromedp.CSS("#token"), testToken+"\r"), view("qr"))
	showsCode(t, tab, testCode)
	if got := ask[string](tab, `location.href + ' ' + document.cookie`); got != url+" " {
		t.Errorf("address and readable cookies: %q, want %q", got, url+" ")
	}
	f.link()
	tab.run(view("ok"))
}

func pageTakesTheTokenFromTheAddress(t *testing.T, tab *browser) {
	f := newFake(connectedSnapshot())
	s := serve(t, New(testConfig(f)), Addresses{Plain: "0.0.0.0:0"})
	_, port, err := net.SplitHostPort(s.PlainAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	url := "http://127.0.0.1:" + port + "/qr"
	tab.run(chromedp.Navigate(url+"?token="+testToken), view("ok"))
	if got := ask[string](tab, `location.href + ' ' + JSON.stringify(performance.getEntriesByType('resource').map((e) => e.name))`); strings.Contains(got, testToken) {
		t.Errorf("the token stays in the address: %s", got)
	}
}

// pageOpensFromAnotherSite: a link on another site opens this page for someone who entered the token before, although
// the browser sends no cookie with that request.
func pageOpensFromAnotherSite(t *testing.T, tab *browser) {
	config := testConfig(newFake(connectedSnapshot()))
	config.ClientID = "a-bot-that-is-linked-to"
	s := serve(t, New(config), Addresses{Plain: "0.0.0.0:0"})
	_, port, err := net.SplitHostPort(s.PlainAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	url := "http://127.0.0.1:" + port + "/qr"
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><a href="%s">to the bot</a>`, url)
	}))
	defer other.Close()
	tab.run(chromedp.Navigate(url+"?token="+testToken), view("ok"),
		chromedp.Navigate(strings.Replace(other.URL, "127.0.0.1", "localhost", 1)), chromedp.Click(chromedp.CSS("a")), view("ok"))
}

func pageTrustsNoName(t *testing.T, tab *browser) {
	f := newFake(connectedSnapshot())
	const name = `<img src=x onerror="window.broken=1"><script>window.broken=1</script>`
	f.become(func(s *bot.Snapshot) { s.PushName, s.ClientID, s.Message = name, name, name })
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("ok"), settled)
	if got := ask[string](tab, `document.querySelector('#name').textContent`); got != name {
		t.Errorf("the name reads %q", got)
	}
	if ask[bool](tab, `Boolean(window.broken || document.querySelector('main img, main script'))`) {
		t.Error("a name became part of the page")
	}
}

// pageIsForEveryone: every control can be reached by keyboard and has a name, and a change is announced once.
func pageIsForEveryone(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, 10*time.Minute)
	tab.run(chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("qr"))
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	tree, err := chromedp.Run(ctx, func(ctx context.Context, target *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	if err != nil {
		t.Fatal(err)
	}
	heard := map[string][]string{}
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil || node.Name == nil {
			continue
		}
		role, name := strings.Trim(string(node.Role.Value), `"`), strings.Trim(string(node.Name.Value), `"`)
		heard[role] = append(heard[role], name)
	}
	for role, names := range map[string][]string{
		"heading": {"Tautkan WhatsApp"}, "image": {"Kode QR untuk menautkan WhatsApp"}, "radio": {"Kode QR", "Nomor telepon"},
		"button": {"Bahasa Indonesia", "English"}, "status": nil,
	} {
		if _, ok := heard[role]; !ok {
			t.Errorf("no %s among %v", role, heard)
		}
		for _, name := range names {
			if !slices.Contains(heard[role], name) {
				t.Errorf("no %s named %q: %v", role, name, heard[role])
			}
		}
	}
	var reached []string
	for range 8 {
		tab.run(chromedp.KeyEvent("\t"))
		reached = append(reached, ask[string](tab, `(document.activeElement.dataset.lang || document.activeElement.name || document.activeElement.tagName)`))
	}
	for _, want := range []string{"id", "en", "method", "SUMMARY"} {
		if !slices.Contains(reached, want) {
			t.Errorf("Tab reaches %v, want %s among them", reached, want)
		}
	}
	f.link()
	tab.run(view("ok"), until(`document.querySelector('#say').textContent === 'Terhubung. Bot siap. Halaman ini boleh ditutup.'`))
}

func pageKeepsStill(t *testing.T, tab *browser) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	tab.run(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}), chromedp.Navigate(open(t, New(testConfig(f)))+"/qr"), view("wait"))
	if n := ask[int](tab, `document.getAnimations().filter((a) => a.effect.getTiming().iterations === Infinity).length`); n != 0 {
		t.Errorf("%d endless animations", n)
	}
	f.show(testCode, time.Minute)
	tab.run(view("qr"), until(`Number(document.querySelector('#ring').style.strokeDashoffset) > 0.01`))
	if n := ask[int](tab, `document.querySelector('#ring').getAnimations().length`); n != 0 {
		t.Errorf("%d animations of the ring", n)
	}
}
