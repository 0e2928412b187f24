package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// Group is a group chat that a test changes.
type Group struct{ group *group }

// GroupInfo describes a group.
type GroupInfo struct {
	JID      string `json:"jid"`
	Subject  string `json:"subject"`
	Topic    string `json:"topic,omitempty"`
	Mode     string `json:"mode"`
	Announce bool   `json:"announce,omitempty"`
	Locked   bool   `json:"locked,omitempty"`
	Open     bool   `json:"open,omitempty"`
	Approval bool   `json:"approval,omitempty"`
	Timer    int    `json:"timer,omitempty"`
	Picture  string `json:"picture,omitempty"`
	Invite   string `json:"invite"`
	// Members are phone numbers, Admins those of them that may change the group.
	Members []string `json:"members"`
	Admins  []string `json:"admins"`
	// Requests are the numbers that wait for an admin.
	Requests []string `json:"requests"`
}

// MakeGroup makes a group with its creator as admin. Mode says under which address the members know each other: pn,
// lid, or empty for the configured one.
func (s *Server) MakeGroup(subject, mode, creator string, members ...string) (Group, error) {
	g, err := s.makeGroup(subject, mode, creator, "", members)
	return Group{g}, err
}

// GroupOf returns the group with an address.
func (s *Server) GroupOf(jid types.JID) (Group, error) {
	if g := s.groupOf(jid); g != nil && jid.Server == types.GroupServer {
		return Group{g}, nil
	}
	return Group{}, fmt.Errorf("%w: no group %s", ErrUnknown, jid)
}

// Groups lists the groups in the order in which they were made.
func (s *Server) Groups() []GroupInfo {
	infos := []GroupInfo{}
	for _, g := range s.allGroups() {
		infos = append(infos, Group{g}.Info())
	}
	return infos
}

// JID is the group's address.
func (g Group) JID() types.JID { return g.group.jid() }

// Info describes the group as it is now.
func (g Group) Info() GroupInfo {
	info := g.group.snapshot()
	shown := GroupInfo{
		JID: g.JID().String(), Subject: info.Subject, Topic: info.Topic, Mode: info.Mode, Announce: info.Announce,
		Locked: info.Locked, Open: info.Open, Approval: info.Approval, Timer: info.Timer, Picture: info.Picture,
		Invite: info.Invite, Members: []string{}, Admins: []string{}, Requests: []string{},
	}
	for _, r := range info.Requests {
		shown.Requests = append(shown.Requests, r.Phone)
	}
	for _, m := range info.Members {
		shown.Members = append(shown.Members, m.Phone)
		if m.Rank != rankMember {
			shown.Admins = append(shown.Admins, m.Phone)
		}
	}
	return shown
}

// The changes of a group's members.
const (
	MemberAdd     = "add"
	MemberRemove  = "remove"
	MemberPromote = "promote"
	MemberDemote  = "demote"
)

// Change adds, removes, promotes or demotes members. The one who does it must be an admin, or be the one removed; where
// the group lets every member add others, a member too.
func (g Group) Change(by, change string, phones ...string) error {
	changed, err := g.group.change(by, change, "", phones)
	if err == nil && len(changed) == 0 {
		err = fmt.Errorf("%w: %s of %v changes nothing", ErrInvalid, change, phones)
	}
	return err
}

// SetSubject renames the group.
func (g Group) SetSubject(by, subject string) error {
	return g.group.set(by, waBinary.Node{Tag: "subject", Content: []byte(subject)})
}

// SetAnnounce lets only admins write, or everyone again.
func (g Group) SetAnnounce(by string, on bool) error {
	if on {
		return g.group.set(by, waBinary.Node{Tag: "announcement"})
	}
	return g.group.set(by, waBinary.Node{Tag: "not_announcement"})
}

// SetDescription gives the group another description; an empty one removes it.
func (g Group) SetDescription(by, text string) error {
	return g.group.set(by, waBinary.Node{
		Tag: "description", Attrs: waBinary.Attrs{"id": newMessageID(), "prev": g.group.snapshot().TopicID},
		Content: []waBinary.Node{{Tag: "body", Content: []byte(text)}},
	})
}

// SetLocked lets only admins change the subject, the description and the picture, or everyone again.
func (g Group) SetLocked(by string, on bool) error {
	tag := "unlocked"
	if on {
		tag = "locked"
	}
	return g.group.set(by, waBinary.Node{Tag: tag})
}

// SetApproval makes an admin approve who joins by an invite, or lets everyone in who has one.
func (g Group) SetApproval(by string, on bool) error {
	state := "off"
	if on {
		state = "on"
	}
	return g.group.set(by, approvalNode(state))
}

// SetTimer makes messages disappear after so many seconds; 0 keeps them.
func (g Group) SetTimer(by string, seconds int) error {
	if seconds == 0 {
		return g.group.set(by, waBinary.Node{Tag: "not_ephemeral"})
	}
	return g.group.set(by, waBinary.Node{Tag: "ephemeral", Attrs: waBinary.Attrs{"expiration": seconds}})
}

// errConflict: the description was changed meanwhile.
var errConflict = fmt.Errorf("%w: the group has another description than the change names", ErrRefused)

var errForbidden = fmt.Errorf("%w: the group does not let this member do it", ErrRefused)

// viaInvite is the reason of a member who came in by an invite: the one who changes the group is the member.
const viaInvite = "invite"

