package client

import (
	"context"
	"net/http"

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
