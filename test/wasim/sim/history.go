package sim

import (
	"bytes"
	"compress/zlib"
	"fmt"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// SendHistory makes the person's phone send its chats to one of its bots, as after a pairing. Messages that the phone
// wrote or received since the simulator was started are in it. It returns how many they are.
func (p Person) SendHistory(bot types.JID) (int, error) {
	s := p.server
	owner, devices, err := s.receivers(bot)
	if err != nil {
		return 0, err
	}
	if owner.phone != p.phone || len(devices) == 0 {
		return 0, fmt.Errorf("%w: %s is no bot of %s", ErrUnknown, bot, p.phone)
	}
	history, count := s.historyOf(owner)
	raw, err := proto.Marshal(history)
	if err != nil {
		return 0, fmt.Errorf("make a history: %w", err)
	}
	var packed bytes.Buffer
	out := zlib.NewWriter(&packed)
	if _, err = out.Write(raw); err == nil {
		err = out.Close()
	}
	if err != nil {
		return 0, fmt.Errorf("make a history: %w", err)
	}
	for _, d := range devices {
		s.postPeer(d, &waE2E.ProtocolMessage{
			Type: waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION.Enum(),
			HistorySyncNotification: &waE2E.HistorySyncNotification{
				SyncType: waE2E.HistorySyncType_RECENT.Enum(), ChunkOrder: proto.Uint32(1), Progress: proto.Uint32(100),
				InitialHistBootstrapInlinePayload: packed.Bytes(),
			},
		})
	}
	return count, nil
}

// historyOf puts together what a phone remembers, by chat.
func (s *Server) historyOf(owner *account) (*waHistorySync.HistorySync, int) {
	history := &waHistorySync.HistorySync{
		SyncType: waHistorySync.HistorySync_RECENT.Enum(), ChunkOrder: proto.Uint32(1), Progress: proto.Uint32(100),
	}
	chats := map[string]*waHistorySync.Conversation{}
	letters := owner.archive.all()
	for i := len(letters) - 1; i >= 0; i-- { // the newest first, as phones do
		l := letters[i]
		other := l.from
		if l.from == owner {
			other = l.to
		}
		id, participant := "", ""
		if l.group != nil {
			info := l.group.snapshot()
			shown, _ := info.address(l.from)
			id, participant = l.group.jid().String(), shown.String()
		} else {
			id = s.addressOf(other).String()
		}
		chat := chats[id]
		if chat == nil {
			chat = s.conversation(owner, other, id, l.group != nil)
			chats[id] = chat
			history.Conversations = append(history.Conversations, chat)
		}
		key := &waCommon.MessageKey{RemoteJID: &id, ID: proto.String(l.how.ID)}
		if participant != "" {
			key.Participant = &participant
		}
		chat.Messages = append(chat.Messages, &waHistorySync.HistorySyncMsg{Message: s.webMessage(owner, l, key)})
		history.PhoneNumberToLidMappings = append(history.PhoneNumberToLidMappings, &waHistorySync.PhoneNumberToLIDMapping{
			PnJID: proto.String(l.from.jid().String()), LidJID: proto.String(l.from.lidJID().String()),
		})
	}
	return history, len(letters)
}

// conversation is a chat without its messages; a privacy token of the other person is in it.
func (s *Server) conversation(owner, other *account, id string, isGroup bool) *waHistorySync.Conversation {
	chat := &waHistorySync.Conversation{ID: &id}
	if isGroup {
		return chat
	}
	owner.trust.mu.Lock()
	defer owner.trust.mu.Unlock()
	if given, ok := owner.trust.tokens[other.phone]; ok {
		chat.TcToken = []byte(given.value)
		chat.TcTokenTimestamp = proto.Uint64(uint64(given.issued.Unix()))
	}
	return chat
}
