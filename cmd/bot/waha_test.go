package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
)

// waha asks the bot as WAHA's clients do, and wants that status.
func (p *process) waha(want int, method, path string, body any, into any) string {
	p.t.Helper()
	status, answer, err := p.tryJSON(method, path, body)
	if err != nil || status != want {
		p.t.Fatalf("%s %s: status %d, want %d: %s %v", method, path, status, want, answer, err)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			p.t.Fatalf("%s %s: %v in %s", method, path, err, answer)
		}
	}
	return string(answer)
}

type object = map[string]any

// What WAHA's clients send and read, against a real bot.
func TestWAHAsClientsSendAndRead(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	// Before a phone is linked, clients are told so in the words that they compare.
	refused := p.waha(422, http.MethodPost, bot.PathWAHASendText, object{"session": "default", "chatId": "6289900000001@c.us", "text": "halo"}, nil)
	if !regexp.MustCompile(`^{"error":"Session status is not as expected. Try again later or restart the session","session":"[^"]+","status":"(STARTING|SCAN_QR_CODE)","expected":\["WORKING"\],`).MatchString(refused) {
		t.Errorf("an unlinked session: %s", refused)
	}
	me := p.pair(wa)
	budi := wa.Person("6289900000001")
	came, err := budi.Write(jid(t, me.JID), "berapa saldo saya?")
	mustSend(t, came, err)
	p.waitForEvent("the question", ofType(bot.EventMessage))

	var list []bot.WAHAMessage
	p.waha(200, http.MethodGet, "/api/default/chats/all/messages?limit=5", nil, &list)
	if len(list) != 1 || list[0].ID != "false_6289900000001@c.us_"+came || list[0].From != "6289900000001@c.us" || list[0].Ack != 2 ||
		list[0].To != phone+"@c.us" || list[0].Body != "berapa saldo saya?" || list[0].FromMe || list[0].HasMedia {
		t.Fatalf("messages: %+v", list)
	}

	var sent bot.WAHAMessage
	p.waha(201, http.MethodPost, bot.PathWAHASendText, object{"session": "default", "chatId": "6289900000001@c.us", "text": "Rp 10.000",
		"reply_to": list[0].ID, "linkPreview": true, "unknown": 1}, &sent)
	if !strings.HasPrefix(sent.ID, "true_6289900000001@c.us_3EB0") || sent.Ack < 1 || sent.Source != "api" || sent.ReplyTo == nil || sent.ReplyTo.ID != came {
		t.Errorf("sent: %+v", sent)
	}
	bare := sent.ID[strings.LastIndex(sent.ID, "_")+1:]
	if got := p.onPhone(wa, bare); got.Text != "Rp 10.000" {
		t.Errorf("the phone has %+v", got)
	}

	link := "https://toko.example/1"
	for path, body := range map[string]object{
		bot.PathWAHASendPreview: {"text": "Lihat " + link, "preview": object{"url": link, "title": "Toko", "description": "Buka jam 9", "image": object{"url": "https://toko.example/1.jpg"}}},
		bot.PathWAHASendLink:    {"url": link, "title": "Toko"},
	} {
		body["session"], body["chatId"] = "default", "6289900000001@c.us"
		var m bot.WAHAMessage
		p.waha(201, http.MethodPost, path, body, &m)
		if kept := p.stored(m.ID[strings.LastIndex(m.ID, "_")+1:]); kept.LinkPreview == nil || kept.LinkPreview.URL != link || kept.LinkPreview.Title != "Toko" {
			t.Errorf("%s: %+v", path, kept)
		}
	}
	p.waha(400, http.MethodPost, bot.PathWAHASendPreview, object{"chatId": "6289900000001@c.us", "text": "tanpa alamat", "preview": object{"url": link}}, nil)

	p.waha(200, http.MethodPut, bot.PathWAHAReaction, object{"session": "default", "messageId": list[0].ID, "reaction": "👍"}, nil)
	p.waha(200, http.MethodPut, bot.PathWAHAReaction, object{"messageId": came, "reaction": ""}, nil)
	p.waha(201, http.MethodPost, bot.PathWAHAForward, object{"session": "default", "chatId": "6289900000001", "messageId": list[0].ID}, &sent)
	p.waha(201, http.MethodPost, bot.PathWAHASeen, object{"session": "default", "chatId": "6289900000001@c.us"}, nil)
	var read bot.WAHARead
	p.waha(201, http.MethodPost, "/api/default/chats/6289900000001%40c.us/messages/read", nil, &read)
	if len(read.IDs) != 1 || read.IDs[0] != list[0].ID {
		t.Errorf("read: %+v", read)
	}
	p.waha(200, http.MethodPut, "/api/default/chats/6289900000001@c.us/messages/true_6289900000001@c.us_"+bare, object{"text": "Rp 11.000"}, nil)
	p.waha(200, http.MethodGet, "/api/default/chats/6289900000001@c.us/messages/"+bare, nil, &sent)
	if sent.Body != "Rp 11.000" {
		t.Errorf("edited: %+v", sent)
	}
	p.waha(200, http.MethodDelete, "/api/default/chats/6289900000001@c.us/messages/"+sent.ID, nil, nil)
	p.waha(404, http.MethodGet, "/api/default/chats/6289900000001@c.us/messages/3EB0FFFF", nil, nil)

	p.waha(200, http.MethodGet, "/api/messages?session=default&limit=10&chatId=6289900000001@c.us&filter.fromMe=false&sortOrder=asc", nil, &list)
	if len(list) != 1 || list[0].FromMe {
		t.Errorf("of others: %+v", list)
	}
	p.waha(200, http.MethodGet, "/api/default/chats/all/messages?limit=1&offset=1&filter.timestamp.gte=1", nil, &list)
	if len(list) != 1 {
		t.Errorf("one: %+v", list)
	}
}

