package waha

import (
	"strings"

	"sesi.dev/sesi/api/bot"
)

// Contact is a contact in WAHA's form.
func (t Teller) Contact(c bot.Contact) bot.WAHAContactInfo {
	out := bot.WAHAContactInfo{
		ID: ChatID(c.ID), Number: strings.TrimPrefix(c.Phone, "+"), Name: c.ContactName, PushName: c.PushName,
		ShortName: c.ContactName, IsMe: t.isMe(c.Party), IsMyContact: c.ContactName != "", IsWAContact: true, IsBusiness: c.BusinessName != "",
	}
	if out.Name == "" {
		out.Name = c.BusinessName
	}
	if c.LID != c.ID {
		out.LID = c.LID
	}
	if c.OnWhatsApp != nil {
		out.IsWAContact = *c.OnWhatsApp
	}
	if c.Blocked != nil {
		out.IsBlocked = *c.Blocked
	}
	return out
}
