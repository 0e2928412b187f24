package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// maxOutbox bounds what is remembered of what companions sent.
const maxOutbox = 20_000

// OutMsg is a message of a companion, as the phone it was sent to decrypted it.
type OutMsg struct {
	// Seq numbers the messages from 1.
	Seq int64 `json:"seq"`
	// Bot is the companion that sent it, To the chat, Dev is always the phone (0).
	Bot string `json:"bot"`
	To  string `json:"to"`
	Dev uint16 `json:"dev"`
	// ID is the message's; Enc is pkmsg for the first message of a Signal session, msg after.
	ID   string `json:"id"`
	Enc  string `json:"enc"`
	Text string `json:"text"`
	// Self marks the copy that goes to the companion's own phone.
	Self bool `json:"self,omitempty"`
	// IdentityOK is false if a first message came without a valid device identity.
	IdentityOK bool `json:"identity_ok"`
	// Err says why the phone could not decrypt it, empty if it could.
	Err string    `json:"err,omitempty"`
	T   time.Time `json:"t"`
}

type outbox struct {
	mu   sync.Mutex
	last int64
	msgs []OutMsg
}

func (o *outbox) add(m OutMsg) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last++
	m.Seq = o.last
	if len(o.msgs) >= maxOutbox {
		o.msgs = append([]OutMsg(nil), o.msgs[maxOutbox/2:]...)
	}
	o.msgs = append(o.msgs, m)
}

// Outbox returns the messages of companions after a sequence number, 0 for all that are remembered.
func (s *Server) Outbox(since int64) []OutMsg {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	msgs := []OutMsg{}
	for _, m := range s.out.msgs {
		if m.Seq > since {
			msgs = append(msgs, m)
		}
	}
	return msgs
}

// sealed is one recipient's part of a message.
type sealed struct {
	to  types.JID
	enc waBinary.Node
}

func recipients(node *waBinary.Node) []sealed {
	if participants, ok := node.GetOptionalChildByTag("participants"); ok {
		var all []sealed
		for _, to := range participants.GetChildrenByTag("to") {
			if enc, ok := to.GetOptionalChildByTag("enc"); ok {
				all = append(all, sealed{attrJID(&to, "jid"), enc})
			}
		}
		return all
	}
	if enc, ok := node.GetOptionalChildByTag("enc"); ok {
		return []sealed{{attrJID(node, "to"), enc}}
	}
	return nil
}

// handleMessage takes a companion's message: phones decrypt theirs, companions are sent theirs.
func (s *Server) handleMessage(c *conn, node *waBinary.Node) {
	if s.hit(FaultDropMessage, c.dev.jid().String()) != nil {
		return // neither delivered nor acknowledged
	}
	identityOK := c.dev.checkIdentity(childBytes(node, "device-identity"))
	for _, part := range recipients(node) {
		a := s.accountOf(part.to)
		if a == nil {
			continue
		}
		if part.to.Device != 0 {
			if d := a.device(part.to.Device); d != nil {
				s.relay(c.dev, d, node, part.enc)
			}
			continue
		}
		s.receive(c, a, node, part, identityOK)
	}
	c.send(waBinary.Node{Tag: "ack", Attrs: waBinary.Attrs{
		"class": "message", "id": attrText(node, "id"), "from": attrJID(node, "to"), "t": time.Now().Unix(),
	}})
}

// receive is a phone that gets a message; a contact's phone confirms it.
func (s *Server) receive(c *conn, a *account, node *waBinary.Node, part sealed, identityOK bool) {
	kind := attrText(&part.enc, "type")
	m := OutMsg{
		Bot: c.dev.jid().String(), To: attrJID(node, "to").String(), ID: attrText(node, "id"), Enc: kind,
		Self: a == c.dev.account, IdentityOK: identityOK || kind == "msg", T: time.Now(),
	}
	content, _ := part.enc.Content.([]byte)
	text, err := a.phoneSide.readText(c.dev, kind, content)
	if err != nil {
		m.Err = err.Error()
	}
	m.Text = text
	s.out.add(m)
	if m.Self {
		return
	}
	s.event(EventFromBot, m.Bot, m.ID)
	if err == nil {
		s.Stats.MsgOut.Add(1)
		c.send(waBinary.Node{Tag: "receipt", Attrs: waBinary.Attrs{"from": a.jid(), "id": m.ID, "t": time.Now().Unix()}})
	}
}

func (p *peer) readText(from *device, kind string, content []byte) (string, error) {
	plain, err := p.decrypt(context.Background(), from, kind, content)
	if err != nil {
		return "", err
	}
	var message waE2E.Message
	if err = proto.Unmarshal(plain, &message); err != nil {
		return "", err
	}
	return textOf(&message), nil
}

func textOf(m *waE2E.Message) string {
	switch {
	case m.Conversation != nil:
		return m.GetConversation()
	case m.ExtendedTextMessage != nil:
		return m.GetExtendedTextMessage().GetText()
	case m.DeviceSentMessage.GetMessage() != nil:
		return textOf(m.DeviceSentMessage.Message)
	default:
		return fmt.Sprintf("(%d bytes that are not text)", proto.Size(m))
	}
}

// checkIdentity checks the device identity that comes with the first message of a session.
func (d *device) checkIdentity(raw []byte) bool {
	var signed waAdv.ADVSignedDeviceIdentity
	return len(raw) > 0 && proto.Unmarshal(raw, &signed) == nil && validIdentity(&signed, d)
}

// relay passes one companion's ciphertext on to another.
func (s *Server) relay(from, to *device, node *waBinary.Node, enc waBinary.Node) {
	m := waBinary.Node{Tag: "message", Attrs: waBinary.Attrs{
		"from": from.jid(), "sender_lid": from.lidJID(), "id": attrText(node, "id"), "type": attrText(node, "type"),
		"t": time.Now().Unix(), "notify": from.account.name(),
	}, Content: []waBinary.Node{enc}}
	if from.account == to.account {
		m.Attrs["recipient"] = node.Attrs["to"]
	}
	if identity, ok := node.GetOptionalChildByTag("device-identity"); ok {
		m.Content = []waBinary.Node{enc, identity}
	}
	s.deliver(to, &queued{id: attrText(node, "id"), node: m})
}
