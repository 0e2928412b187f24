package sim

import (
	"fmt"
	"slices"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// Join lets the person into a group by its invite, or has them ask an admin.
func (p Person) Join(g Group) error {
	if _, err := p.server.account(p.phone); err != nil {
		return err
	}
	g.group.enter(p.phone)
	return nil
}

// Withdraw takes the person's request to join a group back.
func (p Person) Withdraw(g Group) error {
	if !g.group.dropRequest(p.phone, p.phone) {
		return fmt.Errorf("%w: %s does not ask to join", ErrUnknown, p.phone)
	}
	return nil
}

// enter lets an account into the group by its invite, or notes that it asks to be let in.
func (g *group) enter(phone string) (waits bool) {
	info := g.snapshot()
	if !info.Approval || info.has(phone) {
		_, _ = g.change(phone, MemberAdd, viaInvite, []string{phone})
		return false
	}
	g.mu.Lock()
	if slices.ContainsFunc(g.info.Requests, func(r asking) bool { return r.Phone == phone }) {
		g.mu.Unlock()
		return true
	}
	g.info.Requests = append(g.info.Requests, asking{phone, time.Now().Truncate(time.Second)})
	g.keepLocked()
	info = g.info.clone()
	g.mu.Unlock()
	node := waBinary.Node{Tag: "created_membership_requests", Attrs: waBinary.Attrs{"request_method": "invite_link"},
		Content: g.people(info, "requested_user", phone)}
	g.server.event(EventGroup, g.jid().String(), "requested")
	g.notify(info, phone, info.admins(), node)
	return true
}

// dropRequest forgets a request to join; false when there is none.
func (g *group) dropRequest(by, phone string) bool {
	g.mu.Lock()
	before := len(g.info.Requests)
	g.info.Requests = slices.DeleteFunc(g.info.Requests, func(r asking) bool { return r.Phone == phone })
	found := len(g.info.Requests) < before
	if found {
		g.keepLocked()
	}
	info := g.info.clone()
	g.mu.Unlock()
	if found {
		g.notify(info, by, info.admins(), waBinary.Node{Tag: "revoked_membership_requests", Content: g.people(info, "participant", phone)})
	}
	return found
}

// admins are the members who decide.
func (i *groupInfo) admins() []member {
	return slices.DeleteFunc(slices.Clone(i.Members), func(m member) bool { return m.Rank == rankMember })
}

// people lists accounts that need not be members.
func (g *group) people(info groupInfo, tag string, phones ...string) []waBinary.Node {
	var members []member
	for _, phone := range phones {
		members = append(members, member{Phone: phone})
	}
	nodes := g.participants(info, members)
	for i := range nodes {
		nodes[i].Tag = tag
	}
	return nodes
}

// renewInvite gives the group another invite.
func (g *group) renewInvite(by string) groupInfo {
	g.mu.Lock()
	g.info.Invite = inviteCode()
	g.keepLocked()
	info := g.info.clone()
	g.mu.Unlock()
	g.notify(info, by, info.Members, waBinary.Node{Tag: "invite", Attrs: waBinary.Attrs{"code": info.Invite}})
	return info
}

// handleJoinRequests lists who asks to join, or lets an admin decide.
func (s *Server) handleJoinRequests(c *conn, iq, request *waBinary.Node, g *group) {
	me, info := c.dev.account.phone, g.snapshot()
	if !info.isAdmin(me) {
		c.send(refusal(iq, 403, "forbidden"))
		return
	}
	if request.Tag == "membership_approval_requests" {
		var waiting []waBinary.Node
		for _, r := range info.Requests {
			for _, node := range g.people(info, "membership_approval_request", r.Phone) {
				node.Attrs["request_time"] = r.At.Unix()
				waiting = append(waiting, node)
			}
		}
		c.send(answer(iq, waBinary.Node{Tag: request.Tag, Content: waiting}))
		return
	}
	var decided []waBinary.Node
	for _, action := range request.GetChildren() {
		decided = append(decided, waBinary.Node{Tag: action.Tag, Content: s.decide(g, me, &action)})
	}
	c.send(answer(iq, waBinary.Node{Tag: request.Tag, Content: decided}))
}

// decide approves or rejects the people whom an action names.
func (s *Server) decide(g *group, by string, action *waBinary.Node) (results []waBinary.Node) {
	info := g.snapshot()
	for _, participant := range action.GetChildrenByTag("participant") {
		jid := attrJID(&participant, "jid")
		result := waBinary.Node{Tag: "participant", Attrs: waBinary.Attrs{"jid": jid}}
		a := s.accountNamed(types.NewJID(jid.User, jid.Server))
		switch {
		case a == nil || !slices.ContainsFunc(info.Requests, func(r asking) bool { return r.Phone == a.phone }):
			result.Attrs["error"] = "404"
		case action.Tag == "approve":
			_, _ = g.change(by, MemberAdd, "", []string{a.phone})
		default:
			g.dropRequest(by, a.phone)
		}
		results = append(results, result)
	}
	return results
}
