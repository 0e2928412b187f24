package sim_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const botPhone = "5511911112222"

var annaJID = types.NewJID(anna, types.DefaultUserServer)

// try sends a text under an id and returns the error that the bot gets.
func (b *bot) try(to types.JID, id, text string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	_, err := b.client.SendMessage(ctx, to, &waE2E.Message{Conversation: proto.String(text)},
		whatsmeow.SendRequestExtra{ID: id, Timeout: limit})
	return err
}

// waitReceipt waits for a receipt of one type that names a message.
func (b *bot) waitReceipt(mark int, kind types.ReceiptType, id string) *events.Receipt {
	b.t.Helper()
	return waitFor(b, mark, func(r *events.Receipt) bool { return r.Type == kind && slices.Contains(r.MessageIDs, id) })
}

func TestReceiptsOfAPerson(t *testing.T) {
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{AddrMode: mode})
			b := memoryBot(t, s)
			jid := b.pair(botPhone)
			for _, id := range []string{"ONE", "TWO"} {
				if err := b.try(annaJID, id, "hello "+id, patience); err != nil {
					t.Fatal(err)
				}
				b.waitReceipt(0, types.ReceiptTypeDelivered, id)
			}
			for _, kind := range []string{sim.Read, sim.Played} {
				if err := s.Person(anna).Receipt(jid, kind, "ONE", "TWO"); err != nil {
					t.Fatal(err)
				}
				receipt := b.waitReceipt(0, types.ReceiptType(kind), "TWO")
				if len(receipt.MessageIDs) != 2 || (receipt.Sender.Server == types.HiddenUserServer) != (mode == sim.AddrLID) {
					t.Errorf("receipt %+v", receipt)
				}
			}
			eventually(t, "everything is acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
		})
	}
}

func TestReceiptsWaitForAnOfflineBotAndASilentPhoneSendsNone(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	file := database(t)
	b := diskBot(t, s, file)
	jid := b.pair(botPhone)
	setPerson(t, s, sim.PersonState{Offline: true})
	if err := b.try(annaJID, "LATE", "are you there", patience); err != nil {
		t.Fatal(err)
	}
	b.hangUp(jid)
	b.stop()
	if out := s.Outbox(0); len(out) != 1 || !out[0].Self {
		t.Errorf("a phone that is offline received %+v", out)
	}
	setPerson(t, s, sim.PersonState{})
	b = diskBot(t, s, file)
	b.connect()
	b.waitReceipt(0, types.ReceiptTypeDelivered, "LATE")
	setPerson(t, s, sim.PersonState{Silent: true})
	if err := b.try(annaJID, "MUTE", "nothing back", patience); err != nil {
		t.Fatal(err)
	}
	s.WaitText(t, anna, "nothing back")
	if err := s.Person(anna).Receipt(jid, sim.Read, "MUTE"); err != nil {
		t.Fatal(err)
	}
	b.waitReceipt(0, types.ReceiptTypeRead, "MUTE")
	for _, receipt := range all[*events.Receipt](b) {
		if receipt.Type == types.ReceiptTypeDelivered && slices.Contains(receipt.MessageIDs, "MUTE") {
			t.Error("a silent phone sent a delivery receipt")
		}
	}
}

func setPerson(t *testing.T, s *simtest.Sim, state sim.PersonState) {
	t.Helper()
	if err := s.Person(anna).Set(state); err != nil {
		t.Fatal(err)
	}
}

func TestServerRefusesMessagesByCode(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	for _, code := range []int{400, 420, 429, 463, 479} {
		fault(t, s, sim.Fault{Kind: sim.FaultAckError, Code: code, Count: 1, JID: jid.User, To: anna})
		if err := b.try(types.NewJID("4917699999999", types.DefaultUserServer), "", "to somebody else", patience); err != nil {
			t.Errorf("the fault struck another number: %v", err)
		}
		err := b.try(annaJID, "", fmt.Sprint(code), patience)
		if !errors.Is(err, whatsmeow.ErrServerReturnedError) || !strings.HasSuffix(err.Error(), fmt.Sprint(code)) {
			t.Errorf("%d: %v", code, err)
		}
		if _, delivered := sent(t, s)[fmt.Sprint(code)]; delivered {
			t.Errorf("a message refused with %d was delivered", code)
		}
	}
}

