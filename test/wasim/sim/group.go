package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// The ranks of a group's members.
const (
	rankMember  = ""
	rankAdmin   = "admin"
	rankCreator = "superadmin"
)

// group is a group chat. Its members are accounts, by phone number; Mode says under which address the members know
// each other.
type group struct {
	server *Server
	id     string

	mu      sync.Mutex
	info    groupInfo
	writers map[string]*account // who wrote a message, for the receipts that follow
}

// groupInfo is what the state file keeps of a group.
type groupInfo struct {
	Subject  string    `json:"subject"`
	Topic    string    `json:"topic,omitempty"`
	TopicID  string    `json:"topicId,omitempty"`
	Mode     string    `json:"mode"`
	Creator  string    `json:"creator"`
	Created  time.Time `json:"created"`
	Members  []member  `json:"members"`
	Announce bool      `json:"announce,omitempty"` // only admins write
	Locked   bool      `json:"locked,omitempty"`   // only admins change the subject, description and picture
	Open     bool      `json:"open,omitempty"`     // every member adds others
	Approval bool      `json:"approval,omitempty"` // an admin must approve who joins by an invite
	Timer    int       `json:"timer,omitempty"`    // seconds after which messages disappear
	Requests []asking  `json:"requests,omitempty"` // who waits for an admin
	Picture  string    `json:"picture,omitempty"`
	// PictureURL is where the picture is.
	PictureURL string `json:"pictureUrl,omitempty"`
	Invite     string `json:"invite"`
	Version    int    `json:"version"` // counts the changes of members
}

type member struct {
	Phone string `json:"phone"`
	Rank  string `json:"rank,omitempty"`
}

// asking is someone who asks to join.
type asking struct {
	Phone string    `json:"phone"`
	At    time.Time `json:"at"`
}

func (i *groupInfo) find(phone string) int {
	return slices.IndexFunc(i.Members, func(m member) bool { return m.Phone == phone })
}

func (i *groupInfo) has(phone string) bool { return i.find(phone) >= 0 }

func (i *groupInfo) isAdmin(phone string) bool {
	at := i.find(phone)
	return at >= 0 && i.Members[at].Rank != rankMember
}

// clone is a copy that shares no member with the original.
func (i *groupInfo) clone() groupInfo {
	copied := *i
	copied.Members, copied.Requests = slices.Clone(i.Members), slices.Clone(i.Requests)
	return copied
}

func (g *group) jid() types.JID { return types.NewJID(g.id, types.GroupServer) }

func (g *group) snapshot() groupInfo {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.info.clone()
}

func (g *group) keepLocked() {
	g.server.state.note(g.server.state.put(kindGroup+"/"+g.id, g.info))
}

// putJID sets an attribute, unless the address is empty.
func putJID(attrs waBinary.Attrs, name string, jid types.JID) {
	if !jid.IsEmpty() {
		attrs[name] = jid
	}
}

// address returns the address under which the group knows an account, and its other address.
func (i *groupInfo) address(a *account) (shown, other types.JID) {
	if a.isHidden() {
		return a.lidJID(), types.EmptyJID
	}
	if i.Mode == AddrLID {
		return a.lidJID(), a.jid()
	}
	return a.jid(), a.lidJID()
}

// otherName returns the names of the attributes that hold the other address of a sender and of a listed member.
func (i *groupInfo) otherName() (sender, listed string) {
	if i.Mode == AddrLID {
		return "participant_pn", "phone_number"
	}
	return "participant_lid", "lid"
}

func (s *Server) loadGroup(id string, raw json.RawMessage) error {
	g := &group{server: s, id: id}
	if err := json.Unmarshal(raw, &g.info); err != nil {
		return err
	}
	s.groups[id] = g
	return nil
}

func (s *Server) groupOf(jid types.JID) *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groups[jid.User]
}

// allGroups returns the groups in the order in which they were made.
func (s *Server) allGroups() []*group {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*group, 0, len(s.groups))
	for _, g := range s.groups {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *group) int { return strings.Compare(a.id, b.id) })
	return all
}

// makeGroup makes a group and tells the bots of its members.
func (s *Server) makeGroup(subject, mode, creator, key string, members []string) (*group, error) {
	if mode == "" {
		mode = s.cfg.AddrMode
	}
	if mode != AddrPN && mode != AddrLID {
		return nil, fmt.Errorf("%w: addressing is %q, it must be pn or lid", ErrInvalid, mode)
	}
	info := groupInfo{
		Subject: subject, Mode: mode, Creator: creator, Created: time.Now().Truncate(time.Second),
		Members: []member{{creator, rankCreator}}, Invite: inviteCode(), Version: 1,
	}
	for _, phone := range members {
		if !info.has(phone) {
			info.Members = append(info.Members, member{Phone: phone})
		}
	}
	if err := s.canBeMembers(info.Members); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.lastGroup = max(s.lastGroup+1, uint64(time.Now().UnixMicro()))
	g := &group{server: s, id: fmt.Sprintf("120363%d", s.lastGroup), info: info}
	s.groups[g.id] = g
	s.mu.Unlock()
	g.mu.Lock()
	g.keepLocked()
	g.mu.Unlock()
	s.event(EventGroup, g.jid().String(), "made")
	g.welcome(info, creator, waBinary.Attrs{"type": "new", "key": key}, info.Members)
	return g, nil
}

