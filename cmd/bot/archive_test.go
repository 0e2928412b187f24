package main

import (
	"net/http"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/appstate"

	"sesi.dev/sesi/api/bot"
)

// A chat that is archived, or taken out of the archive, is an event in both forms, whether the bot or the phone did it.
func TestArchivedChatsAreEvents(t *testing.T) {
	t.Parallel()
	wa, h := whatsapp(t), startWAHAHook(t)
	p := start(t, settings(wa, t.TempDir(), "WHATSAPP_HOOK_URL="+h.URL, "WHATSAPP_HOOK_EVENTS=chat.archive", "WHATSAPP_HOOK_HMAC_KEY="+wahaKey,
		"WHATSAPP_HOOK_CUSTOM_HEADERS=X-Team:sales"))
	phone := wa.Person(jid(t, p.pair(wa).JID).User)
	// A chat that was archived before the bot could read it is no event.
	if err := phone.SetAppState(appstate.BuildArchive(jid(t, "62899000003@s.whatsapp.net"), true, time.Time{}, nil)); err != nil {
		t.Fatal(err)
	}
	if err := phone.GiveAppState(); err != nil {
		t.Fatal(err)
	}
	yes := true
	p.waitFor("the key", func() bool {
		status, _, err := p.tryJSON(http.MethodPatch, pathOf(bot.PathChat, "+"+sariPhone), bot.ChangeChatRequest{Archived: &yes})
		return err == nil && status == http.StatusOK
	})
	change := func(what bot.ChatEvent, phone string) {
		t.Helper()
		c := p.waitForEvent(string(what)+" "+phone, func(e bot.Event) bool {
			return e.Type == bot.EventChat && e.Data.ChatChange.Change == what && e.Data.ChatChange.Chat.Phone == "+"+phone
		})
		if c.Data.ChatChange.At.IsZero() || c.Chat != phone+"@s.whatsapp.net" {
			t.Errorf("%+v", c)
		}
		p.wahaEvent(h, "chat.archive", func(o object) bool {
			return o["id"] == phone+"@c.us" && o["archived"] == (what == bot.ChatArchived) && o["timestamp"].(float64) > 1.6e9
		})
	}
	change(bot.ChatArchived, sariPhone)
	if err := phone.SetAppState(appstate.BuildArchive(jid(t, sariPhone+"@s.whatsapp.net"), false, time.Time{}, nil)); err != nil {
		t.Fatal(err)
	}
	change(bot.ChatUnarchived, sariPhone)
	if err := phone.SetAppState(appstate.BuildArchive(jid(t, "62899000002@s.whatsapp.net"), true, time.Time{}, nil)); err != nil {
		t.Fatal(err)
	}
	change(bot.ChatArchived, "62899000002")
}
