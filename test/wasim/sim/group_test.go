package sim_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const budi = "6281200000001"

// modes are the addresses under which members of a group know each other.
var modes = map[string]string{sim.AddrPN: types.DefaultUserServer, sim.AddrLID: types.HiddenUserServer}

func makeGroup(t *testing.T, s *simtest.Sim, mode string, members ...string) sim.Group {
	t.Helper()
	group, err := s.MakeGroup("Keluarga", mode, anna, members...)
	if err != nil {
		t.Fatal(err)
	}
	return group
}

// inGroup has a person write to a group and returns what the bot reads.
func (b *bot) inGroup(group sim.Group, from, text string, how sim.Delivery) *events.Message {
	b.t.Helper()
	mark := b.mark()
	id, err := b.sim.Person(from).Send(group.JID(), sim.Text(text), how)
	if err != nil {
		b.t.Fatal(err)
	}
	message := waitFor(b, mark, func(m *events.Message) bool { return m.Message.GetConversation() == text })
	if message.Info.ID != id || !message.Info.IsGroup || message.Info.Chat != group.JID() {
		b.t.Errorf("read %q %+v", text, message.Info)
	}
	return message
}

func TestGroupConversation(t *testing.T) {
	for mode, server := range modes {
		t.Run(mode, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := diskBot(t, s, database(t))
			jid := b.pair(botPhone)
			group := makeGroup(t, s, mode, budi, botPhone)
			if joined := wait[*events.JoinedGroup](b, 0); joined.Name != "Keluarga" || len(joined.Participants) != 3 {
				t.Errorf("joined %+v", joined)
			}
			for _, from := range []string{anna, budi, anna} {
				message := b.inGroup(group, from, "hello of "+from, sim.Delivery{})
				if message.Info.Sender.Server != server {
					t.Errorf("the sender is %s", message.Info.Sender)
				}
			}
			for _, id := range []string{"ONE", "TWO"} {
				if err := b.try(group.JID(), id, "hello "+id, patience); err != nil {
					t.Fatal(err)
				}
				for _, phone := range []string{anna, budi} {
					if m := s.WaitText(t, phone, "hello "+id); m.Enc != "skmsg" || m.To != group.JID().String() || m.Double {
						t.Errorf("%s received %+v", phone, m)
					}
				}
				receipt := b.waitReceipt(0, types.ReceiptTypeDelivered, id)
				if receipt.Chat != group.JID() || receipt.Sender.Server != server {
					t.Errorf("receipt %+v", receipt)
				}
			}
			if err := s.Person(budi).Receipt(group.JID(), sim.Read, "ONE", "TWO"); err != nil {
				t.Fatal(err)
			}
			b.waitReceipt(0, types.ReceiptTypeRead, "TWO")
			if id, err := s.Person(botPhone).Write(group.JID(), "from my phone"); err != nil {
				t.Error(err)
			} else if own := waitFor(b, 0, func(m *events.Message) bool { return m.Info.ID == id && m.Message.Conversation != nil }); !own.Info.IsFromMe {
				t.Errorf("read %+v", own.Info)
			}
			eventually(t, "everything is acknowledged", func() bool { return info(t, s, jid).Pending == 0 })
		})
	}
}

func TestGroupChangesItsMembers(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := diskBot(t, s, database(t))
			b.pair(botPhone)
			group := makeGroup(t, s, mode, botPhone)
			b.inGroup(group, anna, "we are two", sim.Delivery{})
			if err := b.try(group.JID(), "", "yes", patience); err != nil {
				t.Fatal(err)
			}
			for _, change := range []struct {
				kind  string
				holds func(*events.GroupInfo) bool
			}{
				{sim.MemberAdd, func(e *events.GroupInfo) bool { return len(e.Join) == 1 }},
				{sim.MemberPromote, func(e *events.GroupInfo) bool { return len(e.Promote) == 1 }},
				{sim.MemberDemote, func(e *events.GroupInfo) bool { return len(e.Demote) == 1 }},
			} {
				mark := b.mark()
				if err := group.Change(anna, change.kind, budi); err != nil {
					t.Fatal(err)
				}
				waitFor(b, mark, change.holds)
			}
			if err := b.try(group.JID(), "", "hello Budi", patience); err != nil {
				t.Fatal(err)
			}
			s.WaitText(t, budi, "hello Budi")
			b.inGroup(group, budi, "hello all", sim.Delivery{})
			mark := b.mark()
			if err := group.Change(anna, sim.MemberRemove, budi); err != nil {
				t.Fatal(err)
			}
			waitFor(b, mark, func(e *events.GroupInfo) bool { return len(e.Leave) == 1 })
			if err := b.try(group.JID(), "", "Budi is gone", patience); err != nil {
				t.Fatal(err)
			}
			s.WaitText(t, anna, "Budi is gone")
			for _, m := range s.Outbox(0) {
				if m.Phone == budi && m.Text == "Budi is gone" {
					t.Error("a message reached someone who left")
				}
			}
			b.inGroup(group, anna, "I have a new sender key", sim.Delivery{})
			if _, err := s.Person(budi).Write(group.JID(), "let me in"); !errors.Is(err, sim.ErrRefused) {
				t.Errorf("someone who left wrote: %v", err)
			}
		})
	}
}

