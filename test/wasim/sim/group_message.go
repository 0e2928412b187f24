package sim

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mau.fi/libsignal/groups"
	"go.mau.fi/libsignal/protocol"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// senderKeyName is what a phone keeps a sender key under.
func senderKeyName(g types.JID, phone string, device uint16) *protocol.SenderKeyName {
	return protocol.NewSenderKeyName(g.String(), protocol.NewSignalAddress(phone, uint32(device)))
}

// keepSenderKey saves a sender key after a step. The caller holds p.mu.
func (p *peer) keepSenderKey(ctx context.Context, name *protocol.SenderKeyName) {
	raw, err := p.memory.GetSenderKey(ctx, name.GroupID(), name.Sender().String())
	if err == nil {
		err = p.state.put(strings.Join([]string{kindSenderKey, p.phone, name.GroupID(), name.Sender().String()}, "/"), raw)
	}
	p.state.note(err)
}

// sealGroup encrypts a message for a group, and returns with it the message that hands out the phone's sender key.
func (p *peer) sealGroup(ctx context.Context, g types.JID, plain []byte) (sealed []byte, key *waE2E.SenderKeyDistributionMessage, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := senderKeyName(g, p.phone, 0)
	builder := groups.NewGroupSessionBuilder(p.dev, serializer)
	handedOut, err := builder.Create(ctx, name)
	if err != nil {
		return nil, nil, fmt.Errorf("make a sender key for %s: %w", g, err)
	}
	message, err := groups.NewGroupCipher(builder, name, p.dev).Encrypt(ctx, pad(plain))
	if err != nil {
		return nil, nil, fmt.Errorf("encrypt for %s: %w", g, err)
	}
	p.keepSenderKey(ctx, name)
	return message.SignedSerialize(), &waE2E.SenderKeyDistributionMessage{
		GroupID: proto.String(g.String()), AxolotlSenderKeyDistributionMessage: handedOut.Serialize(),
	}, nil
}

// learnSenderKey takes the sender key that a companion handed out.
func (p *peer) learnSenderKey(ctx context.Context, g types.JID, from *device, raw []byte) error {
	key, err := protocol.NewSenderKeyDistributionMessageFromBytes(raw, serializer.SenderKeyDistributionMessage)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	name := senderKeyName(g, from.account.phone, from.id)
	if err = groups.NewGroupSessionBuilder(p.dev, serializer).Process(ctx, name, key); err != nil {
		return err
	}
	p.keepSenderKey(ctx, name)
	return nil
}

// openGroup decrypts what a companion wrote to a group.
func (p *peer) openGroup(ctx context.Context, g types.JID, from *device, sealed []byte) ([]byte, error) {
	message, err := protocol.NewSenderKeyMessageFromBytes(sealed, serializer.SenderKeyMessage)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	name := senderKeyName(g, from.account.phone, from.id)
	plain, err := groups.NewGroupCipher(groups.NewGroupSessionBuilder(p.dev, serializer), name, p.dev).Decrypt(ctx, message)
	if err != nil {
		return nil, err
	}
	p.keepSenderKey(ctx, name)
	return unpad(plain)
}

// renewSenderKeys makes the phones of a group forget their sender keys: a member who left must not read later messages.
func (s *Server) renewSenderKeys(g *group, members []member) {
	for _, m := range members {
		a := s.accountNamed(types.NewJID(m.Phone, types.DefaultUserServer))
		if a == nil {
			continue
		}
		p := a.phoneSide
		p.mu.Lock()
		name := senderKeyName(g.jid(), p.phone, 0)
		p.state.note(p.memory.PutSenderKey(context.Background(), name.GroupID(), name.Sender().String(), nil))
		p.keepSenderKey(context.Background(), name)
		delete(p.handedOut, g.id)
		p.mu.Unlock()
	}
}

// needsSenderKey reports whether a companion does not have the phone's sender key yet, and counts it as handed out.
func (p *peer) needsSenderKey(g *group, d *device) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handedOut == nil {
		p.handedOut = map[string]map[*device]bool{}
	}
	if p.handedOut[g.id] == nil {
		p.handedOut[g.id] = map[*device]bool{}
	}
	had := p.handedOut[g.id][d]
	p.handedOut[g.id][d] = true
	return !had
}

// wrote remembers who wrote a message to the group.
func (g *group) wrote(id string, by *account) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.writers == nil || len(g.writers) >= maxArchive {
		g.writers = map[string]*account{}
	}
	g.writers[id] = by
}

