package webhook

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// limited writes an event that belongs to no chat.
func (r *rig) limited() {
	r.t.Helper()
	if err := r.journal.Commit(r.t.Context(), func(tx *journal.Tx) error {
		return tx.AppendFresh(bot.EventAccountLimits, "", bot.EventData{Limits: &bot.AccountLimits{}})
	}); err != nil {
		r.t.Fatal(err)
	}
}

// An event that belongs to no chat waits for itself alone: what follows it goes on, and does not come again with it.
func TestARefusedEventOfNoChatDelaysNoChat(t *testing.T) {
	at := receive(t)
	at.status(func(_ int, e bot.Event) int {
		if e.Type == bot.EventAccountLimits || e.Data.Message.ID == "M2" {
			return 500
		}
		return 204
	})
	r := newRig(t, target(at.URL))
	r.limited()
	r.came(0, 8, func(i int) int { return i % 2 }) // M2 delays M4 and M6
	r.limited()
	r.wait(at, 5)
	r.until("all others are taken", func() bool { return r.get("books").WaitingChats == 2 })
	if w := r.get("books"); w.Backlog != 5 {
		t.Errorf("%d events wait", w.Backlog)
	}
	at.status(func(int, bot.Event) int { return 204 })
	r.due(time.Minute)
	inOrder(t, r.wait(at, 10), 10)
	r.until("nothing waits", func() bool { w := r.get("books"); return w.WaitingChats == 0 && w.Backlog == 0 })
	inOrder(t, at.taken(), 10)
}

// A person's number may become known while an event waits that came under the LID. What comes under the number then waits
// for it, whether it is read with the others or later.
func TestAPersonUnderTwoAddressesKeepsOneOrder(t *testing.T) {
	for name, knownBefore := range map[string]bool{"the number was known": true, "the number becomes known": false} {
		t.Run(name, func(t *testing.T) {
			var known atomic.Bool
			known.Store(knownBefore)
			at := receive(t)
			at.status(func(_ int, e bot.Event) int {
				if e.Data.Message.ID == "M0" {
					return 500
				}
				return 204
			})
			r := newPersonRig(t, &known, target(at.URL))
			r.cameIn(personLID.String(), personNumber.String(), personLID.String(), chatOf(2))
			r.until("the first is refused", func() bool { return r.get("books").Failures > 0 })
			known.Store(true)
			r.cameIn(chatOf(2), personNumber.String(), personLID.String(), personNumber.String(), chatOf(2))
			ofOthers := 3
			if !knownBefore {
				ofOthers++ // the number's first: nobody knew whose it is
			}
			if got := r.wait(at, ofOthers); len(got) != ofOthers {
				t.Errorf("%d events came, want %d", len(got), ofOthers)
			}
			r.until("all have been read", func() bool { w := r.get("books"); return w.Cursor == w.Last })
			at.status(func(int, bot.Event) int { return 204 })
			r.restart(target(at.URL)) // the lines are on the disk
			r.due(time.Minute)
			var last uint64
			for _, e := range r.wait(at, 9)[ofOthers:] {
				if e.Seq <= last {
					t.Errorf("event %d came behind event %d", e.Seq, last)
				}
				last = e.Seq
			}
			r.until("nothing waits", func() bool { w := r.get("books"); return w.WaitingChats == 0 && w.Backlog == 0 })
		})
	}
}

// To deliver the last events again loses none that still waits.
func TestRedeliveryKeepsWhatWaits(t *testing.T) {
	at := receive(t)
	at.status(func(_ int, e bot.Event) int {
		if e.Chat == chatOf(0) {
			return 500
		}
		return 204
	})
	r := newRig(t, target(at.URL))
	r.came(0, 10, func(i int) int { return i % 2 })
	r.wait(at, 5)
	r.until("a chat waits", func() bool { return r.get("books").WaitingChats == 1 })
	at.status(func(int, bot.Event) int { return 204 })
	if _, err := r.Redeliver(t.Context(), "books", 9); err != nil {
		t.Fatal(err)
	}
	r.until("nothing waits", func() bool { return r.get("books").Backlog == 0 })
	came := map[string]bool{}
	for _, e := range at.taken() {
		came[e.ID] = true
	}
	if len(came) != 10 || r.get("books").DeadLetters != 0 {
		t.Errorf("%d of 10 events came, %d are dead letters", len(came), r.get("books").DeadLetters)
	}
}

// To deliver again from before the oldest event begins with that one: what retention removed was delivered, and is no
// dead letter.
func TestRedeliveryBeginsWithWhatIsLeft(t *testing.T) {
	at := receive(t)
	r := newRig(t, target(at.URL))
	r.came(0, 10, one)
	r.wait(at, 10)
	r.until("nothing waits", func() bool { return r.get("books").Backlog == 0 })
	r.clock.add(2 * time.Hour)
	r.came(10, 5, one)
	r.wait(at, 15)
	r.until("nothing waits", func() bool { return r.get("books").Backlog == 0 })
	r.restart(target(at.URL)) // the progress is on the disk
	if err := r.journal.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	floor, _ := r.journal.Range()
	if floor == 0 {
		t.Fatal("retention removed nothing")
	}
	left := 15 - int(floor)
	if w, err := r.Redeliver(t.Context(), "books", 0); err != nil || w.DeadLetters != 0 {
		t.Fatalf("%+v, %v", w, err)
	}
	if again := r.wait(at, 15+left)[15:]; again[0].Seq != floor+1 {
		t.Errorf("began with event %d, want %d", again[0].Seq, floor+1)
	}
	r.until("nothing waits", func() bool { return r.get("books").Backlog == 0 })
	if w := r.get("books"); w.DeadLetters != 0 {
		t.Errorf("%d dead letters of events that were delivered", w.DeadLetters)
	}
}

// A computer may start with a clock that is ahead, and set it back. What waits does not wait for that time to come again.
func TestAClockThatIsSetBackEndsTheWaits(t *testing.T) {
	for name, status := range map[string]int{"of a receiver that is away": 503, "of a refused event": 500} {
		t.Run(name, func(t *testing.T) {
			at := receive(t)
			at.status(func(int, bot.Event) int { return status })
			r := newRig(t, target(at.URL))
			r.came(0, 3, one)
			r.until("a wait", func() bool { return r.get("books").Failures > 0 })
			at.status(func(int, bot.Event) int { return 204 })
			r.due(-365 * 24 * time.Hour)
			inOrder(t, r.wait(at, 3), 3)
		})
	}
}

// Each event of a chat is refused once. A refusal counts for the event that is refused: the waits do not grow from one
// event to the next, and no event is given up for the failures of those before it.
func TestARefusalCountsForItsEvent(t *testing.T) {
	const n = 12
	var mu sync.Mutex
	refused := map[string]bool{}
	at := receive(t)
	at.status(func(_ int, e bot.Event) int {
		mu.Lock()
		defer mu.Unlock()
		if !refused[e.ID] {
			refused[e.ID] = true
			return 500
		}
		return 204
	})
	patient := target(at.URL)
	patient.Patience = 10 * time.Second
	r := newRig(t, patient)
	r.came(0, n, one)
	for i := range n {
		r.until(fmt.Sprint("a refusal of event ", i), func() bool {
			w := r.get("books")
			return len(at.taken()) == i && w.WaitingChats == 1 && w.Backlog == uint64(n-i)
		})
		r.due(firstWait * 3 / 2) // a first wait is over, a second one is not
	}
	inOrder(t, r.wait(at, n), n)
	if w := r.get("books"); w.DeadLetters != 0 {
		t.Errorf("%d dead letters", w.DeadLetters)
	}
}
