// Package messenger moves messages between WhatsApp and the journal. An incoming message is written before it is
// acknowledged, and an outgoing one before it is sent. The package never logs a text, a number or a name.
package messenger

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/message"
)

// commitTime bounds one commit: the messages behind it wait for it.
const commitTime = 10 * time.Second

// Meter counts what happens to messages.
type Meter interface {
	// Received counts an event; repeat is true when it was in the journal already.
	Received(kind bot.EventType, repeat bool)
	// Attempted counts an attempt to send by the state that it led to.
	Attempted(state bot.MessageState, took time.Duration)
	// KeyRepeated counts a request whose Idempotency-Key was used before.
	KeyRepeated()
	// AskedAgain counts a recipient who asked for a message again; found is false when the bot no longer has it.
	AskedAgain(found bool)
}

// Options are the parts of a messenger.
type Options struct {
	Journal *journal.Journal
	// Inbox writes to the journal what comes from WhatsApp.
	Inbox *journal.Inbox
	// Names finds the other address of a person.
	Names message.Names
	Meter Meter
	// Pace bounds what the bot sends, until SetPace changes it.
	Pace Pace
	// Files keeps the files of messages.
	Files *media.Store
	Log   *slog.Logger
}

// Messenger serves one session. Its methods may be called from any goroutine.
type Messenger struct {
	Options
	pace    atomic.Pointer[Pace]
	session atomic.Pointer[Session]
	quiet   atomic.Bool // people see no receipts of the bot
	flying  atomic.Pointer[flight]
	work    chan struct{} // holds one token while there is something new to send
	files   chan struct{} // as work, for files to upload
	phones  phones
	waitMu  sync.Mutex
	waits   map[string]*wait

	tally     tally
	presences presences
	calls     calls

	limitsMu  sync.Mutex
	limits    limits
	askLimits sync.Mutex // one query about limits at a time
	// limitsFailed is when WhatsApp last did not answer one; askLimits guards it.
	limitsFailed time.Time
	salt         atomic.Pointer[salt]

	// Run's own.
	served    string // the account whose chats are known
	bucket    bucket
	met       map[string]int64 // chats that are known, and the week of the privacy token that they have
	saltAsked saltAsked
	begun     int // chats begun today, as the current batch counts them; -1 until it does
}

// New returns a messenger. Take may be called at once.
func New(o Options) *Messenger {
	m := &Messenger{Options: o, work: make(chan struct{}, 1), files: make(chan struct{}, 1), waits: map[string]*wait{}}
	m.pace.Store(&o.Pace)
	m.tally.now.Since = o.Journal.Now()
	return m
}

// Prepare sets up a new client before it connects.
func (m *Messenger) Prepare(client *whatsmeow.Client) {
	// The sender sees two ticks although the bot is not "available", which would silence the phone.
	client.SetForceActiveDeliveryReceipts(!m.quiet.Load())
	client.GetMessageForRetry = m.messageForRetry
	client.AddEventHandler(func(evt any) {
		if _, online := evt.(*events.Connected); online {
			client.SetForceActiveDeliveryReceipts(!m.quiet.Load()) // it may have changed since
			go m.renewPresence(client)
		}
	})
	if _, done := client.Store.PrivacyTokens.(goodTokens); !done { // several clients can have one device
		client.Store.PrivacyTokens = goodTokens{client.Store.PrivacyTokens, m.Journal.Now}
	}
}

// SetReceipts decides whether people see two ticks on a message that the bot has, also on the connection that there is.
func (m *Messenger) SetReceipts(shown bool) {
	if m.quiet.Swap(!shown) == !shown {
		return
	}
	if session := m.session.Load(); session != nil {
		if client, err := (*session).Client(); err == nil {
			client.SetForceActiveDeliveryReceipts(shown)
		}
	}
}

// messageForRetry finds a message for a recipient who could not decrypt it. Each call returns a new message, because
// whatsmeow changes it. A person who is not in the message's chat gets nothing, whatever id they name.
func (m *Messenger) messageForRetry(asks, chat types.JID, id types.MessageID) *waE2E.Message {
	ctx, cancel := commitContext()
	defer cancel()
	s, err := m.Journal.Send(ctx, id)
	if err != nil {
		m.Log.Error("a message that a recipient asks for again cannot be read", "error", err)
	}
	content := &waE2E.Message{}
	found := s != nil && len(s.Raw) > 0 && m.concerns(s.Message, chat, types.EmptyJID) && m.mayRead(s.Message, asks) &&
		proto.Unmarshal(s.Raw, content) == nil
	m.Meter.AskedAgain(found)
	if !found {
		return nil // an empty message would use up the recipient's attempts
	}
	return content
}

func commitContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), commitTime)
}
