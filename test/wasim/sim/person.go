package sim

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"go.mau.fi/libsignal/protocol"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Person is someone with WhatsApp on a phone: a customer, or the owner of a number that bots are linked to.
type Person struct {
	server *Server
	phone  string
}

// Person returns the person with a phone number. A number that makes no sense is an error of the first action.
func (s *Server) Person(phone string) Person { return Person{s, phone} }

// Delivery says how a message reaches a bot. The zero value is a message as people send them.
type Delivery struct {
	// ID is the message's id; empty for a fresh one.
	ID string
	// Name is the push name, by default the account's.
	Name string
	// Bad is how many copies the bot cannot decrypt: the first one, then those that it asks for.
	Bad int
	// Twice delivers the very same stanza two times.
	Twice bool
	// Unavailable, if set, is the kind of a message that only the phone has (view_once): the bot gets no ciphertext.
	Unavailable string
	// Lost is true for a message that reaches the phones and no bot.
	Lost bool
	// Time is when the message was sent, now if zero.
	Time time.Time
}

// Say sends a text from a person's number to a bot, or to all bots of a number if the address names none. It
// returns the message's id; an offline bot gets the message at its next login.
func (s *Server) Say(to types.JID, from, text, name string) (string, error) {
	return s.Person(from).Send(to, Text(text), Delivery{Name: name})
}

// Write sends a text to a bot, a number or a group and returns the message's id.
func (p Person) Write(to types.JID, text string) (string, error) {
	return p.Send(to, Text(text), Delivery{})
}

// Send sends a message to a bot, a number or a group and returns its id. The sender's own bots get a copy, as they
// do of whatever their phone sends.
func (p Person) Send(to types.JID, m *waE2E.Message, how Delivery) (string, error) {
	s := p.server
	sender, err := s.account(p.phone)
	if err != nil {
		return "", err
	}
	how = how.withDefaults(sender)
	if to.Server == types.GroupServer {
		g, err := s.GroupOf(to)
		if err != nil {
			return "", err
		}
		return how.ID, s.sendToGroup(sender, g.group, m, how)
	}
	receiver, devices, err := s.receivers(to)
	if err != nil {
		return "", err
	}
	var own []*device
	if receiver != sender {
		own = sender.allDevices()
	}
	if len(devices)+len(own) == 0 {
		return "", fmt.Errorf("%w: %s has no linked device", ErrUnknown, to)
	}
	plain, err := proto.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("make a message: %w", err)
	}
	l := letter{from: sender, to: receiver, plain: plain, message: m, how: how}
	meet(sender, receiver)
	receiver.archive.add(l)
	sender.archive.add(l)
	receiver.polls.learn(how.ID, sender, nil, m)
	sender.polls.learn(how.ID, sender, nil, m)
	if how.Lost {
		return how.ID, nil
	}
	for _, d := range devices {
		if err = s.post(d, l); err != nil {
			return "", err
		}
	}
	for _, d := range own {
		if err = s.postOwn(d, l); err != nil {
			return "", err
		}
	}
	return how.ID, nil
}

func (d Delivery) withDefaults(sender *account) Delivery {
	if d.ID == "" {
		d.ID = newMessageID()
	}
	if d.Name == "" {
		d.Name = sender.name()
	}
	if d.Time.IsZero() {
		d.Time = time.Now()
	}
	return d
}

// newMessageID returns an id that looks like one of a phone.
func newMessageID() string {
	var id [9]byte
	_, _ = rand.Read(id[:])
	return fmt.Sprintf("3A%X", id[:])
}

// receivers returns the account that an address names, and the one companion that it names or all of the account's.
func (s *Server) receivers(to types.JID) (*account, []*device, error) {
	if to.Server == "" {
		to.Server = types.DefaultUserServer
	}
	a := s.accountOf(to)
	if a == nil {
		return nil, nil, fmt.Errorf("%w: no account %s", ErrUnknown, to)
	}
	if to.Device == 0 {
		return a, a.allDevices(), nil
	}
	d := a.device(to.Device)
	if d == nil {
		return nil, nil, fmt.Errorf("%w: no device %s", ErrUnknown, to)
	}
	return a, []*device{d}, nil
}

// letter is a message on its way from one phone to another.
type letter struct {
	from, to *account
	group    *group // in place of to
	plain    []byte
	message  *waE2E.Message
	how      Delivery
}

