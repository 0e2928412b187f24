package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/httpapi/extension"
	"sesi.dev/sesi/test/chromium"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// person is someone with a browser whose authenticator holds the account's passkey. The browser knows only the bot, and
// the simulator under WhatsApp's own name.
type person struct {
	t   *testing.T
	ctx context.Context
	key *simtest.Authenticator
}

func newPerson(t *testing.T, wa *simtest.Sim, options ...chromedp.ExecAllocatorOption) *person {
	t.Helper()
	key := simtest.NewAuthenticator(t)
	if err := wa.RequirePasskey(phone, key.Passkey()); err != nil {
		t.Fatal(err)
	}
	options = append([]chromedp.ExecAllocatorOption{
		chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("host-resolver-rules", "MAP web.whatsapp.com "+wa.Addr()+", MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	}, options...)
	ctx, cancel := context.WithTimeout(chromium.Start(t, options...), 2*patience)
	t.Cleanup(cancel)
	return &person{t, ctx, key}
}

func (p *person) do(ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// holds reports whether an expression is true in a tab.
func (p *person) holds(ctx context.Context, expression string) bool {
	holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
	return err == nil && holds
}

// unlock makes the passkey usable in a tab, as a fingerprint would.
func (p *person) unlock(ctx context.Context) {
	p.t.Helper()
	private, err := x509.MarshalPKCS8PrivateKey(p.key.Key)
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(ctx, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		if _, err := cdp.Call(ctx, tab, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		made, err := cdp.Call(ctx, tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, tab, webauthn.AddCredential, webauthn.AddCredentialParams{AuthenticatorID: made.AuthenticatorID, Credential: &webauthn.Credential{
			CredentialID: p.key.CredentialID, RpID: "whatsapp.com", PrivateKey: private, IsResidentCredential: true, UserHandle: []byte("user"), SignCount: 1}})
		return err
	}))
}

// scanAsked lets the phone scan the bot's code, and waits until the page asks for the passkey.
func (p *person) scanAsked(b *process, wa *simtest.Sim) <-chan error {
	p.t.Helper()
	p.do(p.ctx, chromedp.Navigate("http://"+b.plain+"/qr"))
	code := b.code()
	return p.asked(b, func() error {
		_, err := wa.Scan(p.ctx, code, phone)
		return err
	})
}

// typeAsked asks the page for a code, types it into the phone, and waits until the page asks for the passkey.
func (p *person) typeAsked(b *process, wa *simtest.Sim) <-chan error {
	p.t.Helper()
	p.do(p.ctx, chromedp.Navigate("http://"+b.plain+"/qr"))
	b.code()
	p.do(p.ctx, chromedp.Click(chromedp.CSS("[name=method][value=phone]")), chromedp.SendKeys(chromedp.CSS("#number"), "+"+phone+"\r"))
	const shown = `[...document.querySelectorAll('#pairing span')].map((s) => s.textContent).join('')`
	b.waitFor("a code to type", func() bool { return p.holds(p.ctx, shown+`.length === 8`) })
	code, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](shown))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.asked(b, func() error {
		_, err := wa.EnterCode(p.ctx, phone, code)
		return err
	})
}

// asked runs the phone's side, and waits until the page asks for the passkey.
func (p *person) asked(b *process, take func() error) <-chan error {
	p.t.Helper()
	done := make(chan error, 1)
	go func() { done <- take() }()
	b.waitFor("the page to ask for the passkey", func() bool { return p.holds(p.ctx, `document.querySelector('main').dataset.view === 'passkey'`) })
	if !p.holds(p.ctx, `window.neverReloaded = true`) {
		p.t.Fatal("the page runs no script")
	}
	return done
}

func (p *person) seesConnected(b *process, phoneSide <-chan error) {
	p.t.Helper()
	b.untilConnected()
	if err := <-phoneSide; err != nil {
		p.t.Error(err)
	}
	b.waitFor("the page to turn to connected", func() bool {
		return p.holds(p.ctx, `document.querySelector('main').dataset.view === 'ok' && window.neverReloaded && location.hash === ''`)
	})
	if strings.Contains(b.out.String(), "clientDataJSON") || strings.Contains(b.out.String(), `"challenge"`) {
		p.t.Error("the log holds a challenge or a signature")
	}
}

// whatsAppTab waits for the tab with WhatsApp's page.
func (p *person) whatsAppTab(b *process) context.Context {
	p.t.Helper()
	var id target.ID
	b.waitFor("a tab with WhatsApp Web", func() bool {
		all, err := chromedp.Targets(p.ctx)
		for _, info := range all {
			if err == nil && info.Type == "page" && strings.HasPrefix(info.URL, "https://web.whatsapp.com/") {
				id = info.TargetID
				return true
			}
		}
		return false
	})
	ctx, end := chromedp.NewContext(p.ctx, chromedp.WithTargetID(id))
	p.t.Cleanup(end)
	return ctx
}

// TestAPersonSignsWithTheExtension is a person's whole way with the extension that the bot serves: the page opens
// WhatsApp's, the person agrees there, the passkey signs on the real origin's name, and the page goes on by itself.
func TestAPersonSignsWithTheExtension(t *testing.T) { signsWithTheExtension(t, (*person).scanAsked) }

// TestAPersonSignsWithTheExtensionBehindATypedCode is the same way for someone whose phone takes a code instead of a
// scan.
func TestAPersonSignsWithTheExtensionBehindATypedCode(t *testing.T) {
	signsWithTheExtension(t, (*person).typeAsked)
}

func signsWithTheExtension(t *testing.T, asked func(*person, *process, *simtest.Sim) <-chan error) {
	packed, err := zip.NewReader(bytes.NewReader(extension.Zip), int64(len(extension.Zip)))
	if err != nil {
		t.Fatal(err)
	}
	unpacked := t.TempDir()
	if err := os.CopyFS(unpacked, packed); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(unpacked, "sesi-passkey")
	wa := whatsapp(t)
	b := start(t, settings(wa, t.TempDir()))
	p := newPerson(t, wa, chromedp.Flag("disable-extensions", false), chromedp.Flag("load-extension", dir), chromedp.Flag("disable-extensions-except", dir),
		chromedp.Flag("accept-lang", "id-ID"))
	phoneSide := asked(p, b, wa)
	p.do(p.ctx, chromedp.Click(chromedp.CSS("#sign")))
	tab := p.whatsAppTab(b)
	p.unlock(tab)
	b.waitFor("the extension's question", func() bool {
		return p.holds(tab, `document.readyState === 'complete' && document.querySelector('sesi-passkey') && location.hash === ''`)
	})
	p.do(tab, chromedp.KeyEvent("\t")) // to the first button
	// It signs, and the extension closes the tab, perhaps before the tab has answered the key.
	if err := chromedp.Do(tab, chromedp.KeyEvent("\r")); err != nil && !errors.Is(err, chromedp.ErrTargetDetached) && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	p.seesConnected(b, phoneSide)
	b.waitFor("WhatsApp's tab to be closed", func() bool {
		all, err := chromedp.Targets(p.ctx)
		for _, info := range all {
			if strings.HasPrefix(info.URL, "https://web.whatsapp.com/") {
				return false
			}
		}
		return err == nil
	})
}

// TestAPersonSignsInTheConsole is the way without the extension.
func TestAPersonSignsInTheConsole(t *testing.T) {
	wa := whatsapp(t)
	b := start(t, settings(wa, t.TempDir()))
	p := newPerson(t, wa)
	phoneSide := p.scanAsked(b, wa)
	tab, end := chromedp.NewContext(p.ctx)
	t.Cleanup(end)
	p.do(tab, chromedp.Navigate("https://web.whatsapp.com/"))
	p.unlock(tab)
	var asked bot.Passkey
	if _, body := b.call(http.MethodGet, bot.PathPasskey); json.Unmarshal(body, &asked) != nil || asked.Console == "" {
		t.Fatalf("the bot answers %s", body)
	}
	// A console has no focus and its dialogs need a person: the text is also what the line gives back.
	signed, err := chromedp.Run(tab, chromedp.Evaluate[string](`globalThis.prompt = () => {}; `+asked.Console, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	p.do(p.ctx, chromedp.Click(chromedp.CSS("#console-title")), chromedp.SetValue(chromedp.CSS("#answer-text"), signed), chromedp.Click(chromedp.CSS("#send")))
	p.seesConnected(b, phoneSide)
}

// TestABotThatIsKilledDuringAPasskeySaysSo kills the bot -9 at each step of the gate: it says so, begins again with a
// fresh code, and that code links.
func TestABotThatIsKilledDuringAPasskeySaysSo(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]string{
		"with the challenge": "", "the signature is sent": sim.StepPrologue, "the signature is taken": sim.StepNonce,
		"the phone has the keys, before the pairing": sim.StepRequest,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &gateKiller{t: t, wa: whatsapp(t), key: simtest.NewAuthenticator(t)}
			if err := k.wa.RequirePasskey(phone, k.key.Passkey()); err != nil {
				t.Fatal(err)
			}
			if step != "" {
				fault(t, k.wa, sim.Fault{Kind: sim.FaultPasskeyHang, Count: 1, Attrs: map[string]string{"step": step}})
			}
			dir := t.TempDir()
			b := start(t, settings(k.wa, dir))
			phoneSide := k.scan(b)
			if step != "" {
				go func() { _, _, _ = k.sign(b) }() // WhatsApp does not answer
				b.waitFor("the step", func() bool {
					events, _ := k.wa.Events(0)
					return slices.ContainsFunc(events, func(e sim.Event) bool { return e.Kind == sim.EventFault && strings.HasSuffix(e.What, " at "+step) })
				})
			}
			b.waitFor("it to be on the disk", func() bool {
				facts, err := filepath.Glob(filepath.Join(dir, "session-*", "facts.json"))
				if err != nil || len(facts) != 1 {
					return false
				}
				data, err := os.ReadFile(facts[0])
				return err == nil && bytes.Contains(data, []byte(`"passkey":`))
			})
			b.kill()
			if err := <-phoneSide; err == nil {
				t.Error("the phone's side succeeds with a bot that was killed")
			}
			again := start(t, settings(k.wa, dir))
			snap := again.until("a code", func(s bot.Snapshot) bool { return !s.QRExpiresAt.IsZero() })
			if snap.Reason != bot.ReasonPasskeyFailed || !snap.QRRequired || snap.Exists {
				t.Errorf("%+v", snap)
			}
			phoneSide = k.scan(again)
			if status, body, err := k.sign(again); err != nil || status >= 300 {
				t.Fatalf("%d %s %v", status, body, err)
			}
			again.untilConnected()
			if err := <-phoneSide; err != nil {
				t.Error(err)
			}
		})
	}
}

// gateKiller is a person whose account has a passkey, and who works without a page.
type gateKiller struct {
	t   *testing.T
	wa  *simtest.Sim
	key *simtest.Authenticator
}

// scan lets the phone take a code, and waits until the bot asks for the passkey.
func (k *gateKiller) scan(b *process) <-chan error {
	k.t.Helper()
	code, done := b.code(), make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(k.t.Context(), patience)
		defer cancel()
		_, err := k.wa.Scan(ctx, code, phone)
		done <- err
	}()
	b.until("the passkey to be asked for", func(s bot.Snapshot) bool { return s.Reason == bot.ReasonPasskeyRequired })
	return done
}

func (k *gateKiller) sign(b *process) (int, []byte, error) {
	_, body, err := b.try(http.MethodGet, bot.PathPasskey)
	if err != nil {
		return 0, nil, err
	}
	var asked bot.Passkey
	if err = json.Unmarshal(body, &asked); err != nil {
		return 0, nil, err
	}
	return b.tryJSON(http.MethodPost, bot.PathPasskey, json.RawMessage(k.key.Sign(k.t, asked.Options)))
}
