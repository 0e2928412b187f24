package message

import (
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"sesi.dev/sesi/api/bot"
)

// Received is what a message event means. Type is empty when it means nothing to people.
type Received struct {
	Type bot.EventType
	Chat bot.Party
	From bot.Party
	// Sender is the address under which it came; From names a person by the number where that is known.
	Sender types.JID `json:"-"`
	// ID names the event among those of its type, chat and sender.
	ID   string
	Data bot.EventData
	// Vote is the vote of an event of type poll, which still has to be read with its poll.
	Vote *Vote `json:",omitempty"`
	// Answer is the answer of an event of type appointment, which still has to be read with its appointment.
	Answer *Answer `json:",omitempty"`
	// ByAdmin is true for a revocation that an admin of a group made, also of what others wrote. WhatsApp's server has
	// checked it.
	ByAdmin bool `json:",omitempty"`
	// Raw are the message's bytes.
	Raw []byte
}

// Receive translates a message that came. It never panics: what it cannot read is a message of kind unsupported.
func (n Names) Receive(evt *events.Message) (r Received) {
	defer func() {
		if recover() != nil {
			r = n.unsupported(evt, "unreadable")
		}
	}()
	if evt.Info.Category == "peer" || meansNothing(evt.Message) {
		return Received{}
	}
	r = n.received(evt)
	content := evt.Message
	protocol := content.GetProtocolMessage()
	switch {
	case protocol != nil && protocol.GetType() == waE2E.ProtocolMessage_REVOKE:
		r.Type, r.ByAdmin = bot.EventMessageRevoked, evt.Info.Edit == types.EditAttributeAdminRevoke && r.Chat.Kind == bot.PartyGroup
		r.Data.Revoke = &bot.Revoke{ID: protocol.GetKey().GetID(), Chat: r.Chat, From: r.From, FromMe: evt.Info.IsFromMe, At: bot.At(evt.Info.Timestamp)}
	case protocol != nil && protocol.GetType() == waE2E.ProtocolMessage_MESSAGE_EDIT:
		edited := n.content(protocol.GetEditedMessage())
		r.Type = bot.EventMessageEdited
		r.Data.Edit = &bot.Edit{ID: protocol.GetKey().GetID(), Chat: r.Chat, From: r.From, FromMe: evt.Info.IsFromMe, At: bot.At(evt.Info.Timestamp), Text: edited.Text}
	case content.GetReactionMessage() != nil:
		reaction := content.GetReactionMessage()
		r.Type = bot.EventReaction
		r.Data.Reaction = &bot.Reaction{
			ID: evt.Info.ID, MessageID: reaction.GetKey().GetID(), Chat: r.Chat, From: r.From, FromMe: evt.Info.IsFromMe,
			At: bot.At(evt.Info.Timestamp), Emoji: reaction.GetText(),
		}
	case content.GetPinInChatMessage() != nil:
		r.readPin(evt)
	case content.GetEncEventResponseMessage() != nil:
		r.readAnswer(content.GetEncEventResponseMessage(), evt.Info.IsFromMe, bot.At(evt.Info.Timestamp))
	case content.GetPollUpdateMessage() != nil:
		r.ReadVote(content.GetPollUpdateMessage(), evt.Info.IsFromMe, bot.At(evt.Info.Timestamp))
	default:
		m := n.content(inner(content))
		m.AlbumID = albumOf(content)
		m.ID, m.Chat, m.From, m.FromMe, m.Timestamp = evt.Info.ID, r.Chat, r.From, evt.Info.IsFromMe, bot.At(evt.Info.Timestamp)
		m.ViewOnce = m.ViewOnce || evt.IsViewOnce
		Locate(&m)
		r.Type = bot.EventMessage
		if evt.Info.IsFromMe {
			r.Type, m.Origin = bot.EventMessageSent, bot.OriginPhone
		}
		r.Data.Message = &m
	}
	return r
}

