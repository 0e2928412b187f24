package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
)

// place is a place on the map that tests share.
var place = bot.Location{Latitude: -6.175392, Longitude: 106.827153, Name: "Monas; Jakarta, ID", Address: "Gambir", URL: "https://example.com/monas"}

func TestPlacesAndContactsGoBothWays(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	asked, err := friend.Send(own, sim.LivePlace(-6.2, 106.8, "sebentar lagi"), sim.Delivery{})
	mustSend(t, asked, err)
	came := p.waitForEvent("a place", ofType(bot.EventMessage)).Data.Message
	if came.Kind != bot.KindLocation || !came.Location.Live || came.Location.Latitude != -6.2 || came.Text != "sebentar lagi" {
		t.Errorf("%+v", came)
	}
	at := place
	m := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Location: &at, ReplyTo: asked, Mentions: []string{"+62899000002"}})
	if m.Kind != bot.KindLocation || *m.Location != place || m.ReplyTo.Kind != bot.KindLocation || m.Mentions[0].Phone != "+62899000002" {
		t.Errorf("%+v", m)
	}
	got := p.onPhone(wa, m.ID)
	if l := got.Message.GetLocationMessage(); got.Kind != sim.KindLocation || l.GetDegreesLongitude() != place.Longitude || l.GetAddress() != "Gambir" || got.Ref != asked {
		t.Errorf("%+v", got)
	}
	m = p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Contacts: []bot.SendContact{
		{Name: "Toko; Budi, Sari \\ Co\nJakarta", Phone: "+62 812-3456-7890", Organization: "PT A; B"},
		{VCard: "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Sari\r\nTEL;VALUE=uri:tel:+6289876543210\r\nEND:VCARD\r\n"},
	}})
	if len(m.Contacts) != 2 || m.Contacts[0].Name != "Toko; Budi, Sari \\ Co\nJakarta" || m.Contacts[0].Organization != "PT A; B" ||
		fmt.Sprintf("%v %v %s", m.Contacts[0].Phones, m.Contacts[1].Phones, m.Contacts[1].Name) != "[+6281234567890] [+6289876543210] Sari" {
		t.Errorf("%+v", m.Contacts)
	}
	if got := p.onPhone(wa, m.ID); got.Kind != sim.KindContacts || len(got.Message.GetContactsArrayMessage().GetContacts()) != 2 {
		t.Errorf("%+v", got)
	}
	passed := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000003", Forward: &bot.SendForward{MessageID: m.ID}})
	if got := p.onPhone(wa, passed.ID); len(passed.Contacts) != 2 || !passed.Forwarded || got.Kind != sim.KindContacts {
		t.Errorf("%+v %+v", passed, got)
	}
	one := p.sends(http.StatusOK, bot.SendRequest{To: "+62899000001", Contacts: []bot.SendContact{{Name: "Budi", Phone: "+6281234567890"}}})
	if c := p.onPhone(wa, one.ID).Message.GetContactMessage(); c.GetDisplayName() != "Budi" || !strings.Contains(c.GetVcard(), "waid=6281234567890:+6281234567890") {
		t.Errorf("%+v", c)
	}
}

func TestRequestsThatShareNothing(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	asked, err := wa.Person("62899000001").Write(own, "halo")
	mustSend(t, asked, err)
	p.waitForEvent("a message", ofType(bot.EventMessage))
	contact := func(c bot.SendContact) bot.SendRequest { return bot.SendRequest{Contacts: []bot.SendContact{c}} }
	poll := func(selectable uint32, options ...string) bot.SendRequest {
		return bot.SendRequest{Poll: &bot.Poll{Name: "Kapan?", Options: options, Selectable: selectable}}
	}
	for names, request := range map[string]bot.SendRequest{
		"location.latitude":  {Location: &bot.Location{Latitude: 91}},
		"location.longitude": {Location: &bot.Location{Longitude: -180.5}},
		"location.live":      {Location: &bot.Location{Live: true}},
		"location.name":      {Location: &bot.Location{Name: strings.Repeat("x", bot.MaxNameBytes+1)}},
		"contacts[0].phone":  contact(bot.SendContact{Name: "Budi", Phone: "0812"}),
		"contacts[0].name":   contact(bot.SendContact{Phone: "+6281234567890"}),
		"contacts[0].vcard":  contact(bot.SendContact{VCard: "BEGIN:VCARD\nBEGIN:VCARD\nEND:VCARD"}),
		"at most 50":         {Contacts: make([]bot.SendContact, bot.MaxContacts+1)},
		"poll.options":       poll(0, "Senin"),
		"different":          poll(0, "Senin", "Senin"),
		"poll.options[1]":    poll(0, "Senin", ""),
		"poll.selectable":    poll(3, "Senin", "Selasa"),
		"vote.messageId":     {Vote: &bot.SendVote{MessageID: asked}},
		"text: harus given":  {Text: "halo", Location: &bot.Location{}},
		"replyTo":            {Vote: &bot.SendVote{MessageID: asked}, ReplyTo: asked},
	} {
		request.To = "+62899000001"
		if problem := p.refuses(bot.ProblemBadParameter, request); !strings.Contains(problem.Detail, names) {
			t.Errorf("%s: %s", names, problem.Detail)
		}
	}
	if got := onPhones(wa); len(got) != 0 {
		t.Errorf("on phones: %+v", got)
	}
}

