package message

import (
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
)

// SecretBytes is the length of the secret by which the votes of a poll are encrypted.
const SecretBytes = 32

// Poll is a poll with its secret. The secret must be random, and is kept in the message's bytes: without it no vote can
// be read.
type Poll struct {
	Context
	Poll   bot.Poll
	Secret []byte
}

// Compose makes the message that WhatsApp gets.
func (p Poll) Compose() (*waE2E.Message, error) {
	context, err := p.compose()
	if err != nil {
		return nil, err
	}
	out := &waE2E.PollCreationMessage{Name: &p.Poll.Name, SelectableOptionsCount: &p.Poll.Selectable, ContextInfo: context}
	for _, option := range p.Poll.Options {
		out.Options = append(out.Options, &waE2E.PollCreationMessage_Option{OptionName: proto.String(option)})
	}
	return &waE2E.Message{PollCreationMessage: out, MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: p.Secret}}, nil
}

// pollContent reads a poll; it reports false for another message.
func pollContent(m *waE2E.Message, out *bot.Message) (*waE2E.ContextInfo, bool) {
	poll := pollOf(m)
	if poll == nil {
		return nil, false
	}
	out.Kind = bot.KindPoll
	out.Poll = &bot.Poll{Name: poll.GetName(), Options: []string{}, Selectable: poll.GetSelectableOptionsCount()}
	for _, option := range poll.GetOptions() {
		out.Poll.Options = append(out.Poll.Options, option.GetOptionName())
	}
	return poll.ContextInfo, true
}

func pollOf(m *waE2E.Message) *waE2E.PollCreationMessage {
	for _, poll := range []*waE2E.PollCreationMessage{
		m.PollCreationMessage, m.PollCreationMessageV2, m.PollCreationMessageV3, m.PollCreationMessageV5,
		m.GetPollCreationMessageV4().GetMessage().GetPollCreationMessage(), m.GetPollCreationMessageV4().GetMessage().GetPollCreationMessageV3(),
	} {
		if poll != nil {
			return poll
		}
	}
	return nil
}
