package sim

import (
	"sync"
	"time"
)

// The kinds of events.
const (
	EventWaiting   = "waiting"    // a client got QR codes
	EventQRExpired = "qr_expired" // its codes went unscanned
	EventCodeAsked = "code_asked" // a client asked for a pairing code
	EventPaired    = "paired"
	EventPairError = "pair_error"
	EventPasskey   = "passkey" // the account asked for its passkey, or a step of that was taken or refused
	EventLogin     = "login"
	EventRefused   = "refused" // with the failure's code
	EventReplaced  = "replaced"
	EventUnlinked  = "unlinked"
	EventKicked    = "kicked" // with the kind
	EventOffline   = "offline"
	EventPreKeys   = "prekeys"
	EventToBot     = "to_bot" // with the message's id; texts are not logged
	EventFromBot   = "from_bot"
	EventRetry     = "retry" // a companion could not decrypt a message
	EventNack      = "nack"  // a companion acknowledged a message with an error; with the id and the code
	EventFault     = "fault" // a fault struck

	EventMessageRefused = "message_refused" // the server refused a companion's message; with its id
	EventGroup          = "group"           // a group was made or changed; with the change
	EventCallIgnored    = "call_ignored"    // a companion rejected a call that does not ring for it, or named another caller
	EventStranger       = "stranger"        // a companion wrote to an address that is not on WhatsApp; with the message's id
	EventPhoneRetry     = "phone_retry"     // a phone asked a companion to send a message again; with its id
	EventMediaRetry     = "media_retry"     // a companion asked its phone to put a file onto the media host again; with the message's id
	EventVersion        = "version"
	EventDown           = "down"
	EventUp             = "up"
)

// Event is something that happened. It never holds a QR text, a pairing code, a key or a message's text.
type Event struct {
	// Seq numbers the events from 1.
	Seq int64     `json:"seq"`
	T   time.Time `json:"t"`
	// Kind is one of the Event constants, JID the device or number it is about (empty if none), What a detail.
	Kind string `json:"kind"`
	JID  string `json:"jid,omitempty"`
	What string `json:"what,omitempty"`
}

// maxEvents bounds the events that are remembered.
const maxEvents = 4000

type eventLog struct {
	mu      sync.Mutex
	last    int64
	events  []Event
	changed chan struct{}
}

func (l *eventLog) init() { l.changed = make(chan struct{}) }

func (s *Server) event(kind, jid, what string) {
	s.log.Info("event", "kind", kind, "jid", jid, "what", what)
	l := &s.events
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	if len(l.events) >= maxEvents {
		l.events = append([]Event(nil), l.events[maxEvents/2:]...)
	}
	l.events = append(l.events, Event{Seq: l.last, T: time.Now(), Kind: kind, JID: jid, What: what})
	close(l.changed)
	l.changed = make(chan struct{})
}

// Events returns what happened after a sequence number (0 for all that is remembered), and a channel that is
// closed when the next thing happens.
func (s *Server) Events(since int64) ([]Event, <-chan struct{}) {
	l := &s.events
	l.mu.Lock()
	defer l.mu.Unlock()
	if since > l.last {
		since = 0 // the caller saw a simulator from before a restart
	}
	first := len(l.events)
	for first > 0 && l.events[first-1].Seq > since {
		first--
	}
	return append([]Event{}, l.events[first:]...), l.changed
}
