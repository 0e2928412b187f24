package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// Only a trusted proxy says where a request comes from: anyone else could choose the address that is slowed down, and that
// the audit log names.
func TestAddressOfACaller(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		trusted   []string
		forwarded []string
		want      string
	}{
		"no proxy":                      {nil, []string{"203.0.113.9"}, "10.0.0.1"},
		"another one is trusted":        {[]string{"10.0.1.0/24"}, []string{"203.0.113.9"}, "10.0.0.1"},
		"the proxy":                     {[]string{"10.0.0.0/24"}, []string{"203.0.113.9"}, "203.0.113.9"},
		"what the caller wrote himself": {[]string{"10.0.0.0/24"}, []string{"198.51.100.7, 203.0.113.9"}, "203.0.113.9"},
		"in a header of its own":        {[]string{"10.0.0.0/24"}, []string{"198.51.100.7", "203.0.113.9"}, "203.0.113.9"},
		"two proxies":                   {[]string{"10.0.0.0/16"}, []string{"203.0.113.9, 10.0.5.5"}, "203.0.113.9"},
		"with a port":                   {[]string{"10.0.0.0/24"}, []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		"no address":                    {[]string{"10.0.0.0/24"}, []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		"none is told":                  {[]string{"10.0.0.0/24"}, nil, "10.0.0.1"},
	}
	for name, c := range cases {
		g := &Gateway{}
		for _, trusted := range c.trusted {
			g.options.TrustedProxies = append(g.options.TrustedProxies, netip.MustParsePrefix(trusted))
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = "10.0.0.1:5000", c.forwarded
		if got := g.address(r); got != netip.MustParseAddr(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A page of another site can only open the desk by a link: it cannot change, read, frame or listen to anything.
func TestFromOtherSite(t *testing.T) {
	t.Parallel()
	const cross, evil = "cross-site", "https://evil.example"
	cases := map[string]struct {
		method string
		header map[string]string
		want   bool
	}{
		"the desk's own page":            {"POST", map[string]string{"Sec-Fetch-Site": "same-origin"}, false},
		"an address that was typed":      {"GET", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, false},
		"a link":                         {"GET", map[string]string{"Sec-Fetch-Site": cross, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, false},
		"a form":                         {"POST", map[string]string{"Sec-Fetch-Site": cross, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, true},
		"a frame":                        {"GET", map[string]string{"Sec-Fetch-Site": cross, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, true},
		"a script":                       {"GET", map[string]string{"Sec-Fetch-Site": cross, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, true},
		"a document that is not visited": {"GET", map[string]string{"Sec-Fetch-Site": cross, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "document"}, true},
		"a sibling's WebSocket":          {"GET", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "websocket", "Sec-Fetch-Dest": "websocket", "Upgrade": "websocket"}, true},
		"an old browser's form":          {"POST", map[string]string{"Origin": evil}, true},
		"an old browser's own form":      {"POST", map[string]string{"Origin": "https://example.com"}, false},
		"an old browser's WebSocket":     {"GET", map[string]string{"Origin": evil, "Upgrade": "websocket"}, true},
		"an old browser's own WebSocket": {"GET", map[string]string{"Origin": "https://example.com", "Upgrade": "websocket"}, false},
		"no browser":                     {"POST", nil, false},
		"no browser's WebSocket":         {"GET", map[string]string{"Upgrade": "websocket"}, false},
	}
	for name, c := range cases {
		r := httptest.NewRequest(c.method, "https://example.com/", nil)
		for header, value := range c.header {
			r.Header.Set(header, value)
		}
		if got := fromOtherSite(r); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}
