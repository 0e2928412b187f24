package sim

import (
	"context"
	"fmt"
	"maps"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Bounds of what is kept for a companion: what it has not acknowledged, and what it may ask for again.
const (
	maxQueue  = 10_000
	maxRecent = 32
)

// Say sends a text from a contact's number to a companion, or to all of a number if the address names none.
// It returns the message's id; an offline companion gets the message when it logs in next.
func (s *Server) Say(to types.JID, from, text, name string) (string, error) {
	devices, err := s.devicesOf(to)
	if err != nil {
		return "", err
	}
	sender, err := s.account(from)
	if err != nil {
		return "", err
	}
	if name == "" {
		name = sender.name()
	}
	plain, err := proto.Marshal(&waE2E.Message{Conversation: &text})
	if err != nil {
		return "", fmt.Errorf("make a message: %w", err)
	}
	id := fmt.Sprintf("3A%018X", time.Now().UnixNano())
	for _, d := range devices {
		if err = s.sayTo(d, sender, id, plain, name, 0); err != nil {
			return "", err
		}
	}
	return id, nil
}

// sayTo encrypts a message for one companion and puts it in its queue.
func (s *Server) sayTo(d *device, sender *account, id string, plain []byte, name string, retry int) error {
	kind, sealed, err := sender.phoneSide.encrypt(context.Background(), d, plain)
	if err != nil {
		return err
	}
	attrs := waBinary.Attrs{"id": id, "type": "text", "t": time.Now().Unix(), "notify": name}
	if s.cfg.AddrMode == AddrLID {
		attrs["from"], attrs["sender_pn"], attrs["addressing_mode"] = sender.lidJID(), sender.jid(), AddrLID
	} else {
		attrs["from"], attrs["sender_lid"] = sender.jid(), sender.lidJID()
	}
	enc := waBinary.Attrs{"v": "2", "type": kind}
	if retry > 0 {
		enc["count"] = retry
	}
	s.deliver(d, &queued{id: id, plain: plain, from: sender, node: waBinary.Node{
		Tag: "message", Attrs: attrs, Content: []waBinary.Node{{Tag: "enc", Attrs: enc, Content: sealed}},
	}})
	s.event(EventToBot, d.jid().String(), id)
	return nil
}

// deliver queues a message, and sends it at once to a companion that is there. It stays queued until the
// companion acknowledges it, and is sent again at each login until then.
func (s *Server) deliver(d *device, m *queued) {
	d.mu.Lock()
	if d.removed || len(d.queue) >= maxQueue {
		d.mu.Unlock()
		return
	}
	d.queueEnd++
	m.seq = d.queueEnd
	d.queue = append(d.queue, m)
	current := d.current
	if !d.active {
		current = nil // flush takes it
	}
	if current != nil {
		m.sent++
	}
	d.mu.Unlock()
	s.state.keepMessage(d, m)
	s.Stats.MsgIn.Add(1)
	if current != nil {
		current.send(m.node)
	}
}

// flush sends what waited for the companion, once per connection.
func (s *Server) flush(c *conn) {
	d := c.dev
	d.mu.Lock()
	if d.current != c || d.active {
		d.mu.Unlock()
		return
	}
	d.active = true
	waiting := make([]waBinary.Node, 0, len(d.queue))
	for _, m := range d.queue {
		if m.sent > 0 {
			s.Stats.Redelivered.Add(1)
		}
		m.sent++
		late := m.node
		late.Attrs = maps.Clone(m.node.Attrs)
		late.Attrs["offline"] = "0"
		waiting = append(waiting, late)
	}
	d.mu.Unlock()
	for _, node := range waiting {
		c.send(node)
	}
	c.send(notice("offline", waBinary.Attrs{"count": len(waiting)}))
}

// acknowledge takes a message out of the queue and returns it; one that was acknowledged a moment ago is
// returned too, nil any other.
func (s *Server) acknowledge(d *device, id string) *queued {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, m := range d.queue {
		if m.id == id {
			d.queue = append(d.queue[:i:i], d.queue[i+1:]...)
			if len(d.recent) >= maxRecent {
				d.recent = append([]*queued(nil), d.recent[maxRecent/2:]...)
			}
			d.recent = append(d.recent, m)
			s.state.forgetMessage(d, m)
			return m
		}
	}
	for i := len(d.recent) - 1; i >= 0; i-- {
		if d.recent[i].id == id {
			return d.recent[i]
		}
	}
	return nil
}

// handleReceipt takes a companion's receipt. A retry receipt says that it could not decrypt the message: the
// contact starts a new session and sends it again.
func (s *Server) handleReceipt(c *conn, node *waBinary.Node) {
	id, kind := attrText(node, "id"), attrText(node, "type")
	s.Stats.Receipts.Add(1)
	attrs := waBinary.Attrs{"class": "receipt", "id": id, "t": time.Now().Unix()}
	if kind != "" {
		attrs["type"] = kind
	}
	if to := node.Attrs["to"]; to != nil {
		attrs["from"] = to
	}
	c.send(waBinary.Node{Tag: "ack", Attrs: attrs})
	m := s.acknowledge(c.dev, id)
	if kind != "retry" {
		return
	}
	s.Stats.Retries.Add(1)
	s.event(EventRetry, c.dev.jid().String(), id)
	if m == nil || m.from == nil {
		return
	}
	m.from.phoneSide.forget(c.dev)
	if err := s.sayTo(c.dev, m.from, m.id, m.plain, m.from.name(), 1); err != nil {
		c.log.Warn("send again", "id", m.id, "error", err)
	}
}
