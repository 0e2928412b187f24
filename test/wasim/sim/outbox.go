package sim

import (
	"context"
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// maxOutbox bounds the messages of companions that are remembered.
const maxOutbox = 50_000

// OutMsg is a message of a companion, as a phone received it. A message to a group is listed once for each phone.
type OutMsg struct {
	// Seq numbers the messages from 1, in the order in which phones received them.
	Seq int64 `json:"seq"`
	// Bot is the companion that sent it, To the chat, Phone the number that received it, Dev is always the phone (0).
	Bot   string `json:"bot"`
	To    string `json:"to"`
	Phone string `json:"phone"`
	Dev   uint16 `json:"dev"`
	// ID is the message's; Enc is pkmsg for the first message of a Signal session, msg after, skmsg in a group.
	ID  string `json:"id"`
	Enc string `json:"enc"`
	// Kind is one of the Kind constants, Text the text or emoji, Ref the message that it answers or changes.
	Kind string `json:"kind,omitempty"`
	Text string `json:"text"`
	Ref  string `json:"ref,omitempty"`
	// Message is all of it; Edit is what the server was told of a change.
	Message Content `json:"message"`
	Edit    string  `json:"edit,omitempty"`
	// File is the file that the message carries, nil without one.
	File *FileInfo `json:"file,omitempty"`
	// Self marks the copy that goes to the companion's own phone.
	Self bool `json:"self,omitempty"`
	// Double is true if this phone could read a message with this id before. People see it once.
	Double bool `json:"double,omitempty"`
	// Retry counts how often the phone asked for it, 0 for a message that came without asking.
	Retry int `json:"retry,omitempty"`
	// IdentityOK is false if a first message came without a valid device identity.
	IdentityOK bool `json:"identity_ok"`
	// Err says why the phone could not decrypt it, empty if it could.
	Err string    `json:"err,omitempty"`
	T   time.Time `json:"t"`
}

type outbox struct {
	mu      sync.Mutex
	last    int64
	msgs    []OutMsg
	changed chan struct{}
}

func (o *outbox) init() { o.changed = make(chan struct{}) }

func (o *outbox) add(m OutMsg) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last++
	m.Seq = o.last
	if len(o.msgs) >= maxOutbox {
		o.msgs = append([]OutMsg(nil), o.msgs[maxOutbox/2:]...)
	}
	o.msgs = append(o.msgs, m)
	close(o.changed)
	o.changed = make(chan struct{})
}

// Outbox returns the messages of companions after a sequence number, 0 for all that are remembered.
func (s *Server) Outbox(since int64) []OutMsg {
	msgs, _ := s.WatchOutbox(since)
	return msgs
}

// WatchOutbox is Outbox, with a channel that is closed when the next message comes.
func (s *Server) WatchOutbox(since int64) ([]OutMsg, <-chan struct{}) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if since > s.out.last {
		since = 0 // the caller saw a simulator from before a restart
	}
	first := len(s.out.msgs)
	for first > 0 && s.out.msgs[first-1].Seq > since {
		first--
	}
	return append([]OutMsg{}, s.out.msgs[first:]...), s.out.changed
}

// sealed is one recipient's part of a message.
type sealed struct {
	to  types.JID
	enc waBinary.Node
}

// recipients lists the parts of a message; a message to one device has a single part without a list.
func recipients(node *waBinary.Node) []sealed {
	if participants, ok := node.GetOptionalChildByTag("participants"); ok {
		var all []sealed
		for _, to := range participants.GetChildrenByTag("to") {
			if enc, ok := to.GetOptionalChildByTag("enc"); ok {
				all = append(all, sealed{attrJID(&to, "jid"), enc})
			}
		}
		return all
	}
	if enc, ok := node.GetOptionalChildByTag("enc"); ok {
		to := attrJID(node, "to")
		if one := attrJID(node, "participant"); !one.IsEmpty() {
			to = one // a group's member asked again
		}
		return []sealed{{to, enc}}
	}
	return nil
}

