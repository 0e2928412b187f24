package sim

import (
	"fmt"
	"net/http"
	"strconv"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// ChangeNumber moves the person to another number, as WhatsApp does when somebody asks for it on the phone, and returns
// the person there. The bots of everybody whom the person met are told, and those of the other members of each group of
// the person. Afterwards the old number is not on WhatsApp.
func (p Person) ChangeNumber(to string) (Person, error) {
	s := p.server
	old, err := s.account(p.phone)
	if err != nil {
		return Person{}, err
	}
	moved, err := s.account(to)
	switch {
	case err != nil:
		return Person{}, err
	case old == moved, old.isStranger():
		return Person{}, fmt.Errorf("%w: %s cannot move to %s", ErrInvalid, p.phone, to)
	case len(old.allDevices())+len(moved.allDevices()) > 0:
		return Person{}, fmt.Errorf("%w: a number with linked devices cannot change here", ErrRefused)
	}
	shown := old.shown()
	moved.change(func(f *profile) { f.saved.Profile = shown })
	for _, other := range s.allAccounts() {
		if other != old && met(old, other) {
			meet(moved, other)
			s.tell(other, notification("contacts", waBinary.Node{Tag: "modify", Attrs: waBinary.Attrs{
				"old": old.jid(), "new": moved.jid(), "old_lid": old.lidJID(), "new_lid": moved.lidJID(),
			}}))
		}
	}
	for _, g := range s.allGroups() {
		g.renumber(old, moved)
	}
	old.change(func(f *profile) { f.saved.Moved = true })
	return s.Person(to), nil
}

// renumber gives a member of the group another number, and tells the others.
func (g *group) renumber(old, moved *account) {
	g.mu.Lock()
	at := g.info.find(old.phone)
	if at < 0 {
		g.mu.Unlock()
		return
	}
	before := strconv.Itoa(g.info.Version)
	g.info.Version++
	g.info.Members[at].Phone = moved.phone
	if g.info.Creator == old.phone {
		g.info.Creator = moved.phone
	}
	g.keepLocked()
	info := g.info.clone()
	changed := info.Members[at : at+1]
	g.mu.Unlock()
	g.notify(info, old.phone, info.Members, waBinary.Node{
		Tag: "modify", Attrs: waBinary.Attrs{"v_id": strconv.Itoa(info.Version), "prev_v_id": before},
		Content: g.participants(info, changed),
	})
}

type numberBody struct {
	Phone string `json:"phone"`
	To    string `json:"to"`
}

func (s *Server) postNumber(_ *http.Request, body *numberBody) (any, error) {
	_, err := s.Person(parsePhone(body.Phone)).ChangeNumber(parsePhone(body.To))
	return done, err
}
