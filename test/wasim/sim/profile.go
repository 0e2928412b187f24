package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waVnameCert"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Profile is how an account shows itself.
type Profile struct {
	// Name is the push name; empty for the simulator's own.
	Name string `json:"name,omitempty"`
	// About is the text below it.
	About string `json:"about,omitempty"`
	// Business is the verified name of a business.
	Business string `json:"business,omitempty"`
	// Picture is the id of the picture.
	Picture string `json:"picture,omitempty"`
}

// profile is what an account shows, and whom it blocks.
type profile struct {
	mu    sync.Mutex
	saved struct {
		Profile
		PictureURL string   `json:"pictureUrl,omitempty"`
		Blocked    []string `json:"blocked,omitempty"`
		// Moved is true for a number that its owner gave up for another.
		Moved bool `json:"moved,omitempty"`
	}
}

// shown is the account's profile.
func (a *account) shown() Profile {
	a.profile.mu.Lock()
	defer a.profile.mu.Unlock()
	return a.profile.saved.Profile
}

// change changes the account's profile, or its list of blocked people.
func (a *account) change(do func(*profile)) {
	a.profile.mu.Lock()
	defer a.profile.mu.Unlock()
	do(&a.profile)
	a.state.note(a.state.put(kindProfile+"/"+a.phone, a.profile.saved))
}

// Number is the person's phone number.
func (p Person) Number() string { return p.phone }

// Profile is what the person shows.
func (p Person) Profile() Profile {
	if a, err := p.server.account(p.phone); err == nil {
		return a.shown()
	}
	return Profile{}
}

// Show changes the name, the about and the business name that the person shows. The bots of everybody whom the person
// met are told of another about.
func (p Person) Show(name, about, business string) error {
	a, err := p.server.account(p.phone)
	if err != nil {
		return err
	}
	before := a.shown()
	a.change(func(f *profile) { f.saved.Name, f.saved.About, f.saved.Business = name, about, business })
	if before.About != about {
		p.server.tellAbout(a, about)
	}
	return nil
}

// SetPicture gives the person another picture; none removes it. The bots of everybody whom the person met are told.
func (p Person) SetPicture(picture []byte) error {
	a, err := p.server.account(p.phone)
	if err == nil {
		p.server.setPicture(a, picture)
	}
	return err
}

// Blocked lists the numbers that the person has blocked.
func (p Person) Blocked() []string {
	a, err := p.server.account(p.phone)
	if err != nil {
		return nil
	}
	a.profile.mu.Lock()
	defer a.profile.mu.Unlock()
	return slices.Clone(a.profile.saved.Blocked)
}

// tellFriends tells the bots of everybody whom an account met, and its own.
func (s *Server) tellFriends(a *account, node func() waBinary.Node) {
	for _, other := range s.allAccounts() {
		if other == a || met(a, other) {
			s.tell(other, node())
		}
	}
}

func (s *Server) tellAbout(a *account, about string) {
	s.tellFriends(a, func() waBinary.Node {
		node := notification("status", waBinary.Node{Tag: "set", Content: []byte(about)})
		node.Attrs["from"] = s.addressOf(a)
		return node
	})
}

// handleAbout takes the text that a companion gives its account.
func (s *Server) handleAbout(c *conn, iq, request *waBinary.Node) {
	if request.Tag != "status" {
		c.send(answer(iq))
		return
	}
	about := contentText(request)
	c.dev.account.change(func(f *profile) { f.saved.About = about })
	c.send(answer(iq))
	s.tellAbout(c.dev.account, about)
}

// contentText is a node's content; whatsmeow writes some texts as words of its dictionary.
func contentText(node *waBinary.Node) string {
	switch content := node.Content.(type) {
	case []byte:
		return string(content)
	case string:
		return content
	}
	return ""
}

// describeProfile answers what somebody asked of an account's profile.
func (a *account) describeProfile(asked map[string]bool, asker *account) (facts []waBinary.Node) {
	f := a.shown()
	if asked["business"] && f.Business != "" {
		details, _ := proto.Marshal(&waVnameCert.VerifiedNameCertificate_Details{Issuer: proto.String("smb:wa"), VerifiedName: &f.Business})
		certificate, _ := proto.Marshal(&waVnameCert.VerifiedNameCertificate{Details: details})
		facts = append(facts, waBinary.Node{Tag: "business", Content: []waBinary.Node{
			{Tag: "verified_name", Attrs: waBinary.Attrs{"v": "1"}, Content: certificate},
		}})
	}
	if a.isPrivate() && a != asker {
		return facts
	}
	if asked["status"] {
		facts = append(facts, waBinary.Node{Tag: "status", Attrs: waBinary.Attrs{"t": time.Now().Unix()}, Content: []byte(f.About)})
	}
	if asked["picture"] && f.Picture != "" {
		facts = append(facts, waBinary.Node{Tag: "picture", Attrs: waBinary.Attrs{"id": f.Picture}})
	}
	return facts
}

// handleBlocklist tells whom a companion's account blocks, or changes it.
func (s *Server) handleBlocklist(c *conn, iq, request *waBinary.Node) {
	me := c.dev.account
	if request.Tag == "item" {
		whom, action := s.accountOf(attrJID(request, "jid")), attrText(request, "action")
		if whom == nil || whom.isStranger() || action != "block" && action != "unblock" {
			c.send(refusal(iq, 400, "bad-request"))
			return
		}
		me.change(func(f *profile) {
			f.saved.Blocked = slices.DeleteFunc(f.saved.Blocked, func(phone string) bool { return phone == whom.phone })
			if action == "block" {
				f.saved.Blocked = append(f.saved.Blocked, whom.phone)
			}
		})
	}
	var items []waBinary.Node
	blocked := s.Person(me.phone).Blocked()
	for _, phone := range blocked {
		if a := s.accountNamed(types.NewJID(phone, types.DefaultUserServer)); a != nil {
			items = append(items, waBinary.Node{Tag: "item", Attrs: waBinary.Attrs{"jid": s.addressOf(a)}})
		}
	}
	c.send(answer(iq, waBinary.Node{Tag: "list", Attrs: waBinary.Attrs{"dhash": fmt.Sprint(len(blocked))}, Content: items}))
}
