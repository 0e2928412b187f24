package messenger

import (
	"context"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

func (d *draft) appointment(ctx context.Context, request bot.SendRequest) error {
	of := *request.Appointment
	if err := shortText("appointment.name", of.Name, 1, bot.MaxAppointmentName); err != nil {
		return err
	}
	if err := shortText("appointment.description", of.Description, 0, bot.MaxAppointmentText); err != nil {
		return err
	}
	switch {
	case of.StartsAt.IsZero():
		return badField("appointment.startsAt", "given")
	case !of.EndsAt.IsZero() && !of.EndsAt.After(of.StartsAt.Time):
		return badField("appointment.endsAt", "later than startsAt, or left out")
	case of.CallLink != "" || of.Cancelled:
		return badField("appointment.callLink, appointment.cancelled", "left out: the bot can send neither")
	}
	if of.Location != nil {
		if err := checkPlace("appointment.location", *of.Location); err != nil {
			return err
		}
	}
	about, err := d.context(ctx, request)
	if err != nil {
		return err
	}
	return d.set(message.Appointment{Context: about, Appointment: of, Secret: random(message.SecretBytes)}.Compose())
}

// readAnswer reads an answer with its appointment, where the bot keeps that.
func (m *Messenger) readAnswer(t *journal.Tx, r *message.Received) error {
	kept, err := t.Message(r.Answer.Appointment, m.forms(r.Chat)...)
	if err != nil || kept == nil {
		return err
	}
	answer := *r.Data.Appointment
	r.Answer.Open(kept.Raw, m.addresses(kept.Message.From), m.addresses(r.From), &answer)
	r.Data.Appointment = &answer
	return nil
}
