package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// Messages are pinned and taken down by the bot, with a person and in groups of both kinds of addresses, and by people;
// each is an event.
func TestPins(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			wa := simtest.Start(t, sim.Config{AddrMode: mode})
			p := start(t, settings(wa, t.TempDir()))
			own := jid(t, p.pair(wa).JID)
			group, err := wa.MakeGroup("Kas RT 05", mode, own.User, sariPhone, "62899000002")
			if err != nil {
				t.Fatal(err)
			}
			sari := wa.Person(sariPhone)
			asked, err := sari.Write(own, "alamat toko")
			mustSend(t, asked, err)
			inGroup, err := sari.Write(group.JID(), "iuran bulan ini")
			mustSend(t, inGroup, err)
			p.waitForEvent("a message in the group", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.ID == inGroup })
			for _, id := range []string{asked, inGroup} {
				p.pins(wa, id)
			}
			ours := p.sends(http.StatusOK, bot.SendRequest{To: "+" + sariPhone, Text: "buka jam 9"})
			p.pins(wa, ours.ID)

			// A pin of somebody else, and of the phone.
			for name, ref := range map[string]sim.Ref{
				sariPhone: {ID: inGroup, Chat: group.JID(), FromMe: true},
				own.User:  {ID: inGroup, Chat: group.JID(), Sender: jid(t, sariPhone+"@s.whatsapp.net")},
			} {
				id, err := wa.Person(name).Send(group.JID(), sim.Pin(ref, bot.PinWeek), sim.Delivery{})
				mustSend(t, id, err)
				pin := p.pinEvent(id)
				if !pin.Pinned || pin.MessageID != inGroup || pin.Chat.Kind != bot.PartyGroup || pin.From.Phone != "+"+name || pin.FromMe != (name == own.User) ||
					pin.Until.Sub(pin.At.Time) != bot.PinWeek*time.Second {
					t.Errorf("of %s: %+v", name, pin)
				}
			}
			id, err := sari.Send(own, sim.Pin(sim.Ref{ID: asked, Chat: own, FromMe: true}, 0), sim.Delivery{})
			mustSend(t, id, err)
			if pin := p.pinEvent(id); pin.Pinned || !pin.Until.IsZero() || pin.MessageID != asked || pin.Chat.Phone != "+"+sariPhone {
				t.Errorf("taken down: %+v", pin)
			}
		})
	}
}

// pinEvent is the event of a pin by its own id.
func (p *process) pinEvent(id string) *bot.Pin {
	p.t.Helper()
	return p.waitForEvent("a pin", func(e bot.Event) bool { return e.Type == bot.EventMessagePinned && e.Data.Pin.ID == id }).Data.Pin
}

// pins pins a message for a month and takes it down, by the bot's paths, and sees both on a phone of the chat.
func (p *process) pins(wa *simtest.Sim, id string) {
	p.t.Helper()
	at := pathOf(bot.PathMessagePin, id)
	var pinned, down bot.Message
	p.do(http.MethodPut, at, bot.PinRequest{Duration: bot.PinMonth}, &pinned)
	if pinned.Kind != bot.KindPin || pinned.State != bot.MessageSent && pinned.State != bot.MessageDelivered || pinned.Subject == nil || pinned.Subject.ID != id {
		p.t.Errorf("the pin %+v", pinned)
	}
	if got := p.onPhone(wa, pinned.ID); got.Kind != sim.KindPin || got.Text != strconv.Itoa(bot.PinMonth) || got.Ref != id || got.Edit != "2" || got.Err != "" {
		p.t.Errorf("the phone got %+v", got)
	}
	if e := p.pinEvent(pinned.ID); !e.Pinned || e.MessageID != id || !e.FromMe || e.Until.Sub(e.At.Time) != bot.PinMonth*time.Second {
		p.t.Errorf("the event %+v", e)
	}
	p.do(http.MethodDelete, at, nil, &down)
	if got := p.onPhone(wa, down.ID); down.Kind != bot.KindUnpin || got.Kind != sim.KindUnpin || got.Ref != id || got.Edit != "2" {
		p.t.Errorf("taken down %+v, the phone got %+v", down, got)
	}
	if e := p.pinEvent(down.ID); e.Pinned || !e.Until.IsZero() {
		p.t.Errorf("the event %+v", e)
	}
}

// Requests for pins that WhatsApp's own clients do not make, and those of WAHA.
func TestPinsThatAreNone(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	own := jid(t, p.pair(wa).JID)
	asked, err := wa.Person(sariPhone).Write(own, "alamat toko")
	mustSend(t, asked, err)
	p.waitForEvent("a message", ofType(bot.EventMessage))
	at := pathOf(bot.PathMessagePin, asked)
	for _, duration := range []uint32{0, 3600, bot.PinDay + 1} {
		status, body, err := p.tryJSON(http.MethodPut, at, bot.PinRequest{Duration: duration})
		if err != nil || status != http.StatusBadRequest || !strings.Contains(string(body), "duration") {
			t.Errorf("%d seconds: status %d: %s, %v", duration, status, body, err)
		}
	}
	p.refusesAt(http.MethodPut, pathOf(bot.PathMessagePin, "3EB0FFFFFFFF"), bot.PinRequest{Duration: bot.PinDay}, http.StatusNotFound)
	status := p.sends(http.StatusOK, bot.SendRequest{To: "status", Text: "buka", StatusOptions: &bot.StatusOptions{Contacts: []string{"+" + sariPhone}}})
	p.refusesAt(http.MethodPut, pathOf(bot.PathMessagePin, status.ID), bot.PinRequest{Duration: bot.PinDay}, http.StatusUnprocessableEntity)

	path := "/api/default/chats/" + sariPhone + "@c.us/messages/false_" + sariPhone + "@c.us_" + asked
	var done bot.WAHADone
	if p.waha(201, http.MethodPost, path+"/pin", object{"duration": bot.PinDay}, &done); !done.Success {
		t.Errorf("WAHA's pin %+v", done)
	}
	if p.waha(201, http.MethodPost, path+"/unpin", nil, &done); !done.Success {
		t.Errorf("WAHA's unpin %+v", done)
	}
	p.waha(400, http.MethodPost, path+"/pin", object{"duration": 5}, nil)
	p.waha(400, http.MethodPost, path+"/pin", object{"duration": "a day"}, nil)
	p.waha(404, http.MethodPost, "/api/default/chats/"+sariPhone+"@c.us/messages/3EB0FFFFFFFF/unpin", nil, nil)
	// The same key makes one pin.
	var made [2]bot.Message
	for n := range made {
		status, body, err := p.tryJSON(http.MethodPut, at, bot.PinRequest{Duration: bot.PinDay}, bot.HeaderIdempotencyKey, "pin-1")
		if err = errors.Join(err, json.Unmarshal(body, &made[n])); err != nil || status != http.StatusOK {
			t.Fatalf("status %d: %s, %v", status, body, err)
		}
	}
	if made[0].ID != made[1].ID {
		t.Errorf("two pins: %s and %s", made[0].ID, made[1].ID)
	}
}
