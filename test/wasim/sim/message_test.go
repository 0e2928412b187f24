package sim_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const anna = "4915112345678"

// send sends a text and fails the test if it is not acknowledged.
func (b *bot) send(to types.JID, text string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	if _, err := b.client.SendMessage(ctx, to, &waE2E.Message{Conversation: proto.String(text)}); err != nil {
		b.t.Fatalf("send %q to %s: %v", text, to, err)
	}
}

// say has Anna write to a device and returns what the bot reads.
func (b *bot) say(jid types.JID, text string) *events.Message {
	b.t.Helper()
	mark := b.mark()
	if _, err := b.sim.Say(jid, anna, text, "Anna"); err != nil {
		b.t.Fatalf("say %q: %v", text, err)
	}
	message := wait[*events.Message](b, mark)
	if got := message.Message.GetConversation(); got != text || message.Info.PushName != "Anna" {
		b.t.Fatalf("read %q of %q, want %q", got, message.Info.PushName, text)
	}
	return message
}

// sent returns the texts that phones could read, by text; what could not be read fails the test.
func sent(t testing.TB, s *simtest.Sim) map[string]sim.OutMsg {
	t.Helper()
	texts := map[string]sim.OutMsg{}
	for _, m := range s.Outbox(0) {
		if m.Err != "" || !m.IdentityOK {
			t.Errorf("unreadable message: %+v", m)
		}
		if !m.Self {
			texts[m.Text] = m
		}
	}
	return texts
}

func TestConversation(t *testing.T) {
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{AddrMode: mode})
			b := memoryBot(t, s)
			jid := b.pair("5511911112222")
			for i := range 3 {
				message := b.say(jid, fmt.Sprintf("hello %d", i))
				if server := message.Info.Sender.Server; (server == types.HiddenUserServer) != (mode == sim.AddrLID) {
					t.Errorf("sender is %s", message.Info.Sender)
				}
				b.send(message.Info.Chat, fmt.Sprintf("echo %d", i))
			}
			b.send(types.NewJID("4917699999999", types.DefaultUserServer), "cold")
			b.send(types.NewJID("77"+anna, types.HiddenUserServer), "to a LID")
			texts := sent(t, s)
			for _, text := range []string{"echo 0", "echo 1", "echo 2", "cold", "to a LID"} {
				if _, ok := texts[text]; !ok {
					t.Errorf("no phone read %q", text)
				}
			}
			eventually(t, "everything is acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
		})
	}
}

func TestWhoIsOnWhatsApp(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair("5511911112222")
	found, err := b.client.IsOnWhatsApp(t.Context(), []string{"+4917699999999", "+99912345"})
	if err != nil || len(found) != 2 || !found[0].IsIn || found[1].IsIn {
		t.Errorf("found %+v: %v", found, err)
	}
}

func TestMessageWaitsForAnOfflineBot(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	file := database(t)
	b := diskBot(t, s, file)
	jid := b.pair("5511911112222")
	b.hangUp(jid)
	b.stop()
	if _, err := s.Say(jid, anna, "while you were out", "Anna"); err != nil {
		t.Fatalf("say: %v", err)
	}
	b = diskBot(t, s, file)
	b.connect()
	if got := wait[*events.Message](b, 0).Message.GetConversation(); got != "while you were out" {
		t.Errorf("read %q", got)
	}
	wait[*events.OfflineSyncCompleted](b, 0)
	eventually(t, "it is acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
}

// A bot whose store went back in time cannot decrypt what comes; it asks again, and gets a fresh session.
func TestRetryAfterRollback(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	file := database(t)
	b := diskBot(t, s, file)
	jid := b.pair("5511911112222")
	b.say(jid, "first")
	end := func() { // when the last connection to the database ends, its log goes into it
		b.hangUp(jid)
		b.stop()
		eventually(t, "the database is closed", func() bool { _, err := os.Stat(file + "-wal"); return os.IsNotExist(err) })
	}
	end()
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b = diskBot(t, s, file)
	b.connect()
	wait[*events.Connected](b, 0)
	for i := range 4 {
		b.send(b.say(jid, fmt.Sprint(i)).Info.Chat, "answer") // every turn moves the ratchet on
	}
	end()
	if err = os.WriteFile(file, old, 0o600); err != nil {
		t.Fatal(err)
	}
	b = diskBot(t, s, file)
	b.connect()
	wait[*events.Connected](b, 0)
	mark := b.mark()
	if _, err = s.Say(jid, anna, "after the rollback", ""); err != nil {
		t.Fatalf("say: %v", err)
	}
	if got := wait[*events.Message](b, mark).Message.GetConversation(); got != "after the rollback" {
		t.Errorf("read %q", got)
	}
	if s.Stats.Retries.Load() == 0 {
		t.Error("the bot did not ask again")
	}
}

func TestTwoBotsTalk(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	a, b := memoryBot(t, s), memoryBot(t, s)
	first, second := a.pair("5511922220004"), b.pair("5511922220005")
	for range 3 {
		mark := b.mark()
		a.send(second.ToNonAD(), "ping")
		if got := wait[*events.Message](b, mark).Message.GetConversation(); got != "ping" {
			t.Errorf("b read %q", got)
		}
		mark = a.mark()
		b.send(first.ToNonAD(), "pong")
		if got := wait[*events.Message](a, mark).Message.GetConversation(); got != "pong" {
			t.Errorf("a read %q", got)
		}
	}
}

func TestOwnKeysAreNotUsedUpBySending(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	s.WaitEvent(t, 0, sim.EventPreKeys)
	before := info(t, s, jid).PreKeys
	for i := range 3 {
		b.send(types.NewJID(anna, types.DefaultUserServer), fmt.Sprint(i))
	}
	if after := info(t, s, jid).PreKeys; after != before {
		t.Errorf("%d keys of %d are left", after, before)
	}
}

func TestDroppedMessageIsNotAcknowledged(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	fault(t, s, sim.Fault{Kind: sim.FaultDropMessage, Count: 1, JID: jid.User})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := b.client.SendMessage(ctx, types.NewJID(anna, types.DefaultUserServer), &waE2E.Message{Conversation: proto.String("lost")})
		failed <- err
	}()
	s.WaitEvent(t, 0, sim.EventFault)
	cancel()
	if err := <-failed; err == nil {
		t.Error("a message that the server dropped was acknowledged")
	}
	if _, ok := sent(t, s)["lost"]; ok {
		t.Error("a dropped message was delivered")
	}
}
