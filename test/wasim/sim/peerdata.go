package sim

import (
	"sync"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"google.golang.org/protobuf/proto"
)

// maxArchive bounds the messages that a phone remembers.
const maxArchive = 5_000

// archive is what a phone remembers of its chats, to answer companions that ask it.
type archive struct {
	mu      sync.Mutex
	letters map[string]letter
	order   []string
	files   map[string]filePart
	kept    []string // the ids of files, in their order
}

func (a *archive) add(l letter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.letters == nil {
		a.letters = map[string]letter{}
	}
	if _, known := a.letters[l.how.ID]; !known {
		a.order = append(a.order, l.how.ID)
	}
	a.letters[l.how.ID] = l
	a.keepLocked(l.how.ID, l.message)
	if len(a.order) > maxArchive {
		for _, id := range a.order[:maxArchive/2] {
			delete(a.letters, id)
		}
		a.order = append([]string(nil), a.order[maxArchive/2:]...)
	}
}

func (a *archive) find(id string) (letter, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.letters[id]
	return l, ok
}

// keep remembers the file of a message.
func (a *archive) keep(id string, m *waE2E.Message) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keepLocked(id, m)
}

func (a *archive) keepLocked(id string, m *waE2E.Message) {
	if c, kind, _ := carried(m); c != nil {
		a.moveLocked(id, partOf(c, kind))
	}
}

// move remembers that a file is somewhere else.
func (a *archive) move(id string, part filePart) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.moveLocked(id, part)
}

func (a *archive) moveLocked(id string, part filePart) {
	if a.files == nil {
		a.files = map[string]filePart{}
	}
	if _, known := a.files[id]; !known {
		a.kept = append(a.kept, id)
	}
	a.files[id] = part
	if len(a.kept) > maxArchive {
		delete(a.files, a.kept[0])
		a.kept = append([]string(nil), a.kept[1:]...)
	}
}

// file returns the file of a message that the phone has.
func (a *archive) file(id string) (filePart, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	part, ok := a.files[id]
	return part, ok
}

// all returns the messages in the order in which they came.
func (a *archive) all() []letter {
	a.mu.Lock()
	defer a.mu.Unlock()
	letters := make([]letter, len(a.order))
	for i, id := range a.order {
		letters[i] = a.letters[id]
	}
	return letters
}

// answerPeer is a phone that is asked by its own companion for messages that the companion could not decrypt.
func (s *Server) answerPeer(asker *device, request *waE2E.PeerDataOperationRequestMessage, id string) {
	if request.GetPeerDataOperationRequestType() != waE2E.PeerDataOperationRequestType_PLACEHOLDER_MESSAGE_RESEND ||
		s.hit(FaultPhoneSilent, asker.jid().String()) != nil {
		return
	}
	var found []*waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult
	for _, wanted := range request.GetPlaceholderMessageResendRequest() {
		l, ok := asker.account.archive.find(wanted.GetMessageKey().GetID())
		if !ok {
			continue
		}
		raw, err := proto.Marshal(s.webMessage(asker.account, l, wanted.GetMessageKey()))
		if err != nil {
			s.log.Error("answer a companion", "error", err)
			return
		}
		found = append(found, &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult{
			PlaceholderMessageResendResponse: &waE2E.PeerDataOperationRequestResponseMessage_PeerDataOperationResult_PlaceholderMessageResendResponse{
				WebMessageInfoBytes: raw,
			},
		})
	}
	s.postPeer(asker, &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE.Enum(),
		PeerDataOperationRequestResponseMessage: &waE2E.PeerDataOperationRequestResponseMessage{
			PeerDataOperationRequestType: request.PeerDataOperationRequestType, StanzaID: &id, PeerDataOperationResult: found,
		},
	})
}

// webMessage is a message as a phone hands it to a companion: in the clear, inside an encrypted envelope.
func (s *Server) webMessage(owner *account, l letter, key *waCommon.MessageKey) *waWeb.WebMessageInfo {
	return &waWeb.WebMessageInfo{
		Key:     &waCommon.MessageKey{RemoteJID: key.RemoteJID, ID: key.ID, Participant: key.Participant, FromMe: proto.Bool(l.from == owner)},
		Message: l.message, MessageTimestamp: proto.Uint64(uint64(l.how.Time.Unix())), PushName: &l.how.Name,
	}
}

// greet opens a Signal session between a companion and its own phone, unless there is one. Without it whatsmeow cannot
// ask the phone for a message.
func (s *Server) greet(d *device) {
	if !d.account.phoneSide.knows(d) {
		s.postPeer(d, &waE2E.ProtocolMessage{
			Type:                                   waE2E.ProtocolMessage_INITIAL_SECURITY_NOTIFICATION_SETTING_SYNC.Enum(),
			InitialSecurityNotificationSettingSync: &waE2E.InitialSecurityNotificationSettingSync{SecurityNotificationEnabled: proto.Bool(true)},
		})
	}
}

// postPeer sends a message of the phone to one of its own companions, which no one else sees.
func (s *Server) postPeer(d *device, m *waE2E.ProtocolMessage) {
	plain, err := proto.Marshal(&waE2E.Message{ProtocolMessage: m})
	if err != nil {
		s.log.Error("write to a companion", "error", err)
		return
	}
	enc, err := d.account.phoneSide.seal(d, plain, 0, false)
	if err != nil {
		s.log.Error("write to a companion", "error", err)
		return
	}
	s.deliver(d, &queued{plain: plain, from: d.account, node: waBinary.Node{
		Tag: "message", Attrs: waBinary.Attrs{
			"from": s.addressOf(d.account), "id": newMessageID(), "type": "text", "category": "peer", "t": time.Now().Unix(),
		},
		Content: []waBinary.Node{enc},
	}})
}
