package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"sesi.dev/sesi/api/bot"
)

func channelRoutes() []route {
	return []route{
		{"GET", bot.PathChannels, withToken, (*call).listChannels},
		{"POST", bot.PathChannels, withToken, (*call).createChannel},
		{"GET", bot.PathChannel, withToken, (*call).getChannel},
		{"PUT", bot.PathChannelFollow, withToken, (*call).followChannel},
		{"DELETE", bot.PathChannelFollow, withToken, (*call).unfollowChannel},
		{"PUT", bot.PathChannelMute, withToken, (*call).muteChannel},
		{"DELETE", bot.PathChannelMute, withToken, (*call).unmuteChannel},
	}
}

func (c *call) listChannels() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		all, err := d.Channels(ctx)
		return bot.Channels{Channels: all}, err
	})
}

func (c *call) createChannel() error {
	return change(c, http.StatusCreated, func(ctx context.Context, d Directory, request bot.CreateChannelRequest) (any, error) {
		made, err := d.CreateChannel(ctx, request)
		if err == nil {
			c.w.Header().Set("Location", strings.Replace(bot.PathChannel, "{id}", url.PathEscape(made.ID), 1))
		}
		return made, err
	})
}

func (c *call) getChannel() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.Channel(ctx, c.id()) })
}

func (c *call) follow(follow bool) error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.Follow(ctx, c.id(), follow) })
}

func (c *call) mute(mute bool) error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.MuteChannel(ctx, c.id(), mute) })
}

func (c *call) followChannel() error   { return c.follow(true) }
func (c *call) unfollowChannel() error { return c.follow(false) }
func (c *call) muteChannel() error     { return c.mute(true) }
func (c *call) unmuteChannel() error   { return c.mute(false) }
