package webhook

import (
	"sync/atomic"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// A person who waits under the number and the LID is one chat that waits, as soon as it is known that they are one.
func TestAPersonWhoWaitsIsCountedOnce(t *testing.T) {
	var known atomic.Bool
	at := receive(t)
	at.status(func(int, bot.Event) int { return 500 })
	r := newPersonRig(t, &known, target(at.URL))
	r.cameIn(personNumber.String(), personLID.String(), chatOf(2))
	r.until("each waits", func() bool { return r.get("books").WaitingChats == 3 })
	known.Store(true)
	if n := r.get("books").WaitingChats; n != 2 {
		t.Errorf("%d chats wait, want 2", n)
	}
}

// Two chats wait, and all of a third one is delivered, when a full journal removes events of all three. That is one dead
// letter: nobody knows any more whose events of the range were delivered.
func TestEventsThatAFullJournalRemovesAreOneDeadLetter(t *testing.T) {
	const events = 1500
	chat := func(i int) int { return i % 3 }
	at := receive(t)
	at.status(func(_ int, e bot.Event) int {
		if e.Chat == chatOf(2) {
			return 204
		}
		return 500
	})
	r := newRig(t, target(at.URL))
	r.came(0, events, chat)
	r.until("two chats to wait, and the third to be delivered", func() bool {
		w := r.get("books")
		return w.WaitingChats == 2 && w.Backlog == 2*events/3
	})
	r.halt()
	r.size = 512 << 10
	r.open()
	if err := r.journal.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	floor, _ := r.journal.Range()
	if floor == 0 || floor == events {
		t.Fatalf("the journal removed %d events", floor)
	}
	at.status(func(int, bot.Event) int { return 204 })
	r.run(target(at.URL))
	r.due(2 * time.Hour)
	r.until("nothing waits", func() bool { w := r.get("books"); return w.Backlog == 0 && w.WaitingChats == 0 })
	page, err := r.Dead(t.Context(), "books", 0, 10)
	if err != nil || len(page.DeadLetters) != 1 {
		t.Fatalf("dead letters %+v, %v", page, err)
	}
	if letter := page.DeadLetters[0]; letter.Seq != floor || letter.Events != floor || letter.Chat != "" {
		t.Errorf("%+v, want one of the events 1 to %d, of no chat", letter, floor)
	}
	came := map[uint64]bool{}
	for _, e := range at.taken() {
		came[e.Seq] = true
	}
	for seq := floor + 1; seq <= events; seq++ {
		if !came[seq] {
			t.Errorf("event %d, which the journal kept, did not come", seq)
		}
	}
}
