package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/mediahost"
	"sesi.dev/sesi/test/wasim/sim"
)

// The account publishes texts and files in its own channel. They are not encrypted, and the followers' phones get them.
func TestAChannelOfTheAccount(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	own := jid(t, p.pair(wa).JID).User
	made, err := wa.Person(own).Newsletter(sariPhone)
	if err != nil {
		t.Fatal(err)
	}
	channel := made.String()
	m := p.sends(http.StatusOK, bot.SendRequest{To: channel, Text: "buka jam 9"})
	if m.State != bot.MessageSent || m.Chat.Kind != bot.PartyNewsletter || p.onPhone(wa, m.ID).Text != "buka jam 9" {
		t.Errorf("a text: %+v, the phone got %+v", m, p.onPhone(wa, m.ID))
	}
	picture := chart(t)
	m = p.sends(http.StatusOK, bot.SendRequest{To: channel, Image: &bot.SendFile{Data: picture, Caption: "bulan ini"}})
	if got := p.onPhone(wa, m.ID); got.Text != "bulan ini" || got.File == nil || got.File.Err != "" || !got.File.Plain || got.File.SHA256 != hashOf(picture) {
		t.Errorf("an image: the phone got %+v: %+v", got, got.File)
	}
	if status, body := p.call(http.MethodGet, m.Media.Path); status != http.StatusOK || !bytes.Equal(body, picture) {
		t.Errorf("status %d, %d bytes", status, len(body))
	}
	// By WAHA's paths a channel is a chat as others are.
	var sent bot.WAHAMessage
	p.waha(http.StatusCreated, http.MethodPost, bot.PathWAHASendText, object{"session": "default", "chatId": channel, "text": "tutup"}, &sent)
	if !strings.HasPrefix(sent.ID, "true_"+channel+"_") {
		t.Errorf("WAHA's message %+v", sent)
	}

	p.refuses(bot.ProblemUnsupported, bot.SendRequest{To: channel, Location: &bot.Location{Latitude: 1, Longitude: 1}})
	for field, request := range map[string]bot.SendRequest{
		"replyTo":        {Text: "x", ReplyTo: m.ID},
		"mentions":       {Text: "x", Mentions: []string{"+" + sariPhone}},
		"expiresIn":      {Text: "x", ExpiresIn: 86400},
		"image.viewOnce": {Image: &bot.SendFile{Data: picture, ViewOnce: true}},
	} {
		request.To = channel
		if problem := p.refuses(bot.ProblemBadParameter, request); !strings.Contains(problem.Detail, field) {
			t.Errorf("%s: %s", field, problem.Detail)
		}
	}
	other, err := wa.Person(sariPhone).Newsletter(own)
	if err != nil {
		t.Fatal(err)
	}
	p.refuses(bot.ProblemNotAllowed, bot.SendRequest{To: other.String(), Text: "x"})
}

// What others publish comes with its files, which no phone can bring back.
func TestAChannelThatTheAccountFollows(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	own := jid(t, p.pair(wa).JID).User
	channel, err := wa.Person(sariPhone).Newsletter(own)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(content []byte) bot.Message {
		t.Helper()
		file, err := wa.Attach(sim.Media{Kind: mediahost.Image, Data: content, Caption: "harga", Plain: true})
		if err != nil {
			t.Fatal(err)
		}
		id, err := wa.Publish(channel, file, sim.Delivery{})
		mustSend(t, id, err)
		return *p.waitForEvent("what was published", func(e bot.Event) bool {
			return e.Type == bot.EventMessage && e.Data.Message.ID == id
		}).Data.Message
	}
	content := bytes.Repeat([]byte("a price list "), 2_000)
	came := publish(content)
	if came.Kind != bot.KindImage || came.Text != "harga" || came.Chat.ID != channel.String() || came.Chat.Kind != bot.PartyNewsletter || came.FromMe {
		t.Errorf("%+v", came)
	}
	if answer, body := p.download(came.Media.Path); answer.StatusCode != http.StatusOK || !bytes.Equal(body, content) {
		t.Errorf("%s, %d bytes", answer.Status, len(body))
	}
	lost := publish([]byte("an older price list"))
	if err := wa.EndMedia(lost.ID, http.StatusGone); err != nil {
		t.Fatal(err)
	}
	if answer, body := p.download(lost.Media.Path); answer.StatusCode != http.StatusGone || !strings.Contains(string(body), string(bot.ProblemFileGone)) {
		t.Errorf("%s: %s", answer.Status, body)
	}
}

