package messenger

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// A panic inside of whatsmeow does not end the bot. Nobody knows whether the message went out, so its state is unknown,
// and it is tried again under its id.
func TestAPanicDuringASendLeavesTheMessageUnknown(t *testing.T) {
	raw, err := proto.Marshal(&waE2E.Message{Conversation: proto.String("halo")})
	if err != nil {
		t.Fatal(err)
	}
	book, err := journal.Open(t.Context(), journal.Options{Directory: t.TempDir(), Session: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	m := New(Options{Journal: book, Names: func(types.JID) types.JID { return types.EmptyJID }, Log: slog.New(slog.DiscardHandler)})
	own := types.NewJID("6289999999999", types.DefaultUserServer)
	broken := &whatsmeow.Client{Store: &store.Device{ID: &own}} // its store has no tables, which whatsmeow never expects
	s := &journal.Send{Message: bot.Message{ID: "A"}, Target: "6281234567890@s.whatsapp.net", Account: "6289999999999@s.whatsapp.net", Raw: raw}
	err = m.hand(t.Context(), broken, s)
	if !errors.Is(err, whatsmeow.ErrMessageTimedOut) {
		t.Fatal(err)
	}
	now := time.Now()
	v := attempted{err: err, now: now}.classify()
	if v.state != bot.MessageUnknown || !v.attempt || !v.due.After(now) || m.flying.Load() != nil {
		t.Errorf("%+v", v)
	}
	s.Target = "no.such.address@s.whatsapp.net" // whatsmeow reads nearly everything as an address
	if err := m.hand(t.Context(), broken, s); err == nil || errors.Is(err, whatsmeow.ErrMessageTimedOut) {
		t.Errorf("an address that cannot be read: %v", err)
	}
}
