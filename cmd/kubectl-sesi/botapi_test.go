package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/bot/client"
)

// botAt returns the API of a bot that answers with handler.
func botAt(t *testing.T, handler http.HandlerFunc) *botAPI {
	t.Helper()
	served := httptest.NewServer(handler)
	t.Cleanup(served.Close)
	return &botAPI{client: client.Client{BaseURL: served.URL, Language: "en"}}
}

// A hostile bot's texts, in a problem as in a snapshot, reach the terminal without escape sequences.
func TestBotTextsAreSafeToPrint(t *testing.T) {
	b := botAt(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == bot.PathSessionEvents {
			fmt.Fprint(w, "id: 1\ndata: {\"message\":\"\\u001b[2Jwiped\",\"jid\":\"\\u202e62811\"}\n\n")
			return
		}
		if r.URL.Path == bot.PathPasskey {
			fmt.Fprint(w, `{"step":"compare","code":"\u001b]0;owned\u0007AB","console":"\u001b[2Jline"}`)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"type":"urn:sesi:problem:not-ready","detail":"\u001b]52;c;cm0gLXJm\u0007not yet"}`)
	})
	if _, err := b.do(t.Context(), http.MethodPost, bot.PathRestart); err == nil || err.Error() != "]52;c;cm0gLXJmnot yet" {
		t.Errorf("the refusal reads %q", err)
	}
	info, asked, err := b.passkey(t.Context())
	if err != nil || !asked || info.Code != "]0;ownedAB" || info.Console != "[2Jline" {
		t.Errorf("the passkey reads %q, %q, %t, %v", info.Code, info.Console, asked, err)
	}
	err = b.watch(t.Context(), func(snap bot.Snapshot) (bool, error) {
		if snap.Message != "[2Jwiped" || snap.JID != "62811" {
			t.Errorf("the snapshot reads %q, %q", snap.Message, snap.JID)
		}
		return true, nil
	})
	if err == nil || !strings.Contains(err.Error(), "restarting") {
		t.Errorf("the end of the stream: %v, want it explained", err)
	}
}

// A message whose answer is lost is handed over again with its key; one that the bot has answered is not.
func TestALostAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		answers func(http.ResponseWriter)
		want    int
	}{
		"lost":    {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, sendTries},
		"refused": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, 1},
	} {
		var mu sync.Mutex
		var keys []string
		b := botAt(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			keys = append(keys, r.Header.Get("Idempotency-Key"))
			mu.Unlock()
			c.answers(w)
		})
		b.client.Transport = &http.Transport{DisableKeepAlives: true} // which itself sends a request again on a connection that was open before
		if _, err := b.send(t.Context(), "order-1", bot.SendRequest{To: "+6281234567890", Text: "ready"}, ""); err == nil {
			t.Errorf("%s: it is sent", name)
		}
		mu.Lock()
		if len(keys) != c.want || slices.ContainsFunc(keys, func(key string) bool { return key != "order-1" }) {
			t.Errorf("%s: it was handed over with the keys %q, want %d", name, keys, c.want)
		}
		mu.Unlock()
	}
}

// A stopped session shows no code, and a linked one has none to save: the command ends and says so.
func TestNoCodeToShow(t *testing.T) {
	for name, c := range map[string]struct{ snapshot, want string }{
		"stopped": {`{"state":"Stopped"}`, "shop was stopped by a person"},
		"linked":  {`{"exists":true}`, "already linked"},
	} {
		b := botAt(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != bot.PathSessionEvents {
				fmt.Fprint(w, `{"code":"2@a,b,c,d"}`)
				return
			}
			fmt.Fprintf(w, "id: 1\ndata: %s\n\n", c.snapshot)
		})
		path := filepath.Join(t.TempDir(), "code.png")
		if err := b.savePNG(t.Context(), "shop", path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a picture was written", name)
		}
		if name == "linked" {
			continue // a terminal waits until it is connected
		}
		if err := (&tool{out: io.Discard, err: io.Discard}).showCodes(t.Context(), "shop", b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, in the terminal: %v, want %q", name, err, c.want)
		}
	}
}

// Only a clear yes says that the phone shows the same code: with another code somebody else is being linked.
func TestAskCode(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "y": true, "\n": false, "": false, "n\n": false, "not y\n": false} {
		confirmed := false
		b := botAt(t, func(w http.ResponseWriter, _ *http.Request) {
			confirmed = true
			fmt.Fprint(w, `{}`)
		})
		err := (&tool{out: io.Discard}).askCode(t.Context(), bufio.NewReader(strings.NewReader(answer)), b, "ABCD")
		if (err == nil) != want || confirmed != want {
			t.Errorf("%q: %v, confirmed %t", answer, err, confirmed)
		}
	}
}

// A session without a code is not a failure, but a bot that cannot be asked is one.
func TestCodeOfABot(t *testing.T) {
	answer := `{"type":"urn:sesi:problem:no-code","detail":"no code yet"}`
	b := botAt(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, answer)
	})
	if _, live, err := b.code(t.Context()); live || err != nil {
		t.Errorf("without a code: %v, %v", live, err)
	}
	answer = "a proxy's page"
	if _, live, err := b.code(t.Context()); live || err == nil || err.Error() != "the bot answered 409 Conflict" {
		t.Errorf("an answer that is no problem document: %v, %v", live, err)
	}
}
