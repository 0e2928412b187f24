package message

import (
	"math"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"sesi.dev/sesi/api/bot"
)

// Place is a location message.
type Place struct {
	Context
	Location bot.Location
}

// Compose makes the message that WhatsApp gets.
func (p Place) Compose() (*waE2E.Message, error) {
	context, err := p.compose()
	if err != nil {
		return nil, err
	}
	at := p.Location
	out := &waE2E.LocationMessage{DegreesLatitude: &at.Latitude, DegreesLongitude: &at.Longitude, ContextInfo: context}
	for to, text := range map[**string]*string{&out.Name: &at.Name, &out.Address: &at.Address, &out.URL: &at.URL} {
		if *text != "" {
			*to = text
		}
	}
	if at.Accuracy > 0 {
		out.AccuracyInMeters = &at.Accuracy
	}
	return &waE2E.Message{LocationMessage: out}, nil
}

// place is what a location and a location that moves have in common.
type place interface {
	GetDegreesLatitude() float64
	GetDegreesLongitude() float64
}

// onEarth reports whether a place has numbers. A sender can also write NaN and infinity, which JSON cannot.
func onEarth(at place) bool {
	return math.Abs(at.GetDegreesLatitude()) <= 90 && math.Abs(at.GetDegreesLongitude()) <= 180
}

// placeContent reads a location message, also one that moves; it reports false for another message.
func placeContent(m *waE2E.Message, out *bot.Message) (*waE2E.ContextInfo, bool) {
	switch {
	case m.LocationMessage != nil && onEarth(m.LocationMessage):
		place := m.LocationMessage
		out.Kind, out.Text = bot.KindLocation, place.GetComment()
		out.Location = &bot.Location{
			Latitude: place.GetDegreesLatitude(), Longitude: place.GetDegreesLongitude(), Name: place.GetName(),
			Address: place.GetAddress(), URL: place.GetURL(), Live: place.GetIsLive(), Accuracy: place.GetAccuracyInMeters(),
		}
		return place.ContextInfo, true
	case m.LiveLocationMessage != nil && onEarth(m.LiveLocationMessage):
		place := m.LiveLocationMessage
		out.Kind, out.Text = bot.KindLocation, place.GetCaption()
		out.Location = &bot.Location{
			Latitude: place.GetDegreesLatitude(), Longitude: place.GetDegreesLongitude(), Live: true, Accuracy: place.GetAccuracyInMeters(),
		}
		return place.ContextInfo, true
	}
	return nil, false
}
