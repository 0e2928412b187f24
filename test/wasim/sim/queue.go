package sim

import (
	"maps"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// maxQueue bounds what waits for a companion. maxRecent bounds the acknowledged messages that it may still ask for
// again.
const (
	maxQueue  = 50_000
	maxRecent = 1_000
)

// queued is a stanza that a companion has not acknowledged: a message, a receipt or a notification.
type queued struct {
	seq  uint64
	node waBinary.Node
	// plain and from are set for a message that a phone wrote: only that phone can encrypt it again.
	plain []byte
	from  *account
	// writer is the companion that wrote it, nil for what a phone wrote.
	writer *device
	// bad is how many more copies of the message the companion cannot decrypt.
	bad  int
	sent int
	// owed counts the acks that the companion still sends for earlier copies of the message.
	owed int
}

// deliver queues a stanza and sends it at once to a companion that is online. It stays queued, and is sent again at
// each login, until the companion acknowledges it.
func (s *Server) deliver(d *device, m *queued) {
	d.wire.Lock() // without it, two stanzas could reach the companion in another order than the queue's
	defer d.wire.Unlock()
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
		current = nil // flush sends it
	}
	if current != nil {
		m.sent++
	}
	d.mu.Unlock()
	s.state.keepMessage(d, m)
	if m.node.Tag == "message" {
		s.Stats.MsgIn.Add(1)
	}
	if current != nil {
		current.send(m.node)
	}
}

// flush sends the whole queue in order, once per connection.
func (s *Server) flush(c *conn) {
	d := c.dev
	d.wire.Lock()
	defer d.wire.Unlock()
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
		m.owed = 0 // acks do not outlive the connection
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

// handleAck takes a companion's ack of a message, receipt or notification.
func (s *Server) handleAck(d *device, ack *waBinary.Node) {
	class := attrText(ack, "class")
	if class == "message" {
		if s.hit(FaultLoseReceipt, d.jid().String()) != nil {
			return
		}
		if code := attrText(ack, "error"); code != "" {
			s.event(EventNack, d.jid().String(), attrText(ack, "id")+" "+code)
		}
		s.acknowledge(d, attrText(ack, "id"), true)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, m := range d.queue {
		if m.node.Tag == class && acknowledges(ack, &m.node) {
			d.queue = without(d.queue, i)
			s.state.forgetMessage(d, m)
			return
		}
	}
}

// acknowledges compares everything by which a client names the stanza: receipts of one message share its id.
func acknowledges(ack, node *waBinary.Node) bool {
	return attrText(ack, "id") == attrText(node, "id") && attrText(ack, "type") == attrText(node, "type") &&
		attrText(ack, "to") == attrText(node, "from") && attrText(ack, "participant") == attrText(node, "participant")
}

// acknowledge takes a message out of the queue and returns it. A message that was acknowledged recently is returned
// too. It returns nil for an unknown id, and for an ack of an earlier copy.
func (s *Server) acknowledge(d *device, id string, byAck bool) *queued {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, m := range d.queue {
		if m.node.Tag != "message" || attrText(&m.node, "id") != id {
			continue
		}
		if byAck && m.owed > 0 {
			m.owed--
			return nil
		}
		d.queue = without(d.queue, i)
		if len(d.recent) >= maxRecent {
			d.recent = append([]*queued(nil), d.recent[maxRecent/2:]...)
		}
		d.recent = append(d.recent, m)
		s.state.forgetMessage(d, m)
		return m
	}
	for i := len(d.recent) - 1; i >= 0; i-- {
		if attrText(&d.recent[i].node, "id") == id {
			return d.recent[i]
		}
	}
	return nil
}

// waits reports whether the companion has not acknowledged a message.
func (d *device) waits(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.queue {
		if m.node.Tag == "message" && attrText(&m.node, "id") == id {
			return true
		}
	}
	return false
}

// without removes one stanza. The first one, which is the usual one, costs nothing in a queue of thousands.
func without(queue []*queued, i int) []*queued {
	if i == 0 {
		return queue[1:]
	}
	return append(queue[:i:i], queue[i+1:]...)
}
