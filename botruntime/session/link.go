package session

import (
	"context"
	"log/slog"
	"net/http"
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
// after the other on its own goroutine, so that a slow peer never holds up the state machine.
type link struct {
	client *whatsmeow.Client
	orders chan func()
	cancel context.CancelFunc // ends the present connection, also one in the making
	dialed func(turn uint64, err error)
	turn   atomic.Uint64 // counts what was ordered: a dial that is not the last order is not wanted any more
}

// newLink makes a client for device; its goroutine ends by close. deliver gets every event of whatsmeow,
// dialed the end of every dial that was not torn down first.
func newLink(ctx context.Context, log *slog.Logger, device *wastore.Device, transport *http.Client, deliver func(*whatsmeow.Client, any), dialed func(turn uint64, err error)) *link {
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
	client.AddEventHandler(func(evt any) { deliver(client, evt) })
	l := &link{client: client, orders: make(chan func(), 64), cancel: func() {}, dialed: dialed}
	go l.work()
	return l
}

func (l *link) work() {
	for order := range l.orders {
		order()
	}
}

// dial opens a connection that presents version. whatsmeow ties the socket to the context it is given, so it
// gets one without a deadline; the transport bounds the dial.
func (l *link) dial(ctx context.Context, version wastore.WAVersionContainer) {
	ctx, cancel := context.WithCancel(ctx)
	l.cancel = cancel
	mine := l.turn.Add(1)
	l.orders <- func() {
		if l.turn.Load() != mine {
			return
		}
		useVersion(version)
		err := l.client.ConnectContext(ctx)
		if ctx.Err() == nil {
			l.dialed(mine, err)
		}
	}
}

// hangup closes the connection, or stops its making.
func (l *link) hangup() {
	cancel := l.cancel
	l.cancel = func() {}
	l.turn.Add(1)
	forced := time.AfterFunc(hangupGrace, cancel)
	l.orders <- func() {
		l.client.Disconnect()
		forced.Reset(handlerGrace)
	}
}

// close hangs up and ends the link's goroutine; done is closed when it has ended.
func (l *link) close() (done <-chan struct{}) {
	l.hangup()
	ended := make(chan struct{})
	l.orders <- func() { close(ended) }
	close(l.orders)
	return ended
}
