package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
)

// Settings of messages change while the bot runs: what quiet hours held goes at once, and the connection stays. The
// snapshot says in its summary what holds messages back, and which webhooks there are.
func TestSettingsOfMessagesChangeInARunningBot(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	wa.Person("62899000002")
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		return file
	}
	now := time.Now().UTC()
	quiet := now.Add(-time.Hour).Format("15:04") + "-" + now.Add(2*time.Hour).Format("15:04")
	hooks := write("webhooks.json", `{"webhooks":[]}`)
	file := write("messages.env", "MESSAGES_QUIET_HOURS="+quiet+"\nMESSAGES_TIME_ZONE=UTC\n")
	p := start(t, settings(wa, dir, "MESSAGES_FILE="+file, "WEBHOOKS_FILE="+hooks))
	connected := p.pair(wa).ConnectedAt
	p.until("the quiet hours in the summary", func(s bot.Snapshot) bool {
		return s.Messages != nil && s.Messages.Held != nil && s.Messages.Held.Reason == bot.HoldQuietHours
	})
	m := p.sends(202, bot.SendRequest{To: "62899000002", Text: "later"}, "Prefer", "respond-async")
	if held := p.becomes(m.ID, bot.MessageHeld); held.Hold == nil || held.Hold.Reason != bot.HoldQuietHours {
		t.Fatalf("held for %+v, want quiet hours", held.Hold)
	}
	private := bot.SendRequest{To: "62899000002", Document: &bot.SendFile{URL: "http://127.0.0.1:1/"}}
	p.refuses(bot.ProblemAddressRefused, private)
	write("messages.env", "MEDIA_ALLOW=http://127.0.0.1\n")
	p.waitFor("the complaint about an address", func() bool { return strings.Contains(p.out.String(), "MEDIA_ALLOW") })
	write("messages.env", "MESSAGES_QUIET_HOURS=noon\n")
	p.waitFor("the complaint", func() bool { return strings.Contains(p.out.String(), "MESSAGES_QUIET_HOURS") })
	write("messages.env", "MESSAGES_QUIET_HOURS=off\nMESSAGES_PACE=30\nMEDIA_ALLOW=127.0.0.1\nMEDIA_MAX_FILE=1\n")
	p.becomes(m.ID, bot.MessageDelivered)
	var limits bot.AccountLimits
	if p.get(bot.PathAccountLimits, &limits); limits.Pace.PerMinute != 30 || limits.Pace.QuietHours != "" {
		t.Errorf("pace %+v, want 30 a minute and no quiet hours", limits.Pace)
	}
	p.refuses(bot.ProblemFetchFailed, private)
	p.refuses(bot.ProblemFileTooLarge, bot.SendRequest{To: "62899000002", Document: &bot.SendFile{Data: make([]byte, 1<<20+1)}})
	write("webhooks.json", `{"webhooks":[{"name":"books","url":"http://127.0.0.1:1/"}]}`)
	s := p.until("the webhook in the summary", func(s bot.Snapshot) bool { return s.Messages != nil && len(s.Messages.Webhooks) == 1 })
	if s.Messages.Webhooks[0].Name != "books" || s.Messages.Webhooks[0].State != bot.WebhookDelivering || s.Messages.Held != nil {
		t.Errorf("summary %+v", s.Messages)
	}
	if !s.Connected || s.ConnectedAt != connected {
		t.Errorf("connected since %v, want since %v: a setting must not reconnect", s.ConnectedAt, connected)
	}
}

// What people see of a message that the bot has is a setting of the running bot.
func TestReceiptsChangeInARunningBot(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	file := filepath.Join(dir, "messages.env")
	write := func(text string) {
		t.Helper()
		if err := errors.Join(os.WriteFile(file+".new", []byte(text), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Fatal(err)
		}
	}
	write("MESSAGES_RECEIPTS=none\n")
	p := start(t, settings(wa, dir, "MESSAGES_FILE="+file))
	to := jid(t, p.pair(wa).JID)
	sees := func(kind string) {
		t.Helper()
		p.waitFor("a receipt of type "+kind, func() bool {
			id, err := wa.Person("62899000003").Write(to, "hello")
			mustSend(t, id, err)
			return slices.ContainsFunc(wa.Signals(0), func(s sim.Signal) bool { return s.Tag == "receipt" && s.Type == kind })
		})
	}
	sees("inactive")
	if slices.ContainsFunc(wa.Signals(0), func(s sim.Signal) bool { return s.Tag == "receipt" && s.Type == "" }) {
		t.Error("the sender sees two ticks")
	}
	write("")
	sees("")
}

// A bot that cannot read its settings does not start with others.
func TestWrongSettingsOfMessagesEndTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "messages.env")
	if err := os.WriteFile(file, []byte("MESSAGES_PACE=fast\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, settings(nil, dir, "MESSAGES_FILE="+file), nil)
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("it runs")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != exitSettings {
		t.Errorf("exit code %d", code)
	}
	p.wrote("MESSAGES_PACE", "line 1")
}

// However many messages come, and however a receiver behaves, the snapshot changes rarely: each change costs the operator
// a write to the API server.
func TestManyMessagesChangeTheSnapshotRarely(t *testing.T) {
	t.Parallel()
	wa, h := whatsapp(t), startHook(t)
	p := start(t, settings(wa, t.TempDir(), "WEBHOOK_URL="+h.URL, "WEBHOOK_SECRET="+hookSecret, "WEBHOOK_EVENTS=message"))
	to := jid(t, p.pair(wa).JID)
	p.until("the webhook in the summary", func(s bot.Snapshot) bool { return s.Messages != nil && len(s.Messages.Webhooks) == 1 })
	h.answer(func(n int, _ bot.Event) int {
		if n%3 == 0 {
			return http.StatusInternalServerError
		}
		return http.StatusNoContent
	})
	const people, each = 20, 50
	began, before := time.Now(), p.snapshot().Revision
	for i := range people * each {
		id, err := wa.Person(fmt.Sprintf("628990011%02d", i%people)).Write(to, fmt.Sprint(i))
		mustSend(t, id, err)
	}
	p.waitFor("a good part of them at the receiver", func() bool { return len(h.events()) >= people*each/4 })
	changes := p.snapshot().Revision - before
	if most := 2 + uint64(time.Since(began)/reportTime); changes > most {
		t.Errorf("the snapshot changed %d times in %s, want at most %d", changes, time.Since(began), most)
	}
	t.Logf("%d messages and %d deliveries in %s changed the snapshot %d times", people*each, len(h.events()), time.Since(began).Round(time.Second), changes)
}
