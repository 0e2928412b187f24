package journal

import (
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Events that the disk does not let go are there: they did not expire.
func TestEventsOfAnUndoneTransactionDidNotExpire(t *testing.T) {
	t.Parallel()
	now := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.Now = func() time.Time { return now } })
	if err := j.Commit(t.Context(), func(tx *Tx) error { return tx.AppendFresh(bot.EventChat, "room", bot.EventData{}) }); err != nil {
		t.Fatal(err)
	}
	// The end of each transaction that deletes an event fails: a row names another one that is not there.
	for _, statement := range []string{
		`PRAGMA foreign_keys = ON`,
		`CREATE TABLE one (n INTEGER PRIMARY KEY)`,
		`CREATE TABLE other (n INTEGER REFERENCES one (n) DEFERRABLE INITIALLY DEFERRED)`,
		`CREATE TRIGGER refuse AFTER DELETE ON events BEGIN INSERT INTO other (n) VALUES (1); END`,
	} {
		if _, err := j.db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(48 * time.Hour)
	if err := j.Tidy(t.Context()); err == nil {
		t.Fatal("the transaction was not refused")
	}
	if n := j.Stats().Expired; n != 0 {
		t.Errorf("%d events expired, and are there", n)
	}
	if _, err := j.db.ExecContext(t.Context(), `DROP TRIGGER refuse`); err != nil {
		t.Fatal(err)
	}
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := j.Stats().Expired; n != 1 {
		t.Errorf("%d events expired, want 1", n)
	}
}
