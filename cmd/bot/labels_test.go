package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.mau.fi/whatsmeow/appstate"

	"sesi.dev/sesi/api/bot"
)

// names are the names of labels, with their ids and colors.
func names(all bot.Labels) (shown []string) {
	for _, l := range all.Labels {
		shown = append(shown, fmt.Sprint(l.ID, " ", l.Name, " ", l.Color))
	}
	return shown
}

// The account's labels, made by the bot and on the phone, and their events in both forms.
func TestLabels(t *testing.T) {
	t.Parallel()
	wa, h := whatsapp(t), startWAHAHook(t)
	p := start(t, settings(wa, t.TempDir(), "WHATSAPP_HOOK_URL="+h.URL, "WHATSAPP_HOOK_EVENTS=*", "WHATSAPP_HOOK_HMAC_KEY="+wahaKey,
		"WHATSAPP_HOOK_CUSTOM_HEADERS=X-Team:sales"))
	phone := wa.Person(jid(t, p.pair(wa).JID).User)
	chat := jid(t, sariPhone+"@s.whatsapp.net")
	// A label that the phone has before the bot can read it is no event, and is there when it is asked for.
	if err := phone.SetAppState(appstate.BuildLabelEdit("4", "Lama", 7, false)); err != nil {
		t.Fatal(err)
	}
	p.refusesAt(http.MethodGet, bot.PathLabels, nil, http.StatusConflict)
	if err := phone.GiveAppState(); err != nil {
		t.Fatal(err)
	}
	p.waitFor("the key", func() bool {
		status, _, err := p.tryJSON(http.MethodGet, bot.PathLabels, nil)
		return err == nil && status == http.StatusOK
	})
	var made bot.Label
	p.request(http.MethodPost, bot.PathLabels, bot.LabelRequest{Name: "Lunas", Color: 2}, http.StatusCreated, &made)
	if edit := phone.AppState("label_edit", made.ID).GetLabelEditAction(); made.ID != "5" || edit.GetName() != "Lunas" || edit.GetColor() != 2 {
		t.Errorf("made %+v, on the phone %v", made, edit)
	}
	p.do(http.MethodPut, pathOf(bot.PathLabel, made.ID), bot.LabelRequest{Name: "Sudah lunas", Color: 3}, nil)
	var all bot.Labels
	if p.do(http.MethodGet, bot.PathLabels, nil, &all); fmt.Sprint(names(all)) != "[4 Lama 7 5 Sudah lunas 3]" {
		t.Errorf("labels %v", names(all))
	}
	p.refusesAt(http.MethodPut, pathOf(bot.PathLabel, "99"), bot.LabelRequest{Name: "x"}, http.StatusNotFound)
	p.refusesAt(http.MethodPost, bot.PathLabels, bot.LabelRequest{Name: "x", Color: 20}, http.StatusBadRequest)
	p.refusesAt(http.MethodPost, bot.PathLabels, bot.LabelRequest{}, http.StatusBadRequest)

	of := pathOf(bot.PathChatLabels, "+"+sariPhone)
	p.do(http.MethodPut, of, bot.ChatLabelsRequest{Labels: []string{"4", "5"}}, nil)
	p.do(http.MethodPut, of, bot.ChatLabelsRequest{Labels: []string{"5"}}, nil)
	p.refusesAt(http.MethodPut, of, bot.ChatLabelsRequest{Labels: []string{"99"}}, http.StatusNotFound)
	p.refusesAt(http.MethodGet, pathOf(bot.PathChatLabels, "status"), nil, http.StatusUnprocessableEntity)
	if p.do(http.MethodGet, of, nil, &all); fmt.Sprint(names(all)) != "[5 Sudah lunas 3]" || phone.AppState("label_jid", "4", chat.String()).GetLabelAssociationAction().GetLabeled() {
		t.Errorf("the chat has %v", names(all))
	}
	var chats bot.LabelChats
	if p.do(http.MethodGet, pathOf(bot.PathLabelChats, "5"), nil, &chats); len(chats.Chats) != 1 || chats.Chats[0].Phone != "+"+sariPhone {
		t.Errorf("chats %+v", chats)
	}

	// What the phone changes is an event, and so is what the bot changed.
	if err := phone.SetAppState(appstate.BuildLabelChat(chat, "4", true)); err != nil {
		t.Fatal(err)
	}
	change := func(what bot.LabelEvent, id string) *bot.LabelChange {
		t.Helper()
		return p.waitForEvent(string(what)+" of label "+id, func(e bot.Event) bool {
			return e.Type == bot.EventLabel && e.Data.Label.Change == what && e.Data.Label.Label.ID == id
		}).Data.Label
	}
	if saved := change(bot.LabelSaved, "5"); saved.Label.Name != "Lunas" || saved.Label.Color != 2 || saved.Chat != nil || saved.At.IsZero() {
		t.Errorf("saved %+v", saved)
	}
	if added := change(bot.LabelAdded, "4"); added.Chat.Phone != "+"+sariPhone {
		t.Errorf("added %+v", added)
	}
	change(bot.LabelRemoved, "4")
	p.wahaEvent(h, "label.upsert", func(o object) bool { return o["name"] == "Sudah lunas" && o["colorHex"] == "#dfaef0" })
	p.wahaEvent(h, "label.chat.added", func(o object) bool { return o["labelId"] == "4" && o["chatId"] == sariPhone+"@c.us" })
	p.wahaEvent(h, "label.chat.deleted", func(o object) bool { return o["labelId"] == "4" })
	p.wahasLabels()
	if p.do(http.MethodDelete, pathOf(bot.PathLabel, "5"), nil, &made); made.Name != "Sudah lunas" {
		t.Errorf("deleted %+v", made)
	}
	p.refusesAt(http.MethodGet, pathOf(bot.PathLabelChats, "5"), nil, http.StatusNotFound)
	change(bot.LabelDeleted, "5")
	p.wahaEvent(h, "label.deleted", func(o object) bool { return o["id"] == "5" })
	// An id is not given again, because chats may still have it.
	if p.request(http.MethodPost, bot.PathLabels, bot.LabelRequest{Name: "Baru"}, http.StatusCreated, &made); made.ID != "7" {
		t.Errorf("made %+v", made)
	}
	p.makesLabelsAtOnce(7)
}

