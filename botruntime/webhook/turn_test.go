package webhook

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/test/vacant"
)

// choosy is a receiver that refuses some events.
type choosy struct {
	*receiver
	refuses sync.Map // seq
}

func receiveChoosy(t *testing.T, refused ...uint64) *choosy {
	t.Helper()
	c := &choosy{receiver: receive(t)}
	c.refuse(refused...)
	c.status(func(_ int, e bot.Event) int {
		if _, no := c.refuses.Load(e.Seq); no {
			return 500
		}
		return 204
	})
	return c
}

func (c *choosy) refuse(all ...uint64) {
	c.refuses.Clear()
	for _, seq := range all {
		c.refuses.Store(seq, true)
	}
}

func (c *choosy) seqs() []uint64 {
	var all []uint64
	for _, e := range c.taken() {
		all = append(all, e.Seq)
	}
	return all
}

// A number and a LID each have a line, of different age and length, before it is known that they are one person's. What
// waits then comes once, in order, and what the lines had delivered does not come again.
func TestTwoLinesBecomeOnePersons(t *testing.T) {
	var known atomic.Bool
	at := receiveChoosy(t, 1, 2)
	r := newPersonRig(t, &known, target(at.URL))
	r.cameIn(personNumber.String(), personLID.String(), personNumber.String(), personNumber.String())
	r.until("both wait", func() bool { return r.get("books").WaitingChats == 2 })
	at.refuse(2, 4)
	r.due(time.Minute)
	r.until("each is refused once more", func() bool { return at.tries() == 6 && r.get("books").Backlog == 2 })
	known.Store(true)
	r.due(time.Hour)
	r.until("the older one is refused as the person's", func() bool { return at.tries() == 7 && r.get("books").Failures == 3 })
	at.refuse()
	r.due(time.Hour)
	r.until("nothing waits", func() bool { return r.get("books").Backlog == 0 })
	if got := at.seqs(); !slices.Equal(got, []uint64{1, 3, 2, 4}) {
		t.Errorf("came %v", got)
	}
}

// While many chats wait, no new events are read: what is kept of the chats that wait has a bound.
func TestTheLinesAreBounded(t *testing.T) {
	at := receive(t)
	at.status(func(int, bot.Event) int { return 500 })
	r := newRig(t, target(at.URL))
	var chats []string
	for i := range maxLines + 10 {
		chats = append(chats, chatOf(i))
	}
	r.cameIn(chats...) // at once: the first helping has as many as may wait
	for failures := 1; failures <= 3; failures++ {
		r.until("each that waits was tried", func() bool { return at.tries() == maxLines*failures && r.get("books").Failures == failures })
		if w := r.get("books"); w.Cursor > maxLines || w.WaitingChats > maxLines {
			t.Fatalf("%d chats wait at event %d", w.WaitingChats, w.Cursor)
		}
		if failures < 3 {
			r.due(2 * time.Hour)
		}
	}
	at.status(func(int, bot.Event) int { return 204 })
	r.due(2 * time.Hour)
	inOrder(t, r.wait(at, maxLines+10), maxLines+10)
}

// Several chats wait when the receiver goes away: one of them finds that out for all.
func TestAReceiverThatGoesAwayIsAskedOnce(t *testing.T) {
	at := receive(t)
	at.status(func(int, bot.Event) int { return 500 })
	r := newRig(t, target(at.URL))
	r.came(0, 5, func(i int) int { return i })
	r.until("all wait", func() bool { return r.get("books").WaitingChats == 5 })
	at.status(func(int, bot.Event) int { return 503 })
	r.due(time.Minute)
	r.until("it is away", func() bool { return r.get("books").LastError == "the receiver answered 503 Service Unavailable" })
	if n := at.tries(); n != 6 {
		t.Errorf("tried %d times, want 6", n)
	}
}

// A long line is delivered part by part. An event at the begin of a later part has its own patience, too.
func TestTheBeginOfAPartHasItsOwnPatience(t *testing.T) {
	at := receiveChoosy(t, 1)
	patient := target(at.URL)
	patient.Patience = time.Hour
	r := newRig(t, patient)
	r.came(0, helping+3, one)
	r.until("the first is refused", func() bool { return r.get("books").Failures == 1 })
	at.refuse(helping + 1)
	r.due(50 * time.Minute)
	r.until("the first of the second part is refused", func() bool { return at.tries() == helping+2 && at.count() == helping })
	r.until("it is written", func() bool { return r.get("books").Backlog == 3 })
	r.due(20 * time.Minute)
	r.until("it is refused again", func() bool { return at.tries() == helping+3 && r.get("books").Failures == 2 })
	if w := r.get("books"); w.DeadLetters != 0 {
		t.Errorf("%d events were given up too early", w.DeadLetters)
	}
	at.refuse()
	r.due(50 * time.Minute)
	inOrder(t, r.wait(at.receiver, helping+3), helping+3)
}