// Undecryptable translates a message that could not be read.
func (n Names) Undecryptable(evt *events.UndecryptableMessage) Received {
	r := n.received(&events.Message{Info: evt.Info})
	r.Type = bot.EventMessageUndecryptable
	kind := "undecryptable"
	if evt.IsUnavailable {
		kind = "unavailable"
	}
	if evt.UnavailableType != "" {
		kind += ":" + string(evt.UnavailableType)
	}
	r.Data.Message = &bot.Message{
		ID: evt.Info.ID, Chat: r.Chat, From: r.From, FromMe: evt.Info.IsFromMe, Kind: bot.KindUnsupported,
		Timestamp: bot.At(evt.Info.Timestamp), UnsupportedType: kind,
	}
	return r
}

// received says who wrote where.
func (n Names) received(evt *events.Message) Received {
	info := evt.Info
	r := Received{ID: info.ID, Sender: info.Sender.ToNonAD()}
	chatAlt := info.RecipientAlt
	if !info.IsFromMe {
		chatAlt = types.EmptyJID
		if info.Chat.User == info.Sender.User {
			chatAlt = info.SenderAlt
		}
	}
	chat := info.Chat
	if info.IsIncomingBroadcast() && chat != types.StatusBroadcastJID {
		// A broadcast list shows up in the chat with its sender.
		chat, chatAlt = info.Sender, info.SenderAlt
	}
	r.From = n.Party(info.Sender, info.SenderAlt, info.PushName)
	r.Chat = n.Party(chat, chatAlt, "")
	if r.Chat.ID == r.From.ID {
		r.Chat.Name = r.From.Name
	}
	if raw, err := proto.Marshal(evt.RawMessage); err == nil && evt.RawMessage != nil {
		r.Raw = raw
	}
	return r
}

// Unstorable stands for a message whose content cannot be kept: it has who wrote where, and nothing of what.
func (n Names) Unstorable(evt *events.Message) Received {
	r := n.unsupported(evt, "unstorable")
	r.Raw = nil
	return r
}

func (n Names) unsupported(evt *events.Message, why string) Received {
	r := n.received(evt)
	r.Type = bot.EventMessage
	m := bot.Message{
		ID: evt.Info.ID, Chat: r.Chat, From: r.From, FromMe: evt.Info.IsFromMe, Kind: bot.KindUnsupported,
		Timestamp: bot.At(evt.Info.Timestamp), UnsupportedType: why,
	}
	if m.FromMe {
		r.Type, m.Origin = bot.EventMessageSent, bot.OriginPhone
	}
	r.Data.Message = &m
	return r
}

// meansNothing tells what devices say to each other from what people say.
func meansNothing(m *waE2E.Message) bool {
	if m == nil {
		return true
	}
	if protocol := m.GetProtocolMessage(); protocol != nil {
		switch protocol.GetType() {
		case waE2E.ProtocolMessage_REVOKE, waE2E.ProtocolMessage_MESSAGE_EDIT:
			return protocol.GetKey().GetID() == ""
		case waE2E.ProtocolMessage_EPHEMERAL_SETTING, waE2E.ProtocolMessage_SHARE_PHONE_NUMBER:
			return false
		default:
			return true
		}
	}
	if m.GetReactionMessage() != nil {
		return m.GetReactionMessage().GetKey().GetID() == ""
	}
	if m.GetPinInChatMessage() != nil {
		return m.GetPinInChatMessage().GetKey().GetID() == ""
	}
	if m.GetEncEventResponseMessage() != nil {
		return m.GetEncEventResponseMessage().GetEventCreationMessageKey().GetID() == ""
	}
	if m.GetPollUpdateMessage() != nil {
		return m.GetPollUpdateMessage().GetPollCreationMessageKey().GetID() == ""
	}
	return typeOf(m) == ""
}