func (g *group) writer(id string) *account {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.writers[id]
}

// sendToGroup is a person's phone that writes to a group: every bot of a member gets it, also the sender's own.
func (s *Server) sendToGroup(sender *account, g *group, m *waE2E.Message, how Delivery) error {
	info := g.snapshot()
	admin := info.isAdmin(sender.phone)
	if !info.has(sender.phone) || !admin && (info.Announce || editAttr(m) == types.EditAttributeAdminRevoke) {
		return errForbidden
	}
	plain, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("make a message: %w", err)
	}
	sealed, key, err := sender.phoneSide.sealGroup(context.Background(), g.jid(), plain)
	if err != nil {
		return err
	}
	whole := proto.Clone(m).(*waE2E.Message)
	whole.SenderKeyDistributionMessage = key
	l := groupLetter{
		letter: letter{from: sender, group: g, message: m, how: how}, info: info, sealed: sealed, key: key,
	}
	if l.plain, err = proto.Marshal(whole); err != nil {
		return fmt.Errorf("make a message: %w", err)
	}
	g.wrote(how.ID, sender)
	for _, member := range info.Members {
		a := s.accountNamed(types.NewJID(member.Phone, types.DefaultUserServer))
		if a == nil {
			continue
		}
		a.archive.add(l.letter)
		a.polls.learn(how.ID, sender, g, m)
		if how.Lost {
			continue
		}
		for _, d := range a.allDevices() {
			if err = s.postToMember(d, l); err != nil {
				return err
			}
		}
	}
	return nil
}

// groupLetter is a message on its way to a group; plain holds the sender key too, for those that ask again.
type groupLetter struct {
	letter
	info   groupInfo
	sealed []byte
	key    *waE2E.SenderKeyDistributionMessage
}

func (s *Server) postToMember(d *device, l groupLetter) error {
	attrs := l.attrs()
	attrs["from"], attrs["addressing_mode"] = l.group.jid(), l.info.Mode
	other, _ := l.info.otherName()
	shown, second := l.info.address(l.from)
	attrs["participant"] = shown
	putJID(attrs, other, second)
	s.event(EventToBot, d.jid().String(), l.how.ID)
	if l.how.Unavailable != "" || l.how.Bad > 0 {
		s.greet(d)
	}
	if l.how.Unavailable != "" {
		s.deliver(d, &queued{node: waBinary.Node{Tag: "message", Attrs: attrs, Content: []waBinary.Node{
			{Tag: "unavailable", Attrs: waBinary.Attrs{"type": l.how.Unavailable}},
		}}})
		return nil
	}
	var content []waBinary.Node
	if l.from.phoneSide.needsSenderKey(l.group, d) {
		key, err := proto.Marshal(&waE2E.Message{SenderKeyDistributionMessage: l.key})
		if err != nil {
			return fmt.Errorf("make a message: %w", err)
		}
		enc, err := l.from.phoneSide.seal(d, key, 0, false)
		if err != nil {
			return err
		}
		content = append(content, enc)
	}
	sealed := l.sealed
	if l.how.Bad > 0 {
		sealed = spoil("skmsg", sealed)
	}
	enc := waBinary.Node{Tag: "enc", Attrs: waBinary.Attrs{"v": "2", "type": "skmsg"}, Content: sealed}
	if kind := mediaType(l.message); kind != "" {
		enc.Attrs["mediatype"] = kind
	}
	content = append(content, enc)
	copies := 1
	if l.how.Twice {
		copies = 2
	}
	for range copies {
		s.deliver(d, &queued{
			plain: l.plain, from: l.from, bad: max(0, l.how.Bad-1),
			node: waBinary.Node{Tag: "message", Attrs: attrs, Content: content},
		})
	}
	return nil
}

