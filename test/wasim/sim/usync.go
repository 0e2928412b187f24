package sim

import (
	"strings"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// strangers are numbers that are not on WhatsApp; all others are.
const strangers = "999"

func isStranger(jid types.JID) bool { return strings.HasPrefix(jid.User, strangers) }

// handleUsync tells who is on WhatsApp, and which devices they have.
func (s *Server) handleUsync(c *conn, iq *waBinary.Node) {
	usync := iq.GetChildByTag("usync")
	query, list := usync.GetChildByTag("query"), usync.GetChildByTag("list")
	asked := map[string]bool{}
	for _, what := range query.GetChildren() {
		asked[what.Tag] = true
	}
	var users []waBinary.Node
	for _, user := range list.GetChildrenByTag("user") {
		jid, contact := attrJID(&user, "jid"), []byte(nil)
		if jid.IsEmpty() {
			contact = childBytes(&user, "contact")
			number, _, _ := strings.Cut(string(contact), "@")
			number = strings.TrimLeft(number, "+")
			if leadsTo := s.aliases.of(number); leadsTo != "" {
				number = leadsTo
			}
			jid = types.NewJID(number, types.DefaultUserServer)
		}
		if a := s.accountOf(jid); a != nil {
			users = append(users, waBinary.Node{Tag: "user", Attrs: waBinary.Attrs{"jid": jid}, Content: a.describe(asked, contact, c.dev.account)})
		}
	}
	c.send(answer(iq, waBinary.Node{
		Tag: "usync",
		Attrs: waBinary.Attrs{
			"sid": attrText(&usync, "sid"), "mode": attrText(&usync, "mode"), "context": attrText(&usync, "context"),
			"last": "true", "index": "0",
		},
		Content: []waBinary.Node{{Tag: "result"}, {Tag: "list", Content: users}},
	}))
}

// describe answers what somebody asked of one account. A number that is not on WhatsApp has nothing but that answer.
func (a *account) describe(asked map[string]bool, contact []byte, asker *account) []waBinary.Node {
	var facts []waBinary.Node
	if asked["contact"] {
		on := "in"
		if a.isStranger() {
			on = "out"
		}
		facts = append(facts, waBinary.Node{Tag: "contact", Attrs: waBinary.Attrs{"type": on}, Content: contact})
	}
	if a.isStranger() {
		return facts
	}
	if asked["lid"] {
		facts = append(facts, waBinary.Node{Tag: "lid", Attrs: waBinary.Attrs{"val": a.lidJID()}})
	}
	facts = append(facts, a.describeProfile(asked, asker)...)
	if asked["devices"] {
		devices := []waBinary.Node{{Tag: "device", Attrs: waBinary.Attrs{"id": "0"}}}
		for _, d := range a.allDevices() {
			devices = append(devices, waBinary.Node{Tag: "device", Attrs: waBinary.Attrs{"id": int(d.id), "key-index": d.keyIndex}})
		}
		facts = append(facts, waBinary.Node{Tag: "devices", Content: []waBinary.Node{
			{Tag: "device-list", Attrs: waBinary.Attrs{"hash": "2:sim"}, Content: devices},
			{Tag: "key-index-list", Attrs: waBinary.Attrs{"ts": time.Now().Unix()}},
		}})
	}
	return facts
}
