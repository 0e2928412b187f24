package sim

import (
	"errors"
	"fmt"
	"maps"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// The receipts that a person's phone sends.
const (
	Delivered = ""
	Read      = "read"
	Played    = "played"
)

// maxRetries is how often a phone asks for a message, and how often it sends one again.
const maxRetries = 5

// errOnDemand is why a phone could not read a message under the fault phone_retry.
var errOnDemand = errors.New("not decrypted, as the fault demands")

// Receipt confirms messages of a bot: Delivered (which phones do unasked), Read or Played.
func (p Person) Receipt(to types.JID, kind string, ids ...string) error {
	if kind != Delivered && kind != Read && kind != Played {
		return fmt.Errorf("%w: receipt %q, it must be empty, read or played", ErrInvalid, kind)
	}
	if len(ids) == 0 {
		return fmt.Errorf("%w: a receipt names at least one message", ErrInvalid)
	}
	s := p.server
	reader, err := s.account(p.phone)
	if err != nil {
		return err
	}
	if to.Server == types.GroupServer {
		g, err := s.GroupOf(to)
		if err != nil {
			return err
		}
		return s.groupReceipts(g.group, reader, kind, ids)
	}
	writer, _, err := s.receivers(to)
	if err != nil {
		return err
	}
	s.tell(writer, s.receiptNode(reader, kind, ids...))
	if kind == Delivered || reader == writer {
		return nil
	}
	own := s.receiptNode(reader, kind, ids...) // the reader's own bots see that the chat was read
	own.Attrs["recipient"] = s.addressOf(writer)
	s.tell(reader, own)
	return nil
}

// addressOf returns the address under which the server names an account.
func (s *Server) addressOf(a *account) types.JID {
	if s.cfg.AddrMode == AddrLID || a.isHidden() {
		return a.lidJID()
	}
	return a.jid()
}

func (s *Server) receiptNode(from *account, kind string, ids ...string) waBinary.Node {
	node := waBinary.Node{Tag: "receipt", Attrs: waBinary.Attrs{
		"from": s.addressOf(from), "id": ids[0], "t": time.Now().Unix(),
	}}
	if kind != Delivered {
		node.Attrs["type"] = kind
	}
	if len(ids) > 1 {
		items := make([]waBinary.Node, len(ids)-1)
		for i, id := range ids[1:] {
			items[i] = waBinary.Node{Tag: "item", Attrs: waBinary.Attrs{"id": id}}
		}
		node.Content = []waBinary.Node{{Tag: "list", Content: items}}
	}
	return node
}

// tell queues a stanza for every companion of an account.
func (s *Server) tell(a *account, node waBinary.Node) {
	for _, d := range a.allDevices() {
		s.deliver(d, &queued{node: node})
	}
}

// AskAgain sends a retry receipt for a message of a bot, as a phone does that could not decrypt it. The bot has to
// send the message again, also when the message is old or either side was restarted meanwhile.
func (p Person) AskAgain(bot types.JID, id string, count int) error {
	return p.AskAgainIn(types.EmptyJID, bot, id, count)
}

// AskAgainIn is AskAgain for a message in a group.
func (p Person) AskAgainIn(chat, bot types.JID, id string, count int) error {
	s := p.server
	a, err := s.account(p.phone)
	if err != nil {
		return err
	}
	_, devices, err := s.receivers(bot)
	if err != nil {
		return err
	}
	if chat.IsEmpty() {
		chat = s.addressOf(a)
	}
	for _, d := range devices {
		s.askAgain(a, d, &waBinary.Node{Attrs: waBinary.Attrs{"id": id, "to": chat}}, max(1, count))
	}
	return nil
}

// askAgain makes a phone send a retry receipt with the keys for a new session.
func (s *Server) askAgain(a *account, bot *device, message *waBinary.Node, count int) {
	if count > maxRetries {
		return
	}
	id := attrText(message, "id")
	node := s.receiptNode(a, "retry", id)
	if g := s.groupOf(attrJID(message, "to")); g != nil {
		node = s.inGroup(g, g.snapshot(), a, node)
	} else if a == bot.account {
		node.Attrs["recipient"] = message.Attrs["to"]
	}
	keys := a.phoneSide.bundleNodes()
	node.Content = []waBinary.Node{
		{Tag: "retry", Attrs: waBinary.Attrs{"count": count, "id": id, "t": time.Now().Unix(), "v": 1}},
		keys[0], // the registration
		{Tag: "keys", Content: keys[1:]},
	}
	s.event(EventPhoneRetry, bot.jid().String(), id)
	s.deliver(bot, &queued{node: node})
}

// handleReceipt takes a companion's receipt. A retry receipt says that it could not decrypt the message: the
// sender's phone starts a new session and sends it again.
func (s *Server) handleReceipt(c *conn, node *waBinary.Node) {
	id, kind := attrText(node, "id"), attrText(node, "type")
	s.Stats.Receipts.Add(1)
	s.signals.addReceipt(c.dev, node)
	attrs := waBinary.Attrs{"class": "receipt", "id": id, "t": time.Now().Unix()}
	if kind != "" {
		attrs["type"] = kind
	}
	if to := node.Attrs["to"]; to != nil {
		attrs["from"] = to
	}
	c.send(waBinary.Node{Tag: "ack", Attrs: attrs})
	if s.hit(FaultLoseReceipt, c.dev.jid().String()) != nil {
		return
	}
	switch kind {
	case "retry":
	case "server-error":
		s.handleMediaRetry(c.dev, node)
		return
	default:
		s.acknowledge(c.dev, id, false)
		return
	}
	s.Stats.Retries.Add(1)
	s.event(EventRetry, c.dev.jid().String(), id)
	waited := c.dev.waits(id)
	m := s.acknowledge(c.dev, id, false)
	retry := node.GetChildByTag("retry")
	count := attrInt(&retry, "count")
	switch {
	case m == nil || count > maxRetries:
	case m.from != nil:
		s.sendAgain(c, m, max(1, count), waited)
	case m.writer != nil:
		s.passRetryOn(c.dev, m, node)
	}
}

// passRetryOn hands a retry receipt to the companion that wrote the message.
func (s *Server) passRetryOn(from *device, m *queued, receipt *waBinary.Node) {
	node := waBinary.Node{Tag: "receipt", Attrs: maps.Clone(receipt.Attrs), Content: receipt.Content}
	delete(node.Attrs, "to")
	node.Attrs["from"], node.Attrs["t"] = from.jid(), time.Now().Unix()
	if g := s.groupOf(attrJID(&m.node, "from")); g != nil {
		info := g.snapshot()
		shown, _ := info.address(from.account)
		shown.Device = from.id
		node.Attrs["from"], node.Attrs["participant"] = g.jid(), shown
	}
	s.deliver(m.writer, &queued{node: node})
}

// sendAgain makes the sender's phone encrypt a message in a new session. A companion acknowledges also the copy that
// it could not read; that ack must not count for the new copy.
func (s *Server) sendAgain(c *conn, m *queued, count int, waited bool) {
	m.from.phoneSide.forget(c.dev)
	enc, err := m.from.phoneSide.seal(c.dev, m.plain, count, m.bad > 0)
	if err != nil {
		c.log.Warn("send again", "id", attrText(&m.node, "id"), "error", err)
		return
	}
	again := &queued{plain: m.plain, from: m.from, bad: max(0, m.bad-1), node: m.node}
	if waited {
		again.owed = m.owed + 1
	}
	again.node.Attrs = maps.Clone(m.node.Attrs)
	again.node.Content = []waBinary.Node{enc}
	s.event(EventToBot, c.dev.jid().String(), attrText(&m.node, "id"))
	s.deliver(c.dev, again)
}
