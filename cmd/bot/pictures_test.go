package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.mau.fi/whatsmeow/proto/waSyncAction"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// photo is a JPEG with sides of so many pixels.
func photo(t *testing.T, side int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, side, side)), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// picture sends a request about a picture and returns the status, the headers and the body.
func (p *process) picture(method, path string, body []byte, header ...string) (*http.Response, []byte) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+p.plain+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := direct.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer, got
}

func TestPicturesAndTheProfile(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir(), "MEDIA_ALLOW=127.0.0.1"))
	own := jid(t, p.pair(wa).JID).User
	sari := wa.Person(sariPhone)
	path := pathOf(bot.PathContactPicture, sariPhone)
	if answer, _ := p.picture(http.MethodGet, path, nil); answer.StatusCode != http.StatusNotFound {
		t.Errorf("no picture: %s", answer.Status)
	}
	first, second := photo(t, 200), photo(t, 300)
	if err := sari.SetPicture(first); err != nil {
		t.Fatal(err)
	}
	answer, got := p.picture(http.MethodGet, path, nil)
	tag := answer.Header.Get("ETag")
	if answer.StatusCode != http.StatusOK || !bytes.Equal(got, first) || tag != `"`+sari.Profile().Picture+`"` || answer.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("a picture: %s %v, %d bytes", answer.Status, answer.Header, len(got))
	}
	if answer, got := p.picture(http.MethodGet, path, nil, "If-None-Match", tag); answer.StatusCode != http.StatusNotModified || len(got) != 0 {
		t.Errorf("the same picture: %s", answer.Status)
	}
	if err := sari.SetPicture(second); err != nil {
		t.Fatal(err)
	}
	if _, got := p.picture(http.MethodGet, path, nil, "If-None-Match", tag); !bytes.Equal(got, second) {
		t.Errorf("another picture: %d bytes", len(got))
	}

	group, err := wa.MakeGroup("Kas", "pn", own, sariPhone)
	if err != nil {
		t.Fatal(err)
	}
	other, err := wa.MakeGroup("Warga", "pn", sariPhone, own)
	if err != nil || other.SetLocked(sariPhone, true) != nil {
		t.Fatal(err)
	}
	for path, shown := range map[string]func() string{
		pathOf(bot.PathGroupPicture, group.JID().String()): func() string { return group.Info().Picture },
		bot.PathProfilePicture:                             func() string { return wa.Person(own).Profile().Picture },
	} {
		for name, c := range map[string]struct {
			kind string
			body []byte
			want int
		}{
			"a text": {"text/plain", first, http.StatusUnsupportedMediaType}, "no JPEG": {"image/jpeg", []byte("GIF89a"), http.StatusUnprocessableEntity},
			"too few pixels": {"image/jpeg", photo(t, 100), http.StatusUnprocessableEntity}, "none": {"image/jpeg", nil, http.StatusUnprocessableEntity},
			"too large": {"image/jpeg", append(photo(t, 200), make([]byte, bot.MaxPicture)...), http.StatusUnprocessableEntity},
		} {
			if answer, got := p.picture(http.MethodPut, path, c.body, "Content-Type", c.kind); answer.StatusCode != c.want {
				t.Errorf("%s: %s: %s %s", path, name, answer.Status, got)
			}
		}
		if answer, got := p.picture(http.MethodPut, path, second, "Content-Type", "image/jpeg"); answer.StatusCode != http.StatusOK || shown() == "" || !bytes.Contains(got, []byte(shown())) {
			t.Errorf("%s: %s %s", path, answer.Status, got)
		}
		if answer, got := p.picture(http.MethodGet, path, nil); answer.StatusCode != http.StatusOK || !bytes.Equal(got, second) {
			t.Errorf("%s: %s", path, answer.Status)
		}
		if answer, got := p.picture(http.MethodDelete, path, nil); answer.StatusCode != http.StatusOK || shown() != "" {
			t.Errorf("%s removed: %s %s", path, answer.Status, got)
		}
	}
	if answer, got := p.picture(http.MethodPut, pathOf(bot.PathGroupPicture, other.JID().String()), second, "Content-Type", "image/jpeg"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a locked group: %s %s", answer.Status, got)
	}

	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/1.jpg":
			_, _ = w.Write(first)
		case "/large.jpg":
			_, _ = w.Write(append(photo(t, 200), make([]byte, bot.MaxPicture)...))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(web.Close)
	path = bot.PathProfilePicture
	p.do(http.MethodPut, path, bot.PictureAddress{URL: web.URL + "/1.jpg"}, nil)
	if answer, got := p.picture(http.MethodGet, path, nil); answer.StatusCode != http.StatusOK || !bytes.Equal(got, first) {
		t.Errorf("a picture by its address: %s", answer.Status)
	}
	p.refusesAt(http.MethodPut, path, bot.PictureAddress{URL: web.URL + "/large.jpg"}, http.StatusUnprocessableEntity)
	p.refusesAt(http.MethodPut, path, bot.PictureAddress{URL: web.URL + "/none"}, http.StatusUnprocessableEntity)
	p.refusesAt(http.MethodPut, path, bot.PictureAddress{URL: "http://127.0.0.8/1.jpg"}, http.StatusUnprocessableEntity)
	p.refusesAt(http.MethodPut, path, bot.PictureAddress{}, http.StatusUnprocessableEntity)
	p.waha(200, http.MethodPut, "/api/default/groups/"+group.JID().String()+"/picture", object{"file": object{"url": web.URL + "/1.jpg"}}, nil)
	if answer, got := p.picture(http.MethodGet, pathOf(bot.PathGroupPicture, group.JID().String()), nil); !bytes.Equal(got, first) {
		t.Errorf("a group's picture by its address: %s", answer.Status)
	}

	about, empty := "buka jam 9", ""
	var profile bot.Profile
	p.do(http.MethodPatch, bot.PathProfile, bot.ChangeProfileRequest{About: &about}, &profile)
	if profile.About != about || profile.Phone != "+"+own || wa.Person(own).Profile().About != about {
		t.Errorf("profile %+v", profile)
	}
	p.refusesAt(http.MethodPatch, bot.PathProfile, bot.ChangeProfileRequest{}, http.StatusBadRequest)
	p.refusesAt(http.MethodPatch, bot.PathProfile, bot.ChangeProfileRequest{Name: &empty}, http.StatusBadRequest)
}

