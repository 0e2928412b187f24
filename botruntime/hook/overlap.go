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

	mu         sync.Mutex
	connection int
	last       *handled // the message that began last
	running    map[types.MessageID]*handled
}

// handled is a message that is being handled.
type handled struct {
	connection int
	before     <-chan struct{} // closed when the messages before it are acknowledged
	queued     func()
	done       chan struct{}
}

// NewOverlap overlaps the messages of a client that has not been connected yet. The error says that whatsmeow changed;
// then nothing overlaps.
func NewOverlap(client *whatsmeow.Client) (*Overlap, error) {
	done := make(chan struct{})
	close(done)
	o := &Overlap{places: make(chan struct{}, MaxOverlap), last: &handled{done: done}, running: map[types.MessageID]*handled{}}
	found, err := Find(client)
	if err != nil {
		return o, err
	}
	return o, found.Wrap("message", o.wrap)
}

// Reconnect must be called before the client connects again. What an earlier connection brought and is not queued yet is
// over then: WhatsApp delivers it again, behind what was refused.
func (o *Overlap) Reconnect() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.connection++
}

// wrap returns a handler that returns as soon as the message is queued. whatsmeow calls it from one goroutine for each
// connection. That of an earlier connection may still be there, because a message waits for the disk.
func (o *Overlap) wrap(inner Handler) Handler {
	return func(ctx context.Context, node *waBinary.Node) {
		o.mu.Lock()
		connection := o.connection
		o.mu.Unlock()
		o.places <- struct{}{}
		queued := make(chan struct{})
		goOn := sync.OnceFunc(func() { close(queued) })
		m, alone := o.begin(node, connection, goOn)
		if m == nil {
			<-o.places
			return
		}
		go func() {
			if alone {
				<-m.before
			}
			o.run(node, m)
			inner(ctx, node)
			goOn()
			<-m.before // one that waited for nobody lets no other go before those
			o.end(node, m)
			<-o.places
		}()
		<-queued
	}
}

// begin gives a message its place; nil if its connection is over. alone is true if it must wait until those before it
// are done: the messages of another connection, or all where it has not one part alone. Of several, whatsmeow decrypts
// the next part once the one before is in the journal. What the account's own phone tells the bot changes whatsmeow's
// state.
func (o *Overlap) begin(node *waBinary.Node, connection int, queued func()) (m *handled, alone bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if connection != o.connection {
		return nil, false
	}
	m = &handled{connection, o.last.done, queued, make(chan struct{})}
	alone = o.last.connection != connection
	if node.Attrs["category"] == "peer" || len(node.GetChildrenByTag("enc")) != 1 {
		m.queued, alone = func() {}, true
	}
	o.last = m
	return m, alone
}

// run says that the message is handled now. Until then one that came before may have its id.
func (o *Overlap) run(node *waBinary.Node, m *handled) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running[idOf(node)] = m
}

func (o *Overlap) end(node *waBinary.Node, m *handled) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running[idOf(node)] == m {
		delete(o.running, idOf(node))
	}
	close(m.done)
}

func idOf(node *waBinary.Node) types.MessageID {
	id, _ := node.Attrs["id"].(string)
	return id
}

// Of returns what the event handler calls for a message: queued, once the order in which it is written is certain, lets
// whatsmeow begin with the next one. inOrder, before the handler returns, waits until those before are acknowledged.
// over is true if another connection was made meanwhile: then the message must not be written, nor acknowledged.
func (o *Overlap) Of(id types.MessageID) (queued, inOrder func(), over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.running[id]
	if m == nil {
		return func() {}, func() {}, false
	}
	return m.queued, func() { <-m.before }, m.connection != o.connection
}