// tally writes a tally as option=voters.
func tally(counts []bot.PollCount) string {
	var out []string
	for _, count := range counts {
		var voters []string
		for _, voter := range count.Voters {
			voters = append(voters, voter.Phone)
		}
		slices.Sort(voters)
		out = append(out, fmt.Sprintf("%s=%d%v", count.Option, count.Votes, voters))
	}
	return strings.Join(out, " ")
}

// tallied waits until the poll's message shows a tally.
func (p *process) tallied(poll, want string) {
	p.t.Helper()
	got := ""
	p.waitFor("the tally "+want, func() bool {
		got = tally(p.stored(poll).Tally)
		return got == want
	})
}

func TestAPollIsTalliedInEveryAddressForm(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			wa, dir := whatsapp(t), t.TempDir()
			p := start(t, settings(wa, dir))
			own := jid(t, p.pair(wa).JID)
			group, err := wa.MakeGroup("Keluarga", mode, own.User, "62899000001", "62899000002", "62899000003")
			if err != nil {
				t.Fatal(err)
			}
			poll := p.sends(http.StatusOK, bot.SendRequest{To: group.JID().String(), Poll: &bot.Poll{Name: "Kapan?", Options: []string{"Senin", "Selasa", "Rabu"}}})
			p.onPhone(wa, poll.ID, "62899000001", "62899000002", "62899000003")
			votes := func(phone string, form sim.VoteForm, options ...string) {
				t.Helper()
				id, err := wa.Person(phone).Vote(group.JID(), poll.ID, form, options...)
				mustSend(t, id, err)
			}
			votes("62899000001", sim.VoteForm{Author: sim.AddrPN, Voter: sim.AddrLID}, "Senin")
			votes("62899000002", sim.VoteForm{Author: sim.AddrLID, Voter: sim.AddrPN}, "Senin", "Rabu")
			p.tallied(poll.ID, "Senin=2[+62899000001 +62899000002] Selasa=0[] Rabu=1[+62899000002]")
			p.kill()
			p = start(t, settings(wa, dir)) // the poll's secret is on disk
			votes("62899000003", sim.VoteForm{}, "Selasa")
			votes("62899000001", sim.VoteForm{}, "Selasa")
			votes("62899000002", sim.VoteForm{})
			p.tallied(poll.ID, "Senin=0[] Selasa=2[+62899000001 +62899000003] Rabu=0[]")
			mine := p.sends(http.StatusOK, bot.SendRequest{To: group.JID().String(), Vote: &bot.SendVote{MessageID: poll.ID, Options: []string{"Rabu"}}})
			if got := p.onPhone(wa, mine.ID); got.Kind != sim.KindVote || got.Text != "Rabu" || got.Ref != poll.ID {
				t.Errorf("%+v", got)
			}
			last := p.waitForEvent("the bot's own vote", func(e bot.Event) bool { return e.Type == bot.EventPoll && e.Data.Poll.FromMe }).Data.Poll
			if last.MessageID != poll.ID || fmt.Sprint(last.Options) != "[Rabu]" || len(last.Tally) != 3 || last.Tally[2].Votes != 1 {
				t.Errorf("%+v", last)
			}
		})
	}
}

