package message

import (
	"fmt"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"sesi.dev/sesi/api/bot"
)

// Contacts is a message that shares contacts.
type Contacts struct {
	Context
	Contacts []bot.VCard
}

// Compose makes the message that WhatsApp gets: another one for a single contact than for several.
func (c Contacts) Compose() (*waE2E.Message, error) {
	context, err := c.compose()
	if err != nil {
		return nil, err
	}
	var all []*waE2E.ContactMessage
	for i := range c.Contacts {
		all = append(all, &waE2E.ContactMessage{DisplayName: &c.Contacts[i].Name, Vcard: &c.Contacts[i].VCard})
	}
	if len(all) == 1 {
		all[0].ContextInfo = context
		return &waE2E.Message{ContactMessage: all[0]}, nil
	}
	title := fmt.Sprintf("%d contacts", len(all))
	return &waE2E.Message{ContactsArrayMessage: &waE2E.ContactsArrayMessage{DisplayName: &title, Contacts: all, ContextInfo: context}}, nil
}

// contactContent reads a message that shares contacts; it reports false for another message.
func contactContent(m *waE2E.Message, out *bot.Message) (*waE2E.ContextInfo, bool) {
	shared, context := []*waE2E.ContactMessage{m.ContactMessage}, m.ContactMessage.GetContextInfo()
	switch {
	case m.ContactMessage != nil:
	case m.ContactsArrayMessage != nil:
		shared, context = m.ContactsArrayMessage.GetContacts(), m.ContactsArrayMessage.ContextInfo
	default:
		return nil, false
	}
	out.Kind = bot.KindContacts
	for _, one := range shared {
		card := ParseVCard(one.GetVcard())
		if one.GetDisplayName() != "" {
			card.Name = one.GetDisplayName()
		}
		out.Contacts = append(out.Contacts, card)
	}
	return context, true
}
