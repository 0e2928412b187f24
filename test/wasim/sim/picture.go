package sim

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/test/wasim/mediahost"
)

// maxPicture is the largest picture that the server takes.
const maxPicture = 1 << 20

var lastPicture atomic.Int64

// newPicture numbers a picture, uniquely also over restarts.
func newPicture() string { return strconv.FormatInt(time.Now().UnixMicro()+lastPicture.Add(1), 10) }

// hostPicture puts a picture on the media host, and returns its id and address; none has neither.
func (s *Server) hostPicture(picture []byte) (id, url string) {
	if len(picture) == 0 {
		return "", ""
	}
	return newPicture(), s.ServePicture(picture)
}

// met reports whether two accounts know each other.
func met(a, b *account) bool {
	a.trust.mu.Lock()
	defer a.trust.mu.Unlock()
	return a.trust.known[b.phone]
}

// setPicture gives an account another picture; none removes it.
func (s *Server) setPicture(a *account, picture []byte) string {
	id, url := s.hostPicture(picture)
	a.change(func(f *profile) { f.saved.Picture, f.saved.PictureURL = id, url })
	s.tellFriends(a, func() waBinary.Node { return pictureNotification(s.addressOf(a), types.EmptyJID, id) })
	return id
}

// pictureNotification says that a picture changed, or with an empty id that it is gone.
func pictureNotification(of, by types.JID, id string) waBinary.Node {
	change := waBinary.Node{Tag: "set", Attrs: waBinary.Attrs{"jid": of, "id": id}}
	if id == "" {
		change = waBinary.Node{Tag: "delete", Attrs: waBinary.Attrs{"jid": of}}
	}
	putJID(change.Attrs, "author", by)
	node := notification("picture", change)
	node.Attrs["from"] = of
	return node
}

// SetPicture gives the group another picture; none removes it.
func (g Group) SetPicture(by string, picture []byte) error {
	_, err := g.group.setPicture(by, picture)
	return err
}

func (g *group) setPicture(by string, picture []byte) (string, error) {
	author, err := g.server.account(by)
	if err != nil {
		return "", err
	}
	g.mu.Lock()
	if !g.info.has(by) || g.info.Locked && !g.info.isAdmin(by) {
		g.mu.Unlock()
		return "", errForbidden
	}
	g.info.Picture, g.info.PictureURL = g.server.hostPicture(picture)
	g.keepLocked()
	info := g.info.clone()
	g.mu.Unlock()
	shown, _ := info.address(author)
	for _, m := range info.Members {
		if a := g.server.accountNamed(types.NewJID(m.Phone, types.DefaultUserServer)); a != nil {
			g.server.tell(a, pictureNotification(g.jid(), shown, info.Picture))
		}
	}
	g.server.event(EventGroup, g.jid().String(), "picture")
	return info.Picture, nil
}

// handlePicture tells a companion where a picture is, or takes a new one for its account or one of its groups.
func (s *Server) handlePicture(c *conn, iq, request *waBinary.Node) {
	target := attrJID(iq, "target")
	if attrText(iq, "type") == "set" {
		s.takePicture(c, iq, request, target)
		return
	}
	if target.IsEmpty() {
		target = c.dev.account.jid()
	}
	id, url, code := s.pictureOf(c.dev.account, target)
	switch {
	case code != 0:
		c.send(refusal(iq, code, map[int]string{401: "not-authorized", 404: "item-not-found"}[code]))
	case attrText(request, "id") == id:
		c.send(answer(iq, waBinary.Node{Tag: "picture", Attrs: waBinary.Attrs{"status": "304"}}))
	default:
		c.send(answer(iq, waBinary.Node{Tag: "picture", Attrs: waBinary.Attrs{
			"id": id, "type": attrText(request, "type"), "url": url, "direct_path": strings.TrimPrefix(url, "https://"+mediahost.Pictures),
		}}))
	}
}

// pictureOf is the picture that an account may see of another one or of a group, or the code of the refusal.
func (s *Server) pictureOf(asker *account, of types.JID) (id, url string, code int) {
	if of.Server == types.GroupServer {
		g := s.groupOf(of)
		if g == nil {
			return "", "", 401
		}
		info := g.snapshot()
		if !info.has(asker.phone) {
			return "", "", 401
		}
		id, url = info.Picture, info.PictureURL
	} else {
		a := s.accountOf(of)
		switch {
		case a == nil || a.isStranger():
			return "", "", 404
		case a.isPrivate() && a != asker:
			return "", "", 401
		}
		a.profile.mu.Lock()
		id, url = a.profile.saved.Picture, a.profile.saved.PictureURL
		a.profile.mu.Unlock()
	}
	if id == "" {
		return "", "", 404
	}
	return id, url, 0
}

// takePicture takes a companion's picture; a request without one removes the picture that is there.
func (s *Server) takePicture(c *conn, iq, request *waBinary.Node, target types.JID) {
	picture, _ := request.Content.([]byte)
	if request.Tag == "picture" && (len(picture) == 0 || len(picture) > maxPicture || picture[0] != 0xff || picture[1] != 0xd8) {
		c.send(refusal(iq, 406, "not-acceptable"))
		return
	}
	id, err := "", error(nil)
	switch {
	case target.Server == types.GroupServer:
		g := s.groupOf(target)
		if g == nil {
			err = fmt.Errorf("%w: group %s", ErrUnknown, target)
			break
		}
		id, err = g.setPicture(c.dev.account.phone, picture)
	case target.IsEmpty():
		id = s.setPicture(c.dev.account, picture)
	default:
		err = errForbidden
	}
	if err != nil {
		c.send(refusal(iq, 403, "forbidden"))
		return
	}
	if id == "" {
		c.send(answer(iq))
		return
	}
	c.send(answer(iq, waBinary.Node{Tag: "picture", Attrs: waBinary.Attrs{"id": id}}))
}