// handleMessage takes a companion's message: phones decrypt theirs, companions are sent theirs.
func (s *Server) handleMessage(c *conn, node *waBinary.Node) {
	if attrText(node, "category") == "peer" || attrText(node, "device_fanout") == "false" || node.Attrs["participant"] != nil {
		s.distribute(c.dev, node) // a request to its own phone, or a copy for one device that asked again
		c.send(messageAck(node))
		return
	}
	bot, to := c.dev.jid().String(), attrJID(node, "to")
	switch {
	case s.hitTo(FaultDropMessage, bot, to) != nil:
		return
	case s.hitTo(FaultResetMessage, bot, to) != nil:
		c.drop()
		return
	}
	if code := s.classifyMessage(c.dev, node); code != 0 {
		s.event(EventMessageRefused, bot, attrText(node, "id"))
		ack := messageAck(node)
		ack.Attrs["error"] = code
		c.send(ack)
		return
	}
	ack := messageAck(node)
	if g := s.groupOf(to); g != nil {
		if hash := s.distributeInGroup(c.dev, g, g.snapshot(), node); hash != attrText(node, "phash") {
			ack.Attrs["phash"] = hash
		}
	} else if to == types.StatusBroadcastJID {
		s.distributeStatus(c.dev, node)
	} else if to.Server == types.NewsletterServer {
		ack.Attrs["server_id"] = s.distributeInNewsletter(c.dev, node)
	} else {
		s.distribute(c.dev, node)
	}
	s.confirm(c, to, ack)
}

// classifyMessage returns the code with which the server refuses a message, 0 if it takes it.
func (s *Server) classifyMessage(d *device, node *waBinary.Node) int {
	if f := s.hitTo(FaultAckError, d.jid().String(), attrJID(node, "to")); f != nil {
		return f.Code
	}
	to := attrJID(node, "to")
	if to == types.StatusBroadcastJID {
		if len(recipients(node)) == 0 {
			return 400 // a post is for the people that it lists
		}
		return 0
	}
	if to.Server == types.NewsletterServer {
		if !s.newsletters.owns(to, d.account) {
			return 403
		}
		return 0
	}
	if to.Server != types.GroupServer {
		return s.classifyChat(d.account, s.accountOf(to), node)
	}
	g := s.groupOf(to)
	if g == nil {
		return 404
	}
	if info := g.snapshot(); !info.has(d.account.phone) || info.Announce && !info.isAdmin(d.account.phone) {
		return 403
	}
	return 0
}

// confirm acknowledges a message that was delivered, unless a fault interferes.
func (s *Server) confirm(c *conn, to types.JID, ack waBinary.Node) {
	bot := c.dev.jid().String()
	if s.hitTo(FaultPHash, bot, to) != nil {
		ack.Attrs["phash"] = "2:AAAAAAAA"
	}
	switch {
	case s.hitTo(FaultResetAck, bot, to) != nil:
		c.drop()
		return
	case s.hitTo(FaultLoseAck, bot, to) != nil:
		return
	}
	if f := s.hitTo(FaultLateAck, bot, to); f != nil {
		time.AfterFunc(time.Duration(f.MS)*time.Millisecond, func() { c.send(ack) })
		return
	}
	c.send(ack)
}

func messageAck(node *waBinary.Node) waBinary.Node {
	return waBinary.Node{Tag: "ack", Attrs: waBinary.Attrs{
		"class": "message", "id": attrText(node, "id"), "from": attrJID(node, "to"), "t": time.Now().Unix(),
	}}
}

// distribute hands the parts of a message to the phones and companions that they are for.
func (s *Server) distribute(from *device, node *waBinary.Node) {
	identityOK := from.checkIdentity(childBytes(node, "device-identity"))
	for _, part := range recipients(node) {
		a := s.accountOf(part.to)
		if a == nil {
			continue
		}
		if part.to.Device != 0 {
			d := a.device(part.to.Device)
			switch g := s.groupOf(attrJID(node, "to")); {
			case d == nil, d == from:
			case g != nil:
				s.relayInGroup(from, d, g.snapshot(), node, []waBinary.Node{part.enc})
			default:
				s.relay(from, d, node, part.enc)
			}
			continue
		}
		a.whenOnline(func() { s.receive(from, a, node, part, identityOK) })
	}
}