// attrs are the attributes that a letter has for every companion.
func (l letter) attrs() waBinary.Attrs {
	attrs := waBinary.Attrs{
		"id": l.how.ID, "type": stanzaType(l.message), "t": l.how.Time.Unix(), "notify": l.how.Name,
	}
	if edit := editAttr(l.message); edit != types.EditAttributeEmpty {
		attrs["edit"] = string(edit)
	}
	return attrs
}

// post sends a letter to a companion of its receiver.
func (s *Server) post(d *device, l letter) error {
	attrs := l.attrs()
	switch {
	case l.from.isHidden():
		attrs["from"], attrs["addressing_mode"] = l.from.lidJID(), AddrLID
	case s.cfg.AddrMode == AddrLID:
		attrs["from"], attrs["sender_pn"], attrs["addressing_mode"] = l.from.lidJID(), l.from.jid(), AddrLID
	default:
		attrs["from"], attrs["sender_lid"] = l.from.jid(), l.from.lidJID()
	}
	s.event(EventToBot, d.jid().String(), l.how.ID)
	return s.encryptAndDeliver(d, l.from, attrs, l.plain, mediaType(l.message), l.how)
}

// postOwn sends a letter to a companion of its sender, so that it shows what its phone wrote.
func (s *Server) postOwn(d *device, l letter) error {
	attrs := l.attrs()
	chat := s.addressOf(l.to)
	switch {
	case l.to.isHidden():
		attrs["from"], attrs["recipient"] = l.from.lidJID(), chat
	case s.cfg.AddrMode == AddrLID:
		attrs["from"], attrs["recipient"], attrs["peer_recipient_pn"] = l.from.lidJID(), chat, l.to.jid()
	default:
		attrs["from"], attrs["recipient"], attrs["peer_recipient_lid"] = l.from.jid(), chat, l.to.lidJID()
	}
	plain, err := proto.Marshal(&waE2E.Message{DeviceSentMessage: &waE2E.DeviceSentMessage{
		DestinationJID: proto.String(chat.String()), Message: l.message,
	}})
	if err != nil {
		return fmt.Errorf("make a message: %w", err)
	}
	s.event(EventToBot, d.jid().String(), l.how.ID)
	return s.encryptAndDeliver(d, l.from, attrs, plain, mediaType(l.message), l.how)
}

// encryptAndDeliver encrypts a message for one companion and queues it; kind is the type of its file, if it has one.
func (s *Server) encryptAndDeliver(d *device, from *account, attrs waBinary.Attrs, plain []byte, kind string, how Delivery) error {
	if how.Unavailable != "" || how.Bad > 0 {
		s.greet(d)
	}
	if how.Unavailable != "" {
		s.deliver(d, &queued{node: waBinary.Node{Tag: "message", Attrs: attrs, Content: []waBinary.Node{
			{Tag: "unavailable", Attrs: waBinary.Attrs{"type": how.Unavailable}},
		}}})
		return nil
	}
	enc, err := from.phoneSide.seal(d, plain, 0, how.Bad > 0)
	if err != nil {
		return err
	}
	if kind != "" {
		enc.Attrs["mediatype"] = kind
	}
	copies := 1
	if how.Twice {
		copies = 2
	}
	for range copies {
		s.deliver(d, &queued{
			plain: plain, from: from, bad: max(0, how.Bad-1),
			node: waBinary.Node{Tag: "message", Attrs: attrs, Content: []waBinary.Node{enc}},
		})
	}
	return nil
}

// seal encrypts for a companion; retry is how often it asked before. A bad one cannot be decrypted.
func (p *peer) seal(d *device, plain []byte, retry int, bad bool) (waBinary.Node, error) {
	kind, sealed, err := p.encrypt(context.Background(), d, plain)
	if err != nil {
		return waBinary.Node{}, err
	}
	if bad {
		kind, sealed = "msg", spoil(kind, sealed)
	}
	attrs := waBinary.Attrs{"v": "2", "type": kind}
	if retry > 0 {
		attrs["count"] = retry
	}
	return waBinary.Node{Tag: "enc", Attrs: attrs, Content: sealed}, nil
}

// spoil makes a ciphertext that no one can decrypt: its MAC is wrong, or it belongs to a session that only the
// sender has.
func spoil(kind string, sealed []byte) []byte {
	if kind == "pkmsg" {
		first, err := protocol.NewPreKeySignalMessageFromBytes(sealed, serializer.PreKeySignalMessage, serializer.SignalMessage)
		if err == nil {
			sealed = first.WhisperMessage().Serialize()
		}
	}
	spoiled := append([]byte(nil), sealed...)
	spoiled[len(spoiled)-1] ^= 1
	return spoiled
}
