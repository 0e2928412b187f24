// Package directory answers questions about the account's groups and contacts, changes them, and writes their changes
// to the journal. It asks WhatsApp at each call, or answers from a cache that is bounded in size and time. It sends no
// message, and never logs a text, a number or a name.
package directory

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/hook"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/store"
)

const (
	// askTime bounds one question to WhatsApp.
	askTime = 20 * time.Second
	// writeTime bounds a write of names, which nobody waits for.
	writeTime = 5 * time.Second
)

// Options are the parts of a directory.
type Options struct {
	Journal *journal.Journal
	// Names finds the other address of a person.
	Names message.Names
	// Inbox writes to the journal what comes from WhatsApp.
	Inbox *journal.Inbox
	// People lists those whose names whatsmeow knows, in the order of their addresses, after one of them.
	People func(ctx context.Context, after string, limit int) ([]store.Known, error)
	Meter  Meter
	Log    *slog.Logger
}

// Meter counts what happens.
type Meter interface {
	// Received counts an event; repeat is true when it was in the journal already.
	Received(kind bot.EventType, repeat bool)
}

// Session is what a directory needs of the session.
type Session interface {
	// Client returns the whatsmeow client while it is logged in.
	Client() (*whatsmeow.Client, error)
	// Watch returns the current snapshot, and a channel that is closed at the next change.
	Watch() (*bot.Snapshot, <-chan struct{})
	// Media returns the client for WhatsApp's media hosts.
	Media() *http.Client
}

// Directory serves one session. Its methods may be called from any goroutine.
type Directory struct {
	Options
	session atomic.Pointer[Session]
	// changing has an entry while a change of the app state is under way.
	changing chan struct{}
}

// New returns a directory. It answers once Use was called.
func New(o Options) *Directory { return &Directory{Options: o, changing: make(chan struct{}, 1)} }

// Use gives the directory its session.
func (d *Directory) Use(session Session) { d.session.Store(&session) }

// Refusal says why a request was not done.
type Refusal struct {
	Kind bot.ProblemKind
	// Field is the field that is wrong, and Want says what it must be; both may be empty.
	Field, Want string
	// Code is WhatsApp's own number of its refusal; 0 when it was not asked.
	Code int
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Field != "" {
		return r.Field + ": must be " + r.Want
	}
	return string(r.Kind)
}

func badField(name, want string) error {
	return &Refusal{Kind: bot.ProblemBadParameter, Field: name, Want: want}
}

// client returns the client while the session is connected; else the session's refusal.
func (d *Directory) client() (*whatsmeow.Client, error) {
	session := d.session.Load()
	if session == nil {
		return nil, &Refusal{Kind: bot.ProblemNotReady}
	}
	return (*session).Client()
}

// own are the account's own addresses, under which a group may know it.
func (d *Directory) own() (own []string) {
	session := d.session.Load()
	if session == nil {
		return nil
	}
	snap, _ := (*session).Watch()
	for _, jid := range []string{snap.JID, snap.LID} {
		if account := bot.Account(jid); account != "" {
			own = append(own, account)
		}
	}
	return own
}

// ask runs a question to WhatsApp with a deadline.
func (d *Directory) ask(ctx context.Context, question func(context.Context, *whatsmeow.Client) error) error {
	client, err := d.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return classify(question(ctx, client))
}

// inTurn runs a change of the app state, which is what the account's devices keep in common: one at a time, because
// WhatsApp takes a change only from a device that has read all earlier ones.
func (d *Directory) inTurn(ctx context.Context, do func(context.Context, *whatsmeow.Client) error) error {
	return d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		select {
		case d.changing <- struct{}{}:
			defer func() { <-d.changing }()
			return do(ctx, client)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// classify turns an error of WhatsApp into a refusal.
func classify(err error) error {
	var answer *whatsmeow.IQError
	switch {
	case err == nil:
		return nil
	case hook.Lost(err):
		return &Refusal{Kind: bot.ProblemNotReady}
	case errors.Is(err, whatsmeow.ErrIQTimedOut):
		return context.DeadlineExceeded
	case !errors.As(err, &answer):
		return err
	}
	kind := bot.ProblemRefused
	switch answer.Code {
	case 401:
		kind = bot.ProblemNotAdmin
	case 403, 404:
		kind = bot.ProblemNoSuchGroup
	case 429:
		kind = bot.ProblemRateLimited
	}
	return &Refusal{Kind: kind, Code: answer.Code}
}

// keepNames writes names that WhatsApp told. They are a help for lists of chats: a failure loses nothing else.
func (d *Directory) keepNames(names map[string]string) {
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	err := d.Journal.Commit(ctx, func(t *journal.Tx) error {
		for id, name := range names {
			if err := t.SetName(id, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.Log.Warn("names of groups could not be kept", "error", err)
	}
}

// person reads the address of a person.
func person(text string) (types.JID, error) {
	jid, ok := message.Address(text)
	if !ok || jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer {
		return types.EmptyJID, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	return jid, nil
}

// groupAddress reads the address of a group.
func groupAddress(text string) (types.JID, error) {
	jid, ok := message.Address(text)
	if !ok || jid.Server != types.GroupServer {
		return types.EmptyJID, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	return jid, nil
}