// receive is a phone that gets a message. It confirms what it can read, and asks again for what it cannot.
func (s *Server) receive(from *device, a *account, node *waBinary.Node, part sealed, identityOK bool) {
	kind := attrText(&part.enc, "type")
	m := OutMsg{
		Bot: from.jid().String(), To: attrJID(node, "to").String(), Phone: a.phone, ID: attrText(node, "id"), Enc: kind,
		Edit: attrText(node, "edit"), Self: a == from.account, IdentityOK: identityOK || kind == "msg",
		Retry: attrInt(&part.enc, "count"), T: time.Now(),
	}
	content, _ := part.enc.Content.([]byte)
	message, err := s.open(from, a, attrJID(node, "to"), kind, content)
	if err == nil {
		told := summarize(message)
		if why := ignored(unwrapped(message), node); why != "" {
			told = summary{kind: KindOther, text: why}
		}
		in := s.groupOf(attrJID(node, "to"))
		a.polls.learn(m.ID, from.account, in, unwrapped(message))
		if update := unwrapped(message).PollUpdateMessage; update != nil {
			if vote, ok := s.readVote(a, from.account, update); ok {
				told = vote
			}
		}
		m.Message, m.Kind, m.Text, m.Ref, m.File = Content{message}, told.kind, told.text, told.ref, s.view(message)
		a.archive.keep(m.ID, unwrapped(message))
		m.Double = !m.Self && a.seenBefore(from.account.phone+"/"+m.ID)
	} else {
		m.Err = err.Error()
	}
	s.out.add(m)
	if !m.Self {
		s.event(EventFromBot, m.Bot, m.ID)
	}
	switch {
	case err != nil:
		s.askAgain(a, from, node, m.Retry+1)
	case m.Kind == KindPeer:
		s.answerPeer(from, message.GetProtocolMessage().GetPeerDataOperationRequestMessage(), m.ID)
	case !m.Self:
		s.Stats.MsgOut.Add(1)
		if !a.isSilent() {
			receipt := s.receiptNode(a, Delivered, m.ID)
			if g := s.groupOf(attrJID(node, "to")); g != nil {
				receipt = s.inGroup(g, g.snapshot(), a, receipt)
			} else if attrJID(node, "to") == types.StatusBroadcastJID {
				receipt.Attrs["from"], receipt.Attrs["participant"] = types.StatusBroadcastJID, s.addressOf(a)
			}
			s.tell(from.account, receipt)
		}
	}
}

// ignored says why phones ignore a message: the server was not told what it is.
func ignored(m *waE2E.Message, node *waBinary.Node) string {
	meta := node.GetChildByTag("meta")
	switch {
	case m.PinInChatMessage != nil && attrText(node, "edit") != string(types.EditAttributePinInChat):
		return "(a pin without its edit attribute)"
	case m.EventMessage != nil && (attrText(node, "type") != "event" || attrText(&meta, "event_type") != "creation"):
		return "(an appointment without its type)"
	}
	return ""
}

// unwrapped is what a companion's copy to its own phone holds.
func unwrapped(m *waE2E.Message) *waE2E.Message {
	inner := m.GetDeviceSentMessage().GetMessage()
	if inner == nil {
		return m
	}
	if inner.MessageContextInfo == nil && m.MessageContextInfo != nil {
		inner = proto.Clone(inner).(*waE2E.Message)
		inner.MessageContextInfo = m.MessageContextInfo
	}
	return inner
}

// open decrypts a message on a phone. The fault phone_retry makes the phone unable to.
func (s *Server) open(from *device, a *account, chat types.JID, kind string, content []byte) (*waE2E.Message, error) {
	if a != from.account && s.hitTo(FaultPhoneRetry, from.jid().String(), a.jid()) != nil {
		return nil, errOnDemand
	}
	var plain []byte
	var err error
	if kind == "skmsg" {
		plain, err = a.phoneSide.openGroup(context.Background(), chat, from, content)
	} else {
		plain, err = a.phoneSide.decrypt(context.Background(), from, kind, content)
	}
	if err != nil {
		return nil, err
	}
	var message waE2E.Message
	if err = proto.Unmarshal(plain, &message); err != nil {
		return nil, err
	}
	if key := message.GetSenderKeyDistributionMessage(); key != nil {
		err = a.phoneSide.learnSenderKey(context.Background(), chat, from, key.GetAxolotlSenderKeyDistributionMessage())
	}
	return &message, err
}

// checkIdentity checks the device identity that comes with the first message of a session.
func (d *device) checkIdentity(raw []byte) bool {
	var signed waAdv.ADVSignedDeviceIdentity
	return len(raw) > 0 && proto.Unmarshal(raw, &signed) == nil && validIdentity(&signed, d)
}

// relay passes one companion's ciphertext on to another.
func (s *Server) relay(from, to *device, node *waBinary.Node, enc waBinary.Node) {
	m := s.relayed(from, to, node)
	m.Content = []waBinary.Node{enc}
	if identity, ok := node.GetOptionalChildByTag("device-identity"); ok {
		m.Content = []waBinary.Node{enc, identity}
	}
	s.deliver(to, &queued{node: m, writer: from})
}

// relayed is one companion's message as another one gets it, without its content.
func (s *Server) relayed(from, to *device, node *waBinary.Node) waBinary.Node {
	m := waBinary.Node{Tag: "message", Attrs: waBinary.Attrs{
		"from": from.jid(), "sender_lid": from.lidJID(), "id": attrText(node, "id"), "type": attrText(node, "type"),
		"t": time.Now().Unix(), "notify": from.account.name(),
	}}
	if from.account == to.account {
		m.Attrs["recipient"] = node.Attrs["to"]
	}
	if edit, ok := node.Attrs["edit"]; ok {
		m.Attrs["edit"] = edit
	}
	return m
}
