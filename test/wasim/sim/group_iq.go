package sim

import (
	"errors"
	"strconv"
	"time"

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
		if !info.isAdmin(me) {
			c.send(refusal(iq, 401, "not-authorized"))
			return
		}
		if attrText(iq, "type") == "set" {
			info = g.renewInvite(me)
		}
		c.send(answer(iq, waBinary.Node{Tag: "invite", Attrs: waBinary.Attrs{"code": info.Invite}}))
	case "membership_approval_requests", "membership_requests_action":
		s.handleJoinRequests(c, iq, request, g)
	default:
		switch err := g.set(me, *request); {
		case errors.Is(err, errConflict):
			c.send(refusal(iq, 409, "conflict"))
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
		s.createGroup(c, iq, request)
	case "leave":
		for _, left := range request.GetChildrenByTag("group") {
			if g := s.groupOf(attrJID(&left, "id")); g != nil {
				_, _ = g.change(me, MemberRemove, "", []string{me})
			}
		}
		c.send(answer(iq, waBinary.Node{Tag: "leave", Content: request.GetChildren()}))
	case "invite":
		s.answerInvite(c, iq, attrText(request, "code"))
	default:
		c.send(answer(iq, waBinary.Node{Tag: "groups"}))
	}
}

// createGroup makes the group that a companion asks for. A person who cannot be added is listed with an error.
func (s *Server) createGroup(c *conn, iq, request *waBinary.Node) {
	phones, results := s.outcomes(request, MemberAdd, groupInfo{})
	g, err := s.makeGroup(attrText(request, "subject"), "", c.dev.account.phone, attrText(request, "key"), phones)
	if err != nil {
		c.send(refusal(iq, 400, "bad-request"))
		return
	}
	for _, setting := range request.GetChildren() {
		if setting.Tag != "participant" {
			_ = g.set(c.dev.account.phone, setting) // whatever the group does not know is not about its settings
		}
	}
	node := g.node(g.snapshot())
	for _, result := range results {
		if result.Attrs["error"] != nil {
			node.Content = append(node.GetChildren(), result)
		}
	}
	c.send(answer(iq, node))
}

// outcomes says of each person whom a request names whether the change is possible, and returns the numbers of those
// for whom it is.
func (s *Server) outcomes(request *waBinary.Node, change string, info groupInfo) (phones []string, results []waBinary.Node) {
	for _, participant := range request.GetChildrenByTag("participant") {
		jid := attrJID(&participant, "jid")
		result := waBinary.Node{Tag: "participant", Attrs: waBinary.Attrs{"jid": jid}}
		a := s.accountOf(jid)
		code, invite := 404, false
		if a != nil && !a.isStranger() {
			code, invite = a.outcome(change, info)
		}
		if code != 0 {
			result.Attrs["error"] = strconv.Itoa(code)
		} else {
			phones = append(phones, a.phone)
		}
		if invite {
			result.Content = []waBinary.Node{{Tag: "add_request", Attrs: waBinary.Attrs{
				"code": inviteCode(), "expiration": time.Now().Add(72 * time.Hour).Unix(),
			}}}
		}
		results = append(results, result)
	}
	return phones, results
}

// outcome is the error for one person, 0 for none. With invite the person may join by an invite of their own.
func (a *account) outcome(change string, info groupInfo) (code int, invite bool) {
	member := info.has(a.phone)
	switch {
	case change == MemberAdd && member:
		return 409, false
	case change == MemberAdd && a.isPrivate():
		return 403, true
	case change != MemberAdd && !member:
		return 404, false
	}
	return 0, false
}

// changeMembers answers for each member that was asked for.
func (s *Server) changeMembers(c *conn, iq, request *waBinary.Node, g *group) {
	phones, results := s.outcomes(request, request.Tag, g.snapshot())
	if _, err := g.change(c.dev.account.phone, request.Tag, "", phones); err != nil {
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
		if waits := g.enter(c.dev.account.phone); waits {
			c.send(answer(iq, waBinary.Node{Tag: "membership_approval_request", Attrs: waBinary.Attrs{"jid": g.jid()}}))
			return
		}
		c.send(answer(iq, waBinary.Node{Tag: "group", Attrs: waBinary.Attrs{"jid": g.jid()}}))
		return
	}
	c.send(refusal(iq, 406, "not-acceptable"))
}

// isStranger reports whether a number is not on WhatsApp.
func (a *account) isStranger() bool {
	a.profile.mu.Lock()
	defer a.profile.mu.Unlock()
	return a.profile.saved.Moved || isStranger(types.NewJID(a.phone, types.DefaultUserServer))
}
