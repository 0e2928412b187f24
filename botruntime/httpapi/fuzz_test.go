package httpapi

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"", "*/*", "image/png", "image/*;q=0.5, */*;q=0", ";;,,q=", "text/html;level=1;q=1.5", "a/b;q=0.999"} {
		f.Add(seed)
	}
	offers := []string{"application/json", "image/png", "image/svg+xml"}
	f.Fuzz(func(t *testing.T, header string) {
		got := negotiate(header, offers...)
		if got < -1 || got >= len(offers) {
			t.Fatalf("negotiate(%q) = %d", header, got)
		}
		if got >= 0 && strings.TrimSpace(header) != "" && acceptQuality(header, offers[got]) <= 0 {
			t.Fatalf("negotiate(%q) chose %s, which is not accepted", header, offers[got])
		}
		if negotiate(header+", application/json", offers...) < 0 {
			t.Fatalf("negotiate(%q) refuses JSON that is asked for", header)
		}
	})
}

func FuzzAcceptLanguage(f *testing.F) {
	for _, seed := range []string{"", "en", "id-ID,id;q=0.9,en;q=0.8", "in", "*", "fr;q=1, en;q=0.001", "en;q=abc", ";q=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, fallback := range []lang{indonesian, english} {
			if got := negotiateLanguage(header, fallback); got != indonesian && got != english {
				t.Fatalf("negotiateLanguage(%q) = %d", header, got)
			}
		}
		if !strings.Contains(strings.ToLower(header), "en") && negotiateLanguage(header, indonesian) != indonesian {
			t.Fatalf("%q asks for English", header)
		}
		if q := quality(header); q < 0 || q > 1000 {
			t.Fatalf("quality(%q) = %d", header, q)
		}
	})
}

// FuzzToken: only the token itself is accepted, and no header breaks the check.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{"", testToken, testToken + " ", "Bearer", "Bearer " + testToken, "bearer\t" + testToken, "Basic eDp5"} {
		f.Add(seed, seed, "sesi-wa-finance-render="+seed)
	}
	f.Fuzz(func(t *testing.T, authorization, key, cookie string) {
		config := testConfig(newFake(connectedSnapshot()))
		g := newGate(New(config), door{token: true}, apiRoutes())
		r := httptest.NewRequest("GET", "/api/session/status", nil)
		r.Header["Authorization"], r.Header["X-Api-Key"], r.Header["Cookie"] = []string{authorization}, []string{key}, []string{cookie}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		scheme, token, _ := strings.Cut(authorization, " ")
		right := key == testToken || key == "" && strings.EqualFold(scheme, "bearer") && strings.TrimSpace(token) == testToken
		if (w.Code == http.StatusOK) != right {
			t.Fatalf("status %d with Authorization %q, X-Api-Key %q, Cookie %q", w.Code, authorization, key, cookie)
		}
	})
}

// FuzzCookie: only values that this token signed are accepted as its cookie.
func FuzzCookie(f *testing.F) {
	f.Add("9999999999." + cookieSignature("another", "wa-finance-render", "9999999999"))
	f.Add("9999999999." + cookieSignature(testToken, "another", "9999999999"))
	f.Add("1." + cookieSignature(testToken, "wa-finance-render", "1"))
	f.Add(".")
	f.Fuzz(func(t *testing.T, value string) {
		g := newGate(New(testConfig(newFake(connectedSnapshot()))), door{token: true}, apiRoutes())
		r := httptest.NewRequest("GET", "/qr", nil)
		r.Header["Cookie"] = []string{"sesi-wa-finance-render=" + value}
		until, signature, _ := strings.Cut(value, ".")
		if g.call(nil, r, false).holdsCookie(testToken) && signature != cookieSignature(testToken, "wa-finance-render", until) {
			t.Fatalf("the cookie %q was not made by the token", value)
		}
	})
}

// FuzzRequest: every answer is complete: a valid HTTP status, valid JSON, and no code for callers who may not see it.
func FuzzRequest(f *testing.F) {
	for _, r := range apiRoutes() {
		f.Add(r.method, r.path, "", "application/json", `{"phoneNumber":"+6281234567890"}`)
	}
	f.Add("POST", "/api/session/pair", "svg", "application/json", `{"phoneNumber":{}}`)
	f.Add("GET", "//api/../qr", "token=%zz", "text/plain", "\x00")
	f.Add("BREW", "/api/sessions/%2e%2e/me", "", "", "")
	f.Fuzz(func(t *testing.T, method, path, query, kind, body string) {
		session := newFake(unlinkedSnapshot(bot.StatePairing, bot.ReasonQRAvailable))
		session.show(testCode, time.Minute)
		r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(body))
		if err != nil {
			return // such a method never reaches a handler
		}
		r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr = "/"+path, query, "localhost", "192.0.2.1:1"
		r.Header.Set("Content-Type", kind)
		for _, d := range []door{{local: true}, {token: true, secure: true}} {
			w := httptest.NewRecorder()
			newGate(New(testConfig(session)), d, apiRoutes()).ServeHTTP(w, r.Clone(t.Context()))
			answer := w.Result()
			data, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode < 200 || answer.StatusCode > 599 {
				t.Fatalf("status %d, %v", answer.StatusCode, err)
			}
			if strings.Contains(answer.Header.Get("Content-Type"), "json") && answer.Header.Get("Content-Encoding") == "" && r.Method != "HEAD" && !json.Valid(data) {
				t.Fatalf("broken JSON: %q", data)
			}
			if d.token && strings.Contains(string(data), testCode) {
				t.Fatalf("a code without a token: %q", data)
			}
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, seed := range []string{"localhost", "127.0.0.1:1", "[::1]:3000", "evil.example", "[", "]:", "localhost:", ":", "127.0.0.1.evil.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if host == "" || !localHost(&http.Request{Host: host, ProtoMajor: 1, ProtoMinor: 1}) {
			return
		}
		for _, r := range strings.ToLower(host) {
			if !strings.ContainsRune("localhst0123456789abcdef.:[]", r) {
				t.Fatalf("%q counts as this machine", host)
			}
		}
	})
}
