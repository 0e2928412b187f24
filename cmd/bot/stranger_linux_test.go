package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
)

// The ids of messages that callers choose can be guessed. A person who is not in a message's chat gets none of it, and says
// nothing about it.
func TestAStrangerNamesAnothersMessage(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	device := p.pair(wa).JID
	own := jid(t, device)
	customer, stranger := wa.Person("62899000001"), wa.Person("62899000002")
	const sent, waits = "PESANAN00000001", "PESANAN00000002"
	p.sends(http.StatusOK, bot.SendRequest{ID: sent, To: "+62899000001", Text: "kode Anda 123456"})
	p.becomes(sent, bot.MessageDelivered)
	p.sends(http.StatusAccepted, bot.SendRequest{ID: waits, To: "+62899000002", Text: "besok", SendAt: bot.At(time.Now().Add(time.Hour))})

	if err := stranger.AskAgain(deviceJID(t, device), sent, 1); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the refusal", func() bool { return p.metric(`sesi_bot_send_retry_requests_total{found="false"}`) == "1" })
	for _, receipt := range []string{sim.Delivered, sim.Read, sim.Played} {
		if err := stranger.Receipt(own, receipt, sent, waits); err != nil {
			t.Fatal(err)
		}
	}
	// What the stranger writes comes behind all that.
	barrier, err := stranger.Write(own, "halo")
	mustSend(t, barrier, err)
	p.waitForEvent("what the stranger wrote", ofType(bot.EventMessage))
	if m := p.stored(sent); m.State != bot.MessageDelivered {
		t.Errorf("a stranger has read the message: %+v", m.History)
	}
	if m := p.stored(waits); m.State != bot.MessageQueued {
		t.Errorf("a message that nobody has yet was delivered: %+v", m.History)
	}
	for _, m := range onPhones(wa) {
		if strings.Contains(m.Text, "123456") && m.To != "62899000001@s.whatsapp.net" {
			t.Errorf("the message went to %s", m.To)
		}
	}
	if err := customer.AskAgain(deviceJID(t, device), sent, 1); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the copy", func() bool {
		return slices.ContainsFunc(onPhones(wa), func(m sim.OutMsg) bool { return m.ID == sent && m.Retry > 0 })
	})
	if err := customer.Receipt(own, sim.Read, sent); err != nil {
		t.Fatal(err)
	}
	p.becomes(sent, bot.MessageRead)
}

// A member of a group can name the messages of all others. Only an admin takes them back, and nobody changes their text.
func TestAMemberNamesAnothersMessage(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	admin, member := wa.Person("62899000001"), wa.Person("62899000002")
	made, err := wa.MakeGroup("Keluarga", "lid", "62899000001", "62899000002", phone)
	if err != nil {
		t.Fatal(err)
	}
	group := jid(t, made.JID().String())
	m := p.sends(http.StatusOK, textTo(group.String(), "rapat jam 9"))
	said, err := admin.Write(group, "baik")
	mustSend(t, said, err)
	p.waitForEvent("what the admin wrote", ofType(bot.EventMessage))
	for _, id := range []string{m.ID, said} {
		forged := sim.Ref{ID: id, Chat: group, FromMe: true}
		for _, change := range []*waE2E.Message{sim.Revoke(forged), sim.Edit(forged, "rapat batal")} {
			changed, err := member.Send(group, change, sim.Delivery{})
			mustSend(t, changed, err)
		}
	}
	barrier, err := member.Write(group, "halo")
	mustSend(t, barrier, err)
	p.waitForEvent("what the member wrote", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.ID == barrier })
	if m := p.stored(m.ID); m.Text != "rapat jam 9" || !m.RevokedAt.IsZero() || !m.EditedAt.IsZero() {
		t.Errorf("%+v", m)
	}
	if m := p.stored(said); m.Text != "baik" || !m.RevokedAt.IsZero() {
		t.Errorf("%+v", m)
	}
	for _, e := range p.journalEvents(0) {
		if e.Type == bot.EventMessageEdited || e.Type == bot.EventMessageRevoked {
			t.Errorf("a forged change is an event: %+v", e)
		}
	}
	if _, err := member.Send(group, sim.Revoke(sim.Ref{ID: m.ID, Chat: group, Sender: own}), sim.Delivery{}); err == nil {
		t.Error("WhatsApp lets a member revoke as an admin")
	}
	gone, err := admin.Send(group, sim.Revoke(sim.Ref{ID: m.ID, Chat: group, Sender: own}), sim.Delivery{})
	mustSend(t, gone, err)
	p.waitFor("the admin's revocation", func() bool { return !p.stored(m.ID).RevokedAt.IsZero() })
	changed, err := admin.Send(group, sim.Edit(sim.Ref{ID: said, Chat: group}, "baik, jam 9"), sim.Delivery{})
	mustSend(t, changed, err)
	p.waitFor("the edit", func() bool { return p.stored(said).Text == "baik, jam 9" })
	forwarded := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000003", Forward: &bot.SendForward{MessageID: said}})
	if got := p.onPhone(wa, forwarded.ID); got.Text != "baik, jam 9" {
		t.Errorf("what was edited is forwarded as %q", got.Text)
	}
}
