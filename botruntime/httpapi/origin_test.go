package httpapi

import (
	"net/http"
	"net/http/httptest"
	"testing"
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
			if got := localHost(host); got != want {
				t.Errorf("localHost(%q) = %v, want %v", host, got, want)
			}
		})
	}
}

// A page whose name resolves to this machine gets nothing; the same request by the machine's own name does.
func TestRebindingIsRefused(t *testing.T) {
	f := newFake(connectedSnapshot())
	url := local(t, New(testConfig(f)))
	for _, r := range apiRoutes() {
		if r.path == "/api/session/events" {
			continue
		}
		got := send(t, r.method, url+r.path, "", "Host", "evil.example:3000", "X-Api-Key", testToken)
		if p := got.problem(t); p.Status != 403 || p.Kind() != "foreign-host" {
			t.Errorf("%s: %s, want 403 foreign-host", r.pattern(), got.body)
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
				t.Errorf("%s at %s: %s, want 403 cross-site", r.pattern(), door, got.body)
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
