package message

import (
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
)

// Text is what makes up a text message.
type Text struct {
	Context
	Text    string
	Preview *bot.LinkPreview
	// Status is how a status post looks; nil in a chat.
	Status *bot.StatusOptions
}

// Compose makes the message that WhatsApp gets. A plain text stays plain, as the official client sends it.
func (t Text) Compose() (*waE2E.Message, error) {
	context, err := t.compose()
	if err != nil {
		return nil, err
	}
	if context == nil && t.Preview == nil && t.Status == nil {
		return &waE2E.Message{Conversation: &t.Text}, nil
	}
	out := &waE2E.ExtendedTextMessage{Text: &t.Text, ContextInfo: context}
	if p := t.Preview; p != nil {
		out.MatchedText, out.Title, out.Description = &p.URL, &p.Title, &p.Description
		out.PreviewType = waE2E.ExtendedTextMessage_NONE.Enum()
	}
	if t.Status != nil {
		if err := dress(out, *t.Status); err != nil {
			return nil, err
		}
	}
	return &waE2E.Message{ExtendedTextMessage: out}, nil
}

// inner takes the wrappers off a message.
func inner(m *waE2E.Message) *waE2E.Message {
	for range 8 { // a message wrapped more often is not WhatsApp's
		var next *waE2E.Message
		for _, wrapper := range []interface{ GetMessage() *waE2E.Message }{
			m.DeviceSentMessage, m.EphemeralMessage, m.ViewOnceMessage, m.ViewOnceMessageV2, m.ViewOnceMessageV2Extension,
			m.DocumentWithCaptionMessage, m.EditedMessage, m.LottieStickerMessage, m.BotInvokeMessage, m.AssociatedChildMessage,
		} {
			if wrapped := wrapper.GetMessage(); wrapped != nil {
				next = wrapped
			}
		}
		if next == nil {
			return m
		}
		m = next
	}
	return m
}

// ErrNotForwardable says that a message cannot be passed on.
var ErrNotForwardable = errors.New("a message of this kind cannot be forwarded")

// Forward makes a message of the bytes of another one, marked as passed on. expiresIn is its life in seconds where the
// chat's messages disappear, else 0.
func Forward(raw []byte, expiresIn uint32) (*waE2E.Message, error) {
	var original waE2E.Message
	if err := proto.Unmarshal(raw, &original); err != nil {
		return nil, fmt.Errorf("read the message to forward: %w", err)
	}
	m := inner(&original)
	if isViewOnce(&original) || m.AlbumMessage != nil || m.ProtocolMessage != nil || m.ReactionMessage != nil || pollOf(m) != nil || typeOf(m) == "" {
		return nil, ErrNotForwardable
	}
	out := &waE2E.Message{}
	proto.Merge(out, m)
	out.MessageContextInfo, out.SenderKeyDistributionMessage = nil, nil
	if out.Conversation != nil {
		out.ExtendedTextMessage, out.Conversation = &waE2E.ExtendedTextMessage{Text: out.Conversation}, nil
	}
	context := contextField(out)
	if context == nil {
		return nil, ErrNotForwardable
	}
	score := (*context).GetForwardingScore() + 1
	*context = &waE2E.ContextInfo{IsForwarded: proto.Bool(true), ForwardingScore: &score}
	if expiresIn > 0 {
		(*context).Expiration = &expiresIn
	}
	if out.DocumentMessage.GetCaption() != "" {
		out = &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: out}}
	}
	return out, nil
}

// contextField is where a message keeps its context, nil when it can have none.
func contextField(m *waE2E.Message) **waE2E.ContextInfo {
	switch {
	case m.ExtendedTextMessage != nil:
		return &m.ExtendedTextMessage.ContextInfo
	case m.ImageMessage != nil:
		return &m.ImageMessage.ContextInfo
	case m.VideoMessage != nil:
		return &m.VideoMessage.ContextInfo
	case m.PtvMessage != nil:
		return &m.PtvMessage.ContextInfo
	case m.AudioMessage != nil:
		return &m.AudioMessage.ContextInfo
	case m.DocumentMessage != nil:
		return &m.DocumentMessage.ContextInfo
	case m.StickerMessage != nil:
		return &m.StickerMessage.ContextInfo
	case m.LocationMessage != nil:
		return &m.LocationMessage.ContextInfo
	case m.ContactMessage != nil:
		return &m.ContactMessage.ContextInfo
	case m.ContactsArrayMessage != nil:
		return &m.ContactsArrayMessage.ContextInfo
	}
	return nil
}

// Reworded returns a message's bytes with another text or caption. Bytes that cannot be read, or that have no text, stay as
// they are.
func Reworded(raw []byte, text string) []byte {
	var whole waE2E.Message
	if len(raw) == 0 || proto.Unmarshal(raw, &whole) != nil {
		return raw
	}
	switch m := inner(&whole); {
	case m.Conversation != nil:
		m.Conversation = &text
	case m.ExtendedTextMessage != nil:
		m.ExtendedTextMessage.Text = &text
	case m.ImageMessage != nil:
		m.ImageMessage.Caption = &text
	case m.VideoMessage != nil:
		m.VideoMessage.Caption = &text
	case m.DocumentMessage != nil:
		m.DocumentMessage.Caption = &text
	}
	newer, err := proto.Marshal(&whole)
	if err != nil {
		return raw
	}
	return newer
}

// Subject is a message that a reaction, an edit or a revoke acts on.
type Subject struct {
	Chat   types.JID
	Sender types.JID
	FromMe bool
	ID     string
}

func (s Subject) key() *waCommon.MessageKey {
	key := &waCommon.MessageKey{FromMe: &s.FromMe, ID: &s.ID, RemoteJID: proto.String(s.Chat.String())}
	if !s.FromMe && (s.Chat.Server == types.GroupServer || s.Chat.Server == types.BroadcastServer) {
		key.Participant = proto.String(s.Sender.ToNonAD().String())
	}
	return key
}

// React makes a reaction; an empty emoji takes an earlier one back.
func (s Subject) React(emoji string, atMillis int64) *waE2E.Message {
	return &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: s.key(), Text: &emoji, SenderTimestampMS: &atMillis}}
}

// Revoke takes a message back for everyone.
func (s Subject) Revoke() *waE2E.Message {
	return &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: s.key()}}
}

// Edit gives a message of the account another text.
func (s Subject) Edit(content *waE2E.Message, atMillis int64) *waE2E.Message {
	return &waE2E.Message{EditedMessage: &waE2E.FutureProofMessage{Message: &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: s.key(), EditedMessage: content, TimestampMS: &atMillis,
	}}}}
}

// Shown is how people see a message that the bot composed.
func (n Names) Shown(m *waE2E.Message) bot.Message {
	shown := n.content(inner(m))
	shown.ViewOnce = shown.ViewOnce || isViewOnce(m)
	return shown
}
