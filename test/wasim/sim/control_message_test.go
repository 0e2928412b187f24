package sim_test

import (
	"fmt"
	"testing"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func TestControlPlaysACustomer(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair(botPhone)
	say := func(fields string) string {
		return do[struct{ ID string }](t, s, "POST", "/say", `{"jid":"`+botPhone+`","from":"`+anna+`",`+fields+`}`).ID
	}
	first := say(`"text":"helo"`)
	say(`"text":"hello","edit":"` + first + `"`)
	say(`"react":"` + first + `","emoji":"👍"`)
	say(`"message":{"locationMessage":{"degreesLatitude":-6.2,"degreesLongitude":106.8}}`)
	waitFor(b, 0, func(m *events.Message) bool { return m.IsEdit })
	waitFor(b, 0, func(m *events.Message) bool { return m.Message.GetReactionMessage().GetText() == "👍" })
	waitFor(b, 0, func(m *events.Message) bool { return m.Message.GetLocationMessage().GetDegreesLatitude() == -6.2 })
	ids := do[struct{ IDs []string }](t, s, "POST", "/say", `{"jid":"`+botPhone+`","from":"`+anna+`","text":"n","count":3}`).IDs
	waitFor(b, 0, func(m *events.Message) bool { return m.Message.GetConversation() == "n 3" && m.Info.ID == ids[2] })

	do[map[string]bool](t, s, "POST", "/fault", `{"kind":"phone_retry","count":1,"to":"`+anna+`"}`)
	if err := b.try(annaJID, "MINE", "answer", patience); err != nil {
		t.Fatal(err)
	}
	b.waitReceipt(0, types.ReceiptTypeDelivered, "MINE")
	do[map[string]bool](t, s, "POST", "/receipt", `{"jid":"`+botPhone+`","from":"`+anna+`","ids":["MINE"],"type":"read"}`)
	b.waitReceipt(0, types.ReceiptTypeRead, "MINE")
	do[map[string]bool](t, s, "PUT", "/person", `{"phone":"`+anna+`","offline":true}`)
	out := do[[]sim.OutMsg](t, s, "GET", "/outbox?since=0", "")
	last := out[len(out)-1]
	if last.Text != "answer" || last.Retry != 1 || last.Message.GetConversation() != "answer" {
		t.Errorf("the phone received %+v", last)
	}
	do[map[string]bool](t, s, "POST", "/ask-again", `{"jid":"`+botPhone+`","from":"`+anna+`","id":"MINE"}`)
	do[map[string]bool](t, s, "PUT", "/person", `{"phone":"`+anna+`"}`)
	again := do[[]sim.OutMsg](t, s, "GET", "/outbox?wait=20&since="+fmt.Sprint(last.Seq), "")
	if len(again) != 1 || !again[0].Double {
		t.Errorf("the phone received %+v", again)
	}
	if signals := do[[]sim.Signal](t, s, "GET", "/signals", ""); len(signals) == 0 {
		t.Error("there are no signals")
	}

	made := do[sim.GroupInfo](t, s, "POST", "/group", `{"by":"`+anna+`","subject":"Kas","members":["`+botPhone+`"]}`)
	changed := do[sim.GroupInfo](t, s, "POST", "/group", `{"jid":"`+made.JID+`","by":"`+anna+`","subject":"Kas RT","add":["+`+budi+`"],"announce":true}`)
	if changed.Subject != "Kas RT" || len(changed.Members) != 3 || !changed.Announce {
		t.Errorf("the group is %+v", changed)
	}
	do[struct{ ID string }](t, s, "POST", "/say", `{"jid":"`+made.JID+`","from":"`+anna+`","text":"to all"}`)
	waitFor(b, 0, func(m *events.Message) bool { return m.Info.IsGroup && m.Message.GetConversation() == "to all" })
	if groups := do[[]sim.GroupInfo](t, s, "GET", "/groups", ""); len(groups) != 1 {
		t.Errorf("groups: %+v", groups)
	}
}

func TestControlRefusesMessagesThatMakeNoSense(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	for name, c := range map[string]struct {
		method, path, body string
		status             int
	}{
		"too many":         {"POST", "/say", `{"jid":"5511","from":"` + anna + `","count":1000000}`, 400},
		"no such group":    {"POST", "/say", `{"jid":"1203@g.us","from":"` + anna + `","text":"x"}`, 404},
		"kind of receipt":  {"POST", "/receipt", `{"jid":"` + botPhone + `","from":"` + anna + `","ids":["A"],"type":"liked"}`, 400},
		"receipt of none":  {"POST", "/receipt", `{"jid":"` + botPhone + `","from":"` + anna + `","type":"read"}`, 400},
		"group without by": {"POST", "/group", `{"subject":"x"}`, 400},
		"unknown group":    {"POST", "/group", `{"jid":"1@g.us","by":"` + anna + `"}`, 404},
		"person":           {"PUT", "/person", `{"phone":"12"}`, 400},
		"wait":             {"GET", "/outbox?wait=soon", "", 400},
		"ask without code": {"POST", "/fault", `{"kind":"ack_error"}`, 400},
	} {
		if status, answer := call[map[string]string](t, s, c.method, c.path, c.body); status != c.status || answer["error"] == "" {
			t.Errorf("%s: %d %v, want %d", name, status, answer, c.status)
		}
	}
}
