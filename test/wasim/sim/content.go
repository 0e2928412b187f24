package sim

import (
	"fmt"
	"strconv"
	"time"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// The kinds of messages in the outbox; anything else is KindOther.
const (
	KindText     = "text"
	KindReaction = "reaction"
	KindEdit     = "edit"
	KindRevoke   = "revoke"
	KindPin      = "pin" // Text is how many seconds it lasts
	KindUnpin    = "unpin"
	KindPeer     = "peer" // a companion's request to its own phone
	KindOther    = "other"
)

// Content is a message in full. In JSON it has the form of protojson.
type Content struct{ *waE2E.Message }

// MarshalJSON implements json.Marshaler.
func (c Content) MarshalJSON() ([]byte, error) {
	if c.Message == nil {
		return []byte("null"), nil
	}
	return protojson.Marshal(c.Message)
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Content) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		c.Message = nil
		return nil
	}
	c.Message = &waE2E.Message{}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(raw, c.Message)
}

// Ref names a message.
type Ref struct {
	// ID is its id, Chat the chat that it is in: a person or a group.
	ID   string
	Chat types.JID
	// FromMe is true if the one who refers to it wrote it. Otherwise Sender is who did, which only a group needs.
	FromMe bool
	Sender types.JID
}

func (r Ref) key() *waCommon.MessageKey {
	key := &waCommon.MessageKey{ID: &r.ID, FromMe: &r.FromMe, RemoteJID: proto.String(r.Chat.String())}
	if !r.Sender.IsEmpty() && !r.FromMe {
		key.Participant = proto.String(r.Sender.ToNonAD().String())
	}
	return key
}

// Text is a plain text.
func Text(text string) *waE2E.Message { return &waE2E.Message{Conversation: &text} }

// Reply is a text that quotes a message.
func Reply(to Ref, quoted *waE2E.Message, text string) *waE2E.Message {
	author := to.Sender
	if author.IsEmpty() {
		author = to.Chat
	}
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: &text, ContextInfo: &waE2E.ContextInfo{
		StanzaID: &to.ID, Participant: proto.String(author.ToNonAD().String()), QuotedMessage: quoted,
	}}}
}

// Forward is a message of somebody else, passed on for the given number of times.
func Forward(text string, times uint32) *waE2E.Message {
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: &text, ContextInfo: &waE2E.ContextInfo{
		IsForwarded: proto.Bool(true), ForwardingScore: &times,
	}}}
}

// LinkPreview is a text with a link of which the sender's phone made a preview.
func LinkPreview(text, link, title, description string, thumbnail []byte) *waE2E.Message {
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{
		Text: &text, MatchedText: &link, Title: &title, Description: &description, JPEGThumbnail: thumbnail,
	}}
}

// Reaction is an emoji on a message; an empty one takes the reaction back.
func Reaction(to Ref, emoji string) *waE2E.Message {
	return &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{
		Key: to.key(), Text: &emoji, SenderTimestampMS: proto.Int64(time.Now().UnixMilli()),
	}}
}

// Edit replaces the text of one's own message.
func Edit(of Ref, text string) *waE2E.Message {
	of.FromMe = true
	return &waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{
		ProtocolMessage: &waE2E.ProtocolMessage{
			Key: of.key(), Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), EditedMessage: Text(text),
			TimestampMS: proto.Int64(time.Now().UnixMilli()),
		},
	}}}
}

// Revoke deletes a message for everyone. A group's admin may revoke what others wrote.
func Revoke(of Ref) *waE2E.Message {
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Key: of.key(), Type: waE2E.ProtocolMessage_REVOKE.Enum(),
	}}
}

// Pin shows a message at the top of its chat, for everyone and for so many seconds; 0 takes it down.
func Pin(of Ref, seconds uint32) *waE2E.Message {
	kind := waE2E.PinInChatMessage_UNPIN_FOR_ALL
	if seconds > 0 {
		kind = waE2E.PinInChatMessage_PIN_FOR_ALL
	}
	return &waE2E.Message{
		PinInChatMessage:   &waE2E.PinInChatMessage{Key: of.key(), Type: &kind, SenderTimestampMS: proto.Int64(time.Now().UnixMilli())},
		MessageContextInfo: &waE2E.MessageContextInfo{MessageAddOnDurationInSecs: &seconds},
	}
}

