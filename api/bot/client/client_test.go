package client_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
)

// serve answers every request with handler, and returns a client for it.
func serve(t *testing.T, handler http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &client.Client{BaseURL: server.URL + "/bots/shop/", Token: "a-token-of-sixteen", Language: "en", UserAgent: "test"}
}

func TestRequestCarriesTokenAndBody(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/bots/shop"+bot.PathPair || string(body) != `{"phoneNumber":"+6281234567890"}` {
			t.Errorf("asked for %s with %s", r.URL.Path, body)
		}
		for name, want := range map[string]string{"Authorization": "Bearer a-token-of-sixteen", "Accept-Language": "en",
			"Content-Type": "application/json", "User-Agent": "test", "Accept": "application/json"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s %q, want %q", name, got, want)
			}
		}
		_, _ = io.WriteString(w, `{"pairingCode":"ABCD-EFGH","expiresAt":"2024-01-15T10:30:00.000Z","revision":7}`)
	})
	code, err := c.Pair(t.Context(), "+6281234567890")
	if err != nil || code.PairingCode != "ABCD-EFGH" || code.Revision != 7 || code.ExpiresAt.Year() != 2024 {
		t.Errorf("got %+v, %v", code, err)
	}
}

func TestStatusDecodesTheSnapshotToo(t *testing.T) {
	snap := bot.Snapshot{ClientID: "shop", State: bot.StateConnected, Exists: true, Size: 7, JID: "62@s.whatsapp.net", Revision: 3}
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(bot.NewStatus(&snap, "Session is stored"))
	})
	got, err := c.Status(t.Context())
	if err != nil || !got.Exists || got.Size != 7 || got.Message != "Session is stored" || got.State != bot.StateConnected || got.JID != snap.JID {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestErrorsAreProblems(t *testing.T) {
	cases := map[string]struct {
		status     int
		body       string
		retry      string
		kind       bot.ProblemKind
		want       string
		retryAfter time.Duration
	}{
		"a problem": {409, `{"type":"urn:sesi:problem:not-ready","title":"Not ready","status":409,"detail":"Try again."}`, "2",
			bot.ProblemNotReady, "Try again.", 2 * time.Second},
		"a title alone":     {401, `{"type":"urn:sesi:problem:token-wrong","title":"Wrong token"}`, "", bot.ProblemTokenWrong, "Wrong token", 0},
		"a proxy's page":    {502, `<html>Bad gateway</html>`, "soon", "", "the bot answered 502 Bad Gateway", 0},
		"a redirect":        {303, ``, "", "", "the bot answered 303 See Other", 0},
		"another type":      {404, `{"type":"about:blank","title":"Not Found"}`, "-4", "", "Not Found", 0},
		"a wait of years":   {503, `{}`, "999999999", "", "the bot answered 503 Service Unavailable", time.Hour},
		"an answer of junk": {500, strings.Repeat("x", 200_000), "", "", "the bot answered 500 Internal Server Error", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "https://elsewhere.example/")
				w.Header().Set("Retry-After", tc.retry)
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			err := c.Logout(t.Context())
			var failed *client.Error
			if !errors.As(err, &failed) {
				t.Fatalf("got %v, want a *client.Error", err)
			}
			if failed.Problem.Status != tc.status || failed.Problem.Kind() != tc.kind || failed.Error() != tc.want || failed.RetryAfter != tc.retryAfter {
				t.Errorf("got %+v, %q", failed, failed)
			}
			if tc.kind != "" && !client.IsProblem(err, tc.kind) {
				t.Errorf("IsProblem(%v, %s) is false", err, tc.kind)
			}
		})
	}
}

// A session without a code is no failure: the caller waits for the next snapshot.
func TestCodeMissingIsNoError(t *testing.T) {
	for _, kind := range []bot.ProblemKind{bot.ProblemNoCode, bot.ProblemAlreadyLinked, bot.ProblemNotReady} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(bot.Problem{Type: kind.Type(), Status: http.StatusConflict})
		})
		if _, ok, err := c.Code(t.Context()); ok || err != nil {
			t.Errorf("%s: ok %v, %v", kind, ok, err)
		}
	}
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	if _, ok, err := c.Code(t.Context()); ok || err == nil {
		t.Errorf("a refused token: ok %v, %v", ok, err)
	}
}