// What the devices of an account keep in common is changed on the phone too: its name, its chats, its address book.
func TestWhatTheAccountsDevicesShare(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	phone := wa.Person(jid(t, p.pair(wa).JID).User)
	came, err := wa.Person(sariPhone).Write(jid(t, phone.Number()+"@s.whatsapp.net"), "halo")
	mustSend(t, came, err)
	p.waitForEvent("the message", ofType(bot.EventMessage))
	name, yes, no := "Toko Budi", true, false
	// Without the phone's key nothing can be changed; with it, everything.
	p.refusesAt(http.MethodPatch, bot.PathProfile, bot.ChangeProfileRequest{Name: &name}, http.StatusConflict)
	if err := phone.GiveAppState(); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the key", func() bool {
		status, _, err := p.tryJSON(http.MethodPatch, bot.PathProfile, bot.ChangeProfileRequest{Name: &name})
		return err == nil && status == http.StatusOK
	})
	var profile bot.Profile
	if p.do(http.MethodGet, bot.PathProfile, nil, &profile); profile.Name != name || phone.Profile().Name != name {
		t.Errorf("profile %+v, on the phone %+v", profile, phone.Profile())
	}
	chat, path := sariPhone+"@s.whatsapp.net", pathOf(bot.PathChat, "+"+sariPhone)
	p.do(http.MethodPatch, path, bot.ChangeChatRequest{Archived: &yes, Unread: &yes}, nil)
	archived := phone.AppState("archive", chat).GetArchiveChatAction()
	if !archived.GetArchived() || archived.GetMessageRange().GetMessages()[0].GetKey().GetID() != came || phone.AppState("markChatAsRead", chat).GetMarkChatAsReadAction().GetRead() {
		t.Errorf("archived: %v", archived)
	}
	p.do(http.MethodPatch, path, bot.ChangeChatRequest{Archived: &no}, nil)
	if phone.AppState("archive", chat).GetArchiveChatAction().GetArchived() {
		t.Error("the chat is still archived")
	}
	p.do(http.MethodPut, pathOf(bot.PathContact, sariPhone), bot.NameContactRequest{FirstName: "Sari", FullName: "Sari Dewi"}, nil)
	var contact bot.Contact
	if p.do(http.MethodGet, pathOf(bot.PathContact, sariPhone), nil, &contact); contact.ContactName != "Sari Dewi" || phone.AppState("contact", chat).GetContactAction().GetFirstName() != "Sari" {
		t.Errorf("contact %+v", contact)
	}
	p.starsAndClears(t, phone, chat, came)
	p.do(http.MethodDelete, path, nil, nil)
	if phone.AppState("deleteChat", chat, "1").GetDeleteChatAction() == nil || len(p.chats(10)) != 1 {
		t.Error("the chat is not deleted on the phone, or on the bot too")
	}
	p.refusesAt(http.MethodPatch, path, bot.ChangeChatRequest{}, http.StatusBadRequest)
	p.refusesAt(http.MethodPatch, pathOf(bot.PathChat, "status"), bot.ChangeChatRequest{Archived: &yes}, http.StatusUnprocessableEntity)

	// The same by WAHA's paths.
	p.waha(200, http.MethodPut, "/api/default/profile/name", object{"name": "Toko Sari"}, nil)
	var own bot.WAHAProfile
	p.waha(200, http.MethodGet, "/api/default/profile", nil, &own)
	if own.Name != "Toko Sari" || own.Picture != nil || own.ID != phone.Number()+"@c.us" {
		t.Errorf("profile %+v", own)
	}
	p.waha(200, http.MethodPut, "/api/default/profile/status", object{"status": "buka"}, nil)
	p.waha(200, http.MethodPut, "/api/default/profile/picture", object{"file": object{"mimetype": "image/jpeg", "data": photo(t, 200)}}, nil)
	p.waha(400, http.MethodPut, "/api/default/profile/picture", object{"file": object{}}, nil)
	p.waha(422, http.MethodPut, "/api/default/profile/picture", object{"file": object{"url": "http://127.0.0.1/1.jpg"}}, nil)
	if shown := phone.Profile(); shown.About != "buka" || shown.Picture == "" {
		t.Errorf("on the phone %+v", shown)
	}
	p.waha(200, http.MethodDelete, "/api/default/profile/picture", nil, nil)
	p.waha(201, http.MethodPost, "/api/default/chats/"+sariPhone+"@c.us/archive", nil, nil)
	p.waha(201, http.MethodPost, "/api/default/chats/"+sariPhone+"@c.us/unarchive", nil, nil)
	p.waha(201, http.MethodPost, "/api/default/chats/"+sariPhone+"@c.us/unread", nil, nil)
	p.waha(200, http.MethodPut, "/api/default/contacts/"+sariPhone+"@c.us", object{"firstName": "Sari", "lastName": "D"}, nil)
	p.waha(200, http.MethodDelete, "/api/default/chats/"+sariPhone+"@c.us", nil, nil)
	p.deletesAGroup(wa, phone)
}

