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
		{"DELETE", bot.PathChannel, withToken, (*call).deleteChannel},
		{"GET", bot.PathChannelMessages, withToken, (*call).channelMessages},
		{"GET", bot.PathChannelSearch, withToken, (*call).searchChannels},
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

func (c *call) deleteChannel() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.DeleteChannel(ctx, c.id()) })
}

func (c *call) channelMessages() error {
	limit, err := c.number("limit", defaultPage, 1, bot.MaxChannelPage)
	if err != nil {
		return err
	}
	before, err := c.number("before", 0, 0, 1<<31-1)
	if err != nil {
		return err
	}
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		return d.ChannelMessages(ctx, c.id(), int(before), int(limit))
	})
}

func (c *call) searchChannels() error {
	limit, err := c.number("limit", defaultPage, 1, bot.MaxChannelPage)
	if err != nil {
		return err
	}
	query := c.r.URL.Query()
	search := bot.ChannelSearch{
		Text: query.Get("text"), View: query.Get("view"), Countries: splitList(query.Get("countries")), Categories: splitList(query.Get("categories")),
		Limit: int(limit), After: query.Get("after"),
	}
	if search.View == "" {
		search.View = defaultView
	}
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.SearchChannels(ctx, search) })
}

// defaultView is the choice of channels that WhatsApp's own clients show first.
const defaultView = "RECOMMENDED"

// splitList splits a list with commas; an empty one has nothing.
func splitList(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
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
