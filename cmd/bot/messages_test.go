package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
)

func (p *process) get(path string, into any, header ...string) int {
	p.t.Helper()
	status, body := p.call(http.MethodGet, path, header...)
	if status == http.StatusOK {
		if err := json.Unmarshal(body, into); err != nil {
			p.t.Fatalf("GET %s: %v in %s", path, err, body)
		}
	}
	return status
}

// journalEvents reads all events after a cursor, but for those of the session.
func (p *process) journalEvents(after uint64) (all []bot.Event) {
	p.t.Helper()
	for {
		var page bot.Events
		if status := p.get(fmt.Sprintf("%s?after=%d&limit=500", bot.PathEvents, after), &page); status != http.StatusOK {
			p.t.Fatalf("events after %d: status %d", after, status)
		}
		all = append(all, slices.DeleteFunc(slices.Clone(page.Events), func(e bot.Event) bool { return e.Type == bot.EventSession })...)
		if len(page.Events) == 0 {
			return all
		}
		after = page.Next
	}
}

// waitForEvent waits for the first event that fits, by long poll.
func (p *process) waitForEvent(what string, fits func(bot.Event) bool) (found bot.Event) {
	p.t.Helper()
	var seen []bot.EventType
	after := uint64(0)
	p.waitFor(what, func() bool {
		var page bot.Events
		p.get(fmt.Sprintf("%s?after=%d&wait=1", bot.PathEvents, after), &page)
		for _, e := range page.Events {
			seen = append(seen, e.Type)
			if fits(e) {
				found = e
				return true
			}
		}
		after = page.Next
		return false
	})
	return found
}

// connectedEvent waits for the event of the connection, which comes behind the state.
func (p *process) connectedEvent() {
	p.t.Helper()
	p.waitForEvent("the event of the connection", func(e bot.Event) bool {
		return e.Type == bot.EventSession && e.Data.Session.State == bot.StateConnected
	})
}

func ofType(kind bot.EventType) func(bot.Event) bool {
	return func(e bot.Event) bool { return e.Type == kind }
}

func mustSend(t *testing.T, id string, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func jid(t testing.TB, text string) types.JID {
	t.Helper()
	parsed, err := types.ParseJID(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.ToNonAD()
}

func TestWhatPeopleDoIsOneEventEach(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	send := func(how sim.Delivery, message string) string {
		id, err := friend.Send(own, sim.Text(message), how)
		return mustSend(t, id, err)
	}
	first := send(sim.Delivery{Name: "Budi"}, "halo")
	e := p.waitForEvent("a message", ofType(bot.EventMessage))
	m := e.Data.Message
	if m.ID != first || m.Text != "halo" || m.From.Name != "Budi" || m.From.Phone != "+62899000001" || m.From.LID == "" || e.Chat != m.Chat.ID || e.Session != "default" {
		t.Errorf("%+v %+v", e, m)
	}

	send(sim.Delivery{Twice: true}, "twice")
	broken := send(sim.Delivery{Bad: 1}, "secret")
	p.waitForEvent("the message that came again", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.ID == broken })
	kinds := map[bot.EventType]int{}
	for _, e := range p.journalEvents(0) {
		kinds[e.Type]++
	}
	if kinds[bot.EventMessage] != 3 || kinds[bot.EventMessageUndecryptable] != 1 {
		t.Errorf("events %v", kinds)
	}

	group, err := wa.MakeGroup("Keluarga", "lid", "62899000001", phone)
	if err != nil {
		t.Fatal(err)
	}
	id, err := friend.Write(jid(t, group.JID().String()), "di grup")
	inGroup := mustSend(t, id, err)
	e = p.waitForEvent("a message of a group", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.ID == inGroup })
	if e.Chat != group.JID().String() || e.Data.Message.Chat.Kind != bot.PartyGroup || e.Data.Message.From.Phone != "+62899000001" {
		t.Errorf("%+v", e.Data.Message)
	}

	id, err = wa.Person(phone).Write(jid(t, "62899000001@s.whatsapp.net"), "dari ponsel")
	mine := mustSend(t, id, err)
	e = p.waitForEvent("the phone's own message", ofType(bot.EventMessageSent))
	if e.Data.Message.ID != mine || !e.Data.Message.FromMe || e.Data.Message.Origin != bot.OriginPhone {
		t.Errorf("%+v", e.Data.Message)
	}

	var list bot.Messages
	if status := p.get(bot.PathMessages+"?chat=%2B62899000001&limit=2", &list); status != http.StatusOK || len(list.Messages) != 2 || list.Messages[0].ID != mine || list.Before == 0 {
		t.Errorf("status %d, %+v", status, list)
	}
	for _, forbidden := range []string{"halo", "secret", "62899000001", "Budi"} {
		if strings.Contains(p.out.String(), forbidden) {
			t.Errorf("the log holds %q", forbidden)
		}
	}
}

