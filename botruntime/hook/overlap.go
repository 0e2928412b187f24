package hook

import (
	"context"
	"sync"

	"go.mau.fi/whatsmeow"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// MaxOverlap bounds the messages that are handled at once. Each takes a goroutine's stack.
const MaxOverlap = 32

// Overlap lets a client decrypt a message while those before it wait for the disk. By itself whatsmeow begins with the
// next message when the one before is acknowledged. Decryption and acknowledgements stay in their order.
type Overlap struct {
	places chan struct{}

	mu      sync.Mutex
	current *overlapped
}

// overlapped is the message that is being decrypted.
type overlapped struct {
	id     types.MessageID
	before <-chan struct{} // closed when the messages before it are acknowledged
	queued func()
}

// NewOverlap overlaps the messages of a client that has not been connected yet. The error says that whatsmeow changed;
// then nothing overlaps.
func NewOverlap(client *whatsmeow.Client) (*Overlap, error) {
	o := &Overlap{places: make(chan struct{}, MaxOverlap)}
	found, err := Find(client)
	if err != nil {
		return o, err
	}
	return o, found.Wrap("message", o.wrap)
}

// wrap returns a handler that returns as soon as the message is queued. whatsmeow calls it from one goroutine.
func (o *Overlap) wrap(inner Handler) Handler {
	before := make(chan struct{})
	close(before)
	return func(ctx context.Context, node *waBinary.Node) {
		if !overlaps(node) {
			<-before
			inner(ctx, node)
			return
		}
		o.places <- struct{}{}
		queued, done := make(chan struct{}), make(chan struct{})
		id, _ := node.Attrs["id"].(string)
		mine := &overlapped{id, before, sync.OnceFunc(func() { close(queued) })}
		o.set(mine)
		before = done
		go func() {
			inner(ctx, node)
			mine.queued()
			<-mine.before // one that waited for nobody lets no other go before those
			<-o.places
			close(done)
		}()
		<-queued
		o.set(nil)
	}
}

// overlaps reports whether a message has one part alone. Of several, whatsmeow decrypts the next part once the one before
// is in the journal. What the account's own phone tells the bot changes whatsmeow's state.
func overlaps(node *waBinary.Node) bool {
	return node.Attrs["category"] != "peer" && len(node.GetChildrenByTag("enc")) == 1
}

func (o *Overlap) set(current *overlapped) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.current = current
}

// Of returns what the event handler calls for a message: queued, once the order in which it is written is certain, lets
// whatsmeow begin with the next one. inOrder, before the handler returns, waits until those before are acknowledged.
func (o *Overlap) Of(id types.MessageID) (queued, inOrder func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	mine := o.current
	if mine == nil || mine.id != id {
		return func() {}, func() {}
	}
	return mine.queued, func() { <-mine.before }
}
