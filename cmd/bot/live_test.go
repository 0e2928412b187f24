package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func pathOf(path, name string) string {
	return strings.NewReplacer("{chat}", name, "{id}", name).Replace(path)
}

// do sends a request that must succeed.
func (p *process) do(method, path string, body, into any) {
	p.t.Helper()
	p.request(method, path, body, http.StatusOK, into)
}

// refusesAt sends a request that must fail with a problem.
func (p *process) refusesAt(method, path string, body any, want int) {
	p.t.Helper()
	p.request(method, path, body, want, nil)
}

func TestTypingAndPresence(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	const chat = "+62899000001"
	subscriptions := func() (n int) {
		for _, s := range wa.Signals(0) {
			if s.Type == "subscribe" {
				n++
			}
		}
		return n
	}
	signals := func() (seen []string) {
		for _, s := range wa.Signals(0) {
			if s.Tag != "receipt" && s.Tag != "token" && s.Type != "subscribe" {
				seen = append(seen, s.Type)
			}
		}
		return seen
	}
	for _, state := range []bot.TypingState{bot.TypingComposing, bot.TypingRecording, bot.TypingPaused} {
		p.do(http.MethodPost, pathOf(bot.PathChatTyping, chat), bot.TypingRequest{State: state}, nil)
	}
	p.waitFor("typing", func() bool { return fmt.Sprint(signals()) == "[composing recording paused]" }) // and never available
	p.refusesAt(http.MethodPost, pathOf(bot.PathChatTyping, chat), bot.TypingRequest{State: "sleeping"}, http.StatusBadRequest)
	p.refusesAt(http.MethodPost, pathOf(bot.PathChatTyping, "status"), bot.TypingRequest{State: bot.TypingPaused}, http.StatusUnprocessableEntity)
	p.refusesAt(http.MethodPost, bot.PathPresence, bot.PresenceRequest{Presence: "asleep"}, http.StatusBadRequest)
	appear := func(online bool, last time.Time) {
		t.Helper()
		if err := friend.Appear(online, last); err != nil {
			t.Fatal(err)
		}
	}
	p.refusesAt(http.MethodPost, bot.PathPresence, bot.PresenceRequest{Presence: bot.Available}, http.StatusConflict) // it has no name yet
	sent, err := wa.Person(own.User).Write(jid(t, "62899000009@s.whatsapp.net"), "halo")
	mustSend(t, sent, err)
	before := p.waitForEvent("a message of the phone", ofType(bot.EventMessageSent)).Seq
	p.do(http.MethodPost, bot.PathPresence, bot.PresenceRequest{Presence: bot.Available}, nil)
	p.waitFor("online", func() bool { return strings.HasSuffix(fmt.Sprint(signals()), " available]") })
	if err := friend.Type(own, "composing"); err != nil { // nobody asked
		t.Fatal(err)
	}
	sent, err = wa.Person(own.User).Write(jid(t, "62899000009@s.whatsapp.net"), "ya") // behind it, so the bot has met both
	mustSend(t, sent, err)
	before = p.waitForEvent("another message of the phone", func(e bot.Event) bool { return e.Type == bot.EventMessageSent && e.Seq > before }).Seq
	var known bot.Presence
	p.do(http.MethodPut, pathOf(bot.PathChatPresence, chat), nil, &known)
	if !known.Subscribed || known.Chat.Phone != chat || len(known.People) != 0 {
		t.Errorf("%+v", known)
	}
	p.waitFor("the subscription", friend.Subscribed)
	appear(true, time.Time{})
	appear(true, time.Time{})
	if err := friend.Type(own, "recording"); err != nil {
		t.Fatal(err)
	}
	appear(false, time.Unix(1_700_000_000, 0))
	last := p.waitForEvent("the friend leaves", func(e bot.Event) bool {
		return e.Type == bot.EventPresence && e.Data.Presence.People[0].Presence == bot.Unavailable
	})
	if person := last.Data.Presence.People[0]; person.LastSeen.Unix() != 1_700_000_000 || person.From.Phone != chat || person.Typing != "" {
		t.Errorf("%+v", person)
	}
	var seen []string
	for _, e := range p.journalEvents(before) {
		if e.Type != bot.EventPresence {
			continue
		}
		seen = append(seen, fmt.Sprint(e.Data.Presence.People[0].Presence, e.Data.Presence.People[0].Typing))
	}
	if fmt.Sprintf("%q", seen) != `["available" "availablerecording" "unavailable"]` {
		t.Errorf("events %q", seen)
	}
	var all bot.Presences
	if p.do(http.MethodGet, bot.PathPresence, nil, &all); len(all.Presences) != 1 || all.Presences[0].Chat.Phone != chat || len(all.Presences[0].People) != 1 {
		t.Errorf("all: %+v", all)
	}
	var wahas []bot.WAHAPresences
	if p.waha(200, http.MethodGet, "/api/default/presence", nil, &wahas); len(wahas) != 1 || wahas[0].Presences[0].LastKnownPresence != "offline" {
		t.Errorf("all in WAHA's form: %+v", wahas)
	}
	// A new connection subscribes again; the end of the subscription ends the events.
	subscribed := subscriptions()
	if _, err := wa.KickAll("drop"); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the subscription of the next connection", func() bool { return subscriptions() > subscribed })
	appear(true, time.Time{})
	p.waitFor("the friend", func() bool {
		p.do(http.MethodGet, pathOf(bot.PathChatPresence, chat), nil, &known)
		return len(known.People) == 1 && known.People[0].Presence == bot.Available
	})
	p.do(http.MethodDelete, pathOf(bot.PathChatPresence, chat), nil, &known)
	if known.Subscribed || len(known.People) != 0 {
		t.Errorf("%+v", known)
	}
	if p.do(http.MethodGet, bot.PathPresence, nil, &all); all.Presences == nil || len(all.Presences) != 0 {
		t.Errorf("no chat is subscribed to: %+v", all)
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			wa, dir := simtest.Start(t, sim.Config{AddrMode: mode}), t.TempDir()
			p := start(t, settings(wa, dir))
			own := jid(t, p.pair(wa).JID)
			caller := wa.Person("62899000001")
			ring := func(how sim.Ring) string {
				t.Helper()
				id, err := caller.Call(own, how)
				return mustSend(t, id, err)
			}
			state := func(id string, want bot.CallState) *bot.Call {
				t.Helper()
				return p.waitForEvent("call "+string(want), func(e bot.Event) bool {
					return e.Type == bot.EventCall && e.Data.Call.ID == id && e.Data.Call.State == want
				}).Data.Call
			}
			first := ring(sim.Ring{Video: true})
			came := state(first, bot.CallOffered)
			if !came.Video || came.Group || came.From.Phone != "+62899000001" || came.Chat.ID != came.From.ID {
				t.Errorf("%+v", came)
			}
			p.do(http.MethodPost, pathOf(bot.PathCallReject, first), bot.RejectCallRequest{From: came.From.ID}, nil)
			if rejected := state(first, bot.CallRejected); !rejected.Video || rejected.From.ID != came.From.ID {
				t.Errorf("%+v", rejected)
			}
			state(first, bot.CallEnded)
			if got := wa.CallState(first); got != sim.CallRejected {
				t.Errorf("the call is %s", got)
			}
			second := ring(sim.Ring{Group: "120363000000000001@g.us"})
			if came := state(second, bot.CallOffered); !came.Group || came.Video || came.Chat.Kind != bot.PartyGroup {
				t.Errorf("%+v", came)
			}
			if err := wa.TakeCall(second); err != nil {
				t.Fatal(err)
			}
			state(second, bot.CallAccepted)
			if err := wa.HangUp(second); err != nil {
				t.Fatal(err)
			}
			state(second, bot.CallEnded)
			p.refusesAt(http.MethodPost, pathOf(bot.PathCallReject, first), bot.RejectCallRequest{From: "budi"}, http.StatusUnprocessableEntity)
			calls := 0
			for _, e := range p.journalEvents(0) {
				if e.Type == bot.EventCall {
					calls++
				}
			}
			if calls != 6 {
				t.Errorf("%d events of calls", calls)
			}
		})
	}
}

