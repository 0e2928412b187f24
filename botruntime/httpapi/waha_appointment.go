package httpapi

import (
	"math"
	"time"

	"sesi.dev/sesi/api/bot"
)

func (c *call) wahaSendEvent() error {
	var asked bot.WAHASendEvent
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	reply, err := c.wahaReply(asked.ReplyTo)
	if err != nil {
		return err
	}
	event := asked.Event
	out := &bot.Appointment{Name: event.Name, Description: event.Description, GuestsAllowed: event.ExtraGuestsAllowed}
	for field, part := range map[string]struct {
		seconds float64
		into    *bot.Time
	}{"event.startTime": {event.StartTime, &out.StartsAt}, "event.endTime": {event.EndTime, &out.EndsAt}} {
		if part.seconds < 0 || part.seconds > math.MaxInt32*4 {
			return badParameter(field, "a time in seconds")
		}
		if part.seconds > 0 {
			*part.into = bot.At(time.Unix(int64(part.seconds), 0))
		}
	}
	if event.Location != nil {
		out.Location = &bot.Location{Name: event.Location.Name}
	}
	return c.wahaSend(bot.SendRequest{To: asked.ChatID, Appointment: out, ReplyTo: reply})
}
