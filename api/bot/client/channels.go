package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// Channels lists the channels that the account has or follows.
func (c *Client) Channels(ctx context.Context) (all bot.Channels, err error) {
	return all, c.do(ctx, http.MethodGet, bot.PathChannels, nil, &all, nil, maxPage)
}

// Channel describes a channel, by its address or its invite.
func (c *Client) Channel(ctx context.Context, id string) (channel bot.Channel, err error) {
	return channel, c.Do(ctx, http.MethodGet, fill(bot.PathChannel, "id", id), nil, &channel)
}

// CreateChannel makes a channel of the account, which accepts WhatsApp's terms for it.
func (c *Client) CreateChannel(ctx context.Context, request bot.CreateChannelRequest) (made bot.Channel, err error) {
	return made, c.Do(ctx, http.MethodPost, bot.PathChannels, request, &made)
}

// DeleteChannel deletes a channel of the account for everyone, and returns it as it was.
func (c *Client) DeleteChannel(ctx context.Context, id string) (channel bot.Channel, err error) {
	return channel, c.Do(ctx, http.MethodDelete, fill(bot.PathChannel, "id", id), nil, &channel)
}

// ChannelMessages lists what was published in a channel, newest first, also in one that the account does not follow.
// before is the Before of an earlier answer, 0 for the newest; limit is 1 to 100, 0 means 50.
func (c *Client) ChannelMessages(ctx context.Context, id string, before, limit int) (page bot.ChannelMessages, err error) {
	v := url.Values{}
	if before > 0 {
		v.Set("before", strconv.Itoa(before))
	}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return page, c.do(ctx, http.MethodGet, fill(bot.PathChannelMessages, "id", id)+"?"+v.Encode(), nil, &page, nil, maxPage)
}

// SearchChannels looks for channels in WhatsApp's directory. A Limit of 0 means 50.
func (c *Client) SearchChannels(ctx context.Context, search bot.ChannelSearch) (found bot.FoundChannels, err error) {
	v := url.Values{}
	for name, value := range map[string]string{
		"text": search.Text, "view": search.View, "countries": strings.Join(search.Countries, ","),
		"categories": strings.Join(search.Categories, ","), "after": search.After,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if search.Limit > 0 {
		v.Set("limit", strconv.Itoa(search.Limit))
	}
	return found, c.do(ctx, http.MethodGet, bot.PathChannelSearch+"?"+v.Encode(), nil, &found, nil, maxPage)
}

// FollowChannel follows a channel, UnfollowChannel ends that.
func (c *Client) FollowChannel(ctx context.Context, id string) (channel bot.Channel, err error) {
	return channel, c.Do(ctx, http.MethodPut, fill(bot.PathChannelFollow, "id", id), nil, &channel)
}

// UnfollowChannel is explained at FollowChannel.
func (c *Client) UnfollowChannel(ctx context.Context, id string) (channel bot.Channel, err error) {
	return channel, c.Do(ctx, http.MethodDelete, fill(bot.PathChannelFollow, "id", id), nil, &channel)
}

// MuteChannel silences a channel on the account's phone, UnmuteChannel ends that.
func (c *Client) MuteChannel(ctx context.Context, id string) (channel bot.Channel, err error) {
	return channel, c.Do(ctx, http.MethodPut, fill(bot.PathChannelMute, "id", id), nil, &channel)
}

// UnmuteChannel is explained at MuteChannel.
func (c *Client) UnmuteChannel(ctx context.Context, id string) (channel bot.Channel, err error) {
	return channel, c.Do(ctx, http.MethodDelete, fill(bot.PathChannelMute, "id", id), nil, &channel)
}
