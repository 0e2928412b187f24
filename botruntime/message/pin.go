package message

import (
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
)

// Pin shows a message at the top of its chat, for everyone and for so many seconds; 0 takes it down.
func (s Subject) Pin(seconds uint32, atMillis int64) *waE2E.Message {
	kind := waE2E.PinInChatMessage_UNPIN_FOR_ALL
	if seconds > 0 {
		kind = waE2E.PinInChatMessage_PIN_FOR_ALL
	}
	return &waE2E.Message{
		PinInChatMessage:   &waE2E.PinInChatMessage{Key: s.key(), Type: &kind, SenderTimestampMS: &atMillis},
		MessageContextInfo: &waE2E.MessageContextInfo{MessageAddOnDurationInSecs: proto.Uint32(seconds)},
	}
}

// PinOf reads a pin of the account or of somebody else; whole is the message with its wrappers, which may hold how long the
// pin lasts. The caller adds who pinned where.
func PinOf(m, whole *waE2E.Message, at bot.Time) *bot.Pin {
	pin := &bot.Pin{
		MessageID: m.GetPinInChatMessage().GetKey().GetID(), At: at,
		Pinned: m.GetPinInChatMessage().GetType() == waE2E.PinInChatMessage_PIN_FOR_ALL,
	}
	for _, part := range []*waE2E.Message{m, whole} {
		if seconds := part.GetMessageContextInfo().GetMessageAddOnDurationInSecs(); seconds > 0 && pin.Pinned {
			pin.Until = bot.At(at.Add(time.Duration(seconds) * time.Second))
		}
	}
	return pin
}

// readPin reads a pin that came.
func (r *Received) readPin(evt *events.Message) {
	r.Type = bot.EventMessagePinned
	r.Data.Pin = PinOf(evt.Message, evt.RawMessage, bot.At(evt.Info.Timestamp))
	r.Data.Pin.ID, r.Data.Pin.Chat, r.Data.Pin.From, r.Data.Pin.FromMe = r.ID, r.Chat, r.From, evt.Info.IsFromMe
}