// An id makes a repeated request safe, and is the message's id at WhatsApp.
func TestWAHAsIDSendsOnce(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	p.pair(wa)
	if err := wa.Person("6289900000001").Set(sim.PersonState{}); err != nil {
		t.Fatal(err)
	}
	var fresh bot.WAHANewID
	p.waha(200, http.MethodGet, "/api/default/new-message-id", nil, &fresh)
	body := object{"session": "default", "chatId": "6289900000001@c.us", "text": "satu", "id": fresh.ID}
	for range 2 {
		var m bot.WAHAMessage
		p.waha(201, http.MethodPost, bot.PathWAHASendText, body, &m)
		if m.ID != "true_6289900000001@c.us_"+fresh.ID {
			t.Errorf("id %s, want that of the request", m.ID)
		}
	}
	n := 0
	for _, m := range onPhones(wa) {
		if m.ID == fresh.ID {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the phone got it %d times", n)
	}
	body["text"] = "dua"
	p.waha(422, http.MethodPost, bot.PathWAHASendText, body, nil)
	for field, value := range map[string]any{"id": "has space", "chatId": "", "reply_to": "a_b", "text": ""} {
		bad := object{"chatId": "6289900000001@c.us", "text": "x"}
		bad[field] = value
		if said := p.waha(400, http.MethodPost, bot.PathWAHASendText, bad, nil); !strings.Contains(said, field+": ") {
			t.Errorf("a bad %s: %s", field, said)
		}
	}
	p.waha(404, http.MethodPost, bot.PathWAHASendText, object{"session": "other", "chatId": "6289900000001@c.us", "text": "x"}, nil)
}

// Numbers and hidden addresses.
func TestWAHAsNumbers(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	me := p.pair(wa)
	budi := wa.Person("6289900000001")
	id, err := budi.Write(jid(t, me.JID), "halo")
	mustSend(t, id, err)
	p.waitForEvent("the message", ofType(bot.EventMessage))

	var number bot.WAHANumber
	p.waha(200, http.MethodGet, bot.PathWAHACheckExists+"?session=default&phone=6289900000001", nil, &number)
	if !number.NumberExists || number.ChatID != "6289900000001@c.us" {
		t.Errorf("someone who wrote: %+v", number)
	}
	var pair bot.WAHALID
	p.waha(200, http.MethodGet, "/api/default/lids/pn/6289900000001@c.us", nil, &pair)
	if pair.LID == nil || pair.PN == nil || *pair.PN != "6289900000001@c.us" || !strings.HasSuffix(*pair.LID, "@lid") {
		t.Fatalf("the hidden address: %+v", pair)
	}
	lid := *pair.LID
	p.waha(200, http.MethodGet, "/api/default/lids/"+strings.Replace(lid, "@", "%40", 1), nil, &pair)
	if pair.PN == nil || *pair.PN != "6289900000001@c.us" {
		t.Errorf("the number: %+v", pair)
	}
	p.waha(200, http.MethodGet, "/api/default/lids/999", nil, &pair)
	if pair.PN != nil {
		t.Errorf("nobody's: %+v", pair)
	}
	p.waitFor("as many to be counted as are listed, which may become more meanwhile", func() bool {
		var all []bot.WAHALID
		p.waha(200, http.MethodGet, "/api/default/lids?limit=500", nil, &all)
		var count bot.WAHACount
		p.waha(200, http.MethodGet, "/api/default/lids/count", nil, &count)
		return count.Count == len(all) && slices.ContainsFunc(all, func(one bot.WAHALID) bool { return *one.LID == lid })
	})
}

// What WhatsApp refuses is an exception in the words that WAHA's clients look for, and says what a problem says.
func TestWhatWhatsAppRefusesInWAHAsWords(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	p.pair(wa)
	send := func(to string) object { return object{"session": "default", "chatId": to + "@c.us", "text": "halo"} }
	for _, code := range []int{463, 403} {
		fault(t, wa, sim.Fault{Kind: sim.FaultAckError, Code: code, Count: 1, To: "62899000001"})
		var got bot.WAHAException
		p.waha(500, http.MethodPost, bot.PathWAHASendText, send("62899000001"), &got)
		want := fmt.Sprintf("server returned error %d", code)
		if got.Exception.Message != want || got.StatusCode != 500 || got.Message != want || got.Type == "" || got.Timestamp == "" ||
			got.Request.Path != bot.PathWAHASendText || got.Retryable == nil || got.MessageID == "" {
			t.Errorf("%d: %+v", code, got)
		}
	}
	// A number that nobody has is never written to, and trying again does not help: it is not WAHA's 500.
	refused := p.waha(422, http.MethodPost, bot.PathWAHASendText, send("999123456789"), nil)
	if !strings.Contains(refused, `"retryable":false`) || strings.Contains(refused, bot.WAHAWrongStatusText) {
		t.Errorf("a stranger: %s", refused)
	}
	// In Brazil the number that people have can be another than WhatsApp's.
	if err := wa.Person("5511987654321").Alias("551187654321"); err != nil {
		t.Fatal(err)
	}
	var number bot.WAHANumber
	p.waha(200, http.MethodGet, bot.PathWAHACheckExists+"?phone=551187654321", nil, &number)
	if !number.NumberExists || number.ChatID != "5511987654321@c.us" {
		t.Errorf("Brazil: %+v", number)
	}
}