// starsAndClears puts a star at the message that came, takes it away, and clears the chat, by both APIs.
func (p *process) starsAndClears(t *testing.T, phone sim.Person, chat, came string) {
	t.Helper()
	starred := func() bool { return phone.AppState("star", chat, came, "0", "0").GetStarAction().GetStarred() }
	var done bot.Starred
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		want := method == http.MethodPut
		if p.do(method, pathOf(bot.PathMessageStar, came), nil, &done); starred() != want || done.Starred != want || done.ID != came {
			t.Errorf("%s: %+v, on the phone %v", method, done, starred())
		}
		id := "false_" + sariPhone + "@c.us_" + came
		p.waha(200, http.MethodPut, bot.PathWAHAStar, object{"session": "default", "chatId": sariPhone + "@c.us", "messageId": id, "star": !want}, nil)
		if starred() == want {
			t.Errorf("by WAHA's path it is %v on the phone", starred())
		}
	}
	p.refusesAt(http.MethodPut, pathOf(bot.PathMessageStar, "NONE"), nil, http.StatusNotFound)

	cleared := func() *waSyncAction.ClearChatAction {
		return phone.AppState("clearChat", chat, "1", "0").GetClearChatAction()
	}
	messages := pathOf(bot.PathChatMessages, "+"+sariPhone)
	p.refusesAt(http.MethodDelete, messages+"?devices=perhaps", nil, http.StatusBadRequest)
	var erased bot.Erased
	if p.do(http.MethodDelete, messages+"?devices=true", nil, &erased); erased.Messages != 1 || cleared().GetMessageRange().GetMessages()[0].GetKey().GetID() != came {
		t.Errorf("%d messages erased, on the phone %v", erased.Messages, cleared())
	}
	var left []bot.WAHAMessage
	again, err := phone.Write(jid(t, chat), "halo juga")
	mustSend(t, again, err)
	p.waitForEvent("the phone's message", func(e bot.Event) bool { return e.Type == bot.EventMessageSent && e.Data.Message.ID == again })
	path := "/api/default/chats/" + sariPhone + "@c.us/messages"
	p.waha(200, http.MethodDelete, path, nil, nil)
	if p.waha(200, http.MethodGet, path, nil, &left); len(left) != 0 || cleared().GetMessageRange().GetMessages()[0].GetKey().GetID() != again {
		t.Errorf("%d messages are left, on the phone %v", len(left), cleared())
	}
	p.waha(400, http.MethodDelete, "/api/default/chats/all/messages", nil, nil)
	// A chat that has a message again, for what follows.
	again, err = phone.Write(jid(t, chat), "masih di sini")
	mustSend(t, again, err)
	p.waitForEvent("another one", func(e bot.Event) bool { return e.Type == bot.EventMessageSent && e.Data.Message.ID == again })
}

// deletesAGroup leaves a group by WAHA's path, and its chat is gone from the phone.
func (p *process) deletesAGroup(wa *simtest.Sim, phone sim.Person) {
	p.t.Helper()
	group, err := wa.MakeGroup("Arisan", sim.AddrPN, phone.Number(), sariPhone)
	if err != nil {
		p.t.Fatal(err)
	}
	p.groupEvent(bot.GroupCreated, always)
	p.waha(200, http.MethodDelete, "/api/default/groups/"+group.JID().String(), nil, nil)
	if len(group.Info().Members) != 1 || phone.AppState("deleteChat", group.JID().String(), "1").GetDeleteChatAction() == nil {
		p.t.Errorf("the group has %v, the phone still has its chat", group.Info().Members)
	}
}
