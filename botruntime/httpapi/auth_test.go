package httpapi

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// doors opens every kind of listener on one API and returns their addresses by name.
func doors(t *testing.T, config Config) map[string]string {
	t.Helper()
	return doorsOf(t, New(config))
}

func doorsOf(t *testing.T, api *API) map[string]string {
	t.Helper()
	certFile, keyFile := writeCertificate(t, t.TempDir(), "bot")
	inner := serve(t, api, Addresses{Plain: "127.0.0.1:0", TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile})
	pod := serve(t, api, Addresses{Plain: "127.0.0.1:0", OpenLoopback: true})
	outer := serve(t, api, Addresses{Plain: "0.0.0.0:0", OpenLoopback: true}) // which opens no other address
	_, port, _ := strings.Cut(strings.TrimPrefix(outer.PlainAddr().String(), "[::]"), ":")
	return map[string]string{
		"loopback": "http://" + inner.PlainAddr().String(),
		"pod":      "http://" + pod.PlainAddr().String(),
		"outer":    "http://127.0.0.1:" + port,
		"tls":      "https://" + inner.TLSAddr().String(),
	}
}

// Who may call what, on every route of every listener, with every credential.
func TestWhoMayDoWhat(t *testing.T) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, time.Hour)
	at := doors(t, testConfig(f))
	credentials := map[string][]string{
		"none":      nil,
		"bearer":    {"Authorization", "Bearer " + testToken},
		"lowercase": {"Authorization", "bearer " + testToken},
		"api key":   {"X-Api-Key", testToken},
		"basic":     {"Authorization", "Basic " + testToken},
		"query":     nil,
		"api query": nil,
	}
	client := newConnections(t, false)
	right := map[string]bool{"bearer": true, "lowercase": true, "api key": true}
	for _, r := range apiRoutes() {
		if r.path == bot.PathSessionEvents {
			continue // this answer has no end; TestEventsNeedTheToken checks it
		}
		path := bot.WAHAPath(r.path, "default")
		for door, url := range at {
			for name, headers := range credentials {
				address := url + path
				switch name {
				case "query":
					address += "?token=" + testToken
				case "api query":
					address += "?x-api-key=" + testToken
				}
				got := sendOver(t, client, r.method, address, `{}`, append(headers, "Content-Type", "application/json")...)
				want := right[name]
				switch {
				case name == "api query" && (r.path == bot.PathWebSocket || r.path == bot.PathWAHAFile):
					want = true // a browser and a picture's address cannot send a header
				case r.access == forAll, r.access == withToken && door == "pod":
					want = true
				case r.method == "POST" && r.access == forPeople:
					want = true // the form itself says what is missing
				case r.access == forPeople && name == "query":
					want = true
				case r.access == forPeople && door == "pod":
					want = true
				}
				if refused := got.StatusCode == 401; refused == want {
					t.Errorf("%s %s at %s with %s: status %d, want it let in: %v", r.method, path, door, name, got.StatusCode, want)
				}
			}
		}
	}
	f.done()
}

func TestWrongTokens(t *testing.T) {
	at := doors(t, testConfig(newFake(connectedSnapshot())))
	cases := map[string][]string{
		"wrong":               {"Authorization", "Bearer wrong"},
		"prefix of the token": {"Authorization", "Bearer " + testToken[:5]},
		"more than the token": {"X-Api-Key", testToken + "x"},
		"other case":          {"X-Api-Key", strings.ToUpper(testToken)},
	}
	for name, headers := range cases {
		t.Run(name, func(t *testing.T) {
			got := send(t, "GET", at["tls"]+"/api/session/status", "", headers...)
			if p := got.problem(t); p.Status != 401 || p.Kind() != "token-wrong" {
				t.Errorf("%s, want 401 token-wrong", got.body)
			}
			if strings.Contains(got.body, headers[1]) {
				t.Errorf("the answer repeats what was sent: %s", got.body)
			}
		})
	}
}