func TestEventsStreamAndResume(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	p.connectedEvent() // so that the messages are the newest events
	read := func(lastID string, want string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.plain+bot.PathEvents+"?types=message", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Last-Event-ID", lastID)
		response, err := direct.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		scan := bufio.NewScanner(response.Body)
		for scan.Scan() {
			if data, found := strings.CutPrefix(scan.Text(), "data: "); found {
				var e bot.Event
				if err := json.Unmarshal([]byte(data), &e); err != nil || e.Data.Message.Text != want {
					t.Fatalf("%s, %v; want %q", data, err, want)
				}
				return strconv.FormatUint(e.Seq, 10)
			}
		}
		t.Fatalf("the stream ended: %v", scan.Err())
		return ""
	}
	friend := wa.Person("62899000001")
	for _, message := range []string{"one", "two"} {
		id, err := friend.Write(own, message)
		mustSend(t, id, err)
	}
	last := read(read("0", "one"), "two")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.plain+bot.PathEvents+"?types=reaction&after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	filtered, err := direct.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer filtered.Body.Close()
	want := "retry: 2000\nid: " + last + "\n\n"
	start := make([]byte, len(want))
	if _, err := io.ReadFull(filtered.Body, start); err != nil || string(start) != want {
		t.Errorf("a reader of other types is told %q, %v", start, err)
	}
	if status, body := p.call(http.MethodGet, bot.PathEvents+"?after=99"); status != http.StatusGone {
		t.Errorf("a cursor of the future: %d %s", status, body)
	}
	if status, body := p.call(http.MethodDelete, "/api/chats/62899000001@s.whatsapp.net/messages"); status != http.StatusOK || string(body) != "{\"messages\":2}\n" {
		t.Errorf("erase: %d %s", status, body)
	}
	if left := p.journalEvents(0); len(left) != 0 {
		t.Errorf("after erasure %d events are left", len(left))
	}
}

func TestAFullDiskAcknowledgesNothing(t *testing.T) {
	wa, dir := whatsapp(t), smallDisk(t, "10m")
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	ballast := fill(t, dir)
	friend := wa.Person("62899000001")
	var sent []string
	for i := range 20 {
		id, err := friend.Send(own, sim.Text(fmt.Sprint(i)+strings.Repeat(" text", 4000)), sim.Delivery{})
		sent = append(sent, mustSend(t, id, err))
	}
	p.until("the bot to leave WhatsApp", func(s bot.Snapshot) bool { return !s.Connected })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	// whatsmeow's own database is on the same disk: what it could not decrypt meanwhile is sent again, after the
	// others.
	came := func() map[string]int {
		ids := map[string]int{}
		for _, e := range p.journalEvents(0) {
			if e.Type == bot.EventMessage {
				ids[e.Data.Message.ID]++
			}
		}
		return ids
	}
	p.waitFor("all messages", func() bool { return len(came()) == len(sent) })
	for id, n := range came() {
		if n != 1 {
			t.Errorf("message %s is there %d times", id, n)
		}
	}
}

func TestMessagesOff(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir, "MESSAGES=off"))
	if status, body := p.call(http.MethodGet, bot.PathEvents); status != http.StatusConflict || !strings.Contains(string(body), "messages-off") {
		t.Errorf("%d %s", status, body)
	}
	if _, err := os.Stat(dir + "/session-default/messages.db"); !os.IsNotExist(err) {
		t.Errorf("a journal was made: %v", err)
	}
}

// TestAMessageThatTheJournalCanNeverTake: it does not keep out those behind it, and the journal says that it came.
func TestAMessageThatTheJournalCanNeverTake(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	own := jid(t, p.pair(wa).JID)
	p.terminate()
	refuseInJournal(t, dir, `BEFORE INSERT ON messages WHEN CAST(NEW.body AS TEXT) LIKE '%poison%'`)
	friend := wa.Person("62899000001")
	var want []string
	for _, text := range []string{"first", "poison", "last"} {
		id, err := friend.Write(own, text)
		want = append(want, mustSend(t, id, err))
	}
	p = start(t, settings(wa, dir))
	p.waitForEvent("the last message", func(e bot.Event) bool { return e.Type == bot.EventMessage && e.Data.Message.Text == "last" })
	var got []string
	for _, e := range p.journalEvents(0) {
		got = append(got, e.Data.Message.ID)
		if m := e.Data.Message; m.ID == want[1] && (m.Kind != bot.KindUnsupported || m.UnsupportedType != "unstorable" || m.From.Phone != "+62899000001") {
			t.Errorf("%+v", m)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("messages %v, want %v", got, want)
	}
	p.counts("sesi_bot_events_unstorable_total", "1")
	p.wrote("can never take")
	if strings.Contains(p.out.String(), "poison") {
		t.Error("the log says why, and not what")
	}
}
