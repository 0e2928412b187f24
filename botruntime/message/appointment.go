package message

import (
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
)

// Appointment is an appointment with its secret, which must be random: without it no answer can be read.
type Appointment struct {
	Context
	Appointment bot.Appointment
	Secret      []byte
}

// Compose makes the message that WhatsApp gets.
func (a Appointment) Compose() (*waE2E.Message, error) {
	context, err := a.compose()
	if err != nil {
		return nil, err
	}
	of := a.Appointment
	out := &waE2E.EventMessage{
		ContextInfo: context, IsCanceled: proto.Bool(false), Name: &of.Name, StartTime: proto.Int64(of.StartsAt.Unix()), ExtraGuestsAllowed: &of.GuestsAllowed,
	}
	if of.Description != "" {
		out.Description = &of.Description
	}
	if !of.EndsAt.IsZero() {
		out.EndTime = proto.Int64(of.EndsAt.Unix())
	}
	if of.Location != nil {
		place, err := Place{Location: *of.Location}.Compose()
		if err != nil {
			return nil, err
		}
		out.Location = place.LocationMessage
		if of.Location.Latitude == 0 && of.Location.Longitude == 0 {
			out.Location.DegreesLatitude, out.Location.DegreesLongitude = nil, nil
		}
	}
	return &waE2E.Message{EventMessage: out, MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: a.Secret}}, nil
}

// appointmentContent reads an appointment; it reports false for another message.
func appointmentContent(m *waE2E.Message, out *bot.Message) (*waE2E.ContextInfo, bool) {
	event := m.EventMessage
	if event == nil {
		return nil, false
	}
	out.Kind = bot.KindAppointment
	out.Appointment = &bot.Appointment{
		Name: event.GetName(), Description: event.GetDescription(), StartsAt: second(event.GetStartTime()), EndsAt: second(event.GetEndTime()),
		GuestsAllowed: event.GetExtraGuestsAllowed(), CallLink: event.GetJoinLink(), Cancelled: event.GetIsCanceled(),
	}
	if event.Location != nil && onEarth(event.Location) {
		var place bot.Message
		placeContent(&waE2E.Message{LocationMessage: event.Location}, &place)
		out.Appointment.Location = place.Location
	}
	return event.ContextInfo, true
}

// lastSecond is the end of the year 9999, behind which JSON has no times.
const lastSecond = 253402300799

// second is a time that a sender wrote; the zero time for none and for one that JSON cannot hold.
func second(unix int64) bot.Time {
	if unix <= 0 || unix > lastSecond {
		return bot.Time{}
	}
	return bot.At(time.Unix(unix, 0))
}

// Answer is an answer to an appointment that came, still encrypted.
type Answer struct {
	// Appointment is the appointment's message id.
	Appointment string
	// Payload and Nonce are the encrypted answer.
	Payload, Nonce []byte
}

// readAnswer reads what an answer says without its appointment: who answers which one.
func (r *Received) readAnswer(sealed *waE2E.EncEventResponseMessage, fromMe bool, at bot.Time) {
	r.Type = bot.EventAppointment
	r.Answer = &Answer{Appointment: sealed.GetEventCreationMessageKey().GetID(), Payload: sealed.GetEncPayload(), Nonce: sealed.GetEncIV()}
	r.Data.Appointment = &bot.AppointmentAnswer{
		ID: r.ID, MessageID: r.Answer.Appointment, Chat: r.Chat, From: r.From, FromMe: fromMe, At: at, Coming: bot.ComingUnknown, Unreadable: true,
	}
}

var coming = map[waE2E.EventResponseMessage_EventResponseType]bot.Coming{
	waE2E.EventResponseMessage_GOING: bot.ComingYes, waE2E.EventResponseMessage_NOT_GOING: bot.ComingNo, waE2E.EventResponseMessage_MAYBE: bot.ComingMaybe,
}

// Open reads the answer with the bytes of its appointment, under every address of both authors. It reports whether one fits.
func (a Answer) Open(raw []byte, authors, writers []types.JID, into *bot.AppointmentAnswer) bool {
	secret, m, err := readSecret(raw)
	if err != nil || m.EventMessage == nil || len(secret) == 0 {
		return false
	}
	s := sealing{id: a.Appointment, secret: secret, use: "Event Response"}
	return s.open(a.Payload, a.Nonce, authors, writers, func(plain []byte) bool {
		var answer waE2E.EventResponseMessage
		if proto.Unmarshal(plain, &answer) != nil {
			return false
		}
		into.Unreadable, into.Guests = false, max(0, int(answer.GetExtraGuestCount()))
		if said := coming[answer.GetResponse()]; said != "" {
			into.Coming = said
		}
		return true
	})
}
