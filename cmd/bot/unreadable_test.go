package main

import (
	"net/http"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// A fault of the disk spoils rows of the journal while the bot is off. What is in the other rows is sent, delivered and
// shown, and each of the spoiled ones ends where somebody sees it.
func TestRowsThatCannotBeReadHoldUpNoOther(t *testing.T) {
	t.Parallel()
	wa, dir, h := whatsapp(t), t.TempDir(), startHook(t)
	env := settings(wa, dir, "WEBHOOK_URL="+h.URL, "WEBHOOK_SECRET="+hookSecret, "WEBHOOK_EVENTS=message,message.state")
	h.answer(func(int, bot.Event) int { return http.StatusServiceUnavailable })
	p := start(t, env)
	own := jid(t, p.pair(wa).JID)
	sari := wa.Person("62899000001")
	for _, words := range []string{"rusak", "utuh"} {
		id, err := sari.Write(own, words)
		mustSend(t, id, err)
	}
	p.waitFor("both messages", func() bool { return len(p.chats(50)) == 1 && p.chats(50)[0].Unread == 2 })
	p.call(http.MethodPost, bot.PathStop)
	first := p.sends(http.StatusAccepted, textTo("+62899000001", "tidak terbaca"), "Prefer", "respond-async")
	second := p.sends(http.StatusAccepted, textTo("+62899000001", "terbaca"), "Prefer", "respond-async")
	p.terminate()
	for _, statement := range []string{
		`UPDATE sends SET body = substr(body, 1, length(body) - 9) WHERE id = '` + first.ID + `'`,
		`UPDATE events SET data = substr(data, 1, length(data) - 9) WHERE type = 'message' AND CAST(data AS TEXT) LIKE '%"rusak"%'`,
		`UPDATE messages SET body = substr(body, 1, length(body) - 9) WHERE CAST(body AS TEXT) LIKE '%"rusak"%'`,
		`UPDATE webhooks SET state = substr(state, 1, length(state) - 1) WHERE name = 'default'`,
	} {
		if n := changeJournal(t, dir, statement); n != 1 {
			t.Fatalf("%d rows: %s", n, statement)
		}
	}
	h.answer(func(int, bot.Event) int { return http.StatusNoContent })
	p = start(t, env)
	p.call(http.MethodPost, bot.PathRestart)
	p.becomes(second.ID, bot.MessageDelivered)
	if m := p.becomes(first.ID, bot.MessageFailed); m.Problem == nil || m.Problem.Type != bot.ProblemUnreadable.Type() || m.Text != "tidak terbaca" {
		t.Errorf("%+v", m)
	}
	if reads(wa, first.ID) != 0 || reads(wa, second.ID) != 1 {
		t.Error("what cannot be read was sent, or the other one was not")
	}
	var page bot.Events
	if status := p.get(bot.PathEvents+"?after=oldest&types=message", &page); status != http.StatusOK || len(page.Events) != 1 || page.Events[0].Data.Message.Text != "utuh" {
		t.Errorf("events: %d, %+v", status, page)
	}
	var list bot.Messages
	if p.get(bot.PathMessages, &list); len(list.Messages) != 4 || list.Messages[3].UnsupportedType != "unreadable" || list.Messages[3].Chat.Phone != "+62899000001" {
		t.Errorf("messages: %+v", list)
	}
	if chats := p.chats(50); len(chats) != 1 {
		t.Errorf("chats: %+v", chats)
	}
	var letters bot.DeadLetters
	p.waitFor("the dead letter", func() bool {
		p.get(at(bot.PathWebhookDead, "default"), &letters)
		return len(letters.DeadLetters) == 1
	})
	if l := letters.DeadLetters[0]; l.Type != bot.EventMessage || !strings.Contains(l.Error, "cannot read") {
		t.Errorf("%+v", l)
	}
	p.waitFor("the webhook to get the others", func() bool {
		got := map[string]bool{}
		for _, e := range h.events() {
			switch {
			case e.Data.Message != nil:
				got[e.Data.Message.Text] = true
			case e.Data.State != nil && e.Data.State.Problem != nil:
				got[e.Data.State.ID+e.Data.State.Problem.Type] = true
			}
		}
		return got["utuh"] && got[first.ID+bot.ProblemUnreadable.Type()]
	})
	p.wrote(`"table":"sends"`)
	if n := strings.Count(p.out.String(), `"table":"sends"`); n != 1 || strings.Contains(p.out.String(), "terbaca") {
		t.Errorf("the log names the message %d times", n)
	}
}
