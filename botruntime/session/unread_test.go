package session

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/turn"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// slowReader is a Sink that keeps each message until it is let go, or until WhatsApp has ended the connection that it
// came over.
type slowReader struct {
	ctx     context.Context //nolint:containedctx // of the test, which ends every wait
	wa      *simtest.Sim
	reading chan struct{} // gets a token with each message
	let     chan struct{} // closed to let all go

	mu    sync.Mutex
	texts []string
}

func (r *slowReader) take(evt any, _ turn.Turn) bool {
	message, ok := evt.(*events.Message)
	if !ok {
		return true
	}
	refused := r.wa.Stats.Failures.Load()
	select {
	case r.reading <- struct{}{}:
	default:
	}
	for ended := false; !ended; {
		_, next := r.wa.Events(1 << 60)
		if r.wa.Stats.Failures.Load() > refused { // looked at behind Events, which tells of the next one
			break
		}
		select {
		case <-r.let:
			ended = true
		case <-r.ctx.Done():
			return false
		case <-next:
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = append(r.texts, message.Message.GetConversation())
	return true
}

func (r *slowReader) got() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.texts, " ")
}

// behindMessages links a session, and returns it with many messages that it has not read yet.
func behindMessages(t *testing.T) (wa *simtest.Sim, s *subject, to types.JID, reader *slowReader, texts []string) {
	t.Helper()
	wa = whatsapp(t, sim.Config{})
	reader = &slowReader{ctx: t.Context(), wa: wa, reading: make(chan struct{}, 1), let: make(chan struct{})}
	s = beginWith(t, wa, t.TempDir(), reader.take, nil)
	to = jidOf(t, s.pair(wa, phone))
	for i := range 100 {
		texts = append(texts, fmt.Sprint(i))
		if _, err := wa.Say(to, "628999", texts[i], "Friend"); err != nil {
			t.Fatal(err)
		}
	}
	poll.Receive(t, "the first message", reader.reading, patience)
	return wa, s, to, reader, texts
}

func TestUnlinkedBehindMessagesThatWait(t *testing.T) {
	t.Parallel()
	wa, s, own, reader, _ := behindMessages(t)
	if err := wa.Unlink(own); err != nil {
		t.Fatal(err)
	}
	if got := s.untilReason(bot.ReasonQRAvailable); !got.Expired {
		t.Errorf("%+v", got)
	}
	close(reader.let)
}

func TestALostConnectionWithMessagesThatWait(t *testing.T) {
	t.Parallel()
	wa, s, own, reader, want := behindMessages(t)
	if err := wa.Kick(own, sim.KickDrop); err != nil {
		t.Fatal(err)
	}
	s.until("the loss", func(snap *bot.Snapshot) bool { return !snap.Connected })
	close(reader.let)
	s.untilConnected()
	waitFor(t, "all messages", func() bool { return len(strings.Fields(reader.got())) >= len(want) })
	if got := reader.got(); got != strings.Join(want, " ") {
		t.Errorf("got %s", got)
	}
}
