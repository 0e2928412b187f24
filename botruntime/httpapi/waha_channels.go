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
		{"DELETE", bot.PathWAHAChannel, withToken, inSession((*call).wahaDeleteChannel)},
		{"GET", bot.PathWAHAChannelPreview, withToken, inSession((*call).wahaPreviewChannel)},
		{"POST", bot.PathWAHAChannelsByView, withToken, inSession((*call).wahaChannelsByView)},
		{"POST", bot.PathWAHAChannelsByText, withToken, inSession((*call).wahaChannelsByText)},
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

func (c *call) wahaDeleteChannel() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		_, err := d.DeleteChannel(ctx, id)
		return wahaDone, err
	})
}

// wahaPreviewChannel lists the newest messages of a channel. Those that the bot does not keep have no address of a file.
func (c *call) wahaPreviewChannel() error {
	limit, err := c.number("limit", wahaPage, 1, bot.MaxChannelPage)
	if err != nil {
		return err
	}
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		page, err := d.ChannelMessages(ctx, id, 0, int(limit))
		tell, out := c.teller(), []bot.WAHAChannelMessage{}
		for _, one := range page.Messages {
			shown := tell.Message(one.Message)
			if one.Media != nil && one.Media.Path == "" {
				shown.Media, shown.MediaURL = nil, ""
			}
			out = append(out, bot.WAHAChannelMessage{Message: shown, Reactions: one.Reactions, ViewCount: one.Views})
		}
		return out, err
	})
}

func (c *call) wahaChannelsByView() error {
	var asked bot.WAHAChannelsByView
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	if asked.View == "" {
		asked.View = defaultView
	}
	return c.wahaSearch(bot.ChannelSearch{View: asked.View, Countries: asked.Countries, Categories: asked.Categories, Limit: asked.Limit, After: asked.StartCursor})
}

func (c *call) wahaChannelsByText() error {
	var asked bot.WAHAChannelsByText
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	if asked.Text == "" {
		return badParameter("text", "given")
	}
	return c.wahaSearch(bot.ChannelSearch{Text: asked.Text, Categories: asked.Categories, Limit: asked.Limit, After: asked.StartCursor})
}

func (c *call) wahaSearch(search bot.ChannelSearch) error {
	if search.Limit == 0 {
		search.Limit = defaultPage
	}
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		found, err := d.SearchChannels(ctx, search)
		page := bot.WAHAChannelPage{Channels: []bot.WAHAChannel{}}
		page.Page.HasNextPage, page.Page.HasPreviousPage = found.After != "", search.After != ""
		if found.After != "" {
			page.Page.EndCursor = &found.After
		}
		if search.After != "" {
			page.Page.StartCursor = &search.After
		}
		for _, one := range found.Channels {
			page.Channels = append(page.Channels, wahaChannelOf(one))
		}
		return page, err
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
