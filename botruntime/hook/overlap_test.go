package hook_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/botruntime/hook"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/memstore"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// held is a linked client whose handler keeps each message until the test lets it go.
type held struct {
	t    *testing.T
	wa   *simtest.Sim
	own  types.JID
	came chan string // the texts of messages, in the order in which they are queued
	keep chan chan struct{}
	done chan string // in the order in which they may be acknowledged
	// Of the message "slow", the handler says when it begins, and goes on when the test lets it.
	slow, goOn chan struct{}

	client  *whatsmeow.Client
	overlap *hook.Overlap
	others  chan any
}

// hold starts a client. Its handler queues a message at once, and then waits for the test.
func hold(t *testing.T) *held {
	t.Helper()
	h := &held{
		t: t, wa: simtest.Start(t, sim.Config{}), own: types.NewJID(phone, types.DefaultUserServer),
		came: make(chan string, 100), keep: make(chan chan struct{}, 100), done: make(chan string, 100),
		slow: make(chan struct{}), goOn: make(chan struct{}), others: make(chan any, 100),
	}
	h.wa.TrustRoot()
	client := whatsmeow.NewClient(memstore.New().NewDevice(), nil)
	client.EnableAutoReconnect, client.SynchronousAck = false, true
	h.wa.Point(client)
	overlap, err := hook.NewOverlap(client)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hook.FindUnread(client); err != nil {
		t.Fatal(err)
	}
	h.client, h.overlap = client, overlap
	others := h.others
	ended := t.Context().Done()
	client.AddEventHandlerWithSuccessStatus(func(event any) bool {
		message, ok := event.(*events.Message)
		if !ok {
			others <- event
			return true
		}
		if text := message.Message.GetConversation(); text == "" || text == "known" {
			return true // it waits for nobody
		}
		if message.Message.GetConversation() == "slow" {
			h.slow <- struct{}{}
			<-h.goOn
		}
		queued, inOrder, over := overlap.Of(message.Info.ID)
		if over {
			return false
		}
		let := make(chan struct{})
		h.keep <- let
		h.came <- message.Message.GetConversation()
		queued()
		select {
		case <-let:
		case <-ended:
			return false
		}
		inOrder()
		h.done <- message.Message.GetConversation()
		return true
	})
	t.Cleanup(client.Disconnect)
	if err := client.Connect(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.wa.Scan(t.Context(), await[*events.QR](t, others).Codes[0], phone); err != nil {
		t.Fatal(err)
	}
	await[*events.Connected](t, others)
	return h
}

// holdWithSession is hold, with a first message, which makes the Signal session.
func holdWithSession(t *testing.T) *held {
	t.Helper()
	h := hold(t)
	h.write("0")
	_, let := h.next()
	let()
	h.awaitPending(0)
	h.acknowledged()
	return h
}

// write has a person write texts to the client.
func (h *held) write(texts ...string) {
	h.t.Helper()
	for _, text := range texts {
		if _, err := h.wa.Person(oldPhone).Write(h.own, text); err != nil {
			h.t.Fatal(err)
		}
	}
}

// next returns the text of the next message, and what lets it go.
func (h *held) next() (text string, let func()) {
	h.t.Helper()
	text = poll.Receive(h.t, "message", h.came, patience)
	kept := poll.Receive(h.t, "message", h.keep, patience)
	return text, func() { close(kept) }
}

// acknowledged returns the text of the next message that may be acknowledged.
func (h *held) acknowledged() string {
	h.t.Helper()
	return poll.Receive(h.t, "acknowledgement", h.done, patience)
}

// pending is how many messages the server keeps until they are acknowledged.
func (h *held) pending() (n int) {
	for _, device := range h.wa.Devices() {
		n += device.Pending
	}
	return n
}

func (h *held) awaitPending(want int) {
	h.t.Helper()
	if !poll.Until(func() bool { return h.pending() == want }, patience, nil) {
		h.t.Fatalf("the server keeps %d messages, want %d", h.pending(), want)
	}
}

// A message is decrypted while those before it wait, and is acknowledged after them.
func TestMessagesOverlapInOrder(t *testing.T) {
	h := holdWithSession(t)
	h.write("a", "b", "c")
	lets := map[string]func(){}
	var order []string
	for range 3 {
		text, let := h.next()
		order, lets[text] = append(order, text), let
	}
	if !slices.Equal(order, []string{"a", "b", "c"}) {
		t.Errorf("queued %v", order)
	}
	lets["c"]()
	lets["b"]()
	h.write("d") // meanwhile those before it may be acknowledged
	_, letD := h.next()
	if n := h.pending(); n != 4 {
		t.Errorf("the server keeps %d messages before the first is let go, want 4", n)
	}
	lets["a"]()
	h.awaitPending(1)
	letD()
	h.awaitPending(0)
	for _, want := range []string{"a", "b", "c", "d"} {
		if got := h.acknowledged(); got != want {
			t.Errorf("%s may be acknowledged, want %s", got, want)
		}
	}
}

// A message that has nothing to wait for, such as a repeat, is acknowledged at once. Those behind it still wait for those
// before it.
func TestAMessageThatWaitsForNobodyLetsNoOtherGoFirst(t *testing.T) {
	h := holdWithSession(t)
	h.write("a", "known", "b")
	_, letA := h.next()
	_, letB := h.next()
	letB()
	h.write("c")
	_, letC := h.next()
	letC()
	letA()
	for _, want := range []string{"a", "b", "c"} {
		if got := h.acknowledged(); got != want {
			t.Errorf("%s may be acknowledged, want %s", got, want)
		}
	}
	h.awaitPending(0)
}

// No more than MaxOverlap messages are handled at once, and the next one comes when one of them is done.
func TestTheOverlapIsBounded(t *testing.T) {
	h := hold(t)
	var texts []string
	for n := range hook.MaxOverlap + 1 {
		texts = append(texts, fmt.Sprint(n))
	}
	h.write(texts...)
	var lets []func()
	for range hook.MaxOverlap {
		_, let := h.next()
		lets = append(lets, let)
	}
	lets[1]() // it waits for the first, and keeps its place
	select {
	case text := <-h.came:
		t.Errorf("message %s came as one too many", text)
	case <-time.After(50 * time.Millisecond):
	}
	lets[0]()
	if text, let := h.next(); text != texts[hook.MaxOverlap] {
		t.Errorf("message %s came", text)
	} else {
		let()
	}
	for _, let := range lets[2:] {
		let()
	}
	h.awaitPending(0)
}

// The first message to a group has two parts, the key and the text. It begins when all before it are acknowledged, and
// nothing begins before it is.
func TestAMessageOfTwoPartsOverlapsNoOther(t *testing.T) {
	h := holdWithSession(t)
	group, err := h.wa.MakeGroup("Kas", "", oldPhone, phone)
	if err != nil {
		t.Fatal(err)
	}
	h.write("before")
	if _, err := h.wa.Person(oldPhone).Write(group.JID(), "to all"); err != nil {
		t.Fatal(err)
	}
	h.write("behind")
	for _, want := range []string{"before", "to all", "behind"} {
		text, let := h.next()
		if text != want {
			t.Errorf("message %q came, want %q", text, want)
		}
		select {
		case text := <-h.came:
			t.Errorf("message %q came beside %q", text, want)
			return
		case <-time.After(50 * time.Millisecond):
		}
		let()
	}
	h.awaitPending(0)
}

// A message that is still being decrypted when the connection is lost is not written: WhatsApp delivers it again. Nothing of
// the next connection begins before that try has ended.
func TestAMessageOfAnEarlierConnectionIsOver(t *testing.T) {
	h := holdWithSession(t)
	h.write("slow")
	poll.Receive(t, "message", h.slow, patience)
	h.wa.DropAll()
	await[*events.Disconnected](t, h.others)
	h.overlap.Reconnect()
	if err := h.client.Connect(); err != nil {
		t.Fatal(err)
	}
	await[*events.Connected](t, h.others)
	h.write("next")
	select {
	case <-h.slow:
		t.Fatal("the message began again beside its first try")
	case text := <-h.came:
		t.Fatalf("message %q came beside the first try", text)
	case h.goOn <- struct{}{}:
	}
	text, letNext := h.next()
	if text != "next" {
		t.Errorf("message %q came, want only the next one", text)
	}
	letNext()
	if got := h.acknowledged(); got != "next" {
		t.Errorf("%s may be acknowledged, want only the next one", got)
	}
}