// stream answers with lines, and keeps the connection open until the client leaves.
func stream(t *testing.T, lines string, end bool) *client.Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, lines)
		_ = http.NewResponseController(w).Flush()
		if !end {
			<-r.Context().Done()
		}
	})
}

func TestStreamReadsEvents(t *testing.T) {
	c := stream(t, ": hello\n\nretry: 2000\n\nid: 7\nevent: message\ndata: {\"a\":\ndata: 1}\n\ndata:{}\n\n", true)
	s, err := c.Stream(t.Context(), bot.PathSessionEvents, "6", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Last() != "6" {
		t.Errorf("before the first event Last is %q, want the given one", s.Last())
	}
	first, err := s.Next()
	if err != nil || first.ID != "7" || first.Name != "message" || string(first.Data) != "{\"a\":\n1}" {
		t.Errorf("got %+v, %v", first, err)
	}
	second, err := s.Next()
	if err != nil || second.ID != "7" || second.Name != "" || string(second.Data) != "{}" {
		t.Errorf("got %+v, %v", second, err)
	}
	if _, err := s.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
}

func TestStreamAsksToContinue(t *testing.T) {
	asked := make(chan string, 1)
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Last-Event-ID") })
	s, err := c.Stream(t.Context(), bot.PathSessionEvents, "41", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := <-asked; got != "41" {
		t.Errorf("Last-Event-ID %q, want 41", got)
	}
}

func TestSilentStreamEnds(t *testing.T) {
	c := stream(t, ":\n\n", false)
	silence := 50 * time.Millisecond
	s, err := c.Stream(t.Context(), bot.PathSessionEvents, "", silence)
	for errors.Is(err, client.ErrSilent) && silence < time.Minute { // a slow machine opens it too slowly
		silence *= 2
		s, err = c.Stream(t.Context(), bot.PathSessionEvents, "", silence)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(); !errors.Is(err, client.ErrSilent) {
		t.Errorf("got %v, want ErrSilent", err)
	}
}

func TestOpeningASilentBotEnds(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if _, err := c.Stream(t.Context(), bot.PathSessionEvents, "", 50*time.Millisecond); !errors.Is(err, client.ErrSilent) {
		t.Errorf("got %v, want ErrSilent", err)
	}
}

func TestStreamRefusesAnEndlessLine(t *testing.T) {
	s, err := stream(t, "data: "+strings.Repeat("x", 2<<20)+"\n\n", true).Stream(t.Context(), bot.PathSessionEvents, "", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if event, err := s.Next(); err == nil {
		t.Errorf("got an event of %d bytes, want an error", len(event.Data))
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := stream(t, "id: 1\ndata: {\"state\":\"Pairing\",\"revision\":1}\n\n", false)
	err := c.Watch(ctx, func(snap bot.Snapshot) (bool, error) {
		if snap.State != bot.StatePairing {
			t.Errorf("got %+v", snap)
		}
		cancel()
		return true, nil
	})
	if err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestWatchSaysThatTheBotEnded(t *testing.T) {
	err := stream(t, "", true).Watch(t.Context(), func(bot.Snapshot) (bool, error) { return true, nil })
	if err == nil || !strings.Contains(err.Error(), "restarting") {
		t.Errorf("got %v", err)
	}
}

// Only the holder of a pinned key gets the token.
func TestTransportTrustsPinnedKeysAlone(t *testing.T) {
	asked := make(chan string, 2)
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header.Get("Authorization") }))
	t.Cleanup(server.Close)
	server.TLS.MinVersion = tls.VersionTLS13
	cases := map[string]struct {
		pins client.Pins
		ok   bool
	}{
		"its key":        {client.Pins{client.PinOfKey(server.Certificate())}, true},
		"its second key": {client.Pins{{1}, client.PinOfKey(server.Certificate())}, true},
		"another key":    {client.Pins{{1}}, false},
		"no key":         {client.Pins{}, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := client.Client{BaseURL: server.URL, Token: "a-token-of-sixteen", Transport: client.Transport(tc.pins)}
			err := c.Logout(t.Context())
			if (err == nil) != tc.ok {
				t.Errorf("got %v, want success %v", err, tc.ok)
			}
			if len(asked) > 0 != tc.ok {
				t.Errorf("the server saw the request: %v, want %v", len(asked) > 0, tc.ok)
			}
			for len(asked) > 0 {
				<-asked
			}
		})
	}
}
