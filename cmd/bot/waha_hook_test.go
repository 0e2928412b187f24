package main

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"sesi.dev/sesi/api/bot"
)

const wahaKey = "a-key-of-twenty-chars"

// wahaHook is a receiver as WAHA's users write it: it checks the HMAC of the raw body.
type wahaHook struct {
	*httptest.Server
	mu  sync.Mutex
	got []object
}

func startWAHAHook(t *testing.T) *wahaHook {
	t.Helper()
	h := &wahaHook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha512.New, []byte(wahaKey))
		mac.Write(body)
		if r.Header.Get("X-Webhook-Hmac") != hex.EncodeToString(mac.Sum(nil)) || r.Header.Get("X-Webhook-Hmac-Algorithm") != "sha512" ||
			r.Header.Get("X-Webhook-Request-Id") == "" || r.Header.Get("X-Webhook-Timestamp") == "" || r.Header.Get("X-Team") != "sales" {
			t.Errorf("a delivery with the headers %v", r.Header)
		}
		var e object
		if err := json.Unmarshal(body, &e); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		h.got = append(h.got, e)
		h.mu.Unlock()
	}))
	t.Cleanup(h.Close)
	return h
}

// find returns the payload of the first event of that name that fits.
func (h *wahaHook) find(name string, fits func(object) bool) object {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.got {
		payload, _ := e["payload"].(object)
		if e["event"] == name && payload != nil && fits(payload) {
			return e
		}
	}
	return nil
}

func (p *process) wahaEvent(h *wahaHook, name string, fits func(object) bool) (found object) {
	p.t.Helper()
	p.waitFor("the event "+name, func() bool { found = h.find(name, fits); return found != nil })
	return found
}

func any1(object) bool { return true }

// The events that WAHA's users get, by their own settings' names.
func TestWAHAsWebhook(t *testing.T) {
	t.Parallel()
	wa, h := whatsapp(t), startWAHAHook(t)
	p := start(t, settings(wa, t.TempDir(), "WHATSAPP_HOOK_URL="+h.URL, "WHATSAPP_HOOK_EVENTS=*", "WHATSAPP_HOOK_HMAC_KEY="+wahaKey,
		"WHATSAPP_HOOK_CUSTOM_HEADERS=X-Team:sales;X-Room:2", "WHATSAPP_HOOK_RETRIES_POLICY=constant", "WAHA_BASE_URL=https://wa.example.com/"))
	// A state that ends at once is in no event: the phone waits until there is one of the code.
	p.waitForEvent("an event of the code", func(e bot.Event) bool { return e.Type == bot.EventSession && e.Data.Session.State == bot.StatePairing })
	me := p.pair(wa)
	working := p.wahaEvent(h, "session.status", func(o object) bool { return o["status"] == "WORKING" })
	statuses, _ := working["payload"].(object)["statuses"].([]any)
	if len(statuses) < 2 || len(statuses) > 3 || working["engine"] != "GOWS" || working["session"] != "default" {
		t.Errorf("session.status: %v", working)
	}
	budi := wa.Person("6289900000001")
	id, err := budi.Write(jid(t, me.JID), "halo")
	mustSend(t, id, err)
	came := p.wahaEvent(h, "message", func(o object) bool { return o["body"] == "halo" })
	if got := came["payload"].(object)["id"]; got != "false_6289900000001@c.us_"+id || came["me"].(object)["id"] != phone+"@c.us" {
		t.Errorf("message: %v", came)
	}
	same := p.wahaEvent(h, "message.any", func(o object) bool { return o["body"] == "halo" })
	if same["id"] == came["id"] || !strings.HasPrefix(same["id"].(string), "evt_") {
		t.Errorf("two events have the id %v", same["id"])
	}
	var sent bot.WAHAMessage
	p.waha(201, http.MethodPost, bot.PathWAHASendText, object{"chatId": "6289900000001@c.us", "text": "hai"}, &sent)
	any := p.wahaEvent(h, "message.any", func(o object) bool { return o["id"] == sent.ID })
	if any["payload"].(object)["source"] != "api" || h.find("message", func(o object) bool { return o["id"] == sent.ID }) != nil {
		t.Errorf("of the account: %v", any)
	}
	if err := budi.Receipt(jid(t, me.JID), "read", sent.ID[strings.LastIndex(sent.ID, "_")+1:]); err != nil {
		t.Fatal(err)
	}
	p.wahaEvent(h, "message.ack", func(o object) bool { return o["id"] == sent.ID && o["ackName"] == "READ" && o["ack"] == 3.0 })
	p.waha(200, http.MethodPut, bot.PathWAHAReaction, object{"messageId": "false_6289900000001@c.us_" + id, "reaction": "👍"}, nil)
	reaction := p.wahaEvent(h, "message.reaction", any1)["payload"].(object)["reaction"].(object)
	if reaction["text"] != "👍" || reaction["messageId"] != "false_6289900000001@c.us_"+id {
		t.Errorf("reaction: %v", reaction)
	}
	p.waha(200, http.MethodPut, "/api/default/chats/6289900000001@c.us/messages/"+sent.ID, object{"text": "hai lagi"}, nil)
	edited := p.wahaEvent(h, "message.edited", any1)["payload"].(object)
	p.waha(200, http.MethodDelete, "/api/default/chats/6289900000001@c.us/messages/"+sent.ID, nil, nil)
	revoked := p.wahaEvent(h, "message.revoked", any1)["payload"].(object)
	if !strings.HasSuffix(sent.ID, edited["editedMessageId"].(string)) || !strings.HasSuffix(sent.ID, revoked["revokedMessageId"].(string)) {
		t.Errorf("%v and %v, want %s", edited, revoked, sent.ID)
	}
	// The bot's own API tells of the session's states too.
	var seen []bot.State
	var page bot.Events
	p.get(bot.PathEvents+"?types=session", &page)
	for _, e := range page.Events {
		seen = append(seen, e.Data.Session.State)
	}
	if !slices.Contains(seen, bot.StatePairing) || seen[len(seen)-1] != bot.StateConnected {
		t.Errorf("states %v", seen)
	}
}
