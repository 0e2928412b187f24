package main

import (
	"net/http"
	"slices"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func TestContacts(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			wa := simtest.Start(t, sim.Config{AddrMode: mode})
			p := start(t, settings(wa, t.TempDir()))
			own := jid(t, p.pair(wa).JID)
			sari := wa.Person(sariPhone)
			if err := sari.Show("Sari", "sibuk", "Toko Sari"); err != nil {
				t.Fatal(err)
			}
			came, err := sari.Write(own, "halo")
			mustSend(t, came, err)
			p.waitForEvent("the message", ofType(bot.EventMessage))
			var one bot.Contact
			p.waitFor("the name, which whatsmeow keeps beside the message", func() bool {
				one = bot.Contact{}
				p.do(http.MethodGet, pathOf(bot.PathContact, "+"+sariPhone), nil, &one)
				return one.PushName != ""
			})
			if one.Phone != "+"+sariPhone || one.LID == "" || one.PushName != "Sari" || one.BusinessName != "Toko Sari" || one.About != "sibuk" ||
				!*one.OnWhatsApp || *one.Blocked || one.PictureID != "" {
				t.Errorf("contact %+v", one)
			}
			var byLID bot.Contact
			if p.do(http.MethodGet, pathOf(bot.PathContact, one.LID), nil, &byLID); byLID.ID != one.ID || byLID.PushName != "Sari" || !*byLID.OnWhatsApp {
				t.Errorf("by the hidden address: %+v", byLID)
			}
			if p.do(http.MethodGet, pathOf(bot.PathContact, strangerPhone), nil, &one); *one.OnWhatsApp || one.Phone != "+"+strangerPhone {
				t.Errorf("a number that nobody has: %+v", one)
			}
			p.refusesAt(http.MethodGet, pathOf(bot.PathContact, "120363000000000001@g.us"), nil, http.StatusUnprocessableEntity)
			p.refusesAt(http.MethodPut, pathOf(bot.PathContactBlock, strangerPhone), nil, http.StatusNotFound)

			var blocked bot.Blocked
			p.do(http.MethodPut, pathOf(bot.PathContactBlock, sariPhone), nil, &blocked)
			var list bot.BlockedContacts
			p.do(http.MethodGet, bot.PathBlocked, nil, &list)
			if !blocked.Blocked || len(list.Contacts) != 1 || list.Contacts[0].Phone != "+"+sariPhone || !slices.Equal(wa.Person(own.User).Blocked(), []string{sariPhone}) {
				t.Errorf("blocked %+v, the list %+v", blocked, list)
			}
			if p.do(http.MethodGet, pathOf(bot.PathContact, sariPhone), nil, &one); !*one.Blocked {
				t.Errorf("the contact is %+v", one)
			}
			p.do(http.MethodDelete, pathOf(bot.PathContactBlock, sariPhone), nil, &blocked)
			if p.do(http.MethodGet, bot.PathBlocked, nil, &list); len(list.Contacts) != 0 {
				t.Errorf("after unblocking: %+v", list)
			}

			// What a person changes is an event each.
			if err := sari.Show("Sari Dewi", "libur", "Toko Sari"); err != nil {
				t.Fatal(err)
			}
			contact := func(field string) *bot.Contact {
				t.Helper()
				return p.waitForEvent("another "+field, func(e bot.Event) bool {
					return e.Type == bot.EventContact && slices.Equal(e.Data.Contact.Changed, []string{field})
				}).Data.Contact
			}
			if now := contact("about"); now.About != "libur" || now.Phone != "+"+sariPhone {
				t.Errorf("told of %+v", now)
			}
			came, err = sari.Write(own, "halo lagi")
			mustSend(t, came, err)
			if now := contact("pushName"); now.PushName != "Sari Dewi" || now.Phone != "+"+sariPhone {
				t.Errorf("told of %+v", now)
			}
			if err := sari.SetPicture([]byte("\xff\xd8\xff\xd9")); err != nil {
				t.Fatal(err)
			}
			if now := contact("picture"); now.PictureID == "" || now.PictureID != sari.Profile().Picture {
				t.Errorf("told of %+v", now)
			}
			var said bot.About
			if p.do(http.MethodGet, pathOf(bot.PathContactAbout, sariPhone), nil, &said); said.About != "libur" {
				t.Errorf("about %+v", said)
			}
			came, err = wa.Person(budiPhone).Write(own, "halo")
			mustSend(t, came, err)
			p.waitFor("two contacts", func() bool { return len(p.contacts(1)) == 2 })
			if all := p.contacts(1); all[0].Name != "Sari Dewi" || all[0].Phone != "+"+sariPhone || all[1].Phone != "+"+budiPhone {
				t.Errorf("contacts %+v", all)
			}
		})
	}
}

// Who changes the number is one person under two numbers: told of the contact, and in each group.
func TestAPersonWithAnotherNumber(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			wa := simtest.Start(t, sim.Config{AddrMode: mode})
			p := start(t, settings(wa, t.TempDir()))
			own := jid(t, p.pair(wa).JID)
			sari := wa.Person(sariPhone)
			came, err := sari.Write(own, "halo")
			mustSend(t, came, err)
			group, err := wa.MakeGroup("Kas RT 05", mode, budiPhone, own.User, sariPhone)
			if err != nil {
				t.Fatal(err)
			}
			p.groupEvent(bot.GroupCreated, always)
			p.onPhone(wa, p.sends(http.StatusOK, textTo(group.JID().String(), "iuran")).ID, budiPhone, sariPhone)
			moved, err := sari.ChangeNumber(tutiPhone)
			if err != nil {
				t.Fatal(err)
			}
			for name, in := range map[string]string{"the contact": "", "the group": group.JID().String()} {
				told := p.waitForEvent("another number of "+name, func(e bot.Event) bool {
					return e.Type == bot.EventContactNumber && (e.Data.Number.Group != nil) == (in != "")
				})
				change := told.Data.Number
				if change.Old.Phone != "+"+sariPhone || change.New.Phone != "+"+tutiPhone || change.Old.LID == "" || change.New.LID == "" || change.At.IsZero() {
					t.Errorf("%s: %+v", name, change)
				}
				if in == "" && told.Chat != change.New.ID || in != "" && (told.Chat != in || change.Group.ID != in) {
					t.Errorf("%s is in the chat %s", name, told.Chat)
				}
			}
			came, err = moved.Write(own, "nomor baru")
			mustSend(t, came, err)
			p.waitForEvent("a message of the new number", func(e bot.Event) bool {
				return e.Type == bot.EventMessage && e.Data.Message.Text == "nomor baru" && e.Data.Message.From.Phone == "+"+tutiPhone
			})
			m := p.sends(http.StatusOK, textTo(group.JID().String(), "lunas"))
			p.waitFor("the group's message at the new number", func() bool {
				return slices.ContainsFunc(wa.Outbox(0), func(at sim.OutMsg) bool { return at.ID == m.ID && at.Phone == tutiPhone && at.Text == "lunas" })
			})
			if slices.ContainsFunc(wa.Outbox(0), func(at sim.OutMsg) bool { return at.ID == m.ID && at.Err != "" }) {
				t.Error("the new number could not read the message at once")
			}
		})
	}
}

// contacts lists every contact, page by page.
func (p *process) contacts(limit int) (all []bot.Contact) {
	p.t.Helper()
	for after := ""; ; {
		var page bot.Contacts
		p.do(http.MethodGet, bot.PathContacts+"?limit="+string(rune('0'+limit))+"&after="+after, nil, &page)
		all = append(all, page.Contacts...)
		if after = page.After; after == "" {
			return all
		}
	}
}