// canBeMembers refuses numbers that are none, or not on WhatsApp.
func (s *Server) canBeMembers(members []member) error {
	for _, m := range members {
		a, err := s.account(m.Phone)
		if err != nil {
			return err
		}
		if a.isStranger() {
			return fmt.Errorf("%w: %s is not on WhatsApp", ErrInvalid, m.Phone)
		}
	}
	return nil
}

func inviteCode() string {
	code := []rune(randomText(24))
	for i, r := range code {
		if r == '+' || r == '/' || r == '=' {
			code[i] = 'x'
		}
	}
	return string(code[:22])
}

// node describes the group, as queries and notifications do.
func (g *group) node(info groupInfo) waBinary.Node {
	creator := g.server.accountNamed(types.NewJID(info.Creator, types.DefaultUserServer))
	attrs := waBinary.Attrs{
		"id": g.id, "subject": info.Subject, "s_t": info.Created.Unix(), "creation": info.Created.Unix(),
		"size": len(info.Members), "addressing_mode": info.Mode, "p_v_id": fmt.Sprint(info.Version),
	}
	if creator != nil {
		attrs["creator"], _ = info.address(creator)
		attrs["s_o"] = attrs["creator"]
		if info.Mode == AddrLID && !creator.isHidden() {
			attrs["creator_pn"], attrs["s_o_pn"] = creator.jid(), creator.jid()
		}
	}
	content := g.participants(info, info.Members)
	if info.Topic != "" {
		content = append(content, waBinary.Node{
			Tag: "description", Attrs: waBinary.Attrs{"id": info.TopicID, "t": info.Created.Unix()},
			Content: []waBinary.Node{{Tag: "body", Content: []byte(info.Topic)}},
		})
	}
	if info.Announce {
		content = append(content, waBinary.Node{Tag: "announcement"})
	}
	if info.Locked {
		content = append(content, waBinary.Node{Tag: "locked"})
	}
	if info.Approval {
		content = append(content, approvalNode("on"))
	}
	content = append(content, addModeNode(info.Open))
	if info.Timer > 0 {
		content = append(content, waBinary.Node{Tag: "ephemeral", Attrs: waBinary.Attrs{"expiration": info.Timer}})
	}
	return waBinary.Node{Tag: "group", Attrs: attrs, Content: content}
}

// approvalNode says whether an admin must approve who joins: on or off.
func approvalNode(state string) waBinary.Node {
	return waBinary.Node{Tag: "membership_approval_mode", Content: []waBinary.Node{{Tag: "group_join", Attrs: waBinary.Attrs{"state": state}}}}
}

// addModeNode says who may add members.
func addModeNode(open bool) waBinary.Node {
	mode := types.GroupMemberAddModeAdmin
	if open {
		mode = types.GroupMemberAddModeAllMember
	}
	return waBinary.Node{Tag: "member_add_mode", Content: []byte(mode)}
}

// participants lists members under the address of the group, together with their other address.
func (g *group) participants(info groupInfo, members []member) []waBinary.Node {
	_, other := info.otherName()
	nodes := make([]waBinary.Node, 0, len(members))
	for _, m := range members {
		a := g.server.accountNamed(types.NewJID(m.Phone, types.DefaultUserServer))
		if a == nil {
			continue
		}
		shown, second := info.address(a)
		node := waBinary.Node{Tag: "participant", Attrs: waBinary.Attrs{"jid": shown}}
		putJID(node.Attrs, other, second)
		if m.Rank != rankMember {
			node.Attrs["type"] = m.Rank
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// welcome tells new members about the whole group, and why they are told; an empty attribute is left out.
func (g *group) welcome(info groupInfo, by string, why waBinary.Attrs, members []member) {
	maps.DeleteFunc(why, func(_ string, value any) bool { return value == "" })
	g.notify(info, by, members, waBinary.Node{Tag: "create", Attrs: why, Content: []waBinary.Node{g.node(info)}})
}

// notify tells the members' bots about a change, also those that are offline.
func (g *group) notify(info groupInfo, by string, members []member, change waBinary.Node) {
	author := g.server.accountNamed(types.NewJID(by, types.DefaultUserServer))
	if author == nil {
		return
	}
	attrs := waBinary.Attrs{
		"from": g.jid(), "type": "w:gp2", "id": nextID(), "t": time.Now().Unix(), "notify": author.name(),
		"addressing_mode": info.Mode,
	}
	sender, _ := info.otherName()
	shown, other := info.address(author)
	attrs["participant"] = shown
	putJID(attrs, sender, other)
	for _, m := range members {
		if a := g.server.accountNamed(types.NewJID(m.Phone, types.DefaultUserServer)); a != nil {
			g.server.tell(a, waBinary.Node{Tag: "notification", Attrs: attrs, Content: []waBinary.Node{change}})
		}
	}
}