// distributeInGroup hands a companion's message to the phones and companions of a group's members. It returns the
// hash of the devices that the message should have been for.
func (s *Server) distributeInGroup(from *device, g *group, info groupInfo, node *waBinary.Node) string {
	parts := map[types.JID]waBinary.Node{}
	for _, part := range recipients(node) {
		if a := s.accountOf(part.to); a != nil {
			parts[types.JID{User: a.phone, Device: part.to.Device, Server: types.DefaultUserServer}] = part.enc
		}
	}
	identityOK := from.checkIdentity(childBytes(node, "device-identity"))
	enc := node.GetChildByTag("enc")
	g.wrote(attrText(node, "id"), from.account)
	var devices []types.JID
	for _, m := range info.Members {
		a := s.accountNamed(types.NewJID(m.Phone, types.DefaultUserServer))
		if a == nil {
			continue
		}
		shown, _ := info.address(a)
		devices = append(devices, shown)
		key, hasKey := parts[a.jid()]
		a.whenOnline(func() {
			if hasKey {
				if err := s.takeSenderKey(from, a, g, key); err != nil {
					s.log.Debug("take a sender key", "phone", a.phone, "error", err)
				}
			}
			s.receive(from, a, node, sealed{shown, enc}, identityOK)
		})
		for _, d := range a.allDevices() {
			shown.Device = d.id
			devices = append(devices, shown)
			if d != from {
				encs := []waBinary.Node{enc}
				if own, has := parts[d.jid()]; has {
					encs = []waBinary.Node{own, enc}
				}
				s.relayInGroup(from, d, info, node, encs)
			}
		}
	}
	return deviceHash(devices)
}

// takeSenderKey is a phone that gets a companion's sender key.
func (s *Server) takeSenderKey(from *device, a *account, g *group, enc waBinary.Node) error {
	return s.takeSenderKeyIn(from, a, g.jid(), enc)
}

// takeSenderKeyIn is takeSenderKey for any chat that has sender keys.
func (s *Server) takeSenderKeyIn(from *device, a *account, chat types.JID, enc waBinary.Node) error {
	content, _ := enc.Content.([]byte)
	plain, err := a.phoneSide.decrypt(context.Background(), from, attrText(&enc, "type"), content)
	if err != nil {
		return err
	}
	var m waE2E.Message
	if err = proto.Unmarshal(plain, &m); err != nil {
		return err
	}
	key := m.GetSenderKeyDistributionMessage().GetAxolotlSenderKeyDistributionMessage()
	return a.phoneSide.learnSenderKey(context.Background(), chat, from, key)
}

// relayInGroup passes a companion's message on to a companion of a member, with the parts that are for it.
func (s *Server) relayInGroup(from, to *device, info groupInfo, node *waBinary.Node, encs []waBinary.Node) {
	m := s.relayed(from, to, node)
	delete(m.Attrs, "recipient")
	delete(m.Attrs, "sender_lid")
	shown, second := info.address(from.account)
	shown.Device = from.id
	other, _ := info.otherName()
	m.Attrs["from"], m.Attrs["participant"] = node.Attrs["to"], shown
	if !second.IsEmpty() {
		second.Device = from.id
		m.Attrs[other] = second
	}
	m.Attrs["addressing_mode"] = info.Mode
	if identity, ok := node.GetOptionalChildByTag("device-identity"); ok {
		encs = append(encs, identity)
	}
	m.Content = encs
	s.deliver(to, &queued{node: m, writer: from})
}

// deviceHash is how the server and its clients compare lists of devices.
func deviceHash(devices []types.JID) string {
	names := make([]string, len(devices))
	for i, d := range devices {
		names[i] = d.ADString()
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "")))
	return "2:" + base64.RawStdEncoding.EncodeToString(sum[:6])
}

// groupReceipts sends a member's receipt to those who wrote the messages.
func (s *Server) groupReceipts(g *group, reader *account, kind string, ids []string) error {
	info := g.snapshot()
	if !info.has(reader.phone) {
		return errForbidden
	}
	byWriter := map[*account][]string{}
	for _, id := range ids {
		writer := g.writer(id)
		if writer == nil {
			return fmt.Errorf("%w: no message %s in the group", ErrUnknown, id)
		}
		byWriter[writer] = append(byWriter[writer], id)
	}
	for writer, written := range byWriter {
		s.tell(writer, s.inGroup(g, info, reader, s.receiptNode(reader, kind, written...)))
		if kind != Delivered && writer != reader {
			own := s.inGroup(g, info, reader, s.receiptNode(reader, kind, written...))
			s.tell(reader, own)
		}
	}
	return nil
}

// inGroup makes a receipt one of a group's member.
func (s *Server) inGroup(g *group, info groupInfo, a *account, receipt waBinary.Node) waBinary.Node {
	receipt.Attrs = maps.Clone(receipt.Attrs)
	receipt.Attrs["from"] = g.jid()
	receipt.Attrs["participant"], _ = info.address(a)
	delete(receipt.Attrs, "recipient")
	return receipt
}
