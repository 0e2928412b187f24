package sim

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"go.mau.fi/libsignal/ecc"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// fewPreKeys is when a companion is asked for more one-time keys, maxPreKeys how many are kept of one.
const (
	fewPreKeys = 5
	maxPreKeys = 5000
)

// handleEncrypt counts, uploads, and hands out prekeys.
func (s *Server) handleEncrypt(c *conn, iq *waBinary.Node) {
	children := iq.GetChildren()
	if attrText(iq, "type") != "get" {
		if s.upload(c.dev, children) {
			c.send(answer(iq))
		} else {
			c.send(refusal(iq, 406, "not-acceptable"))
		}
		return
	}
	if len(children) == 1 && children[0].Tag == "count" {
		c.send(answer(iq, waBinary.Node{Tag: "count", Attrs: waBinary.Attrs{"value": c.dev.preKeyCount()}}))
		return
	}
	var users []waBinary.Node
	for _, child := range children {
		for _, user := range child.GetChildrenByTag("user") {
			users = append(users, s.preKeyBundle(attrJID(&user, "jid"), c.dev))
		}
	}
	c.send(answer(iq, waBinary.Node{Tag: "list", Content: users}))
}

// upload takes one-time keys, and a signed one. False means that something is not a key; then none is taken.
func (s *Server) upload(d *device, children []waBinary.Node) bool {
	var fresh []preKey
	var signed *signedPreKey
	for _, child := range children {
		switch child.Tag {
		case "list":
			for _, key := range child.GetChildrenByTag("key") {
				id, value := childBytes(&key, "id"), childBytes(&key, "value")
				if len(id) != 3 || len(value) != 32 {
					return false
				}
				fresh = append(fresh, preKey{id: uint24(id), public: [32]byte(value)})
			}
		case "rotate":
			child = child.GetChildByTag("skey")
			fallthrough
		case "skey":
			id, value, signature := childBytes(&child, "id"), childBytes(&child, "value"), childBytes(&child, "signature")
			if len(id) != 3 || len(value) != 32 || len(signature) != 64 {
				return false
			}
			signed = &signedPreKey{id: uint24(id), public: [32]byte(value), signature: [64]byte(signature)}
		}
	}
	d.mu.Lock()
	if signed != nil {
		d.signed = *signed
	}
	d.preKeys = append(d.preKeys, fresh[:min(len(fresh), maxPreKeys-min(maxPreKeys, len(d.preKeys)))]...)
	d.mu.Unlock()
	s.state.keepPreKeys(d)
	if signed != nil {
		s.state.note(s.state.keepDevice(d))
	}
	if len(fresh) > 0 {
		s.Stats.PreKeyUploads.Add(1)
		s.Stats.PreKeysUploaded.Add(int64(len(fresh)))
		s.event(EventPreKeys, d.jid().String(), fmt.Sprint(len(fresh)))
	}
	return true
}

func (d *device) preKeyCount() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.preKeys)
}

// takePreKey removes a one-time key and returns it, nil if none is left, and asks the companion for more when
// few are left.
func (d *device) takePreKey() *preKey {
	d.mu.Lock()
	var taken *preKey
	if len(d.preKeys) > 0 {
		taken = &d.preKeys[0]
		d.preKeys = d.preKeys[1:]
	}
	left, current := len(d.preKeys), d.current
	d.mu.Unlock()
	if taken != nil {
		d.account.state.keepPreKeys(d)
	}
	if left < fewPreKeys && current != nil {
		current.send(notification("encrypt", waBinary.Node{Tag: "count", Attrs: waBinary.Attrs{"value": left}}))
	}
	return taken
}

// preKeyBundle answers one user of a prekey request: a phone, or a companion.
func (s *Server) preKeyBundle(jid types.JID, asker *device) waBinary.Node {
	user := waBinary.Node{Tag: "user", Attrs: waBinary.Attrs{"jid": jid, "t": time.Now().Unix()}}
	a := s.accountOf(jid)
	if a == nil {
		user.Content = notFound
		return user
	}
	if jid.Device == 0 {
		user.Content = a.phoneSide.bundleNodes()
		return user
	}
	d := a.device(jid.Device)
	if d == nil {
		user.Content = notFound
		return user
	}
	// whatsmeow asks for its own device too with every message that it sends; that must not use up its keys.
	var one *preKey
	if d == asker {
		s.Stats.SelfFetch.Add(1)
	} else {
		one = d.takePreKey()
	}
	d.mu.Lock()
	signed := d.signed
	d.mu.Unlock()
	user.Content = append(bundleNodes(d.registerID, d.identityKey[:], one, signed),
		waBinary.Node{Tag: "device-identity", Content: d.adv})
	return user
}

var notFound = []waBinary.Node{{Tag: "error", Attrs: waBinary.Attrs{"code": "404", "text": "item-not-found"}}}

func (p *peer) bundleNodes() []waBinary.Node {
	made, err := p.offerPreKey(context.Background())
	if err != nil {
		return notFound
	}
	signed := p.dev.SignedPreKey
	return bundleNodes(p.dev.RegistrationID, p.identity().Pub[:], &preKey{id: made.KeyID, public: *made.Pub},
		signedPreKey{id: signed.KeyID, public: *signed.Pub, signature: *signed.Signature})
}

func bundleNodes(registerID uint32, identity []byte, one *preKey, signed signedPreKey) []waBinary.Node {
	nodes := []waBinary.Node{
		{Tag: "registration", Content: binary.BigEndian.AppendUint32(nil, registerID)},
		{Tag: "type", Content: []byte{ecc.DjbType}},
		{Tag: "identity", Content: identity},
		{Tag: "skey", Content: []waBinary.Node{
			{Tag: "id", Content: bytes24(signed.id)},
			{Tag: "value", Content: signed.public[:]},
			{Tag: "signature", Content: signed.signature[:]},
		}},
	}
	if one != nil {
		nodes = append(nodes, waBinary.Node{Tag: "key", Content: []waBinary.Node{
			{Tag: "id", Content: bytes24(one.id)}, {Tag: "value", Content: one.public[:]},
		}})
	}
	return nodes
}

func uint24(b []byte) uint32  { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
func bytes24(v uint32) []byte { return []byte{byte(v >> 16), byte(v >> 8), byte(v)} }
