package directory

import (
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/turn"
)

// counter counts as the meters of a directory and of an inbox.
type counter struct{ received int }

func (c *counter) Received(bot.EventType, bool) { c.received++ }
func (c *counter) Refused()                     {}
func (c *counter) Unstorable()                  {}

// An event that the disk refused, and that comes only once, is written with the next one. Each counts when it is written.
func TestAnEventCountsWhenItIsWritten(t *testing.T) {
	t.Parallel()
	options := journal.Options{Directory: t.TempDir(), Session: "test", Retention: time.Hour}
	open := func() *journal.Journal {
		book, err := journal.Open(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		return book
	}
	if err := open().Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(options.Directory, journal.FileName))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE INSERT ON events
		WHEN NOT EXISTS (SELECT 1 FROM names WHERE id = 'the disk is well') BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	book, count, log := open(), &counter{}, slog.New(slog.DiscardHandler)
	t.Cleanup(func() { _ = book.Close() })
	d := New(Options{Journal: book, Inbox: journal.NewInbox(book, count, log), Meter: count, Log: log})
	write := func(name string) bool {
		return d.write(turn.Turn{}, true, entry{name: []string{name}, kind: bot.EventChat, data: bot.EventData{ChatChange: &bot.ChatChange{}}})
	}
	if write("first") || count.received != 0 {
		t.Fatalf("kept although the disk refused it, and counted %d times", count.received)
	}
	if err := book.Commit(t.Context(), func(tx *journal.Tx) error { return tx.SetName("the disk is well", "yes") }); err != nil {
		t.Fatal(err)
	}
	if !write("second") || count.received != 2 {
		t.Errorf("two events were counted %d times", count.received)
	}
}
