package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/turn"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// mailbox is a Sink that refuses while it is full.
type mailbox struct {
	mu     sync.Mutex
	refuse int // how many events it still refuses
	panics bool
	texts  []string
	seen   int
}

func (m *mailbox) take(evt any, _ turn.Turn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	message, ok := evt.(*events.Message)
	if !ok {
		return true
	}
	m.seen++
	if m.refuse > 0 {
		m.refuse--
		if m.panics {
			panic("no room")
		}
		return false
	}
	m.texts = append(m.texts, message.Message.GetConversation())
	return true
}

func (m *mailbox) got() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.texts, " ")
}

func TestAMessageThatTheSinkRefusesComesAgainInOrder(t *testing.T) {
	for name, panics := range map[string]bool{"refuses": false, "panics": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
			box := &mailbox{refuse: 2, panics: panics}
			s := beginWith(t, wa, dir, box.take, nil)
			to := jidOf(t, s.pair(wa, phone))
			for _, text := range []string{"one", "two", "three"} {
				if _, err := wa.Say(to, "628999", text, "Friend"); err != nil {
					t.Fatal(err)
				}
			}
			waitFor(t, "all messages in order", func() bool { return box.got() == "one two three" })
			if n := s.received(3); n != 3 {
				t.Errorf("%d messages counted as received, want 3", n)
			}
			if n := s.meter.reconnects.Load(); n < 2 {
				t.Errorf("%d reconnects; each refusal must drop the connection", n)
			}
		})
	}
}

// received is how many messages are counted as received, once it is so many: a message is counted behind its sink.
func (s *subject) received(least int64) int64 {
	s.t.Helper()
	waitFor(s.t, "the messages to be counted", func() bool { return s.meter.received.Load() >= least })
	return s.meter.received.Load()
}

// An event that is refused when its connection is lost already refuses none of the next connection.
func TestARefusalEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t, sim.Config{})
	came, lost := make(chan struct{}), make(chan struct{})
	var refused atomic.Bool
	box := &mailbox{}
	s := beginWith(t, wa, t.TempDir(), func(evt any, in turn.Turn) bool {
		if _, ok := evt.(*events.Message); ok && !refused.Swap(true) {
			close(came)
			select {
			case <-lost:
			case <-t.Context().Done():
			}
			return false
		}
		return box.take(evt, in)
	}, nil)
	to := jidOf(t, s.pair(wa, phone))
	if _, err := wa.Say(to, "628999", "hello", "Friend"); err != nil {
		t.Fatal(err)
	}
	poll.Receive(t, "the message", came, patience)
	if err := wa.Kick(to, sim.KickDrop); err != nil {
		t.Fatal(err)
	}
	s.until("the loss", func(snap *bot.Snapshot) bool { return !snap.Connected })
	close(lost)
	waitFor(t, "the message again", func() bool { return box.got() == "hello" })
}

// batches is a Sink that keeps its events in batches of three, as one transaction would. It refuses the first of the first
// batch.
type batches struct {
	ctx    context.Context //nolint:containedctx // of the test, which ends every wait
	mu     sync.Mutex
	queued int
	full   chan struct{} // closed when the batch is complete
	last   chan struct{} // closed when the event before is kept or refused
	texts  []string
}

func newBatches(ctx context.Context) *batches {
	b := &batches{ctx: ctx, full: make(chan struct{}), last: make(chan struct{})}
	close(b.last)
	return b
}

func (b *batches) take(evt any, in turn.Turn) bool {
	message, ok := evt.(*events.Message)
	if !ok {
		return true
	}
	b.mu.Lock()
	number, full, before, mine := b.queued, b.full, b.last, make(chan struct{})
	b.queued, b.last = b.queued+1, mine
	if b.queued%3 == 0 {
		close(b.full)
		b.full = make(chan struct{})
	}
	b.mu.Unlock()
	defer close(mine)
	in.Queued()
	for _, wait := range []<-chan struct{}{full, before} {
		select {
		case <-wait:
		case <-b.ctx.Done():
			return false
		}
	}
	if number == 0 {
		in.Refuse()
	}
	if in.Over() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.texts = append(b.texts, message.Message.GetConversation())
	return true
}

func (b *batches) got() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.texts, " ")
}

// Messages come while those before them are not kept yet. Those behind a refused one are refused too, and come again with it.
func TestMessagesThatComeAtOnceStayInOrder(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	box := newBatches(t.Context())
	s := beginWith(t, wa, dir, box.take, nil)
	to := jidOf(t, s.pair(wa, phone))
	for _, text := range []string{"one", "two", "three"} {
		if _, err := wa.Say(to, "628999", text, "Friend"); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "all messages in order", func() bool { return box.got() == "one two three" })
	if received, reconnects := s.received(3), s.meter.reconnects.Load(); received != 3 || reconnects != 1 {
		t.Errorf("%d messages counted as received and %d reconnects, want 3 and 1", received, reconnects)
	}
}

// gates is a Sink that keeps each message once its gate is open.
type gates struct {
	ctx   context.Context //nolint:containedctx // of the test, which ends every wait
	gate  map[string]chan struct{}
	queue chan string
}

func (g *gates) take(evt any, in turn.Turn) bool {
	message, ok := evt.(*events.Message)
	if !ok {
		return true
	}
	text := message.Message.GetConversation()
	g.queue <- text
	in.Queued()
	select {
	case <-g.gate[text]:
		return true
	case <-g.ctx.Done():
		return false
	}
}

// Also when a sink keeps a message before those that came earlier, it is acknowledged behind them.
func TestMessagesAreAcknowledgedInOrder(t *testing.T) {
	t.Parallel()
	texts := []string{"one", "two", "three", "four"}
	g := &gates{ctx: t.Context(), gate: map[string]chan struct{}{}, queue: make(chan string, len(texts))}
	for _, text := range texts {
		g.gate[text] = make(chan struct{})
	}
	wa := whatsapp(t, sim.Config{})
	to := jidOf(t, beginWith(t, wa, t.TempDir(), g.take, nil).pair(wa, phone))
	say := func(some ...string) {
		t.Helper()
		for _, text := range some {
			if _, err := wa.Say(to, "628999", text, "Friend"); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range some {
			if got := poll.Receive(t, text, g.queue, patience); got != text {
				t.Fatalf("%s came, want %s", got, text)
			}
		}
	}
	say(texts[:3]...)
	close(g.gate["three"])
	close(g.gate["two"])
	say("four") // meanwhile the others may be acknowledged
	if n := pending(wa); n != 4 {
		t.Errorf("WhatsApp keeps %d messages before the first is kept, want 4", n)
	}
	close(g.gate["one"])
	waitFor(t, "those behind it to be acknowledged", func() bool { return pending(wa) == 1 })
	close(g.gate["four"])
	waitFor(t, "all to be acknowledged", func() bool { return pending(wa) == 0 })
}

// pending is how many messages WhatsApp keeps until they are acknowledged.
func pending(wa *simtest.Sim) (n int) {
	for _, device := range wa.Devices() {
		n += device.Pending
	}
	return n
}

func TestTheClientIsOnlyThereWhileConnected(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	refused := func() {
		t.Helper()
		var refusal *Refusal
		if client, err := s.Client(); client != nil || !errors.As(err, &refusal) {
			t.Errorf("client %v, error %v; want a refusal", client, err)
		}
	}
	s.untilReason(bot.ReasonQRAvailable)
	refused()
	s.pair(wa, phone)
	client, err := s.Client()
	if err != nil || !client.IsLoggedIn() {
		t.Errorf("client %v, error %v", client, err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused()
}