// The server took these messages, and the bot cannot know. Only the same id keeps them from being shown twice.
func TestLostAndLateAcks(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	fault(t, s, sim.Fault{Kind: sim.FaultLoseAck, Count: 1, JID: jid.User})
	if err := b.try(annaJID, "LOST", "lost ack", 300*time.Millisecond); !errors.Is(err, whatsmeow.ErrMessageTimedOut) {
		t.Errorf("lost ack: %v", err)
	}
	b.waitReceipt(0, types.ReceiptTypeDelivered, "LOST")
	if err := b.try(annaJID, "LOST", "lost ack", patience); err != nil {
		t.Errorf("the same id again: %v", err)
	}
	fault(t, s, sim.Fault{Kind: sim.FaultLateAck, MS: 200, Count: 1, JID: jid.User})
	if err := b.try(annaJID, "SLOW", "late ack", patience); err != nil {
		t.Errorf("late ack: %v", err)
	}
	shown := map[string]int{}
	for _, m := range s.Outbox(0) {
		if !m.Self && !m.Double {
			shown[m.ID]++
		}
	}
	if shown["LOST"] != 1 || shown["SLOW"] != 1 {
		t.Errorf("the phone shows %v", shown)
	}
}

func TestConnectionEndsInPlaceOfTheAck(t *testing.T) {
	for kind, delivered := range map[string]bool{sim.FaultResetMessage: false, sim.FaultResetAck: true} {
		t.Run(kind, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := memoryBot(t, s)
			b.pair(botPhone)
			fault(t, s, sim.Fault{Kind: kind, Count: 1})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			mark := b.mark()
			failed := make(chan error, 1)
			go func() {
				_, err := b.client.SendMessage(ctx, annaJID, sim.Text("in flight"))
				failed <- err
			}()
			wait[*events.Disconnected](b, mark)
			cancel()
			if err := <-failed; err == nil {
				t.Error("a message without an ack counts as sent")
			}
			if _, got := sent(t, s)["in flight"]; got != delivered {
				t.Errorf("delivered: %v, want %v", got, delivered)
			}
		})
	}
}

func TestPhoneAsksAgain(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	fault(t, s, sim.Fault{Kind: sim.FaultPhoneRetry, Count: 2, To: anna})
	if err := b.try(annaJID, "HARD", "hard to read", patience); err != nil {
		t.Fatal(err)
	}
	if m := s.WaitText(t, anna, "hard to read"); m.Retry != 2 || m.Double || !m.IdentityOK {
		t.Errorf("the phone received %+v", m)
	}
	b.waitReceipt(0, types.ReceiptTypeDelivered, "HARD")
	s.WaitEvent(t, 0, sim.EventPhoneRetry)
	since := s.Outbox(0)
	if err := s.Person(anna).AskAgain(jid, "HARD", 1); err != nil {
		t.Fatal(err)
	}
	again := s.WaitOutbox(t, since[len(since)-1].Seq, func(m sim.OutMsg) bool { return m.ID == "HARD" })
	if !again.Double || again.Err != "" {
		t.Errorf("the phone received %+v", again)
	}
}

// The bot holds sent messages in memory only, so its user has to answer for it after a restart.
func TestPhoneAsksAgainAfterBothSidesRestarted(t *testing.T) {
	s := simtest.Start(t, sim.Config{StateFile: filepath.Join(t.TempDir(), "state")})
	file := database(t)
	b := diskBot(t, s, file)
	jid := b.pair(botPhone)
	if err := b.try(annaJID, "OLD", "long ago", patience); err != nil {
		t.Fatal(err)
	}
	b.waitReceipt(0, types.ReceiptTypeDelivered, "OLD")
	b.hangUp(jid)
	b.stop()
	if err := s.Person(anna).AskAgain(jid, "OLD", 1); err != nil {
		t.Fatal(err)
	}
	s.Restart(t)
	b = diskBot(t, s, file)
	b.client.GetMessageForRetry = func(_, _ types.JID, id types.MessageID) *waE2E.Message {
		if id == "OLD" {
			return sim.Text("long ago")
		}
		return nil
	}
	b.connect()
	s.WaitText(t, anna, "long ago")
}

func TestSignalsOfABot(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair(botPhone)
	message := b.say(jid, "hello")
	if err := b.client.MarkRead(t.Context(), []types.MessageID{message.Info.ID}, time.Now(), message.Info.Chat, message.Info.Sender); err != nil {
		t.Fatal(err)
	}
	if err := b.client.SendChatPresence(t.Context(), message.Info.Chat, types.ChatPresenceComposing, types.ChatPresenceMediaText); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"receipt inactive", "receipt read", "chatstate composing"} {
		eventually(t, want, func() bool {
			return slices.ContainsFunc(s.Signals(0), func(signal sim.Signal) bool {
				return signal.Bot == jid.String() && signal.Tag+" "+signal.Type == want
			})
		})
	}
}