func TestTokenFollowsItsSource(t *testing.T) {
	var token atomic.Value
	token.Store("first")
	config := testConfig(newFake(connectedSnapshot()))
	config.Token = func() string { return token.Load().(string) }
	page := doors(t, config)["tls"] + bot.PathPage
	url := strings.TrimSuffix(page, bot.PathPage) + bot.PathStatus
	token.Store("second")
	if got := send(t, "GET", url, "", "X-Api-Key", "second"); got.StatusCode != 200 {
		t.Errorf("the new token: %d", got.StatusCode)
	}
	if got := send(t, "GET", url, "", "X-Api-Key", "first"); got.StatusCode != 401 {
		t.Errorf("the old token: %d, want 401", got.StatusCode)
	}
	token.Store("")
	for _, given := range []string{"", "second"} {
		if got := send(t, "GET", url, "", "X-Api-Key", given); got.StatusCode != 401 {
			t.Errorf("token gone, %q given: %d, want 401: no token opens nothing", given, got.StatusCode)
		}
	}
	if got := send(t, "POST", page, "token=", "Content-Type", "application/x-www-form-urlencoded"); got.StatusCode != 401 || len(got.Cookies()) > 0 {
		t.Errorf("token gone, empty form: %d with %v, want 401", got.StatusCode, got.Cookies())
	}
	until := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	forged := "__Host-sesi-" + config.ClientID + "=" + until + "." + cookieSignature("", config.ClientID, until)
	if got := send(t, "GET", url, "", "Cookie", forged); got.StatusCode != 401 {
		t.Errorf("token gone, a cookie that everyone can derive: %d, want 401", got.StatusCode)
	}
}

// The answers to a caller without the token are the same for a path that is there and for one that is not.
func TestAStrangerLearnsNoPaths(t *testing.T) {
	at := doors(t, testConfig(newFake(connectedSnapshot())))
	for _, door := range []string{"outer", "tls", "loopback"} {
		for _, asked := range []string{"GET " + bot.PathStatus, "PUT " + bot.PathStatus, "GET /api/nothing", "POST /metrics", "GET /api/session"} {
			method, path, _ := strings.Cut(asked, " ")
			if got := send(t, method, at[door]+path, ""); got.StatusCode != 401 || got.Header.Get("Allow") != "" {
				t.Errorf("%s at %s: %d, Allow %q, want 401", asked, door, got.StatusCode, got.Header.Get("Allow"))
			}
		}
		if got := send(t, "PUT", at[door]+bot.PathStatus, "", "X-Api-Key", testToken); got.StatusCode != 405 || got.Header.Get("Allow") != "GET" {
			t.Errorf("with the token at %s: %d, Allow %q, want 405 and GET", door, got.StatusCode, got.Header.Get("Allow"))
		}
	}
}

func TestBackupNeedsATokenOnLoopbackToo(t *testing.T) {
	config := testConfig(newFake(connectedSnapshot()))
	config.Token = nil
	url := open(t, New(config))
	got := send(t, "GET", url+"/api/session/backup", "", "X-Api-Key", "anything")
	if p := got.problem(t); p.Status != 403 || p.Kind() != "token-unset" || !strings.Contains(p.Detail, "API_TOKEN") {
		t.Errorf("%s, want 403 that names API_TOKEN", got.body)
	}
}

func TestPageTurnsTheTokenIntoACookie(t *testing.T) {
	config := testConfig(newFake(connectedSnapshot()))
	for door, url := range doors(t, config) {
		for _, way := range []string{"address", "form"} {
			t.Run(way+" at "+door, func(t *testing.T) {
				var got answer
				if way == "address" {
					got = send(t, "GET", url+"/qr?token="+testToken, "")
				} else {
					got = send(t, "POST", url+"/qr", "token="+testToken, "Content-Type", "application/x-www-form-urlencoded")
				}
				if got.StatusCode != 303 || got.Header.Get("Location") != "qr" {
					t.Fatalf("%d to %q, want 303 to qr", got.StatusCode, got.Header.Get("Location"))
				}
				cookies := got.Cookies()
				if door == "pod" {
					if len(cookies) > 0 {
						t.Errorf("a cookie where none is needed: %v", cookies)
					}
					return
				}
				c := cookies[0]
				if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != (door == "tls") || c.Path != "/" || c.MaxAge <= 0 {
					t.Errorf("cookie %v", c)
				}
				if strings.Contains(c.Value, testToken) {
					t.Errorf("the cookie holds the token: %v", c)
				}
				sent := c.Name + "=" + c.Value
				for path, want := range map[string]int{"/qr": 200, "/api/session/status": 200, "/api/session/backup": 401} {
					if got := send(t, "GET", url+path, "", "Cookie", sent); got.StatusCode != want {
						t.Errorf("%s with the cookie: %d, want %d", path, got.StatusCode, want)
					}
				}
				for what, forged := range map[string]string{
					"signature":   c.Name + "=" + c.Value + "x",
					"longer life": c.Name + "=9" + c.Value,
					"nothing":     c.Name + "=",
					"no dot":      c.Name + "=9999999999",
					"token":       c.Name + "=" + testToken,
					"another bot": c.Name + "=9999999999." + cookieSignature(testToken, "another-bot", "9999999999"),
				} {
					if got := send(t, "GET", url+"/api/session/status", "", "Cookie", forged); got.StatusCode != 401 {
						t.Errorf("forged cookie (%s): %d, want 401", what, got.StatusCode)
					}
				}
			})
		}
	}
}

