package httpapi

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
)

func TestLocalHost(t *testing.T) {
	cases := map[string]bool{
		"localhost": true, "localhost:3000": true, "LOCALHOST:80": true, "127.0.0.1": true, "127.0.0.1:3000": true,
		"[::1]": true, "[::1]:3000": true, "127.8.9.10:1": true,
		"": false, "evil.example": false, "evil.example:3000": false, "localhost.evil.example": false,
		"127.0.0.1.nip.io": false, "192.168.1.2:3000": false, "0.0.0.0:3000": false, "[::]:3000": false,
		"localhost:3000:3000": false, "localhost@evil.example": false, "2130706433": false, "127.1": false, "[::1%25lo]:1": false,
	}
	for host, want := range cases {
		t.Run(host, func(t *testing.T) {
			if got := localHost(&http.Request{Host: host, ProtoMajor: 1, ProtoMinor: 1}); got != want {
				t.Errorf("localHost(%q) = %v, want %v", host, got, want)
			}
		})
	}
}

// A page whose name resolves to this machine gets nothing; the same request to the machine's own name is answered.
func TestRebindingIsRefused(t *testing.T) {
	f := newFake(connectedSnapshot())
	config := testConfig(f)
	config.Token = nil
	url := local(t, New(config))
	for _, r := range apiRoutes() {
		if r.path == bot.PathSessionEvents {
			continue
		}
		got := send(t, r.method, url+r.path, "", "Host", "evil.example:3000", "X-Api-Key", testToken)
		if p := got.problem(t); p.Status != 403 || p.Kind() != "foreign-host" {
			t.Errorf("%s: %s, want 403 foreign-host", r.path, got.body)
		}
	}
	if done := f.done(); len(done) > 0 || f.lookCount() > 0 {
		t.Errorf("the session was asked to %v, and looked at %d times", done, f.lookCount())
	}
	for _, host := range []string{"localhost:3000", "127.0.0.1", "[::1]:8080"} {
		if got := send(t, "GET", url+"/api/session/status", "", "Host", host); got.StatusCode != 200 {
			t.Errorf("as %s: %d", host, got.StatusCode)
		}
	}
}

// A request that a proxy on this machine forwards can come from anywhere: without the token it gets nothing, whatever
// its Host.
func TestForwardedRequestsNeedTheToken(t *testing.T) {
	f := newFake(connectedSnapshot())
	url := open(t, New(testConfig(f)))
	config := testConfig(f)
	config.Token = nil
	tokenless := local(t, New(config))
	for name, value := range map[string]string{
		"Forwarded": "for=192.0.2.1", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost",
		"X-Forwarded-Prefix": "/bots", "X-Forwarded-Server": "proxy", "X-Real-IP": "192.0.2.1", "Via": "1.1 proxy",
		"CF-Connecting-IP": "192.0.2.1", "True-Client-IP": "192.0.2.1", "X-Client-IP": "192.0.2.1", "x-forwarded-for": "",
		"X-Forwarded": "for=192.0.2.1", "Forwarded-For": "192.0.2.1", "X-Original-Forwarded-For": "192.0.2.1", "X_Forwarded_For": "192.0.2.1", "X-Forwarder-For": "192.0.2.1", "CF-IPCountry": "ID",
		"X-Amzn-Trace-Id": "Root=1", "X-Envoy-Original-Path": "/", "X-Azure-ClientIP": "192.0.2.1", "Tailscale-User-Login": "x", "WL-Proxy-Client-IP": "192.0.2.1", "X-Remote-Addr": "192.0.2.1", "Client-IP": "192.0.2.1", "Proxy-Connection": "keep-alive",
	} {
		for _, at := range []string{url, tokenless} {
			for _, request := range []struct{ method, path string }{
				{"GET", bot.PathStatus}, {"GET", bot.PathPage}, {"GET", bot.PathCode}, {"DELETE", bot.PathClear}, {"GET", bot.PathSessionEvents}, {"POST", bot.PathPair},
			} {
				if got := send(t, request.method, at+request.path, "", name, value); got.problem(t).Kind() != bot.ProblemForwarded {
					t.Errorf("%s %s with %s: %d %s, want it refused as forwarded", request.method, request.path, name, got.StatusCode, got.body)
				}
			}
		}
		if got := send(t, "GET", url+bot.PathStatus, "", name, value, "X-Api-Key", testToken, "Host", "bot.example"); got.StatusCode != 200 {
			t.Errorf("with %s and the right token: %d %s, want 200", name, got.StatusCode, got.body)
		}
	}
	if got := send(t, "GET", url+bot.PathStatus, "", "X-Forwarded-For", "192.0.2.1", "X-Api-Key", "wrong"); got.StatusCode != 401 {
		t.Errorf("with a wrong token: %d, want 401", got.StatusCode)
	}
	if done := f.done(); len(done) > 0 {
		t.Errorf("the session was asked to %v", done)
	}
}

