package main

import (
	"bytes"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/mediahost"
	"sesi.dev/sesi/test/wasim/sim"
)

// What was published in a channel can be read without following it; the owner can delete the channel.
func TestAChannelIsReadAndDeleted(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	p.pair(wa)
	channel, err := wa.Person(sariPhone).Newsletter()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for n := range 5 {
		id, err := wa.Publish(channel, sim.Text("harga "+strconv.Itoa(n)), sim.Delivery{})
		ids = append(ids, mustSend(t, id, err))
	}
	file, err := wa.Attach(sim.Media{Kind: mediahost.Image, Data: bytes.Repeat([]byte("a price list "), 100), Caption: "daftar", Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	last, err := wa.Publish(channel, file, sim.Delivery{})
	mustSend(t, last, err)
	if err := wa.CountInNewsletter(channel, ids[4], 7, map[string]int{"👍": 3}); err != nil {
		t.Fatal(err)
	}
	var page bot.ChannelMessages
	p.do(http.MethodGet, pathOf(bot.PathChannelMessages, channel.String())+"?limit=2", nil, &page)
	if len(page.Messages) != 2 || page.Messages[0].ID != last || page.Messages[0].Text != "daftar" || page.Messages[0].Media == nil || page.Messages[0].Media.Path != "" ||
		page.Messages[1].Text != "harga 4" || page.Messages[1].Views != 7 || page.Messages[1].Reactions["👍"] != 3 || page.Messages[1].Chat.ID != channel.String() {
		t.Errorf("the first page %+v", page)
	}
	var texts []string
	for before := page.Before; before > 0; before = page.Before {
		page = bot.ChannelMessages{}
		p.do(http.MethodGet, pathOf(bot.PathChannelMessages, channel.String())+"?limit=3&before="+strconv.Itoa(before), nil, &page)
		for _, m := range page.Messages {
			texts = append(texts, m.Text)
		}
	}
	if len(texts) != 4 || texts[0] != "harga 3" || texts[3] != "harga 0" {
		t.Errorf("the other pages %v", texts)
	}
	path := "/api/default/channels/" + channel.String()
	var preview []bot.WAHAChannelMessage
	p.waha(200, http.MethodGet, path+"/messages/preview?downloadMedia=true&limit=2", nil, &preview)
	if len(preview) != 2 || preview[0].Message.Body != "daftar" || !preview[0].Message.HasMedia || preview[0].Message.Media != nil || preview[1].ViewCount != 7 || preview[1].Reactions["👍"] != 3 {
		t.Errorf("WAHA's preview %+v", preview)
	}
	p.waha(400, http.MethodGet, path+"/messages/preview?limit=1000", nil, nil)
	p.refusesAt(http.MethodGet, pathOf(bot.PathChannelMessages, "120363499999999999@newsletter"), nil, http.StatusNotFound)

	p.refusesAt(http.MethodDelete, pathOf(bot.PathChannel, channel.String()), nil, http.StatusForbidden)
	var made bot.Channel
	p.request(http.MethodPost, bot.PathChannels, bot.CreateChannelRequest{Name: "Toko Budi"}, http.StatusCreated, &made)
	sent := p.sends(http.StatusOK, bot.SendRequest{To: made.ID, Text: "buka"})
	p.do(http.MethodGet, pathOf(bot.PathChannelMessages, made.ID), nil, &page)
	if len(page.Messages) != 1 || page.Messages[0].ID != sent.ID || !page.Messages[0].FromMe || page.Messages[0].State != bot.MessageSent {
		t.Errorf("the account's own %+v", page)
	}
	if p.do(http.MethodDelete, pathOf(bot.PathChannel, url.PathEscape(made.Link)), nil, &made); made.Name != "Toko Budi" || made.Role != bot.ChannelOwner {
		t.Errorf("deleted %+v", made)
	}
	p.refusesAt(http.MethodGet, pathOf(bot.PathChannel, made.ID), nil, http.StatusNotFound)
	p.request(http.MethodPost, bot.PathChannels, bot.CreateChannelRequest{Name: "Toko Sari"}, http.StatusCreated, &made)
	p.waha(200, http.MethodDelete, "/api/default/channels/"+made.ID, nil, nil)
	p.waha(404, http.MethodDelete, "/api/default/channels/"+made.ID, nil, nil)
}

// Channels are found by text and in the directory's own choice, page by page, by both APIs.
func TestChannelsAreFound(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	p.pair(wa)
	for _, name := range []string{"Harga Cabai", "Harga Beras", "Cuaca"} {
		p.request(http.MethodPost, bot.PathChannels, bot.CreateChannelRequest{Name: name}, http.StatusCreated, nil)
	}
	var names []string
	for after := "?text=harga&limit=1"; ; {
		var found bot.FoundChannels
		p.do(http.MethodGet, bot.PathChannelSearch+after, nil, &found)
		for _, one := range found.Channels {
			names = append(names, one.Name)
			if one.Role != bot.ChannelGuest || one.Link == "" {
				t.Errorf("%+v", one)
			}
		}
		if found.After == "" {
			break
		}
		after = "?text=harga&limit=1&after=" + url.QueryEscape(found.After)
	}
	if len(names) != 2 || names[0] != "Harga Cabai" || names[1] != "Harga Beras" {
		t.Errorf("found %v", names)
	}
	var chosen bot.FoundChannels
	if p.do(http.MethodGet, bot.PathChannelSearch+"?countries=ID,MY&categories=BUSINESS", nil, &chosen); len(chosen.Channels) != 3 || chosen.After != "" {
		t.Errorf("chosen %+v", chosen)
	}
	for _, wrong := range []string{"?text=x&countries=ID", "?countries=Indonesia", "?view=new", "?limit=0", "?limit=101", "?categories=,"} {
		p.refusesAt(http.MethodGet, bot.PathChannelSearch+wrong, nil, http.StatusBadRequest)
	}
	var page bot.WAHAChannelPage
	p.waha(200, http.MethodPost, "/api/default/channels/search/by-text", object{"text": "HARGA", "categories": []string{}, "limit": 1, "startCursor": ""}, &page)
	if len(page.Channels) != 1 || !page.Page.HasNextPage || page.Page.HasPreviousPage || page.Page.EndCursor == nil || page.Channels[0].Name != "Harga Cabai" {
		t.Errorf("WAHA's page %+v", page)
	}
	page = bot.WAHAChannelPage{}
	p.waha(200, http.MethodPost, "/api/default/channels/search/by-view", object{"view": "RECOMMENDED", "countries": []string{"US"}, "categories": []string{}}, &page)
	if len(page.Channels) != 3 || page.Page.HasNextPage || page.Page.EndCursor != nil {
		t.Errorf("WAHA's page %+v", page)
	}
	p.waha(400, http.MethodPost, "/api/default/channels/search/by-text", object{"text": ""}, nil)
	p.waha(400, http.MethodPost, "/api/default/channels/search/by-view", object{"limit": 1000}, nil)
}