func TestCookieEndsByItselfAndWithTheToken(t *testing.T) {
	var token atomic.Value
	token.Store(testToken)
	config := testConfig(newFake(connectedSnapshot()))
	config.Token = func() string { return token.Load().(string) }
	api := New(config)
	api.limits.cookieLifetime = -time.Second
	certFile, keyFile := writeCertificate(t, t.TempDir(), "bot")
	url := "https://" + serve(t, api, Addresses{TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile}).TLSAddr().String()
	use := func(c *http.Cookie) int {
		return send(t, "GET", url+"/api/session/status", "", "Cookie", c.Name+"="+c.Value).StatusCode
	}
	ended := send(t, "GET", url+"/qr?token="+testToken, "").Cookies()[0]
	if got := use(ended); got != 401 {
		t.Errorf("a cookie past its end: %d, want 401", got)
	}
	api.limits.cookieLifetime = time.Hour
	good := send(t, "GET", url+"/qr?token="+testToken, "").Cookies()[0]
	if got := use(good); got != 200 {
		t.Errorf("a good cookie: %d", got)
	}
	token.Store("another")
	if got := use(good); got != 401 {
		t.Errorf("a cookie of the old token: %d, want 401", got)
	}
}

func TestPeopleAreAskedForTheToken(t *testing.T) {
	at := doors(t, testConfig(newFake(connectedSnapshot())))
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	cases := map[string]struct {
		method, query, body string
		status              int
		want                string
	}{
		"no token":          {"GET", "", "", 401, "Token diperlukan"},
		"wrong in address":  {"GET", "?token=wrong", "", 401, "bukan API_TOKEN"},
		"wrong in the form": {"POST", "", "token=wrong", 401, "bukan API_TOKEN"},
		"form without one":  {"POST", "", "x=y", 401, "bukan API_TOKEN"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := send(t, c.method, at["tls"]+"/qr"+c.query, c.body, "Accept", browser, "Content-Type", "application/x-www-form-urlencoded")
			if got.StatusCode != c.status || !strings.Contains(got.body, c.want) || !strings.Contains(got.body, `<form class="token" method="post" action="qr">`) {
				t.Errorf("%d %s", got.StatusCode, got.body)
			}
			if len(got.Cookies()) > 0 {
				t.Errorf("cookies %v", got.Cookies())
			}
		})
	}
	if got := send(t, "GET", at["tls"]+"/qr", "", "Accept", "application/json"); got.problem(t).Kind() != "token-needed" {
		t.Errorf("a program got %s", got.body)
	}
}

func TestManyWrongTokensAreThrottled(t *testing.T) {
	api := New(testConfig(newFake(connectedSnapshot())))
	api.failures.refill = time.Hour
	certFile, keyFile := writeCertificate(t, t.TempDir(), "bot")
	s := serve(t, api, Addresses{Plain: "127.0.0.1:0", TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile})
	at := "https://" + s.TLSAddr().String()
	url := at + "/api/session/status"
	for i := range throttleBurst + 1 {
		want := 401
		if i == throttleBurst {
			want = 429
		}
		if got := send(t, "GET", url, "", "X-Api-Key", "wrong").StatusCode; got != want {
			t.Fatalf("wrong token %d: status %d, want %d", i+1, got, want)
		}
	}
	got := send(t, "GET", url, "", "X-Api-Key", "wrong too")
	if got.problem(t).Status != 429 || got.Header.Get("Retry-After") == "" {
		t.Errorf("another wrong token: %d, Retry-After %q", got.StatusCode, got.Header.Get("Retry-After"))
	}
	// Many callers share an address behind a proxy: one with an old token must not lock the others out.
	for what, headers := range map[string][]string{"key": {"X-Api-Key", testToken}, "bearer": {"Authorization", "Bearer " + testToken}} {
		for range 3 {
			if got := send(t, "GET", url, "", headers...); got.StatusCode != 200 {
				t.Errorf("the right token (%s) while wrong ones are throttled: %d, want 200", what, got.StatusCode)
			}
		}
	}
	if got := send(t, "GET", at+"/qr?token="+testToken, ""); got.StatusCode != 303 {
		t.Errorf("the page's token while wrong ones are throttled: %d, want 303", got.StatusCode)
	}
	if got := send(t, "GET", url, "", "X-Api-Key", "wrong"); got.StatusCode != 429 {
		t.Errorf("a wrong token after the right one: %d, want 429", got.StatusCode)
	}
}

