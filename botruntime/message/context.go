package message

import (
	"fmt"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// Reply is the message that a new one answers.
type Reply struct {
	ID     string
	Sender types.JID
	// Raw are the answered message's bytes; they may be gone.
	Raw []byte
}

// Context is what a message refers to, whatever its kind.
type Context struct {
	Mentions  []types.JID
	Reply     *Reply
	ExpiresIn uint32
}

// compose makes WhatsApp's form of the context; nil when there is nothing in it.
func (c Context) compose() (*waE2E.ContextInfo, error) {
	if len(c.Mentions) == 0 && c.Reply == nil && c.ExpiresIn == 0 {
		return nil, nil //nolint:nilnil // a message without context is no error
	}
	context := &waE2E.ContextInfo{}
	for _, jid := range c.Mentions {
		context.MentionedJID = append(context.MentionedJID, jid.String())
	}
	if c.ExpiresIn > 0 {
		context.Expiration = &c.ExpiresIn
	}
	if c.Reply == nil {
		return context, nil
	}
	context.StanzaID = &c.Reply.ID
	context.Participant = proto.String(c.Reply.Sender.ToNonAD().String())
	quoted := &waE2E.Message{Conversation: proto.String("")}
	if len(c.Reply.Raw) > 0 {
		var original waE2E.Message
		if err := proto.Unmarshal(c.Reply.Raw, &original); err != nil {
			return nil, fmt.Errorf("read the message to answer: %w", err)
		}
		quoted = withoutContext(inner(&original))
		quoted.MessageContextInfo, quoted.SenderKeyDistributionMessage = nil, nil
	}
	context.QuotedMessage = quoted
	return context, nil
}
