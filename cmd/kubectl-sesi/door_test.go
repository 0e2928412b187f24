package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestDoor: only the browser that visited the secret path reaches the bot, and the path works once.
func TestDoor(t *testing.T) {
	bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Forwarded") || name == "Forwarded" || name == "Via" || name == "X-Real-Ip" {
				t.Errorf("the bot sees %s, and refuses what came through a proxy", name)
			}
		}
		_, _ = io.WriteString(w, "the bot's page at "+r.URL.Path+" for "+r.Host)
	}))
	defer bot.Close()
	d := newDoor(toServer{bot.Listener.Addr().String(), http.DefaultTransport})
	served := httptest.NewServer(d)
	defer served.Close()
	get := func(client *http.Client, path string) (int, string) {
		t.Helper()
		response, err := client.Get(served.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	browser := func() *http.Client { // behind a proxy of its own
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Jar: jar, Transport: proxied{}}
	}
	owner, other := browser(), browser()
	for _, path := range []string{"/qr", "/api/session/qr", "/", d.path + "x", "/" + d.path} {
		if status, _ := get(other, path); status != http.StatusForbidden {
			t.Errorf("%s without the cookie: %d, want 403", path, status)
		}
	}
	want := "the bot's page at /qr for " + strings.TrimPrefix(served.URL, "http://")
	if status, body := get(owner, d.path); status != http.StatusOK || body != want {
		t.Errorf("the secret path: %d %q, want %q", status, body, want)
	}
	if status, _ := get(owner, "/api/session/events"); status != http.StatusOK {
		t.Errorf("the page's own request: %d", status)
	}
	if status, _ := get(other, d.path); status != http.StatusForbidden {
		t.Errorf("the secret path a second time: %d, want 403", status)
	}
	fresh := newDoor(nil)
	w := httptest.NewRecorder()
	fresh.ServeHTTP(w, httptest.NewRequest(http.MethodGet, fresh.path, nil))
	if cookie := w.Header().Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("the page's scripts or other sites can use the cookie %q, or learn the path", cookie)
	}
	forged, err := http.NewRequestWithContext(t.Context(), http.MethodGet, served.URL+"/qr", nil)
	if err != nil {
		t.Fatal(err)
	}
	forged.AddCookie(&http.Cookie{Name: doorCookie, Value: "guess"})
	if response, err := http.DefaultClient.Do(forged); err != nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("a guessed cookie: %v, %v", response, err)
	} else {
		response.Body.Close()
	}
}

// proxied adds what a proxy adds to a request.
type proxied struct{}

func (proxied) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range map[string]string{"Via": "1.1 proxy", "X-Real-Ip": "10.0.0.1", "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1"} {
		r.Header.Set(name, value)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// toServer sends every request to one address, as a tunnel does.
type toServer struct {
	address string
	http.RoundTripper
}

func (s toServer) RoundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Host = s.address
	return s.RoundTripper.RoundTrip(r)
}

// TestCopyPrintable: no escape sequence of a hostile bot reaches the terminal, but its text does.
func TestCopyPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain\n\ttext\n":                   "plain\n\ttext\n",
		"\x1b]52;c;cm0gLXJm\x07clip":        "]52;c;cm0gLXJmclip",
		"\x1b[2J\x1b[Hscreen":               "[2J[Hscreen",
		"over\rwritten":                     "overwritten",
		"c1 \u009b31m":                      "c1 31m",
		"right to left \u202e!":             "right to left !",
		"{\"message\":\"kode é … 日本\"}\r\n": "{\"message\":\"kode é … 日本\"}\n",
		"invalid \xff\xfe":                  "invalid \ufffd\ufffd",
	} {
		var out strings.Builder
		if err := copyPrintable(&out, strings.NewReader(in)); err != nil || out.String() != want {
			t.Errorf("%q gives %q, %v; want %q", in, out.String(), err, want)
		}
	}
}
