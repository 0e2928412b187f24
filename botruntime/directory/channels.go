package directory

import (
	"context"
	"errors"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

const (
	// maxChannelName and maxChannelAbout are what WhatsApp's own clients let people write.
	maxChannelName, maxChannelAbout = 100, 2048
	// channelTerms and channelStage name the terms of WhatsApp that an account accepts before it makes a channel.
	channelTerms, channelStage = "20601218", "5"
	// deleteChannel is the id of WhatsApp Web's request to delete a channel, which whatsmeow does not have.
	deleteChannel = "30062808666639665"
)

// Channels lists the channels that the account has or follows.
func (d *Directory) Channels(ctx context.Context) (channels []bot.Channel, err error) {
	channels = []bot.Channel{}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		all, err := client.GetSubscribedNewsletters(ctx)
		for _, one := range all {
			channels = append(channels, channelOf(one))
		}
		return channelError(err)
	})
	return channels, err
}

// Channel describes a channel, by its address or its invite.
func (d *Directory) Channel(ctx context.Context, id string) (channel bot.Channel, err error) {
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		found, err := findChannel(ctx, client, id)
		if err == nil {
			channel = channelOf(found)
		}
		return err
	})
	return channel, err
}

// CreateChannel makes a channel of the account, which accepts WhatsApp's terms for it.
func (d *Directory) CreateChannel(ctx context.Context, request bot.CreateChannelRequest) (channel bot.Channel, err error) {
	switch {
	case !fits(request.Name, 1, maxChannelName):
		return channel, badField("name", "1 to 100 characters")
	case !fits(request.Description, 0, maxChannelAbout):
		return channel, badField("description", "at most 2048 characters")
	case len(request.Picture) > 0 && !isPicture(request.Picture):
		return channel, &Refusal{Kind: bot.ProblemBadPicture}
	}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		if err := client.AcceptTOSNotice(ctx, channelTerms, channelStage); err != nil {
			return err
		}
		made, err := client.CreateNewsletter(ctx, whatsmeow.CreateNewsletterParams{Name: request.Name, Description: request.Description, Picture: request.Picture})
		if err == nil && made == nil {
			err = errNoChannel
		}
		if err == nil {
			channel = channelOf(made)
		}
		return channelError(err)
	})
	return channel, err
}

// Follow follows a channel or ends that, and describes it then.
func (d *Directory) Follow(ctx context.Context, id string, follow bool) (bot.Channel, error) {
	return d.changeChannel(ctx, id, func(ctx context.Context, client *whatsmeow.Client, jid types.JID) error {
		if follow {
			return client.FollowNewsletter(ctx, jid)
		}
		return client.UnfollowNewsletter(ctx, jid)
	})
}

// MuteChannel mutes a channel or ends that, and describes it then.
func (d *Directory) MuteChannel(ctx context.Context, id string, mute bool) (bot.Channel, error) {
	return d.changeChannel(ctx, id, func(ctx context.Context, client *whatsmeow.Client, jid types.JID) error {
		return client.NewsletterToggleMute(ctx, jid, mute)
	})
}

// DeleteChannel deletes a channel of the account for everyone, and describes it as it was.
func (d *Directory) DeleteChannel(ctx context.Context, id string) (channel bot.Channel, err error) {
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		found, err := findChannel(ctx, client, id)
		if err != nil {
			return err
		}
		if found.ViewerMeta == nil { // an invite does not say what the account is there
			if found, err = findChannel(ctx, client, found.ID.String()); err != nil {
				return err
			}
		}
		channel = channelOf(found)
		if channel.Role != bot.ChannelOwner {
			return &Refusal{Kind: bot.ProblemNotAdmin}
		}
		_, err = client.DangerousInternals().SendMexIQ(ctx, deleteChannel, map[string]any{"newsletter_id": channel.ID}) //nolint:staticcheck // there is no public call
		return channelError(err)
	})
	return channel, err
}

func (d *Directory) changeChannel(ctx context.Context, id string, change func(context.Context, *whatsmeow.Client, types.JID) error) (channel bot.Channel, err error) {
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		found, err := findChannel(ctx, client, id)
		if err != nil {
			return err
		}
		if err := change(ctx, client, found.ID); err != nil {
			return channelError(err)
		}
		if found, err = findChannel(ctx, client, found.ID.String()); err == nil {
			channel = channelOf(found)
		}
		return err
	})
	return channel, err
}

var errNoChannel = errors.New("WhatsApp's answer has no channel")

// findChannel asks WhatsApp for a channel.
func findChannel(ctx context.Context, client *whatsmeow.Client, id string) (found *types.NewsletterMetadata, err error) {
	if user, isAddress := strings.CutSuffix(id, "@"+types.NewsletterServer); isAddress {
		if user == "" || strings.Trim(user, "0123456789") != "" {
			return nil, &Refusal{Kind: bot.ProblemBadRecipient}
		}
		found, err = client.GetNewsletterInfo(ctx, types.NewJID(user, types.NewsletterServer))
	} else {
		code := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(id, "https://www.whatsapp.com/channel/"), whatsmeow.NewsletterLinkPrefix), "/")
		if code == "" || len(code) > 64 || strings.ContainsAny(code, "/@ ") {
			return nil, &Refusal{Kind: bot.ProblemBadRecipient}
		}
		found, err = client.GetNewsletterInfoWithInvite(ctx, code)
	}
	if err == nil && found == nil {
		return nil, &Refusal{Kind: bot.ProblemNoSuchChannel}
	}
	return found, channelError(err)
}

// channelError reads the codes of WhatsApp's answers about channels.
func channelError(err error) error {
	var answers types.GraphQLErrors
	if !errors.As(err, &answers) || len(answers) == 0 {
		return err
	}
	switch code := answers[0].Extensions.ErrorCode; code {
	case 404, 410:
		return &Refusal{Kind: bot.ProblemNoSuchChannel, Code: code}
	case 429:
		return &Refusal{Kind: bot.ProblemRateLimited, Code: code}
	default:
		return &Refusal{Kind: bot.ProblemRefused, Code: code}
	}
}

func channelOf(n *types.NewsletterMetadata) bot.Channel {
	about := n.ThreadMeta
	out := bot.Channel{
		ID: n.ID.String(), Name: about.Name.Text, Description: about.Description.Text, Created: bot.At(about.CreationTime.Time), Role: bot.ChannelGuest,
		Followers: about.SubscriberCount, Verified: about.VerificationState == types.NewsletterVerificationStateVerified,
		Link: whatsmeow.NewsletterLinkPrefix + about.InviteCode,
	}
	if viewer := n.ViewerMeta; viewer != nil {
		out.Role, out.Muted = bot.ChannelRole(viewer.Role), viewer.Mute == types.NewsletterMuteOn
	}
	return out
}
