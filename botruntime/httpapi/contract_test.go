package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/test/scan"
)

// The answers that callers know from other bots, byte for byte. New fields may follow the last known field.
func TestContract(t *testing.T) {
	connected := connectedSnapshot()
	unlinked := unlinkedSnapshot(bot.StatePairing, bot.ReasonQRAvailable)
	reconnecting, full := connected, connected
	reconnecting.State, reconnecting.Reason, reconnecting.Connected = bot.StateReconnecting, bot.ReasonConnectionLost, false
	full.State, full.Reason, full.Connected = bot.StateFailed, bot.ReasonStoreUnwritable, false
	signing := unlinkedSnapshot(bot.StatePairing, bot.ReasonPasskeyRequired)
	const known = `{"exists":true,"lastModified":"2024-01-15T10:30:00.000Z","size":1024,"path":"./.wwebjs_auth/session-wa-finance-render",`
	const unknown = `{"exists":false,"lastModified":null,"size":0,"path":"./.wwebjs_auth/session-wa-finance-render",`
	cases := map[string]struct {
		snap         bot.Snapshot
		method, path string
		language     string
		want         string
		whole        bool
	}{
		"status": {snap: connected, method: "GET", path: "/api/session/status",
			want: known + `"message":"Session tersimpan dan siap digunakan",`},
		"status in English": {snap: connected, method: "GET", path: "/api/session/status", language: "en-GB,en;q=0.9",
			want: known + `"message":"Session is stored and ready to use",`},
		"status without a session": {snap: unlinked, method: "GET", path: "/api/session/status",
			want: unknown + `"message":"Session belum tersimpan - perlu scan QR code",`},
		"status while it reconnects": {snap: reconnecting, method: "GET", path: "/api/session/status", language: "en",
			want: known + `"message":"Session is stored and is connecting to WhatsApp",`},
		"status with a full disk": {snap: full, method: "GET", path: "/api/session/status", language: "en",
			want: known + `"message":"Session is stored, but the disk refuses writes",`},
		"status while a passkey is asked for": {snap: signing, method: "GET", path: "/api/session/status", language: "en",
			want: unknown + `"message":"WhatsApp asks for this account's passkey - sign on the bot's page",`},
		"status with a slash": {snap: connected, method: "GET", path: "/api/session/status/",
			want: known + `"message":"Session tersimpan dan siap digunakan",`},
		"clear": {snap: connected, method: "DELETE", path: "/api/session/clear", whole: true,
			want: `{"success":true,"message":"Session berhasil dihapus"}`},
		"clear in English": {snap: connected, method: "DELETE", path: "/api/session/clear", whole: true, language: "en",
			want: `{"success":true,"message":"Session was cleared"}`},
		"health": {snap: connected, method: "GET", path: "/api/health", whole: true,
			want: `{"status":"OK","whatsapp":"connected","authenticated":true,"session":{"exists":true,"info":` +
				strings.TrimSuffix(known, ",") + `},"authPath":"./.wwebjs_auth","clientId":"wa-finance-render"}}`},
		"health without a session": {snap: unlinked, method: "GET", path: "/api/health", whole: true,
			want: `{"status":"OK","whatsapp":"disconnected","authenticated":false,"session":{"exists":false,"info":` +
				strings.TrimSuffix(unknown, ",") + `},"authPath":"./.wwebjs_auth","clientId":"wa-finance-render"}}`},
		"restart": {snap: connected, method: "POST", path: "/api/session/restart", whole: true,
			want: `{"success":true,"message":"Sesi sedang disambungkan ulang"}`},
		"logout": {snap: connected, method: "POST", path: "/api/session/logout", whole: true,
			want: `{"success":true,"message":"Perangkat berhasil dikeluarkan dari WhatsApp"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFake(c.snap)
			got := send(t, c.method, open(t, New(testConfig(f)))+c.path, "", "Accept-Language", c.language)
			if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("status %d, content type %q", got.StatusCode, got.Header.Get("Content-Type"))
			}
			body := strings.TrimSuffix(got.body, "\n")
			if c.whole && body != c.want || !strings.HasPrefix(body, c.want) {
				t.Errorf("got  %s\nwant %s", body, c.want)
			}
			if got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control %q, want no-store", got.Header.Get("Cache-Control"))
			}
			if policy := got.Header.Get("Content-Security-Policy"); policy != "default-src 'none'; frame-ancestors 'none'" {
				t.Errorf("Content-Security-Policy %q; opened in a browser, an answer could load or be framed", policy)
			}
		})
	}
}

// The rest of the snapshot follows the known fields, each field once.
func TestStatusHoldsTheSnapshot(t *testing.T) {
	snap := connectedSnapshot()
	got := send(t, "GET", open(t, New(testConfig(newFake(snap))))+"/api/session/status", "")
	var status, whole map[string]any
	data, err := json.Marshal(snap)
	if err := errors.Join(err, json.Unmarshal([]byte(got.body), &status), json.Unmarshal(data, &whole)); err != nil {
		t.Fatal(err)
	}
	for field, want := range whole {
		if field != "message" && status[field] != want {
			t.Errorf("%s = %v, want %v", field, status[field], want)
		}
		if n := strings.Count(got.body, `"`+field+`":`); n != 1 {
			t.Errorf("%s stands %d times in %s", field, n, got.body)
		}
	}
}

func TestLocaleDecidesWhereTheRequestDoesNot(t *testing.T) {
	cases := map[string]struct{ locale, accept, want string }{
		"nothing asked":          {"", "", "Session tersimpan dan siap digunakan"},
		"locale":                 {"en", "", "Session is stored and ready to use"},
		"request over locale":    {"en", "id", "Session tersimpan dan siap digunakan"},
		"language we lack":       {"en_US.UTF-8", "fr", "Session is stored and ready to use"},
		"better of two":          {"", "id;q=0.3, en;q=0.4", "Session is stored and ready to use"},
		"refused":                {"", "en;q=0", "Session tersimpan dan siap digunakan"},
		"old code of Indonesian": {"en", "in-ID", "Session tersimpan dan siap digunakan"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config := testConfig(newFake(connectedSnapshot()))
			config.Locale = c.locale
			got := send(t, "GET", open(t, New(config))+"/api/session/status", "", "Accept-Language", c.accept)
			if !strings.Contains(got.body, `"message":"`+c.want+`"`) {
				t.Errorf("got %s, want message %q", got.body, c.want)
			}
		})
	}
}

// Every state and reason has a sentence, and the sentence never calls a stored session missing.
func TestDescribeStatusKnowsEveryState(t *testing.T) {
	for _, state := range bot.States {
		for _, exists := range []bool{true, false} {
			said := describeStatus(&bot.Snapshot{State: state, Exists: exists})
			if said.id == "" || said.en == "" {
				t.Errorf("nothing to say of %s", state)
			}
			if exists != strings.HasPrefix(said.id, "Session tersimpan") {
				t.Errorf("%s, exists %v: %q", state, exists, said.id)
			}
		}
	}
}

func TestClassifyWhatsApp(t *testing.T) {
	now := testStart
	cases := map[string]struct {
		snap bot.Snapshot
		want string
	}{
		"connected":    {bot.Snapshot{State: bot.StateConnected, Connected: true}, "connected"},
		"code is live": {bot.Snapshot{State: bot.StatePairing, QRExpiresAt: bot.At(now.Add(time.Second))}, "qr_ready"},
		"code ended":   {bot.Snapshot{State: bot.StatePairing, QRExpiresAt: bot.At(now)}, "disconnected"},
		"scanned":      {bot.Snapshot{State: bot.StateConnecting, Reason: bot.ReasonPaired, Exists: true}, "authenticated"},
		"unlinked":     {bot.Snapshot{State: bot.StateLoggedOut}, "auth_failed"},
		"network gone": {bot.Snapshot{State: bot.StateReconnecting, Exists: true, Authenticated: true}, "disconnected"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := classifyWhatsApp(&c.snap, now); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestHealthFailsOnlyForStorageAndLoop(t *testing.T) {
	full, stuck := errors.New("disk full"), errors.New("no answer for 30 s")
	cases := map[string]struct {
		storage, loop error
		api           int
		live, ready   int
		say           string
	}{
		"all well": {nil, nil, 200, 200, 200, `"status":"OK"`},
		"storage":  {full, nil, 503, 200, 503, `"errors":["storage: disk full"]`},
		"loop":     {nil, stuck, 503, 503, 503, `"errors":["loop: no answer for 30 s"]`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config := testConfig(newFake(unlinkedSnapshot(bot.StatePairing, bot.ReasonQRIdle)))
			config.Storage, config.Loop = func() error { return c.storage }, func() error { return c.loop }
			config.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("sesi_up 1\n")) })
			s := serve(t, New(config), Addresses{Plain: "127.0.0.1:0", OpenLoopback: true, Metrics: "127.0.0.1:0"})
			plain, probes := "http://"+s.PlainAddr().String(), "http://"+s.MetricsAddr().String()
			if got := send(t, "GET", plain+"/api/health", ""); got.StatusCode != c.api || !strings.Contains(got.body, c.say) {
				t.Errorf("/api/health: %d %s, want %d with %s", got.StatusCode, got.body, c.api, c.say)
			}
			if got := send(t, "GET", probes+"/livez", ""); got.StatusCode != c.live {
				t.Errorf("/livez: %d %s, want %d", got.StatusCode, got.body, c.live)
			}
			if got := send(t, "GET", probes+"/readyz", ""); got.StatusCode != c.ready {
				t.Errorf("/readyz: %d %s, want %d", got.StatusCode, got.body, c.ready)
			}
			if got := send(t, "GET", probes+"/metrics", ""); got.body != "sesi_up 1\n" {
				t.Errorf("/metrics: %d %s", got.StatusCode, got.body)
			}
			if got := send(t, "GET", probes+"/api/session/status", ""); got.StatusCode != 404 {
				t.Errorf("the API on the metrics listener: %d", got.StatusCode)
			}
		})
	}
}

func TestCodeInTheFormThatIsAsked(t *testing.T) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, time.Minute)
	url := open(t, New(testConfig(f))) + "/api/session/qr"
	cases := map[string]struct{ accept, query, kind, prefix string }{
		"nothing asked":  {"", "", "application/json", `{"code":"2@`},
		"json":           {"application/json", "", "application/json", `{"code":"2@`},
		"anything":       {"*/*", "", "application/json", `{"code":"2@`},
		"png":            {"image/png", "", "image/png", "\x89PNG"},
		"svg":            {"image/svg+xml", "", "image/svg+xml", "<svg"},
		"as a browser":   {"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "", "image/png", "\x89PNG"},
		"svg preferred":  {"image/png;q=0.5, image/svg+xml", "", "image/svg+xml", "<svg"},
		"json refused":   {"application/json;q=0, */*", "", "image/png", "\x89PNG"},
		"json with pict": {"application/json", "?svg", "application/json", `{"code":"2@`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := send(t, "GET", url+c.query, "", "Accept", c.accept)
			if got.StatusCode != 200 || got.Header.Get("Content-Type") != c.kind || !strings.HasPrefix(got.body, c.prefix) {
				t.Fatalf("%d %s %.40q, want %s", got.StatusCode, got.Header.Get("Content-Type"), got.body, c.kind)
			}
			if got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("a code with Cache-Control %q", got.Header.Get("Cache-Control"))
			}
			switch c.kind {
			case "image/png":
				if read := scan.Code([]byte(got.body)); read != testCode {
					t.Errorf("the picture reads %q, want %q", read, testCode)
				}
			case "application/json":
				var live bot.LiveCode
				if err := json.Unmarshal([]byte(got.body), &live); err != nil || live.Code.Code != testCode || live.Revision != f.code.Revision || !live.ExpiresAt.Equal(f.code.ExpiresAt.Time) {
					t.Errorf("%+v, %v; want %+v", live, err, f.code)
				}
				if want := c.query != ""; strings.HasPrefix(live.SVG, "<svg") != want {
					t.Errorf("picture %.10q, want one: %v", live.SVG, want)
				}
			}
		})
	}
	t.Run("unknown", func(t *testing.T) {
		if p := send(t, "GET", url, "", "Accept", "text/csv").problem(t); p.Status != 406 {
			t.Errorf("%+v, want 406", p)
		}
	})
	t.Run("contract", func(t *testing.T) {
		got := send(t, "GET", url, "")
		expires, err := f.code.ExpiresAt.MarshalJSON()
		want := `{"code":"` + testCode + `","expiresAt":` + string(expires) + `,"revision":8}` + "\n"
		if err != nil || got.body != want {
			t.Errorf("got  %swant %s", got.body, want)
		}
	})
}

func TestProblems(t *testing.T) {
	refuse := func(kind session.RefusalKind, reason bot.Reason) error {
		return &session.Refusal{Kind: kind, Reason: reason, Detail: "Because of this."}
	}
	cases := map[string]struct {
		method, path, body string
		headers            []string
		err                error
		status             int
		kind               bot.ProblemKind
		reason             bot.Reason
		header, value      string
	}{
		"no such path":           {method: "GET", path: "/api/nothing", status: 404, kind: "not-found"},
		"wrong method":           {method: "POST", path: "/api/session/status", status: 405, kind: "method-not-allowed", header: "Allow", value: "GET"},
		"two methods":            {method: "DELETE", path: "/qr", status: 405, kind: "method-not-allowed", header: "Allow", value: "GET, POST"},
		"options":                {method: "OPTIONS", path: "/api/session/clear", status: 405, kind: "method-not-allowed", header: "Allow", value: "DELETE"},
		"no code":                {method: "GET", path: "/api/session/qr", err: refuse(session.RefusedNoCode, bot.ReasonQRIdle), status: 409, kind: "no-code", reason: bot.ReasonQRIdle, header: "Retry-After", value: "2"},
		"linked":                 {method: "GET", path: "/api/session/qr", err: refuse(session.RefusedLinked, bot.ReasonLoggedIn), status: 409, kind: "already-linked", reason: bot.ReasonLoggedIn},
		"nothing to log out":     {method: "POST", path: "/api/session/logout", err: refuse(session.RefusedNotLinked, bot.ReasonQRAvailable), status: 409, kind: "not-linked", reason: bot.ReasonQRAvailable},
		"busy":                   {method: "POST", path: "/api/session/restart", err: refuse(session.RefusedNotReady, bot.ReasonPaired), status: 409, kind: "not-ready", reason: bot.ReasonPaired},
		"refusal of a new kind":  {method: "POST", path: "/api/session/restart", err: refuse("new-kind", bot.ReasonPaired), status: 409, kind: "new-kind", reason: bot.ReasonPaired},
		"took too long":          {method: "POST", path: "/api/session/restart", err: context.DeadlineExceeded, status: 504, kind: "timeout"},
		"stopping":               {method: "POST", path: "/api/session/restart", err: session.ErrStopping, status: 503, kind: "stopping", header: "Retry-After", value: "5"},
		"no backup":              {method: "DELETE", path: "/api/session/clear", err: refuse(session.RefusedNoBackup, bot.ReasonConnectionLost), status: 409, kind: "backup-failed", reason: bot.ReasonConnectionLost},
		"logout without backup":  {method: "POST", path: "/api/session/logout", err: refuse(session.RefusedNoBackup, bot.ReasonConnectionLost), status: 409, kind: "backup-failed", reason: bot.ReasonConnectionLost},
		"nothing removed":        {method: "DELETE", path: "/api/session/clear", err: &session.ClearError{Err: errors.New("disk full")}, status: 507, kind: "not-cleared"},
		"data left":              {method: "POST", path: "/api/session/logout", err: &session.ClearError{AtWhatsApp: true, Err: errors.New("disk full")}, status: 507, kind: "data-left"},
		"force that is neither":  {method: "DELETE", path: "/api/session/clear?force=please", status: 400, kind: "bad-request"},
		"broken":                 {method: "DELETE", path: "/api/session/clear", err: errors.New("disk full"), status: 500, kind: "internal"},
		"pair: no content type":  {method: "POST", path: "/api/session/pair", body: `{}`, status: 415, kind: "unsupported-media-type"},
		"pair: form":             {method: "POST", path: "/api/session/pair", body: `phoneNumber=1`, headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, kind: "unsupported-media-type"},
		"pair: no JSON":          {method: "POST", path: "/api/session/pair", body: `{"phoneNumber":`, headers: []string{"Content-Type", "application/json"}, status: 400, kind: "bad-json"},
		"pair: short number":     {method: "POST", path: "/api/session/pair", body: `{"phoneNumber":62812}`, headers: []string{"Content-Type", "application/json"}, status: 422, kind: "bad-phone-number"},
		"pair: wrong type":       {method: "POST", path: "/api/session/pair", body: `{"phoneNumber":["62812"]}`, headers: []string{"Content-Type", "application/json"}, status: 400, kind: "bad-json"},
		"pair: two values":       {method: "POST", path: "/api/session/pair", body: `{} {}`, headers: []string{"Content-Type", "application/json"}, status: 400, kind: "bad-json"},
		"pair: empty":            {method: "POST", path: "/api/session/pair", headers: []string{"Content-Type", "application/json"}, status: 400, kind: "bad-json"},
		"pair: no number":        {method: "POST", path: "/api/session/pair", body: `{}`, headers: []string{"Content-Type", "application/json; charset=utf-8"}, status: 422, kind: "bad-phone-number"},
		"pair: national number":  {method: "POST", path: "/api/session/pair", body: `{"phoneNumber":"081234567890"}`, headers: []string{"Content-Type", "application/json"}, status: 422, kind: "bad-phone-number"},
		"pair: large":            {method: "POST", path: "/api/session/pair", body: `{"phoneNumber":"` + strings.Repeat("1", 65<<10) + `"}`, headers: []string{"Content-Type", "application/json"}, status: 413, kind: "too-large"},
		"backup without a token": {method: "GET", path: "/api/session/backup", status: 401, kind: "token-needed", header: "Www-Authenticate", value: `Bearer realm="sesi"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFake(unlinkedSnapshot(bot.StatePairing, bot.ReasonQRAvailable))
			f.err = c.err
			url := open(t, New(testConfig(f)))
			got := send(t, c.method, url+c.path, c.body, c.headers...)
			p := got.problem(t)
			if p.Status != c.status || p.Kind() != c.kind || p.Reason != c.reason {
				t.Errorf("got %s, want %d %s %s", got.body, c.status, c.kind, c.reason)
			}
			if c.header != "" && got.Header.Get(c.header) != c.value {
				t.Errorf("%s: %q, want %q", c.header, got.Header.Get(c.header), c.value)
			}
			if p.Message != "" || p.StatusCode != 0 {
				t.Errorf("WAHA's words outside WAHA's paths: %s", got.body)
			}
			inEnglish := send(t, c.method, url+c.path, c.body, append(c.headers, "Accept-Language", "en")...).problem(t)
			if inEnglish.Title == p.Title || inEnglish.Type != p.Type {
				t.Errorf("in English %+v, in Indonesian %+v", inEnglish, p)
			}
		})
	}
}

// A request for a code of a linked session gets the reason why it has no code. The whole sentence is in one language.
func TestALinkedSessionSaysWhyThereIsNoCode(t *testing.T) {
	f := newFake(connectedSnapshot())
	f.err = &session.Refusal{Kind: session.RefusedLinked, Reason: bot.ReasonLoggedIn, Detail: "Connected."}
	url := open(t, New(testConfig(f)))
	for language, want := range map[string]string{
		"en": "The session is already linked to a phone; no QR code is needed.", "id": "Sesi sudah tertaut ke ponsel; kode QR tidak diperlukan.",
	} {
		if p := send(t, "GET", url+"/api/session/qr", "", "Accept-Language", language).problem(t); p.Detail != want {
			t.Errorf("%s: %s", language, p.Detail)
		}
	}
}

// What a removal could not do is in its answer: the person has to do it on the phone, or to repair the disk.
func TestARemovalSaysWhatIsTrue(t *testing.T) {
	f := newFake(connectedSnapshot())
	url := open(t, New(testConfig(f)))
	for query, want := range map[string]bool{"": false, "?force": true, "?force=true": true, "?force=1": true, "?force=false": false, "?force=0": false} {
		if got := send(t, "DELETE", url+"/api/session/clear"+query, ""); got.StatusCode != 200 || f.forced != want {
			t.Errorf("%q: %d, forced %v", query, got.StatusCode, f.forced)
		}
	}
	f.untold = true
	for path, method := range map[string]string{"/api/session/clear": "DELETE", "/api/session/logout": "POST"} {
		if got := send(t, method, url+path, "", "Accept-Language", "en"); got.StatusCode != 200 || !strings.Contains(got.body, "WhatsApp could not be told") {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	f.err = &session.Refusal{Kind: session.RefusedNoBackup, Detail: "no space left"}
	for _, language := range []string{"en", "id"} {
		p := send(t, "DELETE", url+"/api/session/clear", "", "Accept-Language", language).problem(t)
		if !strings.Contains(p.Detail, "no space left") || !strings.Contains(p.Detail, "?force=true") {
			t.Errorf("%s: %s", language, p.Detail)
		}
	}
}

func TestPairing(t *testing.T) {
	for name, number := range map[string]string{"text": `"+62 812-3456-7890"`, "a JSON number": `6281234567890`} {
		t.Run(name, func(t *testing.T) {
			f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
			f.show(testCode, time.Minute)
			got := send(t, "POST", open(t, New(testConfig(f)))+"/api/session/pair", `{"phoneNumber":`+number+`}`, "Content-Type", "application/json")
			var code bot.PairingCode
			if err := json.Unmarshal([]byte(got.body), &code); err != nil || code.PairingCode != "ABCD-EFGH" || code.ExpiresAt != f.code.PairingExpiresAt || code.Revision == 0 {
				t.Errorf("got %d %s, %v", got.StatusCode, got.body, err)
			}
			if f.phone != "+6281234567890" {
				t.Errorf("asked for %q, want +6281234567890", f.phone)
			}
			if strings.Contains(got.body, testCode) {
				t.Error("the answer holds the QR code too")
			}
		})
	}
}

func TestHeadAsksForNoBody(t *testing.T) {
	f := newFake(connectedSnapshot())
	url := open(t, New(testConfig(f)))
	for _, path := range []string{"/api/session/status", "/qr", "/api/session/events", "/api/health"} {
		if got := send(t, "HEAD", url+path, ""); got.StatusCode != 200 || got.body != "" {
			t.Errorf("HEAD %s: %d %q", path, got.StatusCode, got.body)
		}
	}
}

// A stream never ends on its own, and a HEAD has nothing to wait for: it would keep the place of a reader.
func TestHeadTakesNoPlaceOfAStream(t *testing.T) {
	config := testConfig(newFake(connectedSnapshot()))
	var err error
	if config.Journal, err = journal.Open(t.Context(), journal.Options{Directory: t.TempDir(), Session: "test", Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = config.Journal.Close() })
	api := New(config)
	api.streams.limit = 0
	for range readerLimit {
		api.readers <- struct{}{}
	}
	url := open(t, api)
	for _, c := range []struct{ path, accept string }{
		{"/api/session/events", ""}, {"/api/events", "text/event-stream"}, {"/api/events?wait=50", ""},
	} {
		if got := send(t, "GET", url+c.path, "", "Accept", c.accept); got.problem(t).Kind() != "too-many-streams" {
			t.Errorf("GET %s with no place left: %d %s", c.path, got.StatusCode, got.body)
		}
		if got := send(t, "HEAD", url+c.path, "", "Accept", c.accept); got.StatusCode != 200 {
			t.Errorf("HEAD %s with no place left: %d", c.path, got.StatusCode)
		}
	}
}
