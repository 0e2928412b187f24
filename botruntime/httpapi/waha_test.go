package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/test/scan"
)

const wahaEnd = `"engine":{"engine":"WHATSMEOW"},"presence":{},"timestamps":{"activity":1705314600000}}`

const wahaLinked = `{"name":"wa-finance-render","status":"WORKING","config":{},"me":{"id":"6281234567890@c.us","lid":"987654321@lid",` +
	`"jid":"6281234567890:12@s.whatsapp.net","pushName":"Sari"},` + wahaEnd

var wahaStopped = strings.Replace(wahaLinked, "WORKING", "STOPPED", 1)

func stoppedSnapshot() bot.Snapshot {
	s := connectedSnapshot()
	s.State, s.Reason, s.Connected = bot.StateStopped, bot.ReasonStoppedByUser, false
	return s
}

// The answers that scripts for WAHA expect.
func TestWAHAAnswers(t *testing.T) {
	unlinked := unlinkedSnapshot(bot.StatePairing, bot.ReasonQRIdle)
	wahaIdle := `{"name":"wa-finance-render","status":"FAILED","config":{},"me":null,` + wahaEnd
	cases := map[string]struct {
		snap         bot.Snapshot
		method, path string
		status       int
		want         string
		asked        []string
	}{
		"ping":               {connectedSnapshot(), "GET", "/ping", 200, `{"message":"pong"}`, nil},
		"list":               {connectedSnapshot(), "GET", "/api/sessions", 200, "[" + wahaLinked + "]", nil},
		"list with a slash":  {connectedSnapshot(), "GET", "/api/sessions/", 200, "[" + wahaLinked + "]", nil},
		"list of all":        {connectedSnapshot(), "GET", "/api/sessions?all=true", 200, "[" + wahaLinked + "]", nil},
		"by name":            {connectedSnapshot(), "GET", "/api/sessions/wa-finance-render", 200, wahaLinked, nil},
		"default":            {connectedSnapshot(), "GET", "/api/sessions/default", 200, wahaLinked, nil},
		"unlinked":           {unlinked, "GET", "/api/sessions/default", 200, wahaIdle, nil},
		"me":                 {connectedSnapshot(), "GET", "/api/sessions/default/me", 200, `{"id":"6281234567890@c.us","lid":"987654321@lid","jid":"6281234567890:12@s.whatsapp.net","pushName":"Sari"}`, nil},
		"me, unlinked":       {unlinked, "GET", "/api/sessions/default/me", 200, `null`, nil},
		"start what works":   {connectedSnapshot(), "POST", "/api/sessions/default/start", 201, wahaLinked, nil},
		"start what failed":  {unlinked, "POST", "/api/sessions/default/start", 201, wahaIdle, []string{"resume"}},
		"restart":            {connectedSnapshot(), "POST", "/api/sessions/default/restart", 201, wahaLinked, []string{"restart"}},
		"restart by slash":   {connectedSnapshot(), "POST", "/api/sessions/default/restart/", 201, wahaLinked, []string{"restart"}},
		"stop":               {connectedSnapshot(), "POST", "/api/sessions/default/stop", 201, wahaLinked, []string{"stop"}},
		"stopped":            {stoppedSnapshot(), "GET", "/api/sessions/default", 200, wahaStopped, nil},
		"start what stopped": {stoppedSnapshot(), "POST", "/api/sessions/default/start", 201, wahaStopped, []string{"resume"}},
		"logout":             {connectedSnapshot(), "POST", "/api/sessions/default/logout", 201, wahaLinked, []string{"logout"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFake(c.snap)
			got := send(t, c.method, open(t, New(testConfig(f)))+c.path, "")
			if got.StatusCode != c.status || strings.TrimSuffix(got.body, "\n") != c.want {
				t.Errorf("%d %s\nwant %d %s", got.StatusCode, got.body, c.status, c.want)
			}
			if asked := f.done(); !slices.Equal(asked, c.asked) {
				t.Errorf("the session was asked to %v, want %v", asked, c.asked)
			}
		})
	}
}

func TestWAHARefusals(t *testing.T) {
	idle := &session.Refusal{Kind: session.RefusedNoCode, Reason: bot.ReasonQRIdle, Detail: "No code is live."}
	cases := map[string]struct {
		method, path, body string
		err                error
		status             int
		message            string
	}{
		"another session":   {"GET", "/api/sessions/other", "", nil, 404, `Sesi tidak ditemukan; bot ini hanya melayani "wa-finance-render".`},
		"another's me":      {"GET", "/api/sessions/other/me", "", nil, 404, ""},
		"another's restart": {"POST", "/api/sessions/other/restart", "", nil, 404, ""},
		"another's code":    {"GET", "/api/other/auth/qr", "", nil, 404, ""},
		"another's pairing": {"POST", "/api/other/auth/request-code", `{"phoneNumber":"6281234567890"}`, nil, 404, ""},
		"another's stop":    {"POST", "/api/sessions/other/stop", "", nil, 404, ""},
		"no code":           {"GET", "/api/default/auth/qr", "", idle, 422, "Can get QR code only in SCAN_QR_CODE status. The current status is 'FAILED'"},
		"bad number":        {"POST", "/api/default/auth/request-code", `{"phoneNumber":"0812"}`, nil, 422, ""},
		"refused restart":   {"POST", "/api/sessions/default/restart", "", &session.Refusal{Kind: session.RefusedNotReady}, 409, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFake(unlinkedSnapshot(bot.StatePairing, bot.ReasonQRIdle))
			f.err = c.err
			got := send(t, c.method, open(t, New(testConfig(f)))+c.path, c.body, "Content-Type", "application/json")
			p := got.problem(t)
			if p.Status != c.status || p.StatusCode != c.status || p.Error == "" || p.Message != p.Detail {
				t.Errorf("%s, want %d in WAHA's words too", got.body, c.status)
			}
			if c.message != "" && p.Message != c.message {
				t.Errorf("message %q, want %q", p.Message, c.message)
			}
			if c.err == nil && len(f.done()) > 0 {
				t.Error("the session was changed")
			}
		})
	}
}

