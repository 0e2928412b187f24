package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/chromium"
)

// step is one action in a browser.
type step = chromedp.Action[chromedp.Void]

// browser is a tab of the Chromium that the page's tests share.
type browser struct {
	ctx   context.Context
	t     *testing.T
	close func() // a browser opens few connections to one host, and each open page holds one
}

// startBrowser starts a fresh Chromium that ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	ctx, end := context.WithCancel(chromium.Start(t, chromedp.Flag("accept-lang", "id-ID"), chromedp.Flag("hide-scrollbars", true)))
	return newBrowser(ctx, t, end)
}

// tab is another tab of the same browser.
func (b *browser) tab(t *testing.T) *browser {
	t.Helper()
	ctx, end := chromedp.NewContext(b.ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return newBrowser(ctx, t, end)
}

// newBrowser makes anything that a page in the tab writes to its console, such as a refused style or script, fail the
// test.
func newBrowser(ctx context.Context, t *testing.T, end context.CancelFunc) *browser {
	t.Helper()
	console := chromedp.Console(ctx)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for m, err := range console {
			if err != nil {
				return
			}
			if m.Source != "network" { // in some tests the bot is gone on purpose
				t.Errorf("the page wrote to its console: %s", m)
			}
		}
	}()
	closed := func() { end(); <-read }
	t.Cleanup(closed)
	return &browser{ctx, t, closed}
}

// run performs actions in the page, each of which may wait.
func (b *browser) run(steps ...step) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("in the browser: %v; the page shows:\n%s", err, b.text("body"))
	}
}

// ask returns the value of an expression.
func ask[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return value
}

// text returns the text of an element, or "" if there is none.
func (b *browser) text(selector string) string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	out, _ := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`(document.querySelector(%q)||{}).innerText||''`, selector)))
	return out
}

// until waits for an expression to become true, also across a change of page.
func until(expression string) step {
	look := chromedp.Evaluate[bool]("Boolean(" + expression + ")")
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		for {
			holds, err := look(ctx, t)
			if holds && err == nil {
				return chromedp.Void{}, nil
			}
			select {
			case <-again.C:
			case <-ctx.Done():
				return chromedp.Void{}, fmt.Errorf("wait for %s: %w", expression, errors.Join(ctx.Err(), err))
			}
		}
	}
}

// view waits for the page to show a view.
func view(name string) step {
	return until(`document.querySelector('main').dataset.view === '` + name + `'`)
}

// window sets the window's size and the preferred color scheme, "light" or "dark". The page keeps still, because every
// picture of an animation is drawn by the processor.
func window(width, height int64, scale float64, scheme string) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, sized := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: height, DeviceScaleFactor: scale, Mobile: width < 600})
		return errors.Join(sized, prefer(ctx, t, scheme, "reduce"))
	})
}

// moving lets the page move, in the light.
var moving = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { return prefer(ctx, t, "light", "no-preference") })

// prefer says what the person at the browser prefers.
func prefer(ctx context.Context, t *chromedp.Target, scheme, motion string) error {
	_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion}}})
	return err
}