func TestStatusPosts(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	posted, err := friend.Post(sim.StatusText("liburan", 0xff123456), sim.Delivery{}, own)
	mustSend(t, posted, err)
	came := p.waitForEvent("a status post", ofType(bot.EventMessage)).Data.Message
	if came.Chat.Kind != bot.PartyStatus || came.From.Phone != "+62899000001" || came.Text != "liburan" || came.Status.BackgroundColor != "#123456" || came.Status.Font != 6 {
		t.Errorf("%+v", came)
	}
	gone, err := friend.Post(sim.Revoke(sim.Ref{ID: posted, FromMe: true, Chat: own}), sim.Delivery{}, own)
	mustSend(t, gone, err)
	p.waitFor("the post to be gone", func() bool { return !p.stored(posted).RevokedAt.IsZero() })

	m := p.sends(http.StatusOK, bot.SendRequest{To: "status", Text: "buka jam 9", StatusOptions: &bot.StatusOptions{
		BackgroundColor: "#38b42f", Font: 2, Contacts: []string{"+62899000001", "+62899000002"},
	}})
	readers := func(id string) (all []string) {
		for _, got := range onPhones(wa) {
			if got.ID == id {
				all = append(all, got.Phone)
			}
		}
		return all
	}
	if got := p.onPhone(wa, m.ID); got.Message.GetExtendedTextMessage().GetBackgroundArgb() != 0xff38b42f || got.Text != "buka jam 9" || got.To != "status@broadcast" {
		t.Errorf("%+v", got)
	}
	p.waitFor("two people to read it", func() bool { return len(readers(m.ID)) == 2 })
	if m.Chat.Kind != bot.PartyStatus || len(m.Status.Contacts) != 2 {
		t.Errorf("sent %+v", m)
	}
	var revocation bot.Message
	p.changes(http.MethodDelete, m.ID, nil, http.StatusOK, &revocation)
	p.waitFor("two people to lose it", func() bool { return len(readers(revocation.ID)) == 2 })
	if all := p.sends(http.StatusOK, bot.SendRequest{To: "status", Text: "untuk semua"}); all.Status.BackgroundColor == "" {
		t.Errorf("%+v", all) // to whom the privacy settings name: nobody here
	}
	p.refuses(bot.ProblemUnsupported, bot.SendRequest{To: "status", Location: &place})
	p.refuses(bot.ProblemBadParameter, bot.SendRequest{To: "status", Text: "x", StatusOptions: &bot.StatusOptions{BackgroundColor: "hijau"}})
	p.refuses(bot.ProblemBadParameter, bot.SendRequest{To: "status", Text: "x", StatusOptions: &bot.StatusOptions{Font: 3}})
	p.refuses(bot.ProblemBadParameter, bot.SendRequest{To: "+62899000001", Text: "x", StatusOptions: &bot.StatusOptions{}})
}