// A recipient's receipt comes before the server's answer, and settles the bot's poll. The bot votes then.
func TestAVoteBeforeTheServerAnsweredThePoll(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	group, err := wa.MakeGroup("Keluarga", sim.AddrLID, own.User, "62899000001")
	if err != nil {
		t.Fatal(err)
	}
	to := group.JID().String()
	fault(t, wa, sim.Fault{Kind: sim.FaultLateAck, MS: 60_000, Count: 1, To: group.JID().User})
	poll := p.sends(http.StatusOK, bot.SendRequest{To: to, Poll: &bot.Poll{Name: "Kapan?", Options: []string{"Senin", "Selasa"}}})
	mine := p.sends(http.StatusOK, bot.SendRequest{To: to, Vote: &bot.SendVote{MessageID: poll.ID, Options: []string{"Selasa"}}})
	if got := p.onPhone(wa, mine.ID); got.Kind != sim.KindVote || got.Text != "Selasa" || got.Ref != poll.ID {
		t.Errorf("%+v", got)
	}
}

func TestAPollOfSomebodyElse(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	question := sim.Poll("Makan apa?", 1, "Bakso", "Soto")
	id, err := friend.Send(own, question, sim.Delivery{Lost: true})
	mustSend(t, id, err)
	early, err := friend.Vote(own, id, sim.VoteForm{}, "Soto")
	mustSend(t, early, err)
	first := p.waitForEvent("a vote without its poll", ofType(bot.EventPoll)).Data.Poll
	if !first.Unreadable || first.ID != early || first.MessageID != id || len(first.Options) != 0 || first.From.Phone != "+62899000001" {
		t.Errorf("%+v", first)
	}
	p.kill()
	p = start(t, settings(wa, dir))
	again, err := friend.Send(own, question, sim.Delivery{ID: id})
	mustSend(t, again, err)
	second := p.waitForEvent("the vote with its poll", func(e bot.Event) bool { return e.Type == bot.EventPoll && !e.Data.Poll.Unreadable }).Data.Poll
	if second.ID != early || fmt.Sprint(second.Options) != "[Soto]" || second.Tally[1].Votes != 1 {
		t.Errorf("%+v", second)
	}
	request := bot.SendRequest{To: "+62899000001", Vote: &bot.SendVote{MessageID: id, Options: []string{"Bakso", "Soto"}}}
	p.refuses(bot.ProblemBadParameter, request)
	request.Vote.Options = []string{"Bakso"}
	mine := p.sends(http.StatusOK, request)
	if got := p.onPhone(wa, mine.ID); got.Kind != sim.KindVote || got.Text != "Bakso" {
		t.Errorf("%+v", got)
	}
	p.tallied(id, "Bakso=1[+"+own.User+"] Soto=1[+62899000001]")
	taken, err := friend.Send(own, sim.Revoke(sim.Ref{ID: id, Chat: own, FromMe: true}), sim.Delivery{})
	mustSend(t, taken, err)
	p.waitFor("the poll to be gone", func() bool { return !p.stored(id).RevokedAt.IsZero() && len(p.stored(id).Tally) == 0 })
	late, err := friend.Vote(own, id, sim.VoteForm{}, "Bakso")
	mustSend(t, late, err)
	if e := p.waitForEvent("a vote in a poll that is gone", func(e bot.Event) bool { return e.Type == bot.EventPoll && e.Data.Poll.ID == late }); !e.Data.Poll.Unreadable {
		t.Errorf("%+v", e)
	}
}

// A poll between two people whose addresses are LIDs.
func TestAPollOfAHiddenPerson(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	if err := friend.Set(sim.PersonState{Hidden: true}); err != nil {
		t.Fatal(err)
	}
	id, err := friend.Send(own, sim.Poll("Ikut?", 0, "Ya", "Tidak"), sim.Delivery{})
	mustSend(t, id, err)
	from := p.waitForEvent("a poll", ofType(bot.EventMessage)).Data.Message.From
	if from.Phone != "" || jid(t, from.ID).Server != types.HiddenUserServer {
		t.Fatalf("%+v", from)
	}
	mine := p.sends(http.StatusOK, bot.SendRequest{To: from.ID, Vote: &bot.SendVote{MessageID: id, Options: []string{"Ya"}}})
	if got := p.onPhone(wa, mine.ID); got.Phone != "62899000001" {
		t.Errorf("%+v", got)
	}
	vote, err := friend.Vote(own, id, sim.VoteForm{}, "Tidak")
	mustSend(t, vote, err)
	p.waitFor("two votes", func() bool { return strings.Count(tally(p.stored(id).Tally), "=1[") == 2 })
}
