package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// answers are WhatsApp's words for the bot's.
var answers = map[bot.Coming]waE2E.EventResponseMessage_EventResponseType{bot.ComingYes: sim.Going, bot.ComingNo: sim.NotGoing, bot.ComingMaybe: sim.Maybe}

// said waits for the event of an answer, by its own id.
func (p *process) said(id string) *bot.AppointmentAnswer {
	p.t.Helper()
	return p.waitForEvent("an answer", func(e bot.Event) bool { return e.Type == bot.EventAppointment && e.Data.Appointment.ID == id }).Data.Appointment
}

// The bot makes appointments, in a chat and in groups of both kinds of addresses, and reads who comes, whatever address a
// phone derived the key from.
func TestAppointments(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			wa, h := simtest.Start(t, sim.Config{AddrMode: mode}), startWAHAHook(t)
			p := start(t, settings(wa, t.TempDir(), "WHATSAPP_HOOK_URL="+h.URL, "WHATSAPP_HOOK_EVENTS=*", "WHATSAPP_HOOK_HMAC_KEY="+wahaKey,
				"WHATSAPP_HOOK_CUSTOM_HEADERS=X-Team:sales"))
			own := jid(t, p.pair(wa).JID)
			group, err := wa.MakeGroup("Keluarga", mode, own.User, sariPhone, "62899000002")
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Date(2031, 5, 1, 9, 0, 0, 0, time.UTC)
			meeting := bot.Appointment{
				Name: "Arisan", Description: "Di rumah Sari", StartsAt: bot.At(begin), EndsAt: bot.At(begin.Add(2 * time.Hour)),
				Location: &bot.Location{Name: "Monas"}, GuestsAllowed: true,
			}
			for _, chat := range []types.JID{group.JID(), jid(t, sariPhone+"@s.whatsapp.net")} {
				m := p.sends(http.StatusOK, bot.SendRequest{To: chat.String(), Appointment: &meeting})
				if m.Kind != bot.KindAppointment || m.Appointment == nil || !m.Appointment.StartsAt.Equal(begin) || m.Appointment.Location.Name != "Monas" {
					t.Errorf("%+v", m)
				}
				got := p.onPhone(wa, m.ID, sariPhone)
				e := got.Message.GetEventMessage()
				if got.Kind != sim.KindAppointment || e.GetDescription() != "Di rumah Sari" || e.GetEndTime() != begin.Add(2*time.Hour).Unix() ||
					e.GetLocation().DegreesLatitude != nil || e.GetLocation().GetName() != "Monas" || !e.GetExtraGuestsAllowed() {
					t.Errorf("the phone got %+v: %v", got, e)
				}
				to := chat
				if chat.Server != types.GroupServer {
					to = own
				}
				for form, coming := range map[sim.VoteForm]bot.Coming{
					{}: bot.ComingYes, {Author: sim.AddrPN, Voter: sim.AddrPN}: bot.ComingNo, {Author: sim.AddrLID, Voter: sim.AddrLID}: bot.ComingMaybe,
				} {
					id, err := wa.Person(sariPhone).Answer(to, m.ID, form, answers[coming], 2)
					mustSend(t, id, err)
					if a := p.said(id); a.Unreadable || a.Coming != coming || a.Guests != 2 || a.MessageID != m.ID || a.From.Phone != "+"+sariPhone || a.FromMe {
						t.Errorf("%+v said %+v", form, a)
					}
					p.wahaEvent(h, "event.response", func(o object) bool {
						answer, _ := o["eventResponse"].(object)
						return strings.Contains(fmt.Sprint(o["id"]), id) && answer["response"] == answers[coming].String() && answer["extraGuestCount"] == 2.0
					})
				}
			}
			p.appointmentsOfOthers(t, wa, h, own)
		})
	}
}

