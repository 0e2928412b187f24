package httpapi

import (
	"context"
	"net/http"
	"strings"

	"sesi.dev/sesi/api/bot"
)

func wahaChannelRoutes() []route {
	return []route{
		{"GET", bot.PathWAHAChannels, withToken, inSession((*call).wahaChannels)},
		{"POST", bot.PathWAHAChannels, withToken, inSession((*call).wahaCreateChannel)},
		{"GET", bot.PathWAHAChannel, withToken, inSession((*call).wahaChannel)},
		{"POST", bot.PathWAHAChannelFollow, withToken, inSession((*call).wahaFollow)},
		{"POST", bot.PathWAHAChannelUnfollow, withToken, inSession((*call).wahaUnfollow)},
		{"POST", bot.PathWAHAChannelMute, withToken, inSession((*call).wahaMute)},
		{"POST", bot.PathWAHAChannelUnmute, withToken, inSession((*call).wahaUnmute)},
	}
}

func wahaChannelOf(ch bot.Channel) bot.WAHAChannel {
	return bot.WAHAChannel{
		ID: ch.ID, Name: ch.Name, Invite: ch.Link, Role: strings.ToUpper(string(ch.Role)), Description: ch.Description, Verified: ch.Verified,
		SubscribersCount: ch.Followers,
	}
}

func (c *call) wahaChannels() error {
	role := c.r.URL.Query().Get("role")
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		all, err := d.Channels(ctx)
		out := []bot.WAHAChannel{}
		for _, one := range all {
			if shown := wahaChannelOf(one); role == "" || shown.Role == role {
				out = append(out, shown)
			}
		}
		return out, err
	})
}

func (c *call) wahaChannel() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		found, err := d.Channel(ctx, id)
		return wahaChannelOf(found), err
	})
}

func (c *call) wahaCreateChannel() error {
	var asked bot.WAHACreateChannel
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	request := bot.CreateChannelRequest{Name: asked.Name, Description: asked.Description}
	if asked.Picture != nil {
		picture, err := c.wahaPicture("picture", *asked.Picture)
		if err != nil {
			return err
		}
		request.Picture = picture
	}
	if _, err := c.wahaWorking(); err != nil {
		return err
	}
	return c.withDirectory(http.StatusCreated, func(ctx context.Context, d Directory) (any, error) {
		made, err := d.CreateChannel(ctx, request)
		return wahaChannelOf(made), err
	})
}

// wahaChangeChannel answers with nothing of the channel, as WAHA does.
func (c *call) wahaChangeChannel(change func(context.Context, Directory) (bot.Channel, error)) error {
	if _, err := c.wahaWorking(); err != nil {
		return err
	}
	return c.withDirectory(http.StatusCreated, func(ctx context.Context, d Directory) (any, error) {
		_, err := change(ctx, d)
		return wahaDone, err
	})
}

func (c *call) wahaFollow() error {
	return c.wahaChangeChannel(func(ctx context.Context, d Directory) (bot.Channel, error) { return d.Follow(ctx, c.id(), true) })
}

func (c *call) wahaUnfollow() error {
	return c.wahaChangeChannel(func(ctx context.Context, d Directory) (bot.Channel, error) { return d.Follow(ctx, c.id(), false) })
}

func (c *call) wahaMute() error {
	return c.wahaChangeChannel(func(ctx context.Context, d Directory) (bot.Channel, error) { return d.MuteChannel(ctx, c.id(), true) })
}

func (c *call) wahaUnmute() error {
	return c.wahaChangeChannel(func(ctx context.Context, d Directory) (bot.Channel, error) { return d.MuteChannel(ctx, c.id(), false) })
}
