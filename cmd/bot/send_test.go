package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// tryJSON sends a JSON body and returns the answer; an error means that the bot did not answer.
func (p *process) tryJSON(method, path string, body any, header ...string) (int, []byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	r, err := http.NewRequest(method, "http://"+p.plain+path, strings.NewReader(string(data)))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := direct.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// sends asks the bot to send, and wants that status.
func (p *process) sends(want int, request bot.SendRequest, header ...string) (m bot.Message) {
	p.t.Helper()
	status, body, err := p.tryJSON(http.MethodPost, bot.PathMessages, request, header...)
	if err != nil || status != want {
		p.t.Fatalf("status %d, want %d: %s %v", status, want, body, err)
	}
	if status < 300 {
		if err := json.Unmarshal(body, &m); err != nil {
			p.t.Fatal(err)
		}
	}
	return m
}

// refuses asks the bot to send, and wants a problem.
func (p *process) refuses(want bot.ProblemKind, request any, header ...string) (problem bot.Problem) {
	p.t.Helper()
	status, body, err := p.tryJSON(http.MethodPost, bot.PathMessages, request, header...)
	if err == nil {
		err = json.Unmarshal(body, &problem)
	}
	if err != nil || problem.Kind() != want || problem.Status != status {
		p.t.Fatalf("status %d, want %s: %s %v", status, want, body, err)
	}
	return problem
}

// stored is a message as the API shows it.
func (p *process) stored(id string) (m bot.Message) {
	p.t.Helper()
	if status := p.get(bot.PathMessages+"/"+id, &m); status != http.StatusOK {
		p.t.Fatalf("message %s: status %d", id, status)
	}
	return m
}

// becomes waits until a message has a state.
func (p *process) becomes(id string, want bot.MessageState) (m bot.Message) {
	p.t.Helper()
	p.waitFor("state "+string(want), func() bool {
		m = p.stored(id)
		return m.State == want
	})
	return m
}

// onPhones are the messages that people's phones could read.
func onPhones(wa *simtest.Sim) (all []sim.OutMsg) {
	for _, m := range wa.Outbox(0) {
		if !m.Self && m.Err == "" && m.Kind != sim.KindPeer {
			all = append(all, m)
		}
	}
	return all
}

// onPhone waits for the copy of a message that a phone got. A group's members get theirs one after the other: it waits for
// those of all the phones that are named.
func (p *process) onPhone(wa *simtest.Sim, id string, phones ...string) (found sim.OutMsg) {
	p.t.Helper()
	p.waitFor("the message at the phone", func() bool {
		got := map[string]bool{}
		for _, m := range onPhones(wa) {
			if m.ID != id {
				continue
			}
			if len(got) == 0 {
				found = m
			}
			got[m.Phone] = true
		}
		return len(got) > 0 && !slices.ContainsFunc(phones, func(phone string) bool { return !got[phone] })
	})
	return found
}

func TestAMessageGoesOutAndComesThrough(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.refuses(bot.ProblemNotLinked, bot.SendRequest{To: "+62899000001", Text: "terlalu dini"})
	own := jid(t, p.pair(wa).JID)
	friend := wa.Person("62899000001")
	asked, err := friend.Write(own, "saldo?")
	mustSend(t, asked, err)
	p.waitForEvent("a message", ofType(bot.EventMessage))

	m := p.sends(http.StatusOK, bot.SendRequest{
		To: "0062-899 000 001"[2:], Text: "Saldo @62899000002: 25.000", ReplyTo: asked, Mentions: []string{"+62899000002"},
	})
	if m.State != bot.MessageSent && m.State != bot.MessageDelivered || m.Origin != bot.OriginAPI || !m.FromMe || m.ReplyTo.Text != "saldo?" || m.Chat.Phone != "+62899000001" {
		t.Errorf("%+v", m)
	}
	got := p.onPhone(wa, m.ID)
	context := got.Message.GetExtendedTextMessage().GetContextInfo()
	if got.Text != "Saldo @62899000002: 25.000" || got.Ref != asked || context.GetQuotedMessage().GetConversation() != "saldo?" ||
		fmt.Sprint(context.GetMentionedJID()) != "[62899000002@s.whatsapp.net]" || got.Double {
		t.Errorf("%+v", got)
	}
	p.becomes(m.ID, bot.MessageDelivered)
	for _, kind := range []string{"read", "played"} {
		if err := friend.Receipt(own, kind, m.ID); err != nil {
			t.Fatal(err)
		}
	}
	m = p.becomes(m.ID, bot.MessagePlayed)
	if n := wa.StatsMap()["selfFetch"]; n != 0 {
		t.Errorf("the bot asked WhatsApp %d times for a key of its own", n)
	}
	var states []bot.MessageState
	for _, step := range m.History {
		states = append(states, step.State)
	}
	if fmt.Sprint(states) != "[queued sending sent delivered read played]" && fmt.Sprint(states) != "[queued sending delivered read played]" {
		t.Errorf("history %v", states)
	}
	var events []string
	for _, e := range p.journalEvents(0) {
		name := string(e.Type)
		if e.Type == bot.EventMessageState {
			name += ":" + string(e.Data.State.State)
		}
		events = append(events, name)
	}
	if fmt.Sprint(events) != "[message message.sent message.state:sent message.state:delivered message.state:read message.state:played]" &&
		fmt.Sprint(events) != "[message message.sent message.state:delivered message.state:read message.state:played]" {
		t.Errorf("events %v", events)
	}
	var list bot.Messages
	p.get(bot.PathMessages+"?chat=%2B62899000001", &list)
	if len(list.Messages) != 2 || list.Messages[0].State != bot.MessagePlayed {
		t.Errorf("%+v", list)
	}
	for _, forbidden := range []string{"saldo", "Saldo", "62899000001"} {
		if strings.Contains(p.out.String(), forbidden) {
			t.Errorf("the log holds %q", forbidden)
		}
	}
}

func TestAKeyMakesOneMessage(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	request := bot.SendRequest{To: "62899000001@s.whatsapp.net", Text: "satu kali"}
	first := p.sends(http.StatusOK, request, bot.HeaderIdempotencyKey, "order-1")
	again := p.sends(http.StatusOK, request, bot.HeaderIdempotencyKey, "order-1")
	p.terminate()
	p = start(t, settings(wa, dir))
	later := p.sends(http.StatusOK, request, bot.HeaderIdempotencyKey, "order-1")
	if again.ID != first.ID || later.ID != first.ID {
		t.Errorf("ids %s, %s, %s", first.ID, again.ID, later.ID)
	}
	other := request
	other.Text = "lain"
	p.refuses(bot.ProblemKeyReused, other, bot.HeaderIdempotencyKey, "order-1")
	if got := onPhones(wa); len(got) != 1 || got[0].ID != first.ID {
		t.Errorf("on phones: %+v", got)
	}
}

func TestRequestsThatMakeNoMessage(t *testing.T) {
	t.Parallel()
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	type loose map[string]any
	to := "+62899000001"
	for _, c := range []struct {
		request any
		want    bot.ProblemKind
		names   string
	}{
		{loose{"to": to, "txt": "hi"}, bot.ProblemBadParameter, "txt"},
		{loose{"to": to, "text": 3}, bot.ProblemBadParameter, "text"},
		{loose{"to": to}, bot.ProblemBadParameter, "text"},
		{loose{"to": "budi", "text": "hi"}, bot.ProblemBadRecipient, "+62"},
		{loose{"to": to, "text": "hi", "replyTo": "NONE"}, bot.ProblemNoSuchMessage, ""},
		{loose{"to": to, "text": "hi", "mentions": []string{"all"}}, bot.ProblemBadParameter, "mentions"},
		{loose{"to": to, "text": "hi", "ttl": 99999999}, bot.ProblemBadParameter, "ttl"},
		{loose{"to": to, "text": strings.Repeat("x", 49<<10)}, bot.ProblemBadParameter, "text"},
		{loose{"to": to, "text": "see", "linkPreview": loose{"url": "https://example.com/"}}, bot.ProblemBadParameter, "linkPreview.url"},
	} {
		if problem := p.refuses(c.want, c.request); !strings.Contains(problem.Detail, c.names) {
			t.Errorf("%v: %s", c.request, problem.Detail)
		}
	}
	if got := onPhones(wa); len(got) != 0 {
		t.Errorf("on phones: %+v", got)
	}
}

// asks posts a body and reads the answer.
func (p *process) asks(path string, body, into any) {
	p.t.Helper()
	p.request(http.MethodPost, path, body, http.StatusOK, into)
}

// changes edits or takes back a message.
func (p *process) changes(method, id string, body any, want int, into any) {
	p.t.Helper()
	p.request(method, bot.PathMessages+"/"+id, body, want, into)
}

func (p *process) request(method, path string, body any, want int, into any) {
	p.t.Helper()
	status, answer, err := p.tryJSON(method, path, body)
	if err != nil || status != want {
		p.t.Fatalf("%s %s: status %d, want %d: %s %v", method, path, status, want, answer, err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		p.t.Fatal(err)
	}
}

// deviceJID keeps the number of the device.
func deviceJID(t *testing.T, text string) types.JID {
	t.Helper()
	parsed, err := types.ParseJID(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