// A token protects loopback as well, because every local user and every proxy with default settings reaches it.
func TestTokenGuardsLoopbackToo(t *testing.T) {
	url := local(t, New(testConfig(newFake(connectedSnapshot()))))
	if got := send(t, "GET", url+bot.PathStatus, ""); got.problem(t).Kind() != bot.ProblemTokenNeeded {
		t.Errorf("without the token: %d %s", got.StatusCode, got.body)
	}
	for _, host := range []string{"localhost", "bot.example", "127.0.0.1:3000"} {
		if got := send(t, "GET", url+bot.PathStatus, "", "Host", host, "Authorization", "Bearer "+testToken); got.StatusCode != 200 {
			t.Errorf("with the token, as %s: %d %s", host, got.StatusCode, got.body)
		}
	}
}

// HTTP/1.0 has no Host header, and some monitors still use it.
func TestHTTP10NeedsNoHost(t *testing.T) {
	for path, want := range map[string]string{bot.PathWAHAPing: "pong", bot.PathStatus: `"exists":true`} {
		conn := dial(t, strings.TrimPrefix(open(t, New(testConfig(newFake(connectedSnapshot())))), "http://"))
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.0 200 OK") || !strings.Contains(string(got), want) {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
}

// The page works behind proxies that rewrite Host, strip a path and terminate TLS, in browsers that send no Sec-Fetch
// headers.
func TestPageBehindAProxy(t *testing.T) {
	url := local(t, New(testConfig(newFake(connectedSnapshot()))))
	cases := map[string]struct {
		headers  []string
		location string
		cookie   string
		path     string
		secure   bool
	}{
		"nginx with its defaults":  {nil, "qr", "sesi-wa-finance-render", "/", false},
		"TLS at the proxy":         {[]string{"X-Forwarded-Proto", "https"}, "qr", "__Host-sesi-wa-finance-render", "/", true},
		"TLS, in a Forwarded":      {[]string{"Forwarded", `for=192.0.2.1;proto=https`}, "qr", "__Host-sesi-wa-finance-render", "/", true},
		"TLS at the outer proxy":   {[]string{"X-Forwarded-Proto", "https, http"}, "qr", "__Host-sesi-wa-finance-render", "/", true},
		"TLS behind the outer one": {[]string{"Forwarded", `for=192.0.2.1;proto=http, for=10.0.0.1;proto=https`}, "qr", "sesi-wa-finance-render", "/", false},
		"TLS and a path":           {[]string{"X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/bots/shop/"}, "/bots/shop/qr", "__Secure-sesi-wa-finance-render", "/bots/shop/", true},
		"a path":                   {[]string{"X-Forwarded-Prefix", "/bots"}, "/bots/qr", "sesi-wa-finance-render", "/bots/", false},
		"a path that is too long":  {[]string{"X-Forwarded-Prefix", "/" + strings.Repeat("a", 250)}, "qr", "sesi-wa-finance-render", "/", false},
		"a path to another host":   {[]string{"X-Forwarded-Prefix", "//evil.example"}, "qr", "sesi-wa-finance-render", "/", false},
		"a path upwards":           {[]string{"X-Forwarded-Prefix", "/../x"}, "qr", "sesi-wa-finance-render", "/", false},
		"a path with a line break": {[]string{"X-Forwarded-Prefix", "/a;b"}, "qr", "sesi-wa-finance-render", "/", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			headers := append([]string{"Host", "127.0.0.1:3000", "Origin", "https://bot.example", "Content-Type", "application/x-www-form-urlencoded"}, c.headers...)
			got := send(t, "POST", url+bot.PathPage, "token="+testToken, headers...)
			if got.StatusCode != 303 || got.Header.Get("Location") != c.location || len(got.Cookies()) != 1 {
				t.Fatalf("%d to %q with %v", got.StatusCode, got.Header.Get("Location"), got.Cookies())
			}
			cookie := got.Cookies()[0]
			if cookie.Name != c.cookie || cookie.Path != c.path || cookie.Secure != c.secure {
				t.Errorf("cookie %v, want %s for %s, secure %v", cookie, c.cookie, c.path, c.secure)
			}
			headers = append([]string{"Cookie", cookie.Name + "=" + cookie.Value, "Origin", "https://bot.example"}, c.headers...)
			if got := send(t, "POST", url+bot.PathRestart, "", append(headers, pageHeader, "1")...); got.StatusCode != 200 {
				t.Errorf("the page's own request: %d %s", got.StatusCode, got.body)
			}
			if got := send(t, "POST", url+bot.PathRestart, "", headers...); got.StatusCode != 403 {
				t.Errorf("a form of another page: %d, want 403", got.StatusCode)
			}
		})
	}
	for _, file := range []string{pageHTML, pageScript, tokenHTML} {
		for _, absolute := range []string{`"/api`, `'/api`, `"/qr`, `'/qr`} {
			if strings.Contains(file, absolute) {
				t.Errorf("the page holds the absolute address %s, which fails under a path", absolute)
			}
		}
	}
	if got := send(t, "GET", url+bot.PathPage+"/", "", "X-Api-Key", testToken); got.StatusCode != 303 || got.Header.Get("Location") != "../qr" {
		t.Errorf("the page with a slash: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

// A monitor on / learns whether the bot is healthy; a browser gets the page.
func TestHomeAnswersMonitorsAndPeople(t *testing.T) {
	config := testConfig(newFake(connectedSnapshot()))
	broken := errors.New("disk full")
	var fault error
	config.Storage = func() error { return fault }
	url := local(t, New(config))
	for _, accept := range []string{"", "*/*", "application/json"} {
		if got := send(t, "GET", url, "", "Accept", accept); got.StatusCode != 200 || !strings.HasPrefix(got.body, `{"status":"OK","page":"/qr"`) {
			t.Errorf("Accept %q: %d %s", accept, got.StatusCode, got.body)
		}
	}
	if got := send(t, "GET", url, "", "Accept", "text/html,*/*;q=0.8"); got.StatusCode != 303 || got.Header.Get("Location") != "qr" {
		t.Errorf("a browser: %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	if got := send(t, "GET", url+"//", ""); got.StatusCode != 200 {
		t.Errorf("with two slashes: %d", got.StatusCode)
	}
	fault = broken
	if got := send(t, "GET", url, ""); got.StatusCode != 503 || strings.Contains(got.body, "disk") {
		t.Errorf("a broken bot: %d %s, want 503 that tells strangers no more", got.StatusCode, got.body)
	}
}

func TestFromOtherSite(t *testing.T) {
	cases := map[string]struct {
		method  string
		headers map[string]string
		want    bool
	}{
		"a program":                     {"DELETE", nil, false},
		"own page reads":                {"GET", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, false},
		"own page changes":              {"POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://bot.test"}, false},
		"typed address":                 {"GET", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, false},
		"link from elsewhere":           {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, false},
		"frame elsewhere":               {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, true},
		"picture elsewhere":             {"GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, true},
		"script of a sibling":           {"GET", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, true},
		"form elsewhere":                {"POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, true},
		"old browser, form elsewhere":   {"POST", map[string]string{"Origin": "http://evil.example"}, true},
		"old browser, hidden origin":    {"POST", map[string]string{"Origin": "null"}, true},
		"old browser, own form":         {"POST", map[string]string{"Origin": "http://bot.test"}, false},
		"old browser, other port":       {"DELETE", map[string]string{"Origin": "http://bot.test:81"}, true},
		"old browser, reads from other": {"GET", map[string]string{"Origin": "http://evil.example"}, false},
		"old browser, behind a proxy":   {"POST", map[string]string{"Origin": "http://bot.example", "X-Forwarded-Host": "bot.example, inner"}, false},
		"old browser, proxy, elsewhere": {"POST", map[string]string{"Origin": "http://evil.example", "X-Forwarded-Host": "bot.example"}, true},
		"a word we do not know":         {"GET", map[string]string{"Sec-Fetch-Site": "sideways"}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "http://bot.test/api/session/clear", nil)
			for header, value := range c.headers {
				r.Header.Set(header, value)
			}
			if got := fromOtherSite(r); got != c.want {
				t.Errorf("fromOtherSite = %v, want %v", got, c.want)
			}
		})
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	f := newFake(connectedSnapshot())
	for door, url := range doors(t, testConfig(f)) {
		for _, r := range apiRoutes() {
			if r.method == http.MethodGet {
				continue
			}
			got := send(t, r.method, url+r.path, "", "Sec-Fetch-Site", "cross-site", "X-Api-Key", testToken)
			if p := got.problem(t); p.Status != 403 || p.Kind() != "cross-site" {
				t.Errorf("%s at %s: %s, want 403 cross-site", r.path, door, got.body)
			}
		}
		got := send(t, "GET", url+"/api/session/status", "", "Origin", "http://evil.example", "X-Api-Key", testToken)
		for _, header := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"} {
			if got.Header.Get(header) != "" {
				t.Errorf("%s: %q, want none", header, got.Header.Get(header))
			}
		}
	}
	if done := f.done(); len(done) > 0 {
		t.Errorf("the session was asked to %v", done)
	}
}