// change changes members and returns those that it changed. The reason is empty, or viaInvite.
func (g *group) change(by, change, reason string, phones []string) ([]member, error) {
	s := g.server
	if _, err := s.account(by); err != nil {
		return nil, err
	}
	var people []member
	for _, phone := range phones {
		people = append(people, member{Phone: phone})
	}
	if err := s.canBeMembers(people); err != nil {
		return nil, err
	}
	g.mu.Lock()
	allowed := g.info.isAdmin(by) || reason == viaInvite
	switch {
	case change == MemberAdd:
		allowed = allowed || g.info.Open && g.info.has(by)
	case change == MemberRemove && len(phones) == 1 && phones[0] == by:
		allowed = allowed || g.info.has(by)
	}
	if !allowed {
		g.mu.Unlock()
		return nil, errForbidden
	}
	told := slices.Clone(g.info.Members) // who is removed is told of it
	changed, err := g.info.apply(change, phones)
	if err != nil || len(changed) == 0 {
		g.mu.Unlock()
		return nil, err
	}
	before := strconv.Itoa(g.info.Version)
	g.info.Version++
	g.keepLocked()
	info := g.info.clone()
	g.mu.Unlock()
	if change == MemberRemove {
		s.renewSenderKeys(g, told)
	}
	node := waBinary.Node{
		Tag: change, Attrs: waBinary.Attrs{"v_id": strconv.Itoa(info.Version), "prev_v_id": before},
		Content: g.participants(info, changed),
	}
	if reason != "" {
		node.Attrs["reason"] = reason
	}
	s.event(EventGroup, g.jid().String(), change)
	g.notify(info, by, told, node)
	if change == MemberAdd {
		g.welcome(info, by, waBinary.Attrs{"reason": reason}, changed)
	}
	return changed, nil
}

// apply changes the list of members and returns those that it changed, in their new rank.
func (i *groupInfo) apply(change string, phones []string) ([]member, error) {
	var changed []member
	for _, phone := range phones {
		at := i.find(phone)
		switch {
		case change == MemberAdd && at < 0:
			i.Members = append(i.Members, member{Phone: phone})
			i.Requests = slices.DeleteFunc(i.Requests, func(r asking) bool { return r.Phone == phone })
			changed = append(changed, member{Phone: phone})
		case change == MemberAdd || at < 0:
		case change == MemberRemove:
			i.Members = slices.Delete(i.Members, at, at+1)
			changed = append(changed, member{Phone: phone})
		case change == MemberPromote:
			i.Members[at].Rank = rankAdmin
			changed = append(changed, i.Members[at])
		case change == MemberDemote:
			i.Members[at].Rank = rankMember
			changed = append(changed, i.Members[at])
		default:
			return nil, fmt.Errorf("%w: change %q of members, it must be add, remove, promote or demote", ErrInvalid, change)
		}
	}
	return changed, nil
}

// set changes a setting of the group, given as the node by which a client asks for it, and tells the members.
func (g *group) set(by string, ask waBinary.Node) error {
	g.mu.Lock()
	restricted := g.info.Locked || ask.Tag != "subject" && ask.Tag != "description"
	if !g.info.has(by) || restricted && !g.info.isAdmin(by) {
		g.mu.Unlock()
		return errForbidden
	}
	if prev := attrText(&ask, "prev"); ask.Tag == "description" && prev != g.info.TopicID {
		g.mu.Unlock()
		return errConflict
	}
	told, ok := g.info.set(ask)
	if ok {
		g.keepLocked()
	}
	info := g.info.clone()
	g.mu.Unlock()
	if !ok {
		return fmt.Errorf("%w: group setting %q", ErrInvalid, ask.Tag)
	}
	if author := g.server.accountNamed(types.NewJID(by, types.DefaultUserServer)); ask.Tag == "subject" && author != nil {
		told.Attrs["s_o"], _ = info.address(author)
	}
	g.server.event(EventGroup, g.jid().String(), ask.Tag)
	g.notify(info, by, info.Members, told)
	return nil
}

// set changes a setting and returns the node that announces it. False means that there is no such setting.
func (i *groupInfo) set(ask waBinary.Node) (waBinary.Node, bool) {
	content, _ := ask.Content.([]byte)
	switch ask.Tag {
	case "subject":
		i.Subject = string(content)
		return waBinary.Node{Tag: "subject", Attrs: waBinary.Attrs{"subject": i.Subject, "s_t": time.Now().Unix()}}, true
	case "description":
		i.Topic, i.TopicID = string(childBytes(&ask, "body")), attrText(&ask, "id")
		told := waBinary.Node{Tag: "description", Attrs: waBinary.Attrs{"id": i.TopicID}}
		if i.Topic == "" {
			i.TopicID = ""
			told.Content = []waBinary.Node{{Tag: "delete"}}
		} else {
			told.Content = []waBinary.Node{{Tag: "body", Content: []byte(i.Topic)}}
		}
		return told, true
	case "announcement", "not_announcement":
		i.Announce = ask.Tag == "announcement"
		i.Version++
		return waBinary.Node{Tag: ask.Tag, Attrs: waBinary.Attrs{"v_id": strconv.Itoa(i.Version)}}, true
	case "locked", "unlocked":
		i.Locked = ask.Tag == "locked"
		return waBinary.Node{Tag: ask.Tag}, true
	case "ephemeral":
		i.Timer = attrInt(&ask, "expiration")
		return waBinary.Node{Tag: ask.Tag, Attrs: waBinary.Attrs{"expiration": i.Timer}}, true
	case "not_ephemeral":
		i.Timer = 0
		return waBinary.Node{Tag: ask.Tag}, true
	case "membership_approval_mode":
		mode := ask.GetChildByTag("group_join")
		i.Approval = attrText(&mode, "state") == "on"
		return approvalNode(attrText(&mode, "state")), true
	case "member_add_mode":
		i.Open = string(content) == string(types.GroupMemberAddModeAllMember)
		return addModeNode(i.Open), true
	default:
		return waBinary.Node{}, false
	}
}
