package messenger

import (
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/turn"
	"sesi.dev/sesi/test/poll"
)

// callCounter is the fixture as a meter that counts events of calls.
type callCounter struct {
	*fixture
	calls int
}

func (c *callCounter) Received(kind bot.EventType, _ bool) {
	if kind == bot.EventCall {
		c.calls++
	}
}

// well makes the disk of refuseUntilNamed well.
func (f *fixture) well(t *testing.T) {
	t.Helper()
	if err := f.Journal.Commit(t.Context(), func(tx *journal.Tx) error { return tx.SetName("the disk is well", "yes") }); err != nil {
		t.Fatal(err)
	}
}

// A call that the disk refused is written with what comes next. The first try of that is undone, because the message is too
// long for an event: the call happened once all the same.
func TestWhatIsUndoneIsNotCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refuseUntilNamed(t, "the disk is well")
	meter := &callCounter{fixture: f}
	f.Meter = meter
	call := &events.CallOffer{BasicCallMeta: types.BasicCallMeta{CallID: "CALL", CallCreator: friend, From: friend, Timestamp: f.now}}
	if f.Take(call, turn.Turn{}) || meter.calls != 0 {
		t.Fatalf("taken although the disk refused it, and counted %d times", meter.calls)
	}
	f.well(t)
	f.comes(t, "LONG", friend, text(strings.Repeat("kopi ", bot.MaxEvent/5)))
	if meter.calls != 1 {
		t.Errorf("one call was counted %d times", meter.calls)
	}
}

// A receipt that the disk refused is written with what comes next. Then it wakes who waits for its message.
func TestAReceiptThatIsWrittenLaterEndsTheWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refuseUntilNamed(t, "the disk is well")
	taken := f.due(t)
	waits := func(n int) func() bool {
		return func() bool {
			f.waitMu.Lock()
			defer f.waitMu.Unlock()
			return len(f.waits) == n
		}
	}
	told := make(chan bot.Message, 1)
	go func() {
		got, err := f.Await(t.Context(), taken.Message.ID)
		if err != nil {
			t.Error(err)
		}
		told <- got
	}()
	if !poll.Until(waits(1), time.Minute, nil) {
		t.Fatal("nobody waits")
	}
	receipt := &events.Receipt{
		MessageSource: types.MessageSource{Chat: friend, Sender: friend}, MessageIDs: []string{taken.Message.ID}, Timestamp: f.now, Type: types.ReceiptTypeDelivered,
	}
	if f.Take(receipt, turn.Turn{}) {
		t.Fatal("a receipt was taken that is nowhere")
	}
	f.well(t)
	f.comes(t, "NEXT", friend, text("es jeruk 5rb"))
	if !waits(0)() {
		t.Fatal("the receipt is written, and the wait goes on")
	}
	if got := <-told; got.State != bot.MessageDelivered {
		t.Errorf("told as %s", got.State)
	}
}