// typeOf is WhatsApp's name of what a message holds; "" when it holds only keys or context.
func typeOf(m *waE2E.Message) string {
	name := ""
	m.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		switch field.Name() {
		case "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage", "messageContextInfo":
			return true
		}
		name = string(field.Name())
		return false
	})
	if name == "" && len(m.ProtoReflect().GetUnknown()) > 0 {
		return "unknown"
	}
	return name
}

// content translates what a message says, without who says it.
func (n Names) content(m *waE2E.Message) bot.Message {
	out := bot.Message{Kind: bot.KindText}
	if m == nil {
		m = &waE2E.Message{}
	}
	var context *waE2E.ContextInfo
	switch {
	case m.Conversation != nil:
		out.Text = m.GetConversation()
	case m.ExtendedTextMessage != nil:
		text := m.ExtendedTextMessage
		out.Text, context, out.Status = text.GetText(), text.ContextInfo, statusLook(text)
		if text.GetMatchedText() != "" {
			out.LinkPreview = &bot.LinkPreview{URL: text.GetMatchedText(), Title: text.GetTitle(), Description: text.GetDescription()}
		}
	default:
		context = otherContent(m, &out)
	}
	n.putContext(&out, context)
	return out
}

// otherContent translates what is no text, and returns its context.
func otherContent(m *waE2E.Message, out *bot.Message) *waE2E.ContextInfo {
	for _, translate := range []func(*waE2E.Message, *bot.Message) (*waE2E.ContextInfo, bool){
		placeContent, contactContent, pollContent, fileContent, albumContent, appointmentContent,
	} {
		if context, ok := translate(m, out); ok {
			return context
		}
	}
	out.Kind, out.UnsupportedType = bot.KindUnsupported, typeOf(m)
	if protocol := m.GetProtocolMessage(); protocol != nil {
		out.UnsupportedType += ":" + protocol.GetType().String()
	}
	return nil
}

// putContext fills in what a message refers to.
func (n Names) putContext(out *bot.Message, context *waE2E.ContextInfo) {
	if context == nil {
		return
	}
	for _, text := range context.GetMentionedJID() {
		if jid, err := types.ParseJID(text); err == nil {
			out.Mentions = append(out.Mentions, n.Party(jid, types.EmptyJID, ""))
		}
	}
	out.Forwarded, out.ForwardingScore, out.ExpiresIn = context.GetIsForwarded(), context.GetForwardingScore(), context.GetExpiration()
	if context.GetStanzaID() == "" {
		return
	}
	quote := &bot.Quote{ID: context.GetStanzaID()}
	if jid, err := types.ParseJID(context.GetParticipant()); err == nil && !jid.IsEmpty() {
		quote.From = n.Party(jid, types.EmptyJID, "")
	}
	if quoted := context.GetQuotedMessage(); quoted != nil {
		original := Names(nil).content(withoutContext(inner(quoted)))
		quote.Kind, quote.Text = original.Kind, original.Text
	}
	out.ReplyTo = quote
}

// withoutContext cuts a quote off: a quote in a quote in a quote would not end.
func withoutContext(m *waE2E.Message) *waE2E.Message {
	if m.ExtendedTextMessage != nil {
		return &waE2E.Message{Conversation: m.ExtendedTextMessage.Text}
	}
	flat := &waE2E.Message{}
	proto.Merge(flat, m)
	for _, part := range []interface{ GetContextInfo() *waE2E.ContextInfo }{
		flat.ImageMessage, flat.VideoMessage, flat.PtvMessage, flat.AudioMessage, flat.DocumentMessage, flat.StickerMessage,
		flat.LocationMessage, flat.LiveLocationMessage, flat.ContactMessage, flat.ContactsArrayMessage, flat.AlbumMessage, flat.EventMessage,
	} {
		if context := part.GetContextInfo(); context != nil {
			proto.Reset(context)
		}
	}
	if poll := pollOf(flat); poll != nil {
		poll.ContextInfo = nil
	}
	return flat
}
