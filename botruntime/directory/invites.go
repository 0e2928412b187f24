package directory

import (
	"context"
	"net/url"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

// Invite returns the invite of a group; with renew, a new one takes its place.
func (d *Directory) Invite(ctx context.Context, id string, renew bool) (bot.GroupInvite, error) {
	jid, err := groupAddress(id)
	if err != nil {
		return bot.GroupInvite{}, err
	}
	var link string
	err = d.change(ctx, jid, func(ctx context.Context, client *whatsmeow.Client) (err error) {
		link, err = client.GetGroupInviteLink(ctx, jid, renew)
		return err
	})
	return bot.GroupInvite{Code: strings.TrimPrefix(link, whatsmeow.InviteLinkPrefix), Link: link}, err
}

// InviteInfo describes the group that an invite leads to, without joining it.
func (d *Directory) InviteInfo(ctx context.Context, code string) (bot.Group, error) {
	code, err := inviteCode(code)
	if err != nil {
		return bot.Group{}, err
	}
	group, err := d.groupOf(ctx, func(ctx context.Context, client *whatsmeow.Client) (*types.GroupInfo, error) {
		info, err := client.GetGroupInfoFromLink(ctx, code)
		return info, inviteError(err)
	})
	return group, err
}

// Join joins the group that an invite leads to, or asks to join it where an admin must approve.
func (d *Directory) Join(ctx context.Context, code string) (joined bot.JoinedGroup, err error) {
	if code, err = inviteCode(code); err != nil {
		return bot.JoinedGroup{}, err
	}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		jid, err := client.JoinGroupWithLink(ctx, code)
		if err != nil {
			return inviteError(err)
		}
		joined.ID = jid.String()
		// The answer does not say whether an admin must approve; only a member of the group may ask about it.
		_, err = client.GetGroupInfo(ctx, jid)
		if refused := codeOf(err); refused == 403 || refused == 404 {
			joined.Pending, err = true, nil
		}
		return err
	})
	return joined, err
}

// Leave leaves a group.
func (d *Directory) Leave(ctx context.Context, id string) error {
	jid, err := groupAddress(id)
	if err != nil {
		return err
	}
	return d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		// WhatsApp answers a request to leave also for a group that the account is not in.
		if _, err := client.GetGroupInfo(ctx, jid); err != nil {
			return err
		}
		return client.LeaveGroup(ctx, jid)
	})
}

// inviteCode reads the code of an invite, or of its link.
func inviteCode(text string) (string, error) {
	code := strings.TrimSpace(text)
	if link, err := url.Parse(code); err == nil && link.Host == "chat.whatsapp.com" {
		code = strings.TrimPrefix(strings.Trim(link.Path, "/"), "invite/")
	}
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"
	if len(code) < 8 || len(code) > 64 || strings.Trim(code, alphabet) != "" {
		return "", badField("code", "the code of an invite, or its link")
	}
	return code, nil
}

// inviteError says of a refusal that it is about the invite.
func inviteError(err error) error {
	switch code := codeOf(err); code {
	case 400, 404, 406, 410:
		return &Refusal{Kind: bot.ProblemBadInvite, Code: code}
	}
	return err
}
