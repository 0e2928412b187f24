package messenger

import (
	"context"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/poll"
)

// The wait for a message may end before it is decided what becomes of it. The caller is told where it is then, and not
// where it was when the wait began.
func TestTheEndOfAWaitTellsTheStateOfThen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "halo"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	told := make(chan bot.Message, 1)
	go func() {
		got, err := f.Await(ctx, m.ID)
		if err != nil {
			t.Error(err)
		}
		told <- got
	}()
	if !poll.Until(func() bool {
		f.waitMu.Lock()
		defer f.waitMu.Unlock()
		return len(f.waits) == 1
	}, time.Minute, nil) {
		t.Fatal("nobody waits")
	}
	if _, err := f.Journal.TakeDue(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	end()
	if got := <-told; got.State != bot.MessageSending {
		t.Errorf("told as %s", got.State)
	}
}
