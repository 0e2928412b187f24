package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// newsletters are the channels that people publish in. What is in them is not encrypted.
type newsletters struct {
	mu   sync.Mutex
	all  map[types.JID]*newsletter
	last uint64
}

// newsletter is a channel of one person.
type newsletter struct {
	owner     *account
	followers []*account
	last      int // numbers the messages
	name      string
	about     string
	muted     map[*account]bool // by whom
	posts     []publication
}

// Newsletter makes a newsletter of a person, with followers, and returns its address.
func (p Person) Newsletter(followers ...string) (types.JID, error) {
	s := p.server
	owner, err := s.account(p.phone)
	if err != nil {
		return types.EmptyJID, err
	}
	made := &newsletter{owner: owner, last: 99}
	for _, phone := range followers {
		follower, err := s.account(phone)
		if err != nil {
			return types.EmptyJID, err
		}
		made.followers = append(made.followers, follower)
	}
	s.newsletters.mu.Lock()
	defer s.newsletters.mu.Unlock()
	return s.newsletters.add(made), nil
}

// add gives a newsletter its address. The caller holds mu.
func (n *newsletters) add(made *newsletter) types.JID {
	if n.all == nil {
		n.all = map[types.JID]*newsletter{}
	}
	n.last++
	jid := types.NewJID(fmt.Sprintf("120363400000%06d", n.last), types.NewsletterServer)
	n.all[jid] = made
	return jid
}

// next returns a newsletter as it is now, nil if there is none, and the number of its next message.
func (n *newsletters) next(jid types.JID) (*newsletter, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found := n.all[jid]
	if found == nil {
		return nil, 0
	}
	found.last++
	return &newsletter{owner: found.owner, followers: slices.Clone(found.followers)}, found.last
}

// owns reports whether an account may write to a newsletter.
func (n *newsletters) owns(jid types.JID, a *account) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	found := n.all[jid]
	return found != nil && found.owner == a
}

// Publish writes to a newsletter, as the phone of its owner does: the bots of the owner and of followers get it. It
// returns the message's id.
func (s *Server) Publish(jid types.JID, m *waE2E.Message, how Delivery) (string, error) {
	in, number := s.newsletters.next(jid)
	if in == nil {
		return "", fmt.Errorf("%w: no newsletter %s", ErrUnknown, jid)
	}
	how = how.withDefaults(in.owner)
	plain, err := proto.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("make a message: %w", err)
	}
	in.owner.archive.keep(how.ID, m)
	s.newsletters.keep(jid, publication{number: number, id: how.ID, kind: stanzaType(m), media: mediaType(m), plain: plain, at: time.Now()})
	l := letter{from: in.owner, message: m, how: how}
	for _, a := range append([]*account{in.owner}, in.followers...) {
		for _, d := range a.allDevices() {
			s.event(EventToBot, d.jid().String(), how.ID)
			s.deliver(d, &queued{node: published(jid, number, l.attrs(), mediaType(m), plain)})
		}
	}
	return how.ID, nil
}

// published is a newsletter's message as companions get it.
func published(jid types.JID, number int, attrs waBinary.Attrs, kind string, plain []byte) waBinary.Node {
	delete(attrs, "notify")
	attrs["from"], attrs["server_id"] = jid, number
	content := waBinary.Node{Tag: "plaintext", Attrs: waBinary.Attrs{}, Content: plain}
	if kind != "" {
		content.Attrs["mediatype"] = kind
	}
	return waBinary.Node{Tag: "message", Attrs: attrs, Content: []waBinary.Node{content}}
}

// distributeInNewsletter hands a companion's message to the phones and companions of those who follow a newsletter. It
// returns the number of the message.
func (s *Server) distributeInNewsletter(from *device, node *waBinary.Node) int {
	jid := attrJID(node, "to")
	in, number := s.newsletters.next(jid)
	if in == nil {
		return 0
	}
	plain := childBytes(node, "plaintext")
	sent := node.GetChildByTag("plaintext")
	if _, changed := node.Attrs["edit"]; !changed {
		s.newsletters.keep(jid, publication{number: number, id: attrText(node, "id"), kind: attrText(node, "type"), media: attrText(&sent, "mediatype"), plain: plain, at: time.Now()})
	}
	for _, a := range append([]*account{in.owner}, in.followers...) {
		s.receivePublished(from, a, node, plain)
		for _, d := range a.allDevices() {
			if d == from {
				continue
			}
			attrs := waBinary.Attrs{"id": attrText(node, "id"), "type": attrText(node, "type"), "t": time.Now().Unix()}
			if edit, changed := node.Attrs["edit"]; changed {
				attrs["edit"] = edit
			}
			s.deliver(d, &queued{node: published(jid, number, attrs, attrText(&sent, "mediatype"), plain)})
		}
	}
	return number
}

// receivePublished is a phone that gets a newsletter's message. There are no receipts for it.
func (s *Server) receivePublished(from *device, a *account, node *waBinary.Node, plain []byte) {
	m := OutMsg{
		Bot: from.jid().String(), To: attrJID(node, "to").String(), Phone: a.phone, ID: attrText(node, "id"), Enc: "plaintext",
		Edit: attrText(node, "edit"), Self: a == from.account, IdentityOK: true, T: time.Now(),
	}
	message := &waE2E.Message{}
	if err := proto.Unmarshal(plain, message); err != nil {
		m.Err = err.Error()
	} else {
		told := summarize(message)
		m.Message, m.Kind, m.Text, m.Ref, m.File = Content{message}, told.kind, told.text, told.ref, s.view(message)
		if f := m.File; f != nil && f.Err == "" && !s.media.HandleIs(f.part.path, attrText(node, "media_id")) {
			f.Err = errHandle.Error()
		}
		m.Double = !m.Self && a.seenBefore(from.account.phone+"/"+m.ID)
	}
	s.out.add(m)
	if !m.Self {
		s.event(EventFromBot, m.Bot, m.ID)
		s.Stats.MsgOut.Add(1)
	}
}