// makesLabelsAtOnce makes labels at the same time: none takes the place of another. last is the newest label's id.
func (p *process) makesLabelsAtOnce(last int) {
	p.t.Helper()
	const many = 5
	var making sync.WaitGroup
	for n := range many {
		making.Go(func() {
			if status, answer, err := p.tryJSON(http.MethodPost, bot.PathLabels, bot.LabelRequest{Name: fmt.Sprint("Serentak ", n)}); err != nil || status != http.StatusCreated {
				p.t.Errorf("status %d, %s, %v", status, answer, err)
			}
		})
	}
	making.Wait()
	var all bot.Labels
	p.do(http.MethodGet, bot.PathLabels, nil, &all)
	made := map[string]bool{}
	for _, label := range all.Labels {
		if id, err := strconv.Atoi(label.ID); err == nil && id > last && strings.HasPrefix(label.Name, "Serentak ") {
			made[label.Name] = true
		}
	}
	if len(made) != many {
		p.t.Errorf("%d of %d labels are there: %v", len(made), many, names(all))
	}
}

// wahasLabels are the labels by WAHA's paths.
func (p *process) wahasLabels() {
	p.t.Helper()
	const chat = "/api/default/labels/chats/" + sariPhone + "@c.us"
	var made bot.WAHALabel
	p.waha(201, http.MethodPost, "/api/default/labels", object{"name": "Lead", "colorHex": "#64C4FF"}, &made)
	if made != (bot.WAHALabel{ID: "6", Name: "Lead", Color: 1, ColorHex: "#64c4ff"}) {
		p.t.Errorf("made %+v", made)
	}
	p.waha(400, http.MethodPost, "/api/default/labels", object{"name": "Lead", "colorHex": "#123456"}, nil)
	p.waha(200, http.MethodPut, "/api/default/labels/6", object{"name": "Calon", "color": 0}, &made)
	if made.Name != "Calon" || made.ColorHex != "#ff9485" {
		p.t.Errorf("changed %+v", made)
	}
	p.waha(200, http.MethodPut, chat, object{"labels": []object{{"id": "6"}, {"id": "5"}}}, nil)
	var all []bot.WAHALabel
	if p.waha(200, http.MethodGet, chat, nil, &all); len(all) != 2 || all[0].ID != "5" || all[1].Name != "Calon" {
		p.t.Errorf("the chat has %+v", all)
	}
	if p.waha(200, http.MethodGet, "/api/default/labels", nil, &all); len(all) != 3 {
		p.t.Errorf("all: %+v", all)
	}
	var chats []bot.WAHAChatID
	if p.waha(200, http.MethodGet, "/api/default/labels/6/chats", nil, &chats); len(chats) != 1 || chats[0].ID != sariPhone+"@c.us" {
		p.t.Errorf("chats %+v", chats)
	}
	p.waha(404, http.MethodGet, "/api/default/labels/99/chats", nil, nil)
	p.waha(200, http.MethodDelete, "/api/default/labels/6", nil, nil)
	p.waha(404, http.MethodDelete, "/api/default/labels/6", nil, nil)
}
