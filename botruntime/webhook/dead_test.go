package webhook

import (
	"testing"
	"time"

	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/test/vacant"
)

// unwritten is how many dead letters are in memory only.
func (r *rig) unwritten() int {
	r.Manager.mu.Lock()
	defer r.Manager.mu.Unlock()
	n := 0
	for _, w := range r.workers {
		w.mu.Lock()
		n += len(w.dead)
		w.mu.Unlock()
	}
	return n
}

// While the journal takes no dead letters, those in memory are few, and no event is lost: it stays in the journal, over a
// restart too, until its dead letter can be written.
func TestDeadLettersThatCannotBeWritten(t *testing.T) {
	for _, order := range []string{OrderChat, OrderSession} {
		t.Run(order, func(t *testing.T) {
			const events = 4 * maxDead
			to := target("http://" + vacant.Nobody)
			to.Order = order
			r := newRig(t)
			r.halt()
			r.spoil(`CREATE TRIGGER refuse BEFORE INSERT ON dead_letters WHEN NOT EXISTS (SELECT 1 FROM names WHERE id = 'room')
				BEGIN SELECT RAISE(ABORT, 'refused'); END`)
			r.open()
			r.run(to)
			r.came(0, events, func(i int) int { return i % 7 })
			for range 2 { // before and after a restart
				r.until("a failure", func() bool { return r.get("books").Failures > 0 })
				r.clock.add(80 * time.Hour)
				for range 3 {
					failures := r.get("books").Failures
					r.due(2 * time.Hour)
					r.until("another try", func() bool { return r.get("books").Failures > failures })
					if n := r.unwritten(); n == 0 || n > maxDead {
						t.Fatalf("%d dead letters are in memory, want 1 to %d", n, maxDead)
					}
				}
				if w := r.get("books"); w.DeadLetters != 0 || w.Backlog < events-maxDead {
					t.Errorf("events are gone that no dead letter names: %+v", w)
				}
				if r.meter.of("books postponed") == 0 {
					t.Error("it is not counted")
				}
				r.restart(to)
			}
			r.until("a failure", func() bool { return r.get("books").Failures > 0 })
			if err := r.journal.Commit(t.Context(), func(tx *journal.Tx) error { return tx.SetName("room", "yes") }); err != nil {
				t.Fatal(err)
			}
			r.due(2 * time.Hour)
			r.until("all dead letters", func() bool { return r.get("books").DeadLetters == events })
			seen := map[uint64]bool{}
			for before := uint64(0); ; {
				page, err := r.Dead(t.Context(), "books", before, 500)
				if err != nil {
					t.Fatal(err)
				}
				for _, letter := range page.DeadLetters {
					if seen[letter.Seq] {
						t.Errorf("event %d is twice a dead letter", letter.Seq)
					}
					seen[letter.Seq] = true
				}
				if before = page.Before; before == 0 {
					break
				}
			}
			if w := r.get("books"); len(seen) != events || w.Backlog != 0 {
				t.Errorf("%d dead letters, %+v", len(seen), w)
			}
		})
	}
}
