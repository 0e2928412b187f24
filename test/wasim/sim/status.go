package sim

import (
	"context"
	"fmt"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// StatusText is a text as it is posted to a status.
func StatusText(text string, argb uint32) *waE2E.Message {
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: &text, BackgroundArgb: &argb, TextArgb: proto.Uint32(0xffffffff), Font: waE2E.ExtendedTextMessage_SYSTEM_BOLD.Enum(),
	}}
}

// Post posts to the person's status, for the bots of some numbers. It returns the post's id.
func (p Person) Post(m *waE2E.Message, how Delivery, to ...types.JID) (string, error) {
	s := p.server
	sender, err := s.account(p.phone)
	if err != nil {
		return "", err
	}
	how = how.withDefaults(sender)
	plain, err := proto.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("make a message: %w", err)
	}
	sealed, key, err := sender.phoneSide.sealGroup(context.Background(), types.StatusBroadcastJID, plain)
	if err != nil {
		return "", err
	}
	handOut, err := proto.Marshal(&waE2E.Message{SenderKeyDistributionMessage: key})
	if err != nil {
		return "", fmt.Errorf("make a message: %w", err)
	}
	sender.archive.keep(how.ID, m)
	for _, one := range to {
		receiver, devices, err := s.receivers(one)
		if err != nil {
			return "", err
		}
		receiver.archive.keep(how.ID, m)
		for _, d := range devices {
			enc, err := sender.phoneSide.seal(d, handOut, 0, false)
			if err != nil {
				return "", err
			}
			attrs := letter{message: m, how: how}.attrs()
			attrs["from"], attrs["participant"] = types.StatusBroadcastJID, s.addressOf(sender)
			s.deliver(d, &queued{plain: plain, from: sender, node: waBinary.Node{Tag: "message", Attrs: attrs, Content: []waBinary.Node{
				enc, {Tag: "enc", Attrs: waBinary.Attrs{"v": "2", "type": "skmsg"}, Content: sealed},
			}}})
		}
	}
	return how.ID, nil
}

// distributeStatus hands a companion's status post to the phones that its list of recipients names, and to no other.
func (s *Server) distributeStatus(from *device, node *waBinary.Node) {
	identityOK := from.checkIdentity(childBytes(node, "device-identity"))
	enc := node.GetChildByTag("enc")
	for _, part := range recipients(node) {
		a := s.accountOf(part.to)
		if a == nil {
			continue
		}
		if part.to.Device != 0 {
			if d := a.device(part.to.Device); d != nil && d != from {
				s.relayStatus(from, d, node, part.enc, enc)
			}
			continue
		}
		a.whenOnline(func() {
			if err := s.takeSenderKeyIn(from, a, types.StatusBroadcastJID, part.enc); err != nil {
				s.log.Debug("take a sender key", "phone", a.phone, "error", err)
			}
			s.receive(from, a, node, sealed{part.to, enc}, identityOK)
		})
	}
}

// relayStatus passes a companion's post on to another companion.
func (s *Server) relayStatus(from, to *device, node *waBinary.Node, parts ...waBinary.Node) {
	m := s.relayed(from, to, node)
	delete(m.Attrs, "recipient")
	m.Attrs["from"], m.Attrs["participant"] = types.StatusBroadcastJID, from.jid()
	if identity, ok := node.GetOptionalChildByTag("device-identity"); ok {
		parts = append(parts, identity)
	}
	m.Content = parts
	s.deliver(to, &queued{node: m, writer: from})
}