// Channels are listed, made, followed and muted, by the bot's paths and by WAHA's.
func TestChannels(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	p.pair(wa)
	var made, other bot.Channel
	status, body, err := p.tryJSON(http.MethodPost, bot.PathChannels, bot.CreateChannelRequest{Name: "Toko Budi", Description: "Harga", Picture: photo(t, 200)})
	if err = errors.Join(err, json.Unmarshal(body, &made)); err != nil || status != http.StatusCreated {
		t.Fatalf("status %d: %s, %v", status, body, err)
	}
	if made.Name != "Toko Budi" || made.Description != "Harga" || made.Role != bot.ChannelOwner || made.Link == "" {
		t.Errorf("made %+v", made)
	}
	p.sends(http.StatusOK, bot.SendRequest{To: made.ID, Text: "buka"})
	channel, err := wa.Person(sariPhone).Newsletter()
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return pathOf(path, channel.String()) }
	if p.do(http.MethodGet, at(bot.PathChannel), nil, &other); other.Role != bot.ChannelGuest || other.Followers != 0 {
		t.Errorf("before it is followed: %+v", other)
	}
	p.refusesAt(http.MethodPut, at(bot.PathChannelMute), nil, http.StatusBadGateway)
	if p.do(http.MethodPut, at(bot.PathChannelFollow), nil, &other); other.Role != bot.ChannelFollower || other.Followers != 1 || other.Muted {
		t.Errorf("followed: %+v", other)
	}
	if p.do(http.MethodPut, at(bot.PathChannelMute), nil, &other); !other.Muted {
		t.Errorf("muted: %+v", other)
	}
	// The invite names it, too.
	if p.do(http.MethodGet, strings.Replace(bot.PathChannel, "{id}", url.PathEscape(other.Link), 1), nil, &made); made.ID != channel.String() {
		t.Errorf("by its link: %+v", made)
	}
	id, err := wa.Publish(channel, sim.Text("harga"), sim.Delivery{})
	mustSend(t, id, err)
	p.waitForEvent("what was published", ofType(bot.EventMessage))
	var all bot.Channels
	if p.do(http.MethodGet, bot.PathChannels, nil, &all); len(all.Channels) != 2 {
		t.Errorf("all: %+v", all)
	}
	if p.do(http.MethodDelete, at(bot.PathChannelFollow), nil, &other); other.Role != bot.ChannelGuest {
		t.Errorf("no longer followed: %+v", other)
	}
	p.refusesAt(http.MethodGet, pathOf(bot.PathChannel, "120363499999999999@newsletter"), nil, http.StatusNotFound)
	p.refusesAt(http.MethodGet, pathOf(bot.PathChannel, "x@newsletter"), nil, http.StatusUnprocessableEntity)
	p.refusesAt(http.MethodPost, bot.PathChannels, bot.CreateChannelRequest{}, http.StatusBadRequest)
	p.refusesAt(http.MethodPost, bot.PathChannels, bot.CreateChannelRequest{Name: "x", Picture: []byte("x")}, http.StatusUnprocessableEntity)

	var one bot.WAHAChannel
	p.waha(201, http.MethodPost, "/api/default/channels", object{"name": "Warung", "picture": object{"mimetype": "image/jpeg", "data": photo(t, 200)}}, &one)
	if one.Role != "OWNER" || !strings.HasPrefix(one.Invite, "https://whatsapp.com/channel/") {
		t.Errorf("WAHA's channel %+v", one)
	}
	path := "/api/default/channels/" + channel.String()
	for _, change := range []string{"/follow", "/mute", "/unmute", "/unfollow"} {
		p.waha(201, http.MethodPost, path+change, nil, nil)
	}
	if p.waha(200, http.MethodGet, path, nil, &one); one.Role != "GUEST" {
		t.Errorf("WAHA's channel %+v", one)
	}
	var list []bot.WAHAChannel
	if p.waha(200, http.MethodGet, "/api/default/channels?role=OWNER", nil, &list); len(list) != 2 {
		t.Errorf("WAHA's list %+v", list)
	}
	p.waha(404, http.MethodGet, "/api/default/channels/120363499999999999@newsletter", nil, nil)
}
