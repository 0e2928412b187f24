package sim

import (
	"crypto/rand"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"
)

// The kinds of messages that are neither text nor media.
const (
	KindLocation    = "location"
	KindContacts    = "contacts"
	KindPoll        = "poll"
	KindAppointment = "appointment" // what WhatsApp calls an event
	KindVote        = "vote"        // one that the phone could read; Text are the chosen options, one a line
)

// Place is a location.
func Place(latitude, longitude float64, name string) *waE2E.Message {
	return &waE2E.Message{LocationMessage: &waE2E.LocationMessage{DegreesLatitude: &latitude, DegreesLongitude: &longitude, Name: &name}}
}

// LivePlace is a location that moves.
func LivePlace(latitude, longitude float64, caption string) *waE2E.Message {
	return &waE2E.Message{LiveLocationMessage: &waE2E.LiveLocationMessage{DegreesLatitude: &latitude, DegreesLongitude: &longitude, Caption: &caption}}
}

// Contact is one shared contact.
func Contact(name, vcard string) *waE2E.Message {
	return &waE2E.Message{ContactMessage: &waE2E.ContactMessage{DisplayName: &name, Vcard: &vcard}}
}

// Poll is a poll with a fresh secret; selectable is how many options one may choose, 0 for any number.
func Poll(question string, selectable uint32, options ...string) *waE2E.Message {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	poll := &waE2E.PollCreationMessage{Name: &question, SelectableOptionsCount: &selectable}
	for _, option := range options {
		poll.Options = append(poll.Options, &waE2E.PollCreationMessage_Option{OptionName: proto.String(option)})
	}
	m := &waE2E.Message{MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: secret}}
	if selectable == 1 {
		m.PollCreationMessageV3 = poll // as phones send a poll with one choice
	} else {
		m.PollCreationMessage = poll
	}
	return m
}

// Appointment is what WhatsApp calls an event, with a fresh secret.
func Appointment(name string, start time.Time) *waE2E.Message {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	return &waE2E.Message{
		EventMessage:       &waE2E.EventMessage{Name: &name, StartTime: proto.Int64(start.Unix())},
		MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: secret},
	}
}

// pollOf is the poll of a message, nil for another one.
func pollOf(m *waE2E.Message) *waE2E.PollCreationMessage {
	for _, poll := range []*waE2E.PollCreationMessage{m.PollCreationMessage, m.PollCreationMessageV2, m.PollCreationMessageV3} {
		if poll != nil {
			return poll
		}
	}
	return nil
}

// summarizeKind names what is neither text nor media. A poll that people could not use is KindOther: without a secret
// nobody can vote, and with fewer than two options there is nothing to choose. So is an appointment without a secret or a
// time.
func summarizeKind(m *waE2E.Message) (summary, bool) {
	switch poll := pollOf(m); {
	case m.LocationMessage != nil:
		return summary{KindLocation, m.LocationMessage.GetName(), m.LocationMessage.GetContextInfo().GetStanzaID()}, true
	case m.ContactMessage != nil:
		return summary{KindContacts, m.ContactMessage.GetDisplayName(), m.ContactMessage.GetContextInfo().GetStanzaID()}, true
	case m.ContactsArrayMessage != nil:
		names := []string{}
		for _, one := range m.ContactsArrayMessage.GetContacts() {
			names = append(names, one.GetDisplayName())
		}
		return summary{KindContacts, strings.Join(names, ", "), m.ContactsArrayMessage.GetContextInfo().GetStanzaID()}, true
	case poll != nil && len(m.GetMessageContextInfo().GetMessageSecret()) == 32 && len(poll.GetOptions()) >= 2:
		return summary{KindPoll, poll.GetName(), poll.GetContextInfo().GetStanzaID()}, true
	case m.EventMessage != nil && len(m.GetMessageContextInfo().GetMessageSecret()) == 32 && m.GetEventMessage().GetStartTime() > 0:
		return summary{KindAppointment, m.EventMessage.GetName(), m.EventMessage.GetContextInfo().GetStanzaID()}, true
	}
	return summary{}, false
}
