package directory

import (
	"context"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
)

// Contacts lists the people whose names the account knows, and the cursor behind the last of them; it is empty at the
// end.
func (d *Directory) Contacts(ctx context.Context, after string, limit int) (contacts []bot.Contact, next string, err error) {
	known, err := d.People(ctx, after, limit)
	if err != nil {
		return nil, "", err
	}
	contacts = []bot.Contact{}
	for _, p := range known {
		contacts = append(contacts, d.named(d.Names.Party(p.JID, types.EmptyJID, ""), p.Names))
		next = p.JID.String()
	}
	if len(known) < limit {
		next = ""
	}
	return contacts, next, nil
}

// named is a contact with the names that are known of them.
func (d *Directory) named(party bot.Party, names types.ContactInfo) bot.Contact {
	c := bot.Contact{Party: party, ContactName: names.FullName, PushName: names.PushName, BusinessName: names.BusinessName}
	if c.ContactName == "" {
		c.ContactName = names.FirstName
	}
	for _, name := range []string{c.ContactName, c.PushName, c.BusinessName} {
		if c.Name == "" {
			c.Name = name
		}
	}
	return c
}

// Contact asks WhatsApp what it tells the account of a person.
func (d *Directory) Contact(ctx context.Context, id string) (contact bot.Contact, err error) {
	jid, err := person(id)
	if err != nil {
		return bot.Contact{}, err
	}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		contact, err = d.contact(ctx, client, jid)
		return err
	})
	return contact, err
}

func (d *Directory) contact(ctx context.Context, client *whatsmeow.Client, asked types.JID) (bot.Contact, error) {
	jid, on, err := find(ctx, client, asked)
	if err != nil {
		return bot.Contact{}, err
	}
	var info types.UserInfo
	if on == nil || *on {
		infos, err := client.GetUserInfo(ctx, []types.JID{jid})
		if err != nil {
			return bot.Contact{}, err
		}
		known := false
		if info, known = infos[jid]; known && len(info.Devices) > 0 {
			on = &known
		}
	}
	c := d.named(d.numbered(jid, info.LID), d.namesOf(ctx, client, jid))
	c.OnWhatsApp, c.About, c.PictureID = on, info.Status, info.PictureID
	if info.VerifiedName != nil {
		c.BusinessName = info.VerifiedName.Details.GetVerifiedName()
	}
	list, err := client.GetBlocklist(ctx)
	if err != nil {
		return bot.Contact{}, err
	}
	blocked := false
	for _, other := range d.parties(list.JIDs) {
		blocked = blocked || other.ID == c.ID
	}
	c.Blocked = &blocked
	return c, nil
}

// find is the address that WhatsApp uses for one, and whether somebody has it; nil where WhatsApp does not say.
func find(ctx context.Context, client *whatsmeow.Client, asked types.JID) (types.JID, *bool, error) {
	if asked.Server != types.DefaultUserServer {
		return asked, nil, nil
	}
	answers, err := client.IsOnWhatsApp(ctx, []string{"+" + asked.User})
	if err != nil || len(answers) != 1 {
		return asked, nil, err
	}
	if answers[0].IsIn && answers[0].JID.Server == types.DefaultUserServer {
		asked = answers[0].JID.ToNonAD()
	}
	return asked, &answers[0].IsIn, nil
}

// numbered is a person of whom WhatsApp told the hidden address that belongs to a number.
func (d *Directory) numbered(jid, lid types.JID) bot.Party {
	if jid.Server == types.HiddenUserServer {
		lid = types.EmptyJID
	}
	return d.Names.Party(jid, lid, "")
}

// namesOf are the names that the account knows of a person, under either address.
func (d *Directory) namesOf(ctx context.Context, client *whatsmeow.Client, jid types.JID) (names types.ContactInfo) {
	for _, form := range []types.JID{jid, d.Names(jid)} {
		if form.IsEmpty() || client.Store.Contacts == nil {
			continue
		}
		found, err := client.Store.Contacts.GetContact(ctx, form)
		if err != nil || !found.Found {
			continue
		}
		for into, name := range map[*string]string{
			&names.FirstName: found.FirstName, &names.FullName: found.FullName, &names.PushName: found.PushName, &names.BusinessName: found.BusinessName,
		} {
			if *into == "" {
				*into = name
			}
		}
	}
	return names
}

// About asks for the text that a person shows below the name.
func (d *Directory) About(ctx context.Context, id string) (about bot.About, err error) {
	jid, err := person(id)
	if err != nil {
		return bot.About{}, err
	}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		infos, err := client.GetUserInfo(ctx, []types.JID{jid})
		about = bot.About{Party: d.numbered(jid, infos[jid].LID), About: infos[jid].Status}
		return err
	})
	return about, err
}

// Block blocks a person, or unblocks one.
func (d *Directory) Block(ctx context.Context, id string, block bool) (bot.Blocked, error) {
	jid, err := person(id)
	if err != nil {
		return bot.Blocked{}, err
	}
	action := events.BlocklistChangeActionUnblock
	if block {
		action = events.BlocklistChangeActionBlock
	}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		found, on, err := find(ctx, client, jid)
		switch {
		case err != nil:
			return err
		case on != nil && !*on:
			return &Refusal{Kind: bot.ProblemNotOnWhatsApp}
		}
		jid = found
		_, err = client.UpdateBlocklist(ctx, jid, action)
		return err
	})
	return bot.Blocked{Party: d.Names.Party(jid, types.EmptyJID, ""), Blocked: block}, err
}

// Blocked lists the people whom the account has blocked.
func (d *Directory) Blocked(ctx context.Context) (blocked []bot.Party, err error) {
	blocked = []bot.Party{}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		list, err := client.GetBlocklist(ctx)
		if err == nil {
			blocked = append(blocked, d.parties(list.JIDs)...)
		}
		return err
	})
	return blocked, err
}
