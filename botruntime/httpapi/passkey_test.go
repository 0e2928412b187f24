package httpapi

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/session"
)

var toSign = bot.Passkey{Step: bot.PasskeySign, Options: json.RawMessage(`{"challenge":"AAAA","rpId":"whatsapp.com"}`), Console: "sign()"}

// waiting is a session whose linking waits for a step with a passkey.
func waiting(info bot.Passkey) *fakeSession {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	info.ExpiresAt = bot.At(time.Now().Add(10 * time.Minute))
	f.askPasskey(info)
	return f
}

func TestPasskeyAnswers(t *testing.T) {
	toCompare := bot.Passkey{Step: bot.PasskeyCompare, Code: "ABCD-EFGH"}
	const signature = `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`
	for name, c := range map[string]struct {
		info               bot.Passkey
		method, path, body string
		err                error
		status             int
		says               string
		asked              []string
	}{
		"challenge":             {info: toSign, method: "GET", path: "/api/session/passkey", status: 200, says: `{"step":"sign","options":{"challenge":"AAAA","rpId":"whatsapp.com"},"console":"sign()","expiresAt":"`},
		"code to compare":       {info: toCompare, method: "GET", path: "/api/session/passkey", status: 200, says: `{"step":"compare","code":"ABCD-EFGH","expiresAt":"`},
		"nothing asked":         {method: "GET", path: "/api/session/passkey", status: 409, says: `no-passkey`},
		"signature":             {info: toSign, method: "POST", path: "/api/session/passkey", body: signature, status: 200, says: `{"success":true,"message":"WhatsApp menerima passkey`, asked: []string{"sign"}},
		"signature, no JSON":    {info: toSign, method: "POST", path: "/api/session/passkey", body: `{`, status: 400, says: `bad-json`},
		"signature of another":  {info: toSign, method: "POST", path: "/api/session/passkey", body: `{}`, err: &session.Refusal{Kind: session.RefusedPasskeyInvalid, Detail: "x"}, status: 422, says: `passkey-invalid`, asked: []string{"sign"}},
		"signature refused":     {info: toSign, method: "POST", path: "/api/session/passkey", body: `{}`, err: &session.Refusal{Kind: session.RefusedPasskey, Detail: "x"}, status: 422, says: `passkey-refused`, asked: []string{"sign"}},
		"the same code":         {info: toCompare, method: "POST", path: "/api/session/passkey/confirm", status: 200, says: `"success":true`, asked: []string{"confirm"}},
		"code of a QR":          {info: toSign, method: "GET", path: "/api/session/qr", status: 409, says: `"reason":"PasskeyRequired"`},
		"WAHA's status":         {info: toSign, method: "GET", path: "/api/sessions/default", status: 200, says: `"status":"PASSKEY_REQUIRED"`},
		"WAHA's second status":  {info: toCompare, method: "GET", path: "/api/sessions/default", status: 200, says: `"status":"PASSKEY_CONFIRMATION_REQUIRED"`},
		"WAHA's third status":   {info: bot.Passkey{Step: bot.PasskeyWait}, method: "GET", path: "/api/sessions/default", status: 200, says: `"status":"STARTING"`},
		"WAHA's challenge":      {info: toSign, method: "GET", path: "/api/default/auth/passkey/challenge", status: 200, says: `{"challenge":"AAAA","rpId":"whatsapp.com"}`},
		"WAHA's, none":          {info: toCompare, method: "GET", path: "/api/default/auth/passkey/challenge", status: 422, says: `Can get passkey challenge only in PASSKEY_REQUIRED status. The current status is 'PASSKEY_CONFIRMATION_REQUIRED'`},
		"WAHA's, of another":    {info: toSign, method: "GET", path: "/api/other/auth/passkey/challenge", status: 404},
		"WAHA's signature":      {info: toSign, method: "POST", path: "/api/default/auth/passkey", body: signature, status: 201, says: `"status":"PASSKEY_REQUIRED"`, asked: []string{"sign"}},
		"WAHA's code":           {info: toCompare, method: "GET", path: "/api/default/auth/passkey/confirmation", status: 200, says: `{"code":"ABCD-EFGH"}`},
		"WAHA's code, none":     {info: toSign, method: "GET", path: "/api/default/auth/passkey/confirmation", status: 422, says: `only in PASSKEY_CONFIRMATION_REQUIRED status`},
		"WAHA's same code":      {info: toCompare, method: "POST", path: "/api/default/auth/passkey/confirm", status: 201, says: `"name":"wa-finance-render"`, asked: []string{"confirm"}},
		"WAHA's same, of other": {info: toCompare, method: "POST", path: "/api/other/auth/passkey/confirm", status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			f := waiting(c.info)
			f.err = c.err
			var headers []string
			if c.body != "" {
				headers = []string{"Content-Type", "application/json"}
			}
			got := send(t, c.method, open(t, New(testConfig(f)))+c.path, c.body, headers...)
			if got.StatusCode != c.status || !strings.Contains(got.body, c.says) {
				t.Errorf("%d %s\nwant %d %s", got.StatusCode, got.body, c.status, c.says)
			}
			if asked := f.done(); !slices.Equal(asked, c.asked) {
				t.Errorf("the session was asked to %v, want %v", asked, c.asked)
			}
			if slices.Equal(c.asked, []string{"sign"}) && f.signature != c.body {
				t.Errorf("the session got %s", f.signature)
			}
		})
	}
}

func TestWAHAStatusAfterAPasskeyFailed(t *testing.T) {
	snap := unlinkedSnapshot(bot.StatePairing, bot.ReasonPasskeyFailed)
	if got := classifyWAHA(&snap); got != bot.WAHAStarting {
		t.Errorf("%s without a code", got)
	}
	snap.QRExpiresAt = bot.At(time.Now())
	if got := classifyWAHA(&snap); got != bot.WAHAScanQR {
		t.Errorf("%s with a code", got)
	}
}

// A challenge is as secret as a QR code, and the extension is for everyone.
func TestPasskeysNeedTheToken(t *testing.T) {
	base := "http://" + serve(t, New(testConfig(waiting(toSign))), Addresses{Plain: "0.0.0.0:0"}).PlainAddr().String()
	for _, path := range []string{"/api/session/passkey", "/api/default/auth/passkey/challenge"} {
		if got := send(t, "GET", base+path, ""); got.StatusCode != 401 || strings.Contains(got.body, "AAAA") {
			t.Errorf("%s without a token: %d %s", path, got.StatusCode, got.body)
		}
	}
	got := send(t, "GET", base+"/passkey-extension.zip", "")
	archive, err := zip.NewReader(bytes.NewReader([]byte(got.body)), int64(len(got.body)))
	if got.StatusCode != 200 || err != nil || len(archive.File) != 3 {
		t.Errorf("the extension: %d, %v", got.StatusCode, err)
	}
}

func TestRefusalsInIndonesianHoldNoEnglish(t *testing.T) {
	f := waiting(toSign)
	f.err = &session.Refusal{Kind: session.RefusedNotReady, Reason: bot.ReasonPasskeyRequired, Detail: "A phone has taken a code already."}
	url := open(t, New(testConfig(f))) + "/api/session/pair"
	body := `{"phoneNumber":"6281234567890"}`
	if got := send(t, "POST", url, body, "Content-Type", "application/json"); got.StatusCode != 409 || strings.Contains(got.body, "phone has") || !strings.Contains(got.body, "sedang meminta passkey") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if got := send(t, "POST", url, body, "Content-Type", "application/json", "Accept-Language", "en"); !strings.Contains(got.body, "A phone has taken a code already.") {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
}
