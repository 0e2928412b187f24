package main

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/store"
)

// told is a log whose lines a test receives.
type told chan []byte

func (l told) Write(line []byte) (int, error) {
	l <- bytes.Clone(line)
	return len(line), nil
}

// A database that is busy or fails does not know less: who asks for the other address of a person waits for it.
func TestAListOfNumbersThatCannotBeReadIsNoAnswer(t *testing.T) {
	t.Parallel()
	number, lid := types.NewJID("62899000001", types.DefaultUserServer), types.NewJID("899000001", types.HiddenUserServer)
	cfg := config.Config{Identity: bot.Identity{AuthPath: t.TempDir(), ClientID: "default"}}
	st, err := store.Open(t.Context(), storeOptions(cfg, slog.New(slog.DiscardHandler)))
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	must(t, st.Container().LIDMap.PutLIDMapping(t.Context(), lid, number))

	st = reopened(t, st, cfg) // whatsmeow remembers what it has read
	other, err := sql.Open("sqlite", filepath.Join(store.SessionPath(cfg.AuthPath, cfg.ClientID), "session.db"))
	must(t, err)
	defer other.Close()
	for name, c := range map[string]struct{ asked, want types.JID }{"number": {number, lid}, "LID": {lid, number}} {
		_, err = other.ExecContext(t.Context(), `ALTER TABLE whatsmeow_lid_map RENAME TO away`)
		must(t, err)
		failed := make(told, 1)
		found := make(chan types.JID, 1)
		ask := namesOf(t.Context(), st, slog.New(slog.NewTextHandler(failed, nil)))
		go func() { found <- ask(c.asked) }()
		select {
		case <-failed:
		case got := <-found:
			t.Fatalf("%s: answered %q while the list could not be read", name, got)
		case <-time.After(patience):
			t.Fatalf("%s: the log does not say that the list cannot be read", name)
		}
		_, err = other.ExecContext(t.Context(), `ALTER TABLE away RENAME TO whatsmeow_lid_map`)
		must(t, err)
		select {
		case got := <-found:
			if got != c.want {
				t.Errorf("%s: %q", name, got)
			}
		case <-time.After(patience):
			t.Fatalf("%s: no answer although the list can be read", name)
		}
		st = reopened(t, st, cfg)
	}

	ended, end := context.WithCancel(t.Context())
	end()
	if got := namesOf(ended, st, slog.New(slog.DiscardHandler))(number); got != lid {
		t.Errorf("at the end: %q", got)
	}
	st = reopened(t, st, cfg)
	_, err = other.ExecContext(t.Context(), `DROP TABLE whatsmeow_lid_map`)
	must(t, err)
	if got := namesOf(ended, st, slog.New(slog.DiscardHandler))(number); !got.IsEmpty() {
		t.Errorf("at the end, from a list that cannot be read: %q", got)
	}
}

// reopened is a store without what whatsmeow remembers of it.
func reopened(t *testing.T, st *store.Store, cfg config.Config) *store.Store {
	t.Helper()
	must(t, st.Close())
	st, err := store.Open(t.Context(), storeOptions(cfg, slog.New(slog.DiscardHandler)))
	must(t, err)
	t.Cleanup(func() { _ = st.Close() })
	return st
}
