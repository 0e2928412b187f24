package sim_test

import (
	"fmt"
	"testing"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// whatsmeow itself loses the order of what exceeds its queue of 2048 stanzas.
func TestThousandsWaitInOrder(t *testing.T) {
	const many = 2000
	s := simtest.Start(t, sim.Config{})
	file := database(t)
	b := diskBot(t, s, file)
	jid := b.pair(botPhone)
	b.hangUp(jid)
	b.stop()
	for i := range many {
		if _, err := s.Say(jid, anna, fmt.Sprint(i), ""); err != nil {
			t.Fatal(err)
		}
	}
	b = diskBot(t, s, file)
	b.connect()
	eventually(t, "everything is acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
	messages := all[*events.Message](b)
	if len(messages) != many {
		t.Fatalf("the bot read %d messages", len(messages))
	}
	for i, message := range messages {
		if got := message.Message.GetConversation(); got != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, got)
		}
	}
	if preview := wait[*events.OfflineSyncPreview](b, 0); preview.Messages != many {
		t.Errorf("preview %+v", preview)
	}
}

func TestLostReceiptBringsTheMessageAgain(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	fault(t, s, sim.Fault{Kind: sim.FaultLoseReceipt, Count: 1, JID: jid.User})
	b.say(jid, "once")
	s.WaitEvent(t, 0, sim.EventFault)
	if pending := info(t, s, jid).Pending; pending != 1 {
		t.Errorf("%d messages are pending", pending)
	}
	b.hangUp(jid)
	b.connect()
	eventually(t, "it is acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
	if s.Stats.Redelivered.Load() != 1 {
		t.Errorf("%d messages were sent again", s.Stats.Redelivered.Load())
	}
}

func TestTheSameStanzaTwice(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := diskBot(t, s, database(t))
	b.client.EnableDecryptedEventBuffer = true
	jid := b.pair(botPhone)
	if _, err := s.Person(anna).Send(jid, sim.Text("twice"), sim.Delivery{Twice: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
	if messages := all[*events.Message](b); len(messages) != 1 {
		t.Errorf("the bot read %d messages", len(messages))
	}
}

func TestUndecryptableMessageComesAgain(t *testing.T) {
	for _, synchronous := range []bool{false, true} {
		for _, bad := range []int{1, 3} {
			for _, first := range []bool{true, false} {
				t.Run(fmt.Sprintf("sync=%v bad=%d first=%v", synchronous, bad, first), func(t *testing.T) {
					s := simtest.Start(t, sim.Config{})
					b := diskBot(t, s, database(t))
					b.client.SynchronousAck = synchronous
					jid := b.pair(botPhone)
					if !first {
						b.send(b.say(jid, "hello").Info.Chat, "hello to you")
						b.say(jid, "the session is settled now")
					}
					mark := b.mark()
					id, err := s.Person(anna).Send(jid, sim.Text("at last"), sim.Delivery{Bad: bad})
					if err != nil {
						t.Fatal(err)
					}
					if got := wait[*events.UndecryptableMessage](b, mark); got.Info.ID != id {
						t.Errorf("undecryptable %+v", got.Info)
					}
					message := waitFor(b, mark, func(m *events.Message) bool {
						return m.Info.ID == id && m.UnavailableRequestID == ""
					})
					if message.Message.GetConversation() != "at last" {
						t.Errorf("read %q %+v", message.Message.GetConversation(), message.Info)
					}
					eventually(t, "everything is acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
				})
			}
		}
	}
}

// The bot was stopped between its retry receipt and the new copy: the copy must wait for it.
func TestCopyOfAnUndecryptableMessageWaits(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	file := database(t)
	b := diskBot(t, s, file)
	jid := b.pair(botPhone)
	fault(t, s, sim.Fault{Kind: sim.FaultLoseReceipt, JID: jid.User})
	if _, err := s.Person(anna).Send(jid, sim.Text("at last"), sim.Delivery{Bad: 1}); err != nil {
		t.Fatal(err)
	}
	wait[*events.UndecryptableMessage](b, 0)
	s.WaitEvent(t, 0, sim.EventFault)
	b.hangUp(jid)
	b.stop()
	s.ClearFaults()
	b = diskBot(t, s, file)
	b.connect()
	waitFor(b, 0, func(m *events.Message) bool { return m.Message.GetConversation() == "at last" })
}

func TestOwnPhoneAnswersForWhatCannotBeDecrypted(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.client.SynchronousAck = true
	jid := b.pair(botPhone)
	id, err := s.Person(anna).Send(jid, sim.Text("seen once"), sim.Delivery{Unavailable: "view_once"})
	if err != nil {
		t.Fatal(err)
	}
	if got := wait[*events.UndecryptableMessage](b, 0); !got.IsUnavailable || got.UnavailableType != events.UnavailableTypeViewOnce {
		t.Errorf("undecryptable %+v", got)
	}
	message := waitFor(b, 0, func(m *events.Message) bool { return m.UnavailableRequestID != "" })
	if message.Info.ID != id || message.Message.GetConversation() != "seen once" || message.Info.Chat.User != anna {
		t.Errorf("read %q %+v", message.Message.GetConversation(), message.Info)
	}
}

func TestMessagesOfTheAccountsOwnPhone(t *testing.T) {
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{AddrMode: mode})
			b := memoryBot(t, s)
			jid := b.pair(botPhone)
			id, err := s.Person(botPhone).Write(annaJID, "from the phone")
			if err != nil {
				t.Fatal(err)
			}
			message := wait[*events.Message](b, 0)
			chat := message.Info.Chat.User
			if mode == sim.AddrLID {
				chat = message.Info.RecipientAlt.User
			}
			if message.Info.ID != id || !message.Info.IsFromMe || chat != anna || message.Message.GetConversation() != "from the phone" {
				t.Errorf("read %q %+v", message.Message.GetConversation(), message.Info)
			}
			if err = s.Person(botPhone).Receipt(annaJID, sim.Read, "SOME"); err != nil {
				t.Fatal(err)
			}
			if read := b.waitReceipt(0, types.ReceiptTypeRead, "SOME"); !read.IsFromMe {
				t.Errorf("receipt %+v", read)
			}
			eventually(t, "everything is acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
		})
	}
}

func TestWhatRefersToAMessage(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	first := b.say(jid, "helo")
	mine := sim.Ref{ID: first.Info.ID, Chat: jid.ToNonAD(), FromMe: true}
	person := s.Person(anna)
	for _, m := range []struct {
		name  string
		holds func(*events.Message) bool
		send  func() (string, error)
	}{
		{"edit", func(m *events.Message) bool {
			return m.IsEdit && m.Message.GetProtocolMessage().GetEditedMessage().GetConversation() == "hello"
		}, func() (string, error) { return person.Send(jid, sim.Edit(mine, "hello"), sim.Delivery{}) }},
		{"reaction", func(m *events.Message) bool {
			return m.Message.GetReactionMessage().GetText() == "👍" && m.Message.GetReactionMessage().GetKey().GetID() == first.Info.ID
		}, func() (string, error) { return person.Send(jid, sim.Reaction(mine, "👍"), sim.Delivery{}) }},
		{"reply", func(m *events.Message) bool {
			return m.Message.GetExtendedTextMessage().GetContextInfo().GetStanzaID() == first.Info.ID
		}, func() (string, error) {
			return person.Send(jid, sim.Reply(sim.Ref{ID: first.Info.ID, Chat: annaJID}, sim.Text("helo"), "still me"), sim.Delivery{})
		}},
		{"revoke", func(m *events.Message) bool {
			return m.Info.Edit == types.EditAttributeSenderRevoke && m.Message.GetProtocolMessage().GetKey().GetID() == first.Info.ID
		}, func() (string, error) { return person.Send(jid, sim.Revoke(mine), sim.Delivery{}) }},
	} {
		mark := b.mark()
		if _, err := m.send(); err != nil {
			t.Fatal(err)
		}
		if got := wait[*events.Message](b, mark); !m.holds(got) {
			t.Errorf("%s: %v %+v", m.name, got.Message, got.Info)
		}
	}
}

func TestWhatABotSendsOfAMessage(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair(botPhone)
	if err := b.try(annaJID, "FIRST", "helo", patience); err != nil {
		t.Fatal(err)
	}
	for kind, m := range map[string]struct {
		text, edit string
		err        func() error
	}{
		sim.KindEdit: {"hello", "1", func() error {
			_, err := b.client.SendMessage(t.Context(), annaJID, b.client.BuildEdit(annaJID, "FIRST", sim.Text("hello")))
			return err
		}},
		sim.KindReaction: {"👍", "", func() error {
			_, err := b.client.SendMessage(t.Context(), annaJID, b.client.BuildReaction(annaJID, types.EmptyJID, "FIRST", "👍"))
			return err
		}},
		sim.KindRevoke: {"", "7", func() error {
			_, err := b.client.SendMessage(t.Context(), annaJID, b.client.BuildRevoke(annaJID, types.EmptyJID, "FIRST"))
			return err
		}},
	} {
		if err := m.err(); err != nil {
			t.Fatal(err)
		}
		got := s.WaitOutbox(t, 0, func(out sim.OutMsg) bool { return out.Kind == kind && !out.Self })
		if got.Ref != "FIRST" || got.Text != m.text || got.Edit != m.edit || got.Message.Message == nil {
			t.Errorf("the phone received %+v", got)
		}
	}
}