func TestWAHALogoutOfNothing(t *testing.T) {
	f := newFake(unlinkedSnapshot(bot.StatePairing, bot.ReasonQRIdle))
	f.err = &session.Refusal{Kind: session.RefusedNotLinked}
	if got := send(t, "POST", open(t, New(testConfig(f)))+"/api/sessions/default/logout", ""); got.StatusCode != 201 {
		t.Errorf("%d %s, want 201", got.StatusCode, got.body)
	}
}

func TestWAHACode(t *testing.T) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, time.Minute)
	url := open(t, New(testConfig(f))) + "/api/default/auth/qr"
	for name, accept := range map[string]string{"nothing asked": "", "anything": "*/*", "as axios asks": "application/json, text/plain, */*"} {
		got := send(t, "GET", url, "", "Accept", accept)
		if got.Header.Get("Content-Type") != "image/png" || scan.Code([]byte(got.body)) != testCode {
			t.Errorf("%s: %s that reads %q", name, got.Header.Get("Content-Type"), scan.Code([]byte(got.body)))
		}
	}
	var image bot.WAHAImage
	if err := json.Unmarshal([]byte(send(t, "GET", url, "", "Accept", "application/json").body), &image); err != nil {
		t.Fatal(err)
	}
	picture, err := base64.StdEncoding.DecodeString(image.Data)
	if err != nil || image.MIMEType != "image/png" || scan.Code(picture) != testCode {
		t.Errorf("in JSON: %v, %s", err, image.MIMEType)
	}
	if got := send(t, "GET", url+"?format=raw", ""); got.body != `{"value":"`+testCode+`"}`+"\n" {
		t.Errorf("raw: %s", got.body)
	}
	got := send(t, "POST", strings.TrimSuffix(url, "qr")+"request-code", `{"phoneNumber":"6281234567890","method":null}`, "Content-Type", "application/json")
	if got.StatusCode != 201 || got.body != `{"code":"ABCD-EFGH"}`+"\n" || f.phone != "+6281234567890" {
		t.Errorf("pairing: %d %s for %s", got.StatusCode, got.body, f.phone)
	}
}

// Every state has a WAHA word, and the word leads a script to do the right thing next.
func TestClassifyWAHA(t *testing.T) {
	for _, state := range bot.States {
		if bot.WAHAStatusOf(state, "", "", true) == "" {
			t.Errorf("no word for %s", state)
		}
	}
	cases := map[string]struct {
		state  bot.State
		reason bot.Reason
		want   bot.WAHAStatus
	}{
		"opening":           {bot.StateConnecting, bot.ReasonNotLinked, bot.WAHAStarting},
		"code is live":      {bot.StatePairing, bot.ReasonQRAvailable, bot.WAHAScanQR},
		"old phone":         {bot.StatePairing, bot.ReasonMultideviceNotEnabled, bot.WAHAScanQR},
		"between rounds":    {bot.StatePairing, bot.ReasonQRTimeout, bot.WAHAStarting},
		"nobody scanned":    {bot.StatePairing, bot.ReasonQRIdle, bot.WAHAFailed},
		"scanned":           {bot.StateConnecting, bot.ReasonPaired, bot.WAHAStarting},
		"connected":         {bot.StateConnected, bot.ReasonLoggedIn, bot.WAHAWorking},
		"network gone":      {bot.StateReconnecting, bot.ReasonConnectionLost, bot.WAHAStarting},
		"no code to be had": {bot.StatePairing, bot.ReasonConnectionLost, bot.WAHAStarting},
		"replaced":          {bot.StateConflict, bot.ReasonStreamReplaced, bot.WAHAFailed},
		"unlinked":          {bot.StateLoggedOut, bot.ReasonLoggedOut, bot.WAHAFailed},
		"cleared":           {bot.StateLoggedOut, bot.ReasonClearedByUser, bot.WAHAStopped},
		"banned":            {bot.StateRestricted, bot.ReasonTemporaryBan, bot.WAHAFailed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := classifyWAHA(&bot.Snapshot{State: c.state, Reason: c.reason}); got != c.want {
				t.Errorf("%s/%s is %s, want %s", c.state, c.reason, got, c.want)
			}
		})
	}
}
