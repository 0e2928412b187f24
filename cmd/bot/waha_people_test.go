package main

import (
	"net/http"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// Contacts by WAHA's paths, of which one is also the bot's own.
func TestWAHAsContacts(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	own := jid(t, p.pair(wa).JID)
	sari := wa.Person(sariPhone)
	if err := sari.Show("Sari", "sibuk", "Toko Sari"); err != nil {
		t.Fatal(err)
	}
	came, err := sari.Write(own, "halo")
	mustSend(t, came, err)
	p.waitForEvent("the message", ofType(bot.EventMessage))
	chat := sariPhone + "@c.us"
	var one bot.WAHAContactInfo
	p.waitFor("the name, which whatsmeow keeps beside the message", func() bool {
		p.waha(200, http.MethodGet, bot.PathContacts+"?contactId="+chat, nil, &one)
		return one.PushName != ""
	})
	for _, path := range []string{bot.PathContacts + "?session=default&contactId=" + chat, "/api/default/contacts/" + chat} {
		p.waha(200, http.MethodGet, path, nil, &one)
		if one.ID != chat || one.Number != sariPhone || one.PushName != "Sari" || !one.IsWAContact || one.IsMyContact || one.IsBlocked || one.IsMe || one.LID == "" {
			t.Errorf("%s: %+v", path, one)
		}
	}
	p.waha(200, http.MethodGet, bot.PathContacts+"?contactId="+strangerPhone, nil, &one)
	if one.IsWAContact {
		t.Errorf("a number that nobody has: %+v", one)
	}
	p.waha(404, http.MethodGet, bot.PathContacts+"?session=other&contactId="+chat, nil, nil)
	var all []bot.WAHAContactInfo
	p.waha(200, http.MethodGet, bot.PathWAHAContacts+"?session=default", nil, &all)
	if len(all) != 1 || all[0].PushName != "Sari" {
		t.Errorf("all: %+v", all)
	}
	p.waha(200, http.MethodGet, bot.PathWAHAContacts+"?offset=1&limit=1", nil, &all)
	if len(all) != 0 {
		t.Errorf("behind the last: %+v", all)
	}
	var about bot.WAHAAbout
	p.waha(200, http.MethodGet, bot.PathWAHAAbout+"?contactId="+chat, nil, &about)
	if about.About != "sibuk" {
		t.Errorf("about: %+v", about)
	}
	p.waha(400, http.MethodGet, bot.PathWAHAAbout, nil, nil)
	var picture bot.WAHAProfilePicture
	p.waha(200, http.MethodGet, bot.PathWAHAProfilePicture+"?contactId="+chat, nil, &picture)
	if picture.URL != nil {
		t.Errorf("no picture: %+v", *picture.URL)
	}
	if err := sari.SetPicture([]byte("\xff\xd8\xff\xd9")); err != nil {
		t.Fatal(err)
	}
	var of bot.WAHAPicture
	p.waha(200, http.MethodGet, bot.PathWAHAProfilePicture+"?contactId="+chat, nil, &picture)
	p.waha(200, http.MethodGet, "/api/default/chats/"+chat+"/picture", nil, &of)
	if picture.URL == nil || of.URL == nil || *picture.URL != *of.URL || !strings.HasPrefix(*of.URL, "https://") {
		t.Errorf("picture: %+v %+v", picture, of)
	}
	asked := object{"session": "default", "contactId": chat}
	p.waha(201, http.MethodPost, bot.PathWAHABlock, asked, nil)
	p.waha(200, http.MethodGet, bot.PathContacts+"?contactId="+chat, nil, &one)
	if blocked := wa.Person(own.User).Blocked(); !one.IsBlocked || len(blocked) != 1 {
		t.Errorf("blocked: %+v, %v", one, blocked)
	}
	p.waha(201, http.MethodPost, bot.PathWAHAUnblock, asked, nil)
	if blocked := wa.Person(own.User).Blocked(); len(blocked) != 0 {
		t.Errorf("still blocked: %v", blocked)
	}
}
