package session

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/hook"
	"sesi.dev/sesi/botruntime/turn"
)

// Sink takes the events of whatsmeow that are not about the connection: messages, receipts, groups, calls. It runs on
// whatsmeow's handler goroutine and must return within a second or two, because the events that follow wait.
//
// in is the event's place among those of its connection. Once the order in which the sink writes it is certain, in.Queued
// lets the next message come; a sink that calls it must refuse an event whose turn is over.
//
// False means that the event was not kept. WhatsApp then gets no acknowledgement, and delivers the event again at
// the next login. The session drops the connection and comes back after a backoff; until then it offers the sink
// no other event, so that the order stays.
type Sink func(evt any, in turn.Turn) bool

// intake hands the events of one connection to the sink.
type intake struct {
	sink    Sink
	meter   Meter
	log     *slog.Logger
	overlap *hook.Overlap
	line    atomic.Pointer[line] // of the current connection
}

// line is the order of the events of one connection. It ends with the first event that is refused.
type line struct {
	turn.Line
	told atomic.Bool // the supervisor knows that an event was refused
}

func newIntake(sink Sink, meter Meter, log *slog.Logger) *intake {
	i := &intake{sink: sink, meter: meter, log: log}
	i.open()
	return i
}

// open begins with the events of a new connection.
func (i *intake) open() {
	i.line.Store(&line{})
	if i.overlap != nil {
		i.overlap.Reconnect()
	}
}

// take reports whether the event was kept. It reports a refusal once per connection, through refused.
func (i *intake) take(evt any, refused func()) bool {
	if i.sink != nil && !i.offer(evt, refused) {
		return false
	}
	switch evt.(type) {
	case *events.Message:
		i.meter.MessageReceived()
	case *events.UndecryptableMessage:
		i.meter.MessageUndecryptable()
	}
	return true
}

// offer calls the sink unless an event before was refused.
func (i *intake) offer(evt any, refused func()) bool {
	line := i.line.Load()
	queued, acknowledge := func() {}, func() {}
	if message, ok := evt.(*events.Message); ok {
		var over bool
		if queued, acknowledge, over = i.overlap.Of(message.Info.ID); over {
			return false // the present connection is not to blame
		}
	}
	mine := turn.New(&line.Line, queued)
	kept := !mine.Over() && i.try(evt, mine)
	if !kept {
		mine.Refuse()
		if !line.told.Swap(true) {
			refused()
		}
	}
	acknowledge()
	return kept
}

// try calls the sink. A sink that panics has not kept the event; whatsmeow treats a panic as success.
func (i *intake) try(evt any, mine turn.Turn) (kept bool) {
	defer func() {
		if cause := recover(); cause != nil {
			i.log.Error("the event sink panicked", "kind", fmt.Sprintf("%T", evt), "stack", string(debug.Stack()))
			kept = false
		}
	}()
	return i.sink(evt, mine)
}

// Client returns the whatsmeow client while it is logged in. The error is a *Refusal when it is not. A caller must
// not keep the client: the next connection may have another one.
func (s *Supervisor) Client() (*whatsmeow.Client, error) {
	p := s.public.Load()
	if p.client == nil {
		return nil, &Refusal{Kind: RefusedNotReady, Reason: p.snapshot.Reason, Detail: "Not connected to WhatsApp: " + p.snapshot.Message}
	}
	return p.client, nil
}

// Media returns the HTTP client for WhatsApp's media hosts, which goes through the session's proxy.
func (s *Supervisor) Media() *http.Client { return s.via.media }

// connectedClient is the client for others to use: nil unless snap says Connected.
func (s *Supervisor) connectedClient(snap bot.Snapshot) *whatsmeow.Client {
	if s.client == nil || !snap.Connected {
		return nil
	}
	return s.client.wa
}
