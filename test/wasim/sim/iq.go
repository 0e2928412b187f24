package sim

import (
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// handle handles one node of a client.
func (s *Server) handle(c *conn, node *waBinary.Node) {
	switch node.Tag {
	case "iq":
		if kind := attrText(node, "type"); kind == "result" || kind == "error" {
			s.handlePairReply(c, node)
		} else {
			s.handleIQ(c, node)
		}
	case "message":
		if c.dev != nil {
			s.handleMessage(c, node)
		}
	case "receipt":
		if c.dev != nil {
			s.handleReceipt(c, node)
		}
	case "presence", "chatstate":
		if c.dev != nil {
			s.watchers.note(c, attrText(node, "type"), s.accountOf(attrJID(node, "to")))
			s.handlePresence(c.dev, node)
		}
	case "call":
		if c.dev != nil {
			s.handleCall(c.dev, node)
		}
	case "ack":
		s.Stats.Acks.Add(1)
		if c.dev != nil {
			s.handleAck(c.dev, node)
		}
	}
}

// handleIQ answers a request. Before a client is logged in it may ping and pair, nothing else.
func (s *Server) handleIQ(c *conn, iq *waBinary.Node) {
	var request waBinary.Node
	if children := iq.GetChildren(); len(children) > 0 {
		request = children[0]
	}
	space := attrText(iq, "xmlns")
	switch {
	case space == "w:p":
		s.Stats.Keepalives.Add(1)
		c.send(answer(iq))
	case space == "md" && request.Tag == "link_code_companion_reg":
		s.handleCodeLink(c, iq, &request)
	case space == "md" && isGateRequest(request.Tag):
		s.handleGate(c, iq, &request)
	case c.dev == nil:
		c.send(refusal(iq, 401, "not-authorized"))
	case space == "md" && request.Tag == "remove-companion-device":
		s.handleRemove(c, iq, &request)
	case space == "encrypt":
		s.handleEncrypt(c, iq)
	case space == "passive":
		c.send(answer(iq))
		if request.Tag == "active" {
			s.flush(c)
		}
	case space == "usync":
		s.handleUsync(c, iq)
	default:
		s.handleQuery(c, iq, &request, space)
	}
}

// handleQuery answers the requests of which only the fact of an answer matters.
func (s *Server) handleQuery(c *conn, iq, request *waBinary.Node, space string) {
	switch space {
	case "privacy":
		s.handlePrivacy(c, iq, request)
	case "w:mex":
		s.handleMex(c, iq, request)
	case "w:m":
		s.handleMediaConn(c, iq)
	case "w:sync:app:state":
		s.handleAppState(c, iq, request)
	case "w:g2":
		s.handleGroupQuery(c, iq, request)
	case "newsletter":
		s.handleNewsletter(c, iq, request)
	case "blocklist":
		s.handleBlocklist(c, iq, request)
	case "w:profile:picture":
		s.handlePicture(c, iq, request)
	case "status":
		s.handleAbout(c, iq, request)
	case "abt", "md", "tos", "w", "w:stats", "urn:xmpp:whatsapp:dirty", "urn:xmpp:whatsapp:push":
		c.send(answer(iq))
	default:
		s.Stats.UnknownIQ.Add(1)
		c.log.Debug("unknown iq", "xmlns", space)
		c.send(answer(iq))
	}
}

var privacyDefaults = func() []waBinary.Node {
	var all []waBinary.Node
	for _, name := range []string{"groupadd", "last", "status", "profile", "readreceipts", "online", "calladd"} {
		all = append(all, waBinary.Node{Tag: "category", Attrs: waBinary.Attrs{"name": name, "value": "all"}})
	}
	return all
}()

// handleRemove handles a companion that logs out itself, or another companion of its account.
func (s *Server) handleRemove(c *conn, iq, request *waBinary.Node) {
	jid := attrJID(request, "jid")
	d := c.dev.account.device(jid.Device)
	if d == nil || jid.User != c.dev.account.phone && jid.User != c.dev.account.lid {
		c.send(refusal(iq, 404, "item-not-found"))
		return
	}
	s.Stats.LogoutsByClient.Add(1)
	current := s.unlink(d)
	c.send(answer(iq))
	switch {
	case d == c.dev:
		// The companion hangs up; if it does not within a second, the server does.
		time.AfterFunc(time.Second, func() { c.end(streamError("401", "device_removed")) })
	case current != nil:
		current.end(streamError("401", "device_removed"))
	}
}