// shot returns a picture of the window, as PNG.
func (b *browser) shot() []byte {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

// shotOf returns a picture of an element and a little around it, as a camera that is held at it sees it.
func (b *browser) shotOf(selector string) []byte {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	box := ask[page.Viewport](b, fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect();
		return { x: r.x + scrollX - 8, y: r.y + scrollY - 8, width: r.width + 16, height: r.height + 16, scale: 1 }; })()`, selector))
	fast := true
	data, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (page.CaptureScreenshotResult, error) {
		return cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: &box, OptimizeForSpeed: &fast})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return data.Data
}

// pageStates are all the states that a page can show, by name.
func pageStates() map[string]func(*fakeSession) {
	soon := func(d time.Duration) bot.Time { return bot.At(time.Now().Add(d)) }
	kept := func(state bot.State, reason bot.Reason, more func(*bot.Snapshot)) func(*fakeSession) {
		return func(f *fakeSession) {
			f.become(func(s *bot.Snapshot) {
				revision := s.Revision
				*s = connectedSnapshot()
				s.Revision, s.Connected, s.State, s.Reason, s.Message = revision, false, state, reason, "What the bot itself says."
				if more != nil {
					more(s)
				}
			})
		}
	}
	gone := func(state bot.State, reason bot.Reason) func(*fakeSession) {
		return func(f *fakeSession) {
			f.become(func(s *bot.Snapshot) {
				revision := s.Revision
				*s = unlinkedSnapshot(state, reason)
				s.Revision, s.Expired = revision, state == bot.StateLoggedOut
			})
		}
	}
	return map[string]func(*fakeSession){
		"preparing": gone(bot.StateConnecting, bot.ReasonNotLinked),
		"starting":  kept(bot.StateConnecting, bot.ReasonStarting, nil),
		"qr":        func(f *fakeSession) { f.show(testCode, 60*time.Second) },
		"qr-expired-session": func(f *fakeSession) {
			f.show(testCode, 20*time.Second)
			f.become(func(s *bot.Snapshot) { s.Expired, s.Notice = true, bot.NoticeRelinkNeeded })
		},
		"qr-timeout":   gone(bot.StatePairing, bot.ReasonQRTimeout),
		"idle":         gone(bot.StatePairing, bot.ReasonQRIdle),
		"paired":       kept(bot.StateConnecting, bot.ReasonPaired, nil),
		"pair-error":   gone(bot.StatePairing, bot.ReasonPairError),
		"connected":    func(f *fakeSession) { f.link() },
		"reconnecting": kept(bot.StateReconnecting, bot.ReasonConnectionLost, func(s *bot.Snapshot) { s.RetryAt = soon(42 * time.Second) }),
		"conflict":     kept(bot.StateConflict, bot.ReasonStreamReplaced, func(s *bot.Snapshot) { s.UserAction = bot.ActionResolveConflict }),
		"takeover":     kept(bot.StateConflict, bot.ReasonStreamReplaced, func(s *bot.Snapshot) { s.RetryAt = soon(9 * time.Second) }),
		"logged-out":   gone(bot.StateLoggedOut, bot.ReasonLoggedOut),
		"phone-gone":   gone(bot.StateLoggedOut, bot.ReasonPrimaryDeviceGone),
		"banned":       gone(bot.StateLoggedOut, bot.ReasonAccountBanned),
		"restricted":   kept(bot.StateRestricted, bot.ReasonTemporaryBan, func(s *bot.Snapshot) { s.RestrictedUntil, s.RetryAt = soon(26*time.Hour), soon(26*time.Hour) }),
		"outdated":     kept(bot.StateOutdated, bot.ReasonClientOutdated, func(s *bot.Snapshot) { s.RetryAt = soon(55 * time.Minute) }),
		"failed":       kept(bot.StateFailed, bot.ReasonConnectFailure, func(s *bot.Snapshot) { s.RetryAt, s.Notice = soon(5*time.Minute), bot.NoticeBackupFailing }),
		"cleared":      gone(bot.StateLoggedOut, bot.ReasonClearedByUser),
		"stopped":      kept(bot.StateStopped, bot.ReasonStoppedByUser, nil),

		"passkey-sign": func(f *fakeSession) { f.askPasskey(withTime(toSign, soon(9*time.Minute))) },
		"passkey-wait": func(f *fakeSession) {
			f.askPasskey(withTime(bot.Passkey{Step: bot.PasskeyWait, Code: "ABCD-EFGH"}, soon(time.Minute)))
		},
		"passkey-compare": func(f *fakeSession) {
			f.askPasskey(withTime(bot.Passkey{Step: bot.PasskeyCompare, Code: "ABCD-EFGH"}, soon(4*time.Minute)))
		},
		"passkey-failed": func(f *fakeSession) {
			f.show(testCode, time.Minute)
			f.become(func(s *bot.Snapshot) { s.Reason = bot.ReasonPasskeyFailed })
		},

		"unlinked-lost":     gone(bot.StatePairing, bot.ReasonConnectionLost),
		"unlinked-outdated": gone(bot.StateOutdated, bot.ReasonClientOutdated),
		"unlinked-failed":   gone(bot.StateFailed, bot.ReasonConnectFailure),
		"unlinked-stopped":  gone(bot.StateStopped, bot.ReasonStoppedByUser),
	}
}

func withTime(info bot.Passkey, until bot.Time) bot.Passkey {
	info.ExpiresAt = until
	return info
}

// devices are the windows in which the page is checked.
var devices = map[string]step{
	"phone-light":   window(390, 844, 2, "light"),
	"phone-dark":    window(390, 844, 2, "dark"),
	"desktop-light": window(1280, 800, 1, "light"),
	"desktop-dark":  window(1280, 800, 1, "dark"),
}

// settled waits for every finite animation except the ring's, which ends with the code.
var settled = until(`document.getAnimations().every((a) => a.effect.getTiming().iterations === Infinity ||
	a.playState === 'finished' || a.effect.target.id === 'ring')`)

// TestPageScreenshots writes a picture of every state of the page into the directory that SESI_SCREENSHOTS names, for
// people to judge. It asserts nothing, and does nothing without that directory.
func TestPageScreenshots(t *testing.T) {
	dir := os.Getenv("SESI_SCREENSHOTS")
	if dir == "" {
		return
	}
	main := startBrowser(t)
	take := func(t *testing.T, name, url string, steps ...step) {
		for device, window := range devices {
			tab := main.tab(t)
			tab.run(window, chromedp.Navigate(url))
			tab.run(steps...)
			tab.run(settled)
			if err := os.WriteFile(filepath.Join(dir, name+"-"+device+".png"), tab.shot(), 0o600); err != nil {
				t.Fatal(err)
			}
			tab.close()
		}
	}
	known := until(`document.querySelector('#client').textContent !== '…'`)
	for name, set := range pageStates() {
		t.Run(name, func(t *testing.T) {
			f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
			set(f)
			ready := known
			if f.code.Code != "" {
				ready = view("qr")
			}
			take(t, name, open(t, New(testConfig(f)))+"/qr", ready)
		})
	}
	t.Run("phone number", func(t *testing.T) {
		f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
		f.show(testCode, 10*time.Minute)
		url := open(t, New(testConfig(f))) + "/qr"
		byPhone := chromedp.Click(chromedp.CSS(`input[value=phone]`))
		take(t, "method-phone", url, view("qr"), byPhone, view("phone"))
		take(t, "method-phone-error", url, view("qr"), byPhone, view("phone"), chromedp.SendKeys(chromedp.CSS("#number"), "0812 3456 7890\r"),
			until(`document.querySelector('#number-error').textContent`))
		f.code.PairingCode = "ABCD-EFGH"
		take(t, "method-phone-code", url, view("code"))
	})
	t.Run("lost", func(t *testing.T) {
		for device, window := range devices {
			f := newFake(connectedSnapshot())
			api := New(testConfig(f))
			server := serve(t, api, Addresses{Plain: "127.0.0.1:0", OpenLoopback: true})
			tab := main.tab(t)
			tab.run(window, chromedp.Navigate("http://"+server.PlainAddr().String()+"/qr"), view("ok"))
			if err := server.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			tab.run(view("lost"), settled)
			if err := os.WriteFile(filepath.Join(dir, "lost-"+device+".png"), tab.shot(), 0o600); err != nil {
				t.Fatal(err)
			}
			tab.close()
		}
	})
	t.Run("token", func(t *testing.T) {
		s := serve(t, New(testConfig(newFake(connectedSnapshot()))), Addresses{Plain: "0.0.0.0:0"})
		_, port, _ := net.SplitHostPort(s.PlainAddr().String())
		take(t, "token", "http://127.0.0.1:"+port+"/qr", until(`document.querySelector('#token')`))
		take(t, "token-wrong", "http://127.0.0.1:"+port+"/qr?token=wrong", until(`document.querySelector('#token')`))
	})
	t.Run("details", func(t *testing.T) {
		take(t, "details", open(t, New(testConfig(newFake(connectedSnapshot()))))+"/qr", view("ok"), chromedp.Click(chromedp.CSS("summary")))
	})
}
