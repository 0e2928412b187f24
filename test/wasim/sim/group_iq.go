package sim

import (
	"errors"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// handleGroupQuery answers a companion's request about groups.
func (s *Server) handleGroupQuery(c *conn, iq, request *waBinary.Node) {
	me := c.dev.account.phone
	to := attrJID(iq, "to")
	if to.User == "" {
		s.handleAnyGroupQuery(c, iq, request)
		return
	}
	g := s.groupOf(to)
	if g == nil {
		c.send(refusal(iq, 404, "item-not-found"))
		return
	}
	info := g.snapshot()
	if !info.has(me) {
		c.send(refusal(iq, 403, "forbidden"))
		return
	}
	switch request.Tag {
	case "query":
		c.send(answer(iq, g.node(info)))
	case MemberAdd, MemberRemove, MemberPromote, MemberDemote:
		s.changeMembers(c, iq, request, g)
	case "invite":
		if attrText(iq, "type") == "set" {
			g.mu.Lock()
			g.info.Invite = inviteCode()
			g.keepLocked()
			info = g.info.clone()
			g.mu.Unlock()
		}
		c.send(answer(iq, waBinary.Node{Tag: "invite", Attrs: waBinary.Attrs{"code": info.Invite}}))
	case "membership_approval_requests":
		c.send(answer(iq, waBinary.Node{Tag: request.Tag}))
	default:
		switch err := g.set(me, *request); {
		case errors.Is(err, ErrRefused):
			c.send(refusal(iq, 403, "forbidden"))
		case err != nil:
			s.Stats.UnknownIQ.Add(1)
			c.send(refusal(iq, 400, "bad-request"))
		default:
			c.send(answer(iq))
		}
	}
}

// handleAnyGroupQuery answers a request that names its group inside, or none.
func (s *Server) handleAnyGroupQuery(c *conn, iq, request *waBinary.Node) {
	me := c.dev.account.phone
	switch request.Tag {
	case "participating":
		var nodes []waBinary.Node
		for _, g := range s.allGroups() {
			if info := g.snapshot(); info.has(me) {
				nodes = append(nodes, g.node(info))
			}
		}
		c.send(answer(iq, waBinary.Node{Tag: "groups", Content: nodes}))
	case "create":
		g, err := s.makeGroup(attrText(request, "subject"), "", me, attrText(request, "key"), s.phonesOf(request))
		if err != nil {
			c.send(refusal(iq, 400, "bad-request"))
			return
		}
		c.send(answer(iq, g.node(g.snapshot())))
	case "leave":
		for _, left := range request.GetChildrenByTag("group") {
			if g := s.groupOf(attrJID(&left, "id")); g != nil {
				_, _ = g.change(me, MemberRemove, []string{me})
			}
		}
		c.send(answer(iq, waBinary.Node{Tag: "leave", Content: request.GetChildren()}))
	case "invite":
		s.answerInvite(c, iq, attrText(request, "code"))
	default:
		c.send(answer(iq, waBinary.Node{Tag: "groups"}))
	}
}

// phonesOf returns the numbers of the participants that a request names.
func (s *Server) phonesOf(request *waBinary.Node) []string {
	var phones []string
	for _, participant := range request.GetChildrenByTag("participant") {
		if a := s.accountOf(attrJID(&participant, "jid")); a != nil {
			phones = append(phones, a.phone)
		}
	}
	return phones
}

// changeMembers answers for each member that was asked for; numbers that are not on WhatsApp get an error.
func (s *Server) changeMembers(c *conn, iq, request *waBinary.Node, g *group) {
	var phones []string
	var results []waBinary.Node
	for _, participant := range request.GetChildrenByTag("participant") {
		result := waBinary.Node{Tag: "participant", Attrs: waBinary.Attrs{"jid": attrJID(&participant, "jid")}}
		if a := s.accountOf(attrJID(&participant, "jid")); a == nil || a.isStranger() {
			result.Attrs["error"] = "404"
		} else {
			phones = append(phones, a.phone)
		}
		results = append(results, result)
	}
	if _, err := g.change(c.dev.account.phone, request.Tag, phones); err != nil {
		c.send(refusal(iq, 403, "forbidden"))
		return
	}
	c.send(answer(iq, waBinary.Node{Tag: request.Tag, Content: results}))
}

// answerInvite shows the group of an invite link, or lets the companion's account join it.
func (s *Server) answerInvite(c *conn, iq *waBinary.Node, code string) {
	for _, g := range s.allGroups() {
		info := g.snapshot()
		if info.Invite != code {
			continue
		}
		if attrText(iq, "type") != "set" {
			c.send(answer(iq, g.node(info)))
			return
		}
		_, _ = g.change(info.Creator, MemberAdd, []string{c.dev.account.phone})
		c.send(answer(iq, waBinary.Node{Tag: "group", Attrs: waBinary.Attrs{"jid": g.jid()}}))
		return
	}
	c.send(refusal(iq, 406, "not-acceptable"))
}

// isStranger reports whether a number is not on WhatsApp.
func (a *account) isStranger() bool {
	return isStranger(types.NewJID(a.phone, types.DefaultUserServer))
}