// summary is what the outbox says about a message.
type summary struct {
	kind, text, ref string
}

// summarize names the kind of a message, its text or emoji, and the id of the message that it refers to.
func summarize(m *waE2E.Message) summary {
	switch {
	case m.Conversation != nil:
		return summary{kind: KindText, text: m.GetConversation()}
	case m.ExtendedTextMessage != nil:
		return summary{KindText, m.GetExtendedTextMessage().GetText(), m.GetExtendedTextMessage().GetContextInfo().GetStanzaID()}
	case m.ReactionMessage != nil:
		return summary{KindReaction, m.GetReactionMessage().GetText(), m.GetReactionMessage().GetKey().GetID()}
	case m.DeviceSentMessage.GetMessage() != nil:
		return summarize(m.GetDeviceSentMessage().GetMessage())
	case m.EditedMessage.GetMessage() != nil:
		return summarize(m.GetEditedMessage().GetMessage())
	case m.EphemeralMessage.GetMessage() != nil:
		return summarize(m.GetEphemeralMessage().GetMessage())
	case m.ProtocolMessage != nil:
		return summarizeProtocol(m.GetProtocolMessage())
	case m.PinInChatMessage != nil:
		return summarizePin(m)
	default:
		if told, ok := summarizeKind(m); ok {
			return told
		}
		if told, ok := summarizeFile(m); ok {
			return told
		}
		return summary{kind: KindOther, text: fmt.Sprintf("(%d bytes that are not text)", proto.Size(m))}
	}
}

func summarizePin(m *waE2E.Message) summary {
	pin := m.GetPinInChatMessage()
	if pin.GetType() == waE2E.PinInChatMessage_PIN_FOR_ALL {
		return summary{KindPin, strconv.FormatUint(uint64(m.GetMessageContextInfo().GetMessageAddOnDurationInSecs()), 10), pin.GetKey().GetID()}
	}
	return summary{kind: KindUnpin, ref: pin.GetKey().GetID()}
}

func summarizeProtocol(m *waE2E.ProtocolMessage) summary {
	switch m.GetType() {
	case waE2E.ProtocolMessage_REVOKE:
		if m.Key != nil {
			return summary{kind: KindRevoke, ref: m.GetKey().GetID()}
		}
	case waE2E.ProtocolMessage_MESSAGE_EDIT:
		return summary{KindEdit, summarize(m.GetEditedMessage()).text, m.GetKey().GetID()}
	case waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_MESSAGE:
		return summary{kind: KindPeer, text: m.GetPeerDataOperationRequestMessage().GetPeerDataOperationRequestType().String()}
	}
	return summary{kind: KindOther, text: m.GetType().String()}
}

// stanzaType is the type that the server is told of a message.
func stanzaType(m *waE2E.Message) string {
	switch {
	case m.ReactionMessage != nil, m.EncReactionMessage != nil:
		return "reaction"
	case m.PollCreationMessage != nil, m.PollCreationMessageV3 != nil, m.PollUpdateMessage != nil:
		return "poll"
	case m.EventMessage != nil, m.EncEventResponseMessage != nil:
		return "event"
	case mediaType(m) != "", m.LocationMessage != nil, m.ContactMessage != nil, m.ContactsArrayMessage != nil:
		return "media"
	default:
		return "text"
	}
}

// editAttr is what the server is told of a message that changes another one.
func editAttr(m *waE2E.Message) types.EditAttribute {
	if m.GetEditedMessage().GetMessage() != nil {
		return editAttr(m.GetEditedMessage().GetMessage())
	}
	switch change := m.GetProtocolMessage(); {
	case change != nil && change.GetType() == waE2E.ProtocolMessage_REVOKE && change.GetKey().GetFromMe():
		return types.EditAttributeSenderRevoke
	case change != nil && change.GetType() == waE2E.ProtocolMessage_REVOKE:
		return types.EditAttributeAdminRevoke
	case change.GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT && change.GetEditedMessage() != nil:
		return types.EditAttributeMessageEdit
	case m.ReactionMessage != nil && m.GetReactionMessage().GetText() == "":
		return types.EditAttributeSenderRevoke
	case m.PinInChatMessage != nil:
		return types.EditAttributePinInChat
	}
	return types.EditAttributeEmpty
}
