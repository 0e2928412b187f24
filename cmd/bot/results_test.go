package main

import (
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/simtest"
)

// copies counts how often a message reached a phone, whether people saw it twice or not.
func copies(wa *simtest.Sim, id string) (n int) {
	for _, m := range onPhones(wa) {
		if m.ID == id && m.Retry == 0 {
			n++
		}
	}
	return n
}

// A message that was sent, and whose content the journal can never take afterwards: it is sent once, its state is true,
// and it keeps out no other message.
func TestAResultThatTheJournalCanNeverTake(t *testing.T) {
	t.Parallel()
	for name, trigger := range map[string]string{
		"of the event":  `BEFORE INSERT ON events WHEN CAST(NEW.data AS TEXT) LIKE '%poison%'`,
		"of each write": `BEFORE UPDATE ON sends WHEN NEW.body LIKE '%poison%'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa, dir := whatsapp(t), t.TempDir()
			p := start(t, settings(wa, dir))
			p.pair(wa)
			p.sends(http.StatusOK, textTo("+62899000001", "first")) // later ones do not wait for each other's chat
			p.terminate()
			refuseInJournal(t, dir, trigger)
			p = start(t, settings(wa, dir))
			p.untilConnected()
			bad := p.sends(http.StatusAccepted, textTo("+62899000001", "poison"), "Prefer", "respond-async")
			good := p.sends(http.StatusOK, textTo("+62899000001", "good"))
			want, times := bot.MessageDelivered, 1
			if name == "of each write" {
				want, times = bot.MessageFailed, 0
			}
			m := p.becomes(bad.ID, want)
			if times == 0 && (m.Problem == nil || m.Problem.Type != bot.ProblemInternal.Type()) {
				t.Errorf("no problem: %+v", m)
			}
			if m.Kind != bot.KindUnsupported || m.UnsupportedType != "unstorable" || m.Chat.Phone != "+62899000001" || copies(wa, bad.ID) != times {
				t.Errorf("%d copies of %+v", copies(wa, bad.ID), m)
			}
			if copies(wa, good.ID) != 1 {
				t.Error("the message behind it did not arrive once")
			}
			p.waitForEvent("its state", func(e bot.Event) bool {
				return e.Type == bot.EventMessageState && e.Data.State.ID == bad.ID && e.Data.State.State != bot.MessageSending
			})
			p.counts("sesi_bot_events_unstorable_total", "1")
			p.wrote("can never take")
			if strings.Contains(p.out.String(), "poison") {
				t.Error("the log says why, and not what")
			}
		})
	}
}

// refuseInJournal makes the journal of a session that does not run refuse what a trigger finds.
func refuseInJournal(t *testing.T, dir, trigger string) {
	t.Helper()
	changeJournal(t, dir, `CREATE TRIGGER refuse `+trigger+` BEGIN SELECT RAISE(ABORT, 'refused'); END`)
}

// changeJournal changes the journal of a session that does not run, and returns how many rows that were.
func changeJournal(t *testing.T, dir, statement string, args ...any) int64 {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "session-default", "messages.db"))
	if err != nil {
		t.Fatal(err)
	}
	done, err := db.ExecContext(t.Context(), statement, args...)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