func TestGroupQueriesOfABot(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair(botPhone)
	stranger := types.NewJID("99912345", types.DefaultUserServer)
	made, err := b.client.CreateGroup(t.Context(), whatsmeow.ReqCreateGroup{Name: "Kas", Participants: []types.JID{annaJID, stranger}})
	if err != nil || made.Name != "Kas" || len(made.Participants) != 3 || made.Participants[2].Error != 404 || made.Participants[2].JID != stranger {
		t.Fatalf("made %+v: %v", made, err)
	}
	if members := s.Groups()[0].Members; len(members) != 2 {
		t.Errorf("the members are %v", members)
	}
	budiJID := types.NewJID(budi, types.DefaultUserServer)
	added, err := b.client.UpdateGroupParticipants(t.Context(), made.JID, []types.JID{budiJID, stranger}, whatsmeow.ParticipantChangeAdd)
	if err != nil || len(added) != 2 || added[0].Error != 0 || added[1].Error != 404 {
		t.Errorf("added %+v: %v", added, err)
	}
	if err = b.client.SetGroupName(t.Context(), made.JID, "Kas RT 05"); err != nil {
		t.Error(err)
	}
	if err = b.client.SetGroupTopic(t.Context(), made.JID, "", "", "Iuran bulanan"); err != nil {
		t.Error(err)
	}
	if err = b.client.SetGroupAnnounce(t.Context(), made.JID, true); err != nil {
		t.Error(err)
	}
	joined, err := b.client.GetJoinedGroups(t.Context())
	if err != nil || len(joined) != 1 || joined[0].Name != "Kas RT 05" || joined[0].Topic != "Iuran bulanan" ||
		!joined[0].IsAnnounce || len(joined[0].Participants) != 3 {
		t.Errorf("joined %+v: %v", joined, err)
	}
	if _, err = s.Person(budi).Write(made.JID, "may I?"); !errors.Is(err, sim.ErrRefused) {
		t.Errorf("a member wrote where only admins may: %v", err)
	}
	link, err := b.client.GetGroupInviteLink(t.Context(), made.JID, false)
	if err != nil || link != whatsmeow.InviteLinkPrefix+s.Groups()[0].Invite {
		t.Errorf("link %q: %v", link, err)
	}
	if err = b.client.LeaveGroup(t.Context(), made.JID); err != nil {
		t.Error(err)
	}
	if slices.Contains(s.Groups()[0].Members, botPhone) {
		t.Error("the bot is still a member")
	}
	if _, err = b.client.GetGroupInfo(t.Context(), made.JID); !errors.Is(err, whatsmeow.ErrNotInGroup) {
		t.Errorf("info of a group that the bot left: %v", err)
	}
	if err = b.try(made.JID, "", "anyone?", patience); err == nil {
		t.Error("the bot wrote to a group that it left")
	}
	if back, err := b.client.JoinGroupWithLink(t.Context(), link); err != nil || back != made.JID {
		t.Errorf("joined %s: %v", back, err)
	}
}

func TestGroupMessagesThatCannotBeDecrypted(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := diskBot(t, s, database(t))
			jid := b.pair(botPhone)
			group := makeGroup(t, s, mode, budi, botPhone)
			b.inGroup(group, anna, "hard to read", sim.Delivery{Bad: 2})
			wait[*events.UndecryptableMessage](b, 0)
			b.inGroup(group, anna, "easy to read", sim.Delivery{})
			fault(t, s, sim.Fault{Kind: sim.FaultPhoneRetry, Count: 1, To: budi})
			if err := b.try(group.JID(), "HARD", "hard for Budi", patience); err != nil {
				t.Fatal(err)
			}
			if m := s.WaitText(t, budi, "hard for Budi"); m.Retry != 1 || m.Double {
				t.Errorf("Budi received %+v", m)
			}
			since := s.Outbox(0)
			if err := s.Person(anna).AskAgainIn(group.JID(), jid, "HARD", 1); err != nil {
				t.Fatal(err)
			}
			again := s.WaitOutbox(t, since[len(since)-1].Seq, func(m sim.OutMsg) bool { return m.Phone == anna })
			if !again.Double || again.Err != "" || again.ID != "HARD" {
				t.Errorf("Anna received %+v", again)
			}
		})
	}
}

func TestTwoBotsTalkInAGroup(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			a, b := diskBot(t, s, database(t)), diskBot(t, s, database(t))
			a.pair("5511922220004")
			b.pair("5511922220005")
			group := makeGroup(t, s, mode, "5511922220004", "5511922220005")
			for range 2 {
				for _, pair := range [][2]*bot{{a, b}, {b, a}} {
					mark := pair[1].mark()
					if err := pair[0].try(group.JID(), "", "ping", patience); err != nil {
						t.Fatal(err)
					}
					waitFor(pair[1], mark, func(m *events.Message) bool { return m.Message.GetConversation() == "ping" && m.Info.IsGroup })
				}
			}
			s.WaitText(t, anna, "ping")
		})
	}
}

func TestGroupsOutliveARestart(t *testing.T) {
	s := simtest.Start(t, sim.Config{StateFile: filepath.Join(t.TempDir(), "state")})
	b := diskBot(t, s, database(t))
	b.pair(botPhone)
	group := makeGroup(t, s, sim.AddrLID, budi, botPhone)
	b.inGroup(group, anna, "before", sim.Delivery{})
	if err := b.try(group.JID(), "", "answer", patience); err != nil {
		t.Fatal(err)
	}
	s.WaitText(t, budi, "answer")
	mark := b.mark()
	s.Restart(t)
	wait[*events.Disconnected](b, mark)
	b.connect()
	wait[*events.Connected](b, mark)
	again, err := s.GroupOf(group.JID())
	if err != nil || !slices.Equal(again.Info().Members, group.Info().Members) {
		t.Fatalf("the group is %+v: %v", s.Groups(), err)
	}
	b.inGroup(again, anna, "after", sim.Delivery{})
	if err = b.try(group.JID(), "", "answer again", patience); err != nil {
		t.Fatal(err)
	}
	s.WaitText(t, budi, "answer again")
}
