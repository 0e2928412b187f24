// Package messenger carries messages from WhatsApp to the journal: what comes is written down before it is
// acknowledged. It never logs a text, a number or a name.
package messenger

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// commitTime bounds one commit: the messages behind it wait for it.
const commitTime = 10 * time.Second

// Meter counts what happens to messages.
type Meter interface {
	// Received counts an event that was written down; repeat is true for one that was known.
	Received(kind bot.EventType, repeat bool)
	// Refused counts an event that could not be written down.
	Refused()
}

// Options are the parts of a messenger.
type Options struct {
	Journal *journal.Journal
	// Names finds the other address of a person.
	Names message.Names
	Meter Meter
	Log   *slog.Logger
}

// Messenger serves one session. Its methods may be called from any goroutine.
type Messenger struct {
	Options
	// owed are changes whose events WhatsApp does not deliver again: whatsmeow acknowledges them whatever the sink
	// says. They are written with the next commit that succeeds.
	mu   sync.Mutex
	owed []func(*journal.Tx) error
}

// New returns a messenger. Take may be called at once.
func New(o Options) *Messenger {
	return &Messenger{Options: o}
}

// Prepare sets up a new client before it connects.
func (m *Messenger) Prepare(client *whatsmeow.Client) {
	// Two ticks at the sender without being "available", which would silence the phone.
	client.SetForceActiveDeliveryReceipts(true)
}

func commitContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), commitTime)
}