// appointmentsOfOthers are those that people make, and answers that cannot be read.
func (p *process) appointmentsOfOthers(t *testing.T, wa *simtest.Sim, h *wahaHook, own types.JID) {
	t.Helper()
	sari := wa.Person(sariPhone)
	theirs, err := sari.Send(own, sim.Appointment("Buka puasa", time.Unix(1_900_000_000, 0)), sim.Delivery{})
	mustSend(t, theirs, err)
	came := p.waitForEvent("an appointment", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.ID == theirs }).Data.Message
	if came.Kind != bot.KindAppointment || came.Appointment.Name != "Buka puasa" || came.Appointment.StartsAt.Unix() != 1_900_000_000 || !came.Appointment.EndsAt.IsZero() {
		t.Errorf("%+v", came)
	}
	phone := wa.Person(own.User) // the account's phone answers
	id, err := phone.Answer(jid(t, sariPhone+"@s.whatsapp.net"), theirs, sim.VoteForm{}, sim.Going, 0)
	mustSend(t, id, err)
	if a := p.said(id); a.Unreadable || a.Coming != bot.ComingYes || !a.FromMe || a.Chat.Phone != "+"+sariPhone {
		t.Errorf("the phone said %+v", a)
	}
	// An appointment that the bot no longer has.
	if status, body := p.call(http.MethodDelete, pathOf(bot.PathChatMessages, "+"+sariPhone)); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	id, err = sari.Answer(own, theirs, sim.VoteForm{}, sim.Maybe, 0)
	mustSend(t, id, err)
	if a := p.said(id); !a.Unreadable || a.Coming != bot.ComingUnknown || a.MessageID != theirs {
		t.Errorf("without the appointment %+v", a)
	}
	p.wahaEvent(h, "event.response.failed", func(o object) bool { return strings.Contains(fmt.Sprint(o["id"]), id) && o["eventResponse"] == nil })

	var sent bot.WAHAMessage
	p.waha(201, http.MethodPost, "/api/default/events", object{"chatId": sariPhone + "@c.us", "event": object{
		"name": "Servis AC", "startTime": 1_900_000_000, "endTime": nil, "location": object{"name": "Toko"},
	}}, &sent)
	_, bare, _ := strings.Cut(strings.TrimPrefix(sent.ID, "true_"), "_")
	if e := p.onPhone(wa, bare).Message.GetEventMessage(); sent.Body != "Servis AC" || e.GetStartTime() != 1_900_000_000 || e.GetLocation().GetName() != "Toko" || e.EndTime != nil {
		t.Errorf("by WAHA's path %+v, the phone got %v", sent, e)
	}
	p.waha(400, http.MethodPost, "/api/default/events", object{"chatId": sariPhone + "@c.us", "event": object{"name": "x", "startTime": -1}}, nil)
	p.waha(400, http.MethodPost, "/api/default/events", object{"chatId": sariPhone + "@c.us", "event": object{"name": "x"}}, nil)
}

// Appointments that make no sense are refused, and each says which field is wrong.
func TestAppointmentsThatAreNone(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	p.pair(wa)
	begin := bot.At(time.Date(2031, 5, 1, 9, 0, 0, 0, time.UTC))
	for field, of := range map[string]bot.Appointment{
		"appointment.name":              {StartsAt: begin},
		"appointment.description":       {Name: "x", StartsAt: begin, Description: strings.Repeat("x", bot.MaxAppointmentText+1)},
		"appointment.startsAt":          {Name: "x"},
		"appointment.endsAt":            {Name: "x", StartsAt: begin, EndsAt: begin},
		"appointment.location.latitude": {Name: "x", StartsAt: begin, Location: &bot.Location{Latitude: 91}},
		"appointment.cancelled":         {Name: "x", StartsAt: begin, Cancelled: true},
	} {
		if problem := p.refuses(bot.ProblemBadParameter, bot.SendRequest{To: "+" + sariPhone, Appointment: &of}); !strings.Contains(problem.Detail, field) {
			t.Errorf("%s: %s", field, problem.Detail)
		}
	}
	p.refuses(bot.ProblemUnsupported, bot.SendRequest{To: "status", Appointment: &bot.Appointment{Name: "x", StartsAt: begin}})
	if got := onPhones(wa); len(got) != 0 {
		t.Errorf("on phones: %+v", got)
	}
}
