package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
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
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"type":"urn:sesi:problem:not-ready","detail":"\u001b]52;c;cm0gLXJm\u0007not yet"}`)
	})
	if err := b.do(t.Context(), http.MethodPost, bot.PathRestart); err == nil || err.Error() != "]52;c;cm0gLXJmnot yet" {
		t.Errorf("the refusal reads %q", err)
	}
	err := b.watch(t.Context(), func(snap bot.Snapshot) (bool, error) {
		if snap.Message != "[2Jwiped" || snap.JID != "62811" {
			t.Errorf("the snapshot reads %q, %q", snap.Message, snap.JID)
		}
		return true, nil
	})
	if err == nil || !strings.Contains(err.Error(), "restarting") {
		t.Errorf("the end of the stream: %v, want it explained", err)
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
