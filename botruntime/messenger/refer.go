package messenger

import (
	"context"
	"errors"
	"unicode/utf8"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

// maxEmojiBytes bounds a reaction: the longest emoji is a family of several signs.
const maxEmojiBytes = 64

// about makes the draft one that acts on another message.
func (d *draft) about(kind bot.MessageKind, subject *journal.Record) (message.Subject, error) {
	was := subject.Message
	sender, err := types.ParseJID(was.From.ID)
	if err != nil {
		return message.Subject{}, err
	}
	d.listed = false
	d.shown.Kind = kind
	d.shown.Subject = &bot.Quote{ID: was.ID, From: was.From, Kind: was.Kind}
	return message.Subject{Chat: d.to, Sender: sender, FromMe: was.FromMe, ID: was.ID}, nil
}

func (d *draft) react(ctx context.Context, reaction bot.SendReaction) error {
	if len(reaction.Emoji) > maxEmojiBytes || !utf8.ValidString(reaction.Emoji) {
		return badField("reaction.emoji", "one emoji, or empty")
	}
	found, err := d.subject(ctx, reaction.MessageID)
	if err != nil {
		return err
	}
	subject, err := d.about(bot.KindReaction, found)
	if err != nil {
		return err
	}
	d.shown.Text = reaction.Emoji
	d.content = subject.React(reaction.Emoji, d.m.Journal.Now().UnixMilli())
	return nil
}

func (d *draft) forward(ctx context.Context, from bot.SendForward, expiresIn uint32) error {
	chat := ""
	if from.Chat != "" {
		jid, ok := message.Address(from.Chat)
		if !ok {
			return &Refusal{Kind: bot.ProblemBadRecipient}
		}
		chat = d.m.Names.Party(jid, types.EmptyJID, "").ID
	}
	found, err := d.m.Journal.Message(ctx, from.MessageID, chat)
	switch {
	case journal.IsAmbiguous(err):
		return &Refusal{Kind: bot.ProblemAmbiguousMessage}
	case err != nil:
		return err
	case found == nil || len(found.Raw) == 0:
		return &Refusal{Kind: bot.ProblemNoSuchMessage}
	}
	content, err := message.Forward(found.Raw, expiresIn)
	if errors.Is(err, message.ErrNotForwardable) {
		return &Refusal{Kind: bot.ProblemUnsupported}
	}
	return d.set(content, err)
}
