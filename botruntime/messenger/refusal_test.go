package messenger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/memstore"
)

// severed is a session whose client has lost its connection, and does not know it yet.
type severed struct {
	*fixture
	client *whatsmeow.Client
}

func (s severed) Client() (*whatsmeow.Client, error) { return s.client, nil }

// A connection may end between two steps of a request. The caller is told to come again, and not of a fault of the bot.
func TestAConnectionThatEndsDuringARequestIsNoFault(t *testing.T) {
	f := newFixture(t)
	f.comes(t, "A", friend, text("halo"))
	device := memstore.New().NewDevice()
	device.ID, device.PushName = &ownNumber, "Toko"
	var session Session = severed{f, whatsmeow.NewClient(device, nil)}
	f.session.Store(&session)
	ctx, to := t.Context(), friend.String()
	for name, try := range map[string]func() error{
		"check":     func() error { _, err := f.Check(ctx, []string{to}); return err },
		"read":      func() error { return f.MarkRead(ctx, to, "A") },
		"type":      func() error { return f.Typing(ctx, to, bot.TypingComposing) },
		"online":    func() error { return f.Announce(ctx, bot.Available) },
		"subscribe": func() error { _, err := f.Subscribe(ctx, to); return err },
		"reject":    func() error { return f.RejectCall(ctx, "CALL", to) },
	} {
		var refused *Refusal
		if err := try(); !errors.As(err, &refused) || refused.Kind != bot.ProblemNotReady {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, err := range []error{
		&whatsmeow.DisconnectedError{Action: "info query"}, fmt.Errorf("ask: %w", socket.ErrSocketClosed), whatsmeow.ErrNotLoggedIn,
	} {
		var refused *Refusal
		if got := refuseLost(err); !errors.As(got, &refused) {
			t.Errorf("%v is %v", err, got)
		}
	}
	if other := errors.New("other"); !errors.Is(refuseLost(other), other) || refuseLost(nil) != nil {
		t.Error("another error is not left alone")
	}
}

// A stop in the middle of a query is no failure, and the log has no error of it.
func TestAStopIsNoErrorOfTheOutbox(t *testing.T) {
	f := newFixture(t)
	var log bytes.Buffer
	f.Log = slog.New(slog.NewTextHandler(&log, nil))
	device := memstore.New().NewDevice()
	device.ID = &ownNumber
	client := whatsmeow.NewClient(device, nil)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if f.serve(ctx, client) || log.Len() > 0 {
		t.Errorf("logged %s", &log)
	}
	if err := f.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	if f.serve(t.Context(), client) || log.Len() == 0 {
		t.Error("a failure of the journal is not logged")
	}
}
