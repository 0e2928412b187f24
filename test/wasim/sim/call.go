package sim

import (
	"fmt"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// maxCalls bounds the calls that are remembered.
const maxCalls = 1000

// The states of a call.
const (
	CallRings    = "rings"
	CallTaken    = "taken"
	CallRejected = "rejected"
	CallOver     = "over"
)

// Ring says what kind of call it is.
type Ring struct {
	Video bool `json:"video"`
	// Group is the group that the call is for; empty for a call between two people.
	Group string `json:"group"`
}

// phoneCall is a call from a person to a number.
type phoneCall struct {
	from, to *account
	creator  types.JID
	group    types.JID
	state    string
}

type calls struct {
	mu   sync.Mutex
	byID map[string]*phoneCall
}

// Call rings at a number, and with it at its bots. It returns the call's id.
func (p Person) Call(to types.JID, ring Ring) (string, error) {
	s := p.server
	caller, err := s.account(p.phone)
	if err != nil {
		return "", err
	}
	called, devices, err := s.receivers(to)
	if err != nil {
		return "", err
	}
	call := &phoneCall{from: caller, to: called, creator: s.addressOf(caller), state: CallRings}
	id := newMessageID()
	if ring.Group != "" {
		if call.group, err = parseDevice(ring.Group); err != nil {
			return "", err
		}
	}
	s.calls.mu.Lock()
	if s.calls.byID == nil || len(s.calls.byID) >= maxCalls {
		s.calls.byID = map[string]*phoneCall{}
	}
	s.calls.byID[id] = call
	s.calls.mu.Unlock()
	media := []waBinary.Node{{Tag: "audio", Attrs: waBinary.Attrs{"enc": "opus", "rate": 16000}}}
	if ring.Video {
		media = append(media, waBinary.Node{Tag: "video", Attrs: waBinary.Attrs{"enc": "h264"}})
	}
	for _, d := range devices {
		s.deliver(d, &queued{node: s.callNode(call, id, "offer", media...)})
	}
	return id, nil
}

// callNode is a stanza about a call, as the called account's devices get it.
func (s *Server) callNode(call *phoneCall, id, what string, content ...waBinary.Node) waBinary.Node {
	attrs := waBinary.Attrs{"call-id": id, "call-creator": call.creator}
	if call.creator.Server == types.HiddenUserServer && !call.from.isHidden() {
		attrs["caller_pn"] = call.from.jid()
	}
	putJID(attrs, "group-jid", call.group)
	return waBinary.Node{
		Tag: "call", Attrs: waBinary.Attrs{
			"from": call.creator, "id": newMessageID(), "t": time.Now().Unix(), "platform": "android", "version": "2.26.1",
		},
		Content: []waBinary.Node{{Tag: what, Attrs: attrs, Content: content}},
	}
}

// find returns a call in one of the states.
func (c *calls) change(id, to string, from ...string) (*phoneCall, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.byID[id]
	if call == nil {
		return nil, fmt.Errorf("%w: no call %s", ErrUnknown, id)
	}
	for _, state := range from {
		if call.state == state {
			call.state = to
			return call, nil
		}
	}
	return nil, fmt.Errorf("%w: the call %s is %s", ErrRefused, id, call.state)
}

// HangUp ends a call.
func (s *Server) HangUp(id string) error {
	call, err := s.calls.change(id, CallOver, CallRings, CallTaken, CallRejected)
	if err == nil {
		s.tell(call.to, s.callNode(call, id, "terminate"))
	}
	return err
}

// TakeCall makes the called phone take a call.
func (s *Server) TakeCall(id string) error {
	call, err := s.calls.change(id, CallTaken, CallRings)
	if err == nil {
		s.tell(call.to, s.callNode(call, id, "accept"))
	}
	return err
}

// CallState is how far a call has come; empty for an unknown one.
func (s *Server) CallState(id string) string {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	if call := s.calls.byID[id]; call != nil {
		return call.state
	}
	return ""
}

// handleCall takes a companion's rejection of a call. It must name the call's creator by the address of the offer; the
// server ignores any other. The caller's phone then ends the call.
func (s *Server) handleCall(d *device, node *waBinary.Node) {
	reject := node.GetChildByTag("reject")
	id, creator := attrText(&reject, "call-id"), attrJID(&reject, "call-creator")
	s.calls.mu.Lock()
	call := s.calls.byID[id]
	known := call != nil && call.to == d.account && call.creator == creator && attrJID(node, "to") == creator
	s.calls.mu.Unlock()
	if !known {
		s.event(EventCallIgnored, d.jid().String(), id)
		return
	}
	if call, err := s.calls.change(id, CallRejected, CallRings); err == nil {
		s.tell(call.to, s.callNode(call, id, "terminate"))
	}
}
