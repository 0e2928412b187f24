package directory

import (
	"context"
	"sort"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

// ChannelMessages lists what was published in a channel, newest first, also in one that the account does not follow. before
// is a message's number, 0 for the newest. The bot keeps none of it: only messages that came to it have a file.
func (d *Directory) ChannelMessages(ctx context.Context, id string, before, limit int) (page bot.ChannelMessages, err error) {
	page.Messages = []bot.ChannelMessage{}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		channel, err := findChannel(ctx, client, id)
		if err != nil {
			return err
		}
		found, err := client.GetNewsletterMessages(ctx, channel.ID, &whatsmeow.GetNewsletterMessagesParams{Count: limit, Before: before})
		if err != nil {
			return err
		}
		for _, one := range found {
			if one.Message == nil {
				continue // it was deleted
			}
			shown, err := d.published(ctx, channel.ID, one)
			if err != nil {
				return err
			}
			page.Messages = append(page.Messages, shown)
		}
		sort.Slice(page.Messages, func(i, j int) bool { return page.Messages[i].Number > page.Messages[j].Number })
		if n := len(page.Messages); n > 0 && len(found) >= limit {
			page.Before = page.Messages[n-1].Number
		}
		return nil
	})
	return page, err
}

// published is a message of a channel, as the bot keeps it where it does.
func (d *Directory) published(ctx context.Context, channel types.JID, one *types.NewsletterMessage) (bot.ChannelMessage, error) {
	out := bot.ChannelMessage{Number: one.MessageServerID, Views: one.ViewsCount, Reactions: one.ReactionCounts}
	if out.Reactions == nil {
		out.Reactions = map[string]int{}
	}
	kept, err := d.Journal.Message(ctx, one.MessageID, channel.String())
	if err != nil {
		return out, err
	}
	if kept != nil {
		out.Message = kept.Message
		return out, nil
	}
	party := d.Names.Party(channel, types.EmptyJID, "")
	out.Message = d.Names.Shown(one.Message)
	out.ID, out.Chat, out.From, out.Timestamp = one.MessageID, party, party, bot.At(one.Timestamp)
	return out, nil
}