func TestThrottle(t *testing.T) {
	now := testStart
	a, b := throttleKey("192.0.2.1:1000"), throttleKey("192.0.2.2:1000")
	th := newThrottle()
	for i := range throttleBurst {
		if wait := th.wait(a, now); wait != 0 {
			t.Fatalf("must wait %v before try %d", wait, i)
		}
		th.failed(a, now)
	}
	if wait := th.wait(a, now); wait != throttleRefill {
		t.Errorf("must wait %v, want %v", wait, throttleRefill)
	}
	if wait := th.wait(b, now); wait != 0 {
		t.Errorf("another address must wait %v", wait)
	}
	if wait := th.wait(a, now.Add(throttleRefill)); wait != 0 {
		t.Errorf("must wait %v after the refill", wait)
	}
	th.failed(a, now.Add(throttleRefill))
	if wait := th.wait(a, now.Add(throttleRefill)); wait != throttleRefill {
		t.Errorf("one try was given, must wait %v, want %v", wait, throttleRefill)
	}
}

func TestThrottleRemembersABoundedNumber(t *testing.T) {
	now := testStart
	th := newThrottle()
	for i := range 3 * throttleCallers {
		th.failed(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32), now)
	}
	if len(th.full) > throttleCallers+1 {
		t.Fatalf("%d addresses remembered", len(th.full))
	}
	if th.wait(throttleKey("192.0.2.1:1"), now) == 0 {
		t.Error("a caller with endless addresses has endless tries")
	}
	later := now.Add(time.Hour)
	th.failed(throttleKey("192.0.2.1:1"), later)
	if len(th.full) > 2 || th.wait(throttleKey("192.0.2.2:1"), later) != 0 {
		t.Errorf("%d addresses an hour later", len(th.full))
	}
}

func TestThrottleKey(t *testing.T) {
	cases := map[string]struct{ a, b string }{
		"ports":            {"192.0.2.1:1", "192.0.2.1:2"},
		"mapped":           {"192.0.2.1:1", "[::ffff:192.0.2.1]:2"},
		"one IPv6 network": {"[2001:db8::1]:1", "[2001:db8::ffff:2]:1"},
		"zones":            {"[fe80::1%eth0]:1", "[fe80::2%eth1]:1"},
		"no address":       {"@", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if throttleKey(c.a) != throttleKey(c.b) {
				t.Errorf("%v and %v differ", throttleKey(c.a), throttleKey(c.b))
			}
		})
	}
	if throttleKey("[2001:db8:0:1::1]:1") == throttleKey("[2001:db8:0:2::1]:1") {
		t.Error("two IPv6 networks share a key")
	}
}

// Whatever is sent and however it ends, no secret is in the log, even at debug level.
func TestLogHoldsNoSecret(t *testing.T) {
	var log lockedBuffer
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	f.show(testCode, time.Hour)
	config := testConfig(f)
	config.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	at := doors(t, config)
	url := at["tls"]
	cookie := send(t, "GET", url+"/qr?token="+testToken, "").Cookies()[0]
	send(t, "GET", url+"/qr?token=almost-"+testToken, "")
	send(t, "POST", url+"/qr", "token="+testToken, "Content-Type", "application/x-www-form-urlencoded")
	send(t, "GET", url+"/api/session/qr?svg", "", "Cookie", cookie.Name+"="+cookie.Value)
	send(t, "GET", url+"/api/default/auth/qr?format=raw", "", "X-Api-Key", testToken)
	send(t, "POST", url+"/api/session/pair", `{"phoneNumber":"+6281234567890"}`, "X-Api-Key", testToken, "Content-Type", "application/json")
	send(t, "GET", url+"/api/session/backup", "", "Authorization", "Bearer "+testToken)
	// A request is logged behind its answer.
	waitUntil(t, "seven requests in the log", func() bool { return strings.Count(log.String(), `"msg":"request"`) >= 7 })
	value, err := json.Marshal(cookie.Value)
	if err != nil {
		t.Fatal(err)
	}
	for what, secret := range map[string]string{
		"token": testToken, "cookie": strings.Trim(string(value), `"`), "code": testCode[:20], "pairing code": "ABCD-EFGH", "phone number": "81234567890",
	} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds the %s:\n%s", what, log.String())
		}
	}
}
