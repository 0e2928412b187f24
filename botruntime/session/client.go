package session

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/botruntime/hook"
	"sesi.dev/sesi/botruntime/passkey"
)

const (
	// hangupGrace is how long a close may take before the socket is torn down: whatsmeow waits 5 s for a frozen
	// peer to answer it.
	hangupGrace = time.Second
	// handlerGrace is how long whatsmeow's handlers may use the context of a closed connection: after it reports a
	// logout it still deletes the device with it.
	handlerGrace = 30 * time.Second
)

// client is one whatsmeow client and the queue of what is done to it. Connecting and disconnecting run one after the
// other off the loop, so that a slow peer never blocks the state machine.
type client struct {
	wa      *whatsmeow.Client
	gate    *passkey.Gate // nil where whatsmeow cannot be hooked
	unread  hook.Unread
	overlap *hook.Overlap
	log     *slog.Logger
	orders  queue
	// generation numbers the clients of a supervisor.
	generation uint64
	cancel     context.CancelFunc                 // ends the current connection, also one that is being made
	last       atomic.Pointer[context.CancelFunc] // ends the last connection that was begun
	latest     atomic.Uint64                      // numbers the orders: a dial that is not the latest order is obsolete
	opened     func() bool                        // runs before each connection, and reports whether it may be made
	// dialled gets the result of each dial that was not cancelled first.
	dialled func(order uint64, err error)
}

// transports are the HTTP clients of a whatsmeow client.
type transports struct {
	socket, media, version *http.Client
}

// newClient makes a client for device. gated gets what its passkey gate reports; deliver gets every event of whatsmeow,
// and reports whether it may be acknowledged.
func newClient(ctx context.Context, log *slog.Logger, device *wastore.Device, via transports, gated func(any), deliver func(*whatsmeow.Client, any) bool) *client {
	wa := whatsmeow.NewClient(device, quietLog{log, slog.LevelWarn})
	gate, err := passkey.Attach(wa, gated)
	if err != nil {
		log.Error("accounts with a passkey cannot be linked, and a <success> before a pairing is complete would crash the bot", "error", err)
	}
	if err := hook.Numbers(wa, func(evt *hook.NumberChanged) bool { return deliver(wa, evt) }); err != nil {
		log.Error("nobody is told of contacts who change their number", "error", err)
	}
	if err := hook.Members(wa); err != nil {
		log.Error("a member with another number cannot read the next message to the group", "error", err)
	}
	overlap, err := hook.NewOverlap(wa)
	if err != nil {
		log.Error("each message waits until the one before is on disk", "error", err)
	}
	unread, err := hook.FindUnread(wa)
	if err != nil {
		log.Error("many messages that come at once have no order, and a refused login is not noticed while some of earlier connections wait", "error", err)
	}
	wa.BackgroundEventCtx = ctx
	// The supervisor owns every reconnect; whatsmeow's own has neither jitter nor an upper limit.
	wa.EnableAutoReconnect = false
	wa.DisableLoginAutoReconnect = true
	// A crash between decryption and handling must not lose a message.
	wa.EnableDecryptedEventBuffer = true
	wa.SynchronousAck = true
	wa.ManualHistorySyncDownload = true
	wa.SetWebsocketHTTPClient(via.socket)
	wa.SetPreLoginHTTPClient(via.socket)
	wa.SetMediaHTTPClient(via.media)
	// WhatsApp ends the stream behind a pairing, and whatsmeow may tell of that first.
	wa.PrePairCallback = func(types.JID, string, string) bool { return deliver(wa, accepted{}) }
	wa.AddEventHandlerWithSuccessStatus(func(evt any) bool { return deliver(wa, evt) })
	return &client{wa: wa, gate: gate, unread: unread, overlap: overlap, log: log, cancel: func() {}, opened: func() bool { return true }}
}

// dial opens a connection that presents version, once ready is closed. whatsmeow ties the socket to the context that
// it gets, so that context has no deadline; the transport bounds the dial.
func (c *client) dial(ctx context.Context, version wastore.WAVersionContainer, ready <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	c.cancel = cancel
	c.last.Store(&cancel)
	mine := c.latest.Add(1)
	c.orders.add(func() {
		select {
		case <-ready:
		case <-ctx.Done():
		}
		if c.latest.Load() != mine {
			return
		}
		presentVersion(c.wa, version)
		if !c.opened() {
			return
		}
		if n := c.unread.Drop(); n > 0 {
			c.log.Info("the last connection ended before all that it brought was handled; WhatsApp delivers the rest again", "unread", n)
		}
		err := c.wa.ConnectContext(ctx)
		if ctx.Err() == nil {
			c.dialled(mine, err)
		}
	})
}

// cut ends the connection at once, from any goroutine: whatsmeow sends nothing more over it, and its handlers can no
// longer use their context.
func (c *client) cut() {
	if cancel := c.last.Load(); cancel != nil {
		(*cancel)()
	}
}

// hangup closes the connection, or stops one that is being made.
func (c *client) hangup() {
	cancel := c.cancel
	c.cancel = func() {}
	c.latest.Add(1)
	forced := time.AfterFunc(hangupGrace, cancel)
	c.orders.add(func() {
		c.wa.Disconnect()
		forced.Reset(handlerGrace)
	})
}

// close hangs up; done is closed when the client has nothing more to do.
func (c *client) close() (done <-chan struct{}) {
	c.hangup()
	return c.orders.drained()
}
