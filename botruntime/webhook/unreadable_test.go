package webhook

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal" // has the driver of SQLite, too
)

// spoil changes the journal while nobody has it open, as a fault of the disk would.
func (r *rig) spoil(statement string) {
	r.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(r.dir, journal.FileName))
	if err != nil {
		r.t.Fatal(err)
	}
	_, err = db.ExecContext(r.t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		r.t.Fatal(err)
	}
}

// An event that cannot be read becomes a dead letter at once; the others of its chat are delivered.
func TestAnEventThatCannotBeReadIsADeadLetter(t *testing.T) {
	at := receive(t)
	r := newRig(t, target(at.URL))
	if _, err := r.Pause(t.Context(), "books"); err != nil {
		t.Fatal(err)
	}
	r.came(0, 5, one)
	r.halt()
	r.spoil(`UPDATE events SET data = CAST('{"message":{"text' AS BLOB) WHERE seq IN (1, 3)`)
	r.open()
	r.run(target(at.URL))
	if _, err := r.Resume(t.Context(), "books"); err != nil {
		t.Fatal(err)
	}
	inOrder(t, r.wait(at, 3), 3)
	r.until("the dead letters", func() bool { return r.get("books").DeadLetters == 2 })
	page, err := r.Dead(t.Context(), "books", 0, 10)
	if err != nil || page.DeadLetters[0].Seq != 3 || page.DeadLetters[1].Seq != 1 || page.DeadLetters[0].Error != "the journal cannot read the event" {
		t.Errorf("%+v, %v", page, err)
	}
	r.until("nothing waits", func() bool { w := r.get("books"); return w.State == bot.WebhookDelivering && w.Backlog == 0 })
}

// One webhook that cannot start does not keep out the others, nor what is kept for it.
func TestAWebhookThatCannotStartHoldsUpNoOther(t *testing.T) {
	a, b := receive(t), receive(t)
	first, second := target(a.URL), target(b.URL)
	second.Name = "other"
	r := &rig{t: t, dir: t.TempDir(), clock: &clock{now: time.Now()}, meter: &counted{n: map[string]int{}}, targets: make(chan []Target, 1), late: make(chan struct{})}
	r.open()
	if err := r.journal.Close(); err != nil {
		t.Fatal(err)
	}
	r.spoil(`CREATE TRIGGER refuse BEFORE INSERT ON webhooks WHEN NEW.name = 'books' AND NOT EXISTS (SELECT 1 FROM names WHERE id = 'room')
		BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	r.open()
	r.run(first, second)
	t.Cleanup(func() { r.halt() })
	close(r.late)
	r.until("the other", func() bool {
		all, err := r.List(t.Context())
		return err == nil && len(all) == 1 && all[0].Name == "other"
	})
	r.came(0, 1, one)
	r.wait(b, 1)
	if err := r.journal.Commit(t.Context(), func(tx *journal.Tx) error { return tx.SetName("room", "yes") }); err != nil {
		t.Fatal(err)
	}
	if got := r.wait(a, 1); got[0].Seq != 1 {
		t.Errorf("it began with event %d", got[0].Seq)
	}
}
