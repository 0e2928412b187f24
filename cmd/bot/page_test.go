package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/chromium"
	"sesi.dev/sesi/test/scan"
)

// TestThePageIsScannedFromTheScreen is a person's whole way: a real bot's page in a real browser, the code read from
// the rendered picture and scanned by the simulated phone, and the page that then changes to connected.
func TestThePageIsScannedFromTheScreen(t *testing.T) {
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	ctx := chromium.Start(t, chromedp.Flag("window-size", "1280,900"), chromedp.Flag("force-device-scale-factor", "1"))
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+p.plain+"/qr")); err != nil {
		t.Fatal(err)
	}
	evaluate := func(expression string) bool {
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		return err == nil && holds
	}
	if !evaluate(`window.neverReloaded = true`) {
		t.Fatal("the page runs no script")
	}

	// This decoder cannot read about one random code in a hundred; then take the next.
	var code string
	for range 4 {
		code = p.code()
		var read string
		for deadline := time.Now().Add(30 * time.Second); read != code && time.Now().Before(deadline); {
			shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			read, code = scan.Code(shot), p.code()
		}
		if read == code {
			break
		}
		code = ""
		p.call(http.MethodPost, "/api/session/restart")
	}
	if code == "" {
		t.Fatal("the rendered picture does not read as the live code")
	}
	p.scan(wa, code, phone)
	p.untilConnected()
	p.waitFor("the page to turn to connected", func() bool {
		return evaluate(`document.querySelector('main').dataset.view === 'ok' && window.neverReloaded`)
	})
	p.waitFor("the page to show the account", func() bool {
		return evaluate(`document.querySelector('#account').innerText.replace(/\D/g, '').includes('` + phone + `')`)
	})

	// What came of messages, without their content.
	const secret = "pesan rahasia"
	if _, err := wa.Say(jid(t, p.snapshot().JID), "62899000001", secret, "Friend"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Text: secret})
	}
	p.refuses(bot.ProblemNotOnWhatsApp, textTo("+999123456789", secret))
	activity := `document.querySelector('#activity').innerText.replace(/\s+/g, ' ')`
	p.waitFor("the page to count messages", func() bool {
		return evaluate(activity + `.startsWith('Messages received 1 Messages sent 2 Not sent 1 Last error Not on WhatsApp (')`)
	})
	if evaluate(`document.body.textContent.includes('` + secret + `') || ` + activity + `.includes('99912')`) {
		t.Error("the page shows what a message says, or whom it is for")
	}
}