// holdEvent makes a receiver hold one delivery of an event: held tells that it came, and let lets it go.
func holdEvent(t *testing.T, at *receiver, seq uint64, others func(bot.Event) int) (held chan struct{}, let func()) {
	t.Helper()
	held, release := make(chan struct{}), make(chan struct{})
	let = sync.OnceFunc(func() { close(release) })
	t.Cleanup(let)
	var once sync.Once
	at.status(func(_ int, e bot.Event) int {
		if e.Seq == seq {
			once.Do(func() {
				close(held)
				<-release
			})
		}
		return others(e)
	})
	return held, let
}

// A person resumes a webhook, or has it begin again, while a delivery is on its way. The end of that delivery does not undo
// it.
func TestWhatAPersonAsksForDuringADelivery(t *testing.T) {
	accept := func(bot.Event) int { return 204 }
	t.Run("resume", func(t *testing.T) {
		at := receiveChoosy(t, 1)
		r := newRig(t, target(at.URL))
		r.came(0, 1, one)
		r.until("the first waits", func() bool { return r.get("books").Failures == 1 })
		held, let := holdEvent(t, at.receiver, 2, accept)
		r.came(1, 1, func(int) int { return 2 })
		r.await("the delivery that is held", held)
		if _, err := r.Resume(t.Context(), "books"); err != nil {
			t.Fatal(err)
		}
		let()
		r.wait(at.receiver, 2) // the clock stands still: only Resume ends the first one's wait
	})
	t.Run("redeliver", func(t *testing.T) {
		at := receive(t)
		r := newRig(t, target(at.URL))
		r.came(0, 3, one)
		r.wait(at, 3)
		r.until("all is written", func() bool { return r.get("books").Cursor == 3 })
		held, let := holdEvent(t, at, 4, accept)
		r.came(3, 1, one)
		r.await("the delivery that is held", held)
		if _, err := r.Redeliver(t.Context(), "books", 0); err != nil {
			t.Fatal(err)
		}
		let()
		var seqs []uint64
		for _, e := range r.wait(at, 8)[4:] {
			seqs = append(seqs, e.Seq)
		}
		if !slices.Equal(seqs, []uint64{1, 2, 3, 4}) {
			t.Errorf("came again: %v", seqs)
		}
	})
}

// To deliver again begins at once, whatever the receiver was before.
func TestRedeliveryWaitsForNothing(t *testing.T) {
	at := receive(t)
	at.status(func(int, bot.Event) int { return 503 })
	r := newRig(t, target(at.URL))
	r.came(0, 3, one)
	r.until("it is away", func() bool { return r.get("books").Failures == 1 })
	at.status(func(int, bot.Event) int { return 204 })
	if _, err := r.Redeliver(t.Context(), "books", 0); err != nil {
		t.Fatal(err)
	}
	inOrder(t, r.wait(at, 3), 3) // the clock stands still
}

// The next try is the first one that is due, of whichever chat.
func TestTheNextTryIsTheFirstThatIsDue(t *testing.T) {
	at := receive(t)
	at.status(func(int, bot.Event) int { return 500 })
	r := newRig(t, target(at.URL))
	r.came(0, 1, one)
	for tries := range 3 {
		r.until("a refusal", func() bool { return r.get("books").Failures == tries+1 })
		if tries < 2 {
			r.due(time.Minute)
		}
	}
	r.came(1, 1, func(int) int { return 2 })
	r.until("two chats wait", func() bool { return r.get("books").WaitingChats == 2 })
	if in := r.get("books").NextTryAt.Sub(r.clock.Now().Truncate(time.Second)); in > 2*firstWait {
		t.Errorf("the next try is in %s, want %s", in, firstWait)
	}
}

// Dead letters may wait for the disk when a person has the webhook begin again. Those before that stay.
func TestRedeliveryKeepsDeadLettersThatWaitForTheDisk(t *testing.T) {
	r := newRig(t)
	r.halt()
	r.spoil(`CREATE TRIGGER refuse BEFORE INSERT ON dead_letters WHEN NOT EXISTS (SELECT 1 FROM names WHERE id = 'room')
		BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	r.open()
	r.run(target("http://" + vacant.Nobody))
	r.came(0, 5, one)
	r.until("a failure", func() bool { return r.get("books").Failures > 0 })
	r.due(80 * time.Hour)
	r.until("all are given up", func() bool { return r.unwritten() == 5 })
	if err := r.journal.Commit(t.Context(), func(tx *journal.Tx) error { return tx.SetName("room", "yes") }); err != nil {
		t.Fatal(err)
	}
	w, err := r.Redeliver(t.Context(), "books", 5)
	if err != nil || w.DeadLetters != 5 || w.Backlog != 0 {
		t.Errorf("%+v, %v", w, err)
	}
}
