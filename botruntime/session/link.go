package session

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"
)

const (
	// hangupGrace is how long a close may take before the socket is torn down: whatsmeow waits 5 s for a frozen
	// peer to say goodbye.
	hangupGrace = time.Second
	// handlerGrace is how long whatsmeow's handlers may go on with a closed connection's context: after it told
	// of a logout it still deletes the device with it.
	handlerGrace = 30 * time.Second
)

// link is one whatsmeow client, and the order of what is done to it: connections and disconnections run one
// after the other on its own goroutine, so that a slow peer never holds up the state machine. To give an order
// never waits: the goroutine that carries it out may itself be waiting to tell the state machine of the last one.
type link struct {
	client *whatsmeow.Client
	more   chan struct{} // says that there are orders; holds one
	mu     sync.Mutex
	orders []func()           // not begun yet, oldest first
	cancel context.CancelFunc // ends the present connection, also one in the making
	opened func()             // runs before each connection
	dialed func(turn uint64, err error)
	turn   atomic.Uint64 // counts what was ordered: a dial that is not the last order is not wanted any more
}

// newLink makes a client for device; its goroutine ends by close. deliver gets every event of whatsmeow and reports
// whether it may be acknowledged, dialed the end of every dial that was not torn down first.
func newLink(ctx context.Context, log *slog.Logger, device *wastore.Device, transport *http.Client, deliver func(*whatsmeow.Client, any) bool, dialed func(turn uint64, err error)) *link {
	client := whatsmeow.NewClient(device, quietLog{log, slog.LevelWarn})
	client.BackgroundEventCtx = ctx
	// The supervisor owns every reconnect; whatsmeow's has neither jitter nor cap.
	client.EnableAutoReconnect = false
	client.DisableLoginAutoReconnect = true
	// A crash between decryption and handling must not lose a message.
	client.EnableDecryptedEventBuffer = true
	client.SynchronousAck = true
	client.ManualHistorySyncDownload = true
	client.SetWebsocketHTTPClient(transport)
	client.SetPreLoginHTTPClient(transport)
	client.SetMediaHTTPClient(transport)
	client.AddEventHandlerWithSuccessStatus(func(evt any) bool { return deliver(client, evt) })
	l := &link{client: client, more: make(chan struct{}, 1), cancel: func() {}, opened: func() {}, dialed: dialed}
	go l.work()
	return l
}

func (l *link) work() {
	for range l.more {
		for do := l.next(); do != nil; do = l.next() {
			do()
		}
	}
}

// next takes the oldest order, nil when there is none.
func (l *link) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.orders) == 0 {
		l.orders = nil
		return nil
	}
	do := l.orders[0]
	l.orders = l.orders[1:]
	return do
}

func (l *link) order(do func()) {
	l.mu.Lock()
	l.orders = append(l.orders, do)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// dial opens a connection that presents version. whatsmeow ties the socket to the context it is given, so it
// gets one without a deadline; the transport bounds the dial.
func (l *link) dial(ctx context.Context, version wastore.WAVersionContainer) {
	ctx, cancel := context.WithCancel(ctx)
	l.cancel = cancel
	mine := l.turn.Add(1)
	l.order(func() {
		if l.turn.Load() != mine {
			return
		}
		useVersion(version)
		l.opened()
		err := l.client.ConnectContext(ctx)
		if ctx.Err() == nil {
			l.dialed(mine, err)
		}
	})
}

// hangup closes the connection, or stops its making.
func (l *link) hangup() {
	cancel := l.cancel
	l.cancel = func() {}
	l.turn.Add(1)
	forced := time.AfterFunc(hangupGrace, cancel)
	l.order(func() {
		l.client.Disconnect()
		forced.Reset(handlerGrace)
	})
}

// close hangs up and ends the link's goroutine; done is closed when it has ended.
func (l *link) close() (done <-chan struct{}) {
	l.hangup()
	ended := make(chan struct{})
	l.order(func() { close(ended) })
	close(l.more)
	return ended
}
