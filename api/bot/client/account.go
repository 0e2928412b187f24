package client

import (
	"context"
	"io"
	"net/http"

	"sesi.dev/sesi/api/bot"
)

// Profile is what the account shows of itself.
func (c *Client) Profile(ctx context.Context) (profile bot.Profile, err error) {
	return profile, c.Do(ctx, http.MethodGet, bot.PathProfile, nil, &profile)
}

// ChangeProfile changes what the request names.
func (c *Client) ChangeProfile(ctx context.Context, request bot.ChangeProfileRequest) (profile bot.Profile, err error) {
	return profile, c.Do(ctx, http.MethodPatch, bot.PathProfile, request, &profile)
}

// ProfilePicture returns the account's picture, as ContactPicture does a person's.
func (c *Client) ProfilePicture(ctx context.Context) (picture io.ReadCloser, id string, err error) {
	return c.picture(ctx, bot.PathProfilePicture)
}

// SetProfilePicture gives the account another picture: a JPEG of at most bot.MaxPicture bytes.
func (c *Client) SetProfilePicture(ctx context.Context, picture io.Reader) (set bot.Picture, err error) {
	return c.setPicture(ctx, bot.PathProfilePicture, picture)
}

// RemoveProfilePicture leaves the account without a picture.
func (c *Client) RemoveProfilePicture(ctx context.Context) error {
	return c.Do(ctx, http.MethodDelete, bot.PathProfilePicture, nil, nil)
}

// Limits says what WhatsApp lets the account do, and the bot's own pace.
func (c *Client) Limits(ctx context.Context) (limits bot.AccountLimits, err error) {
	return limits, c.Do(ctx, http.MethodGet, bot.PathAccountLimits, nil, &limits)
}

// Activity counts messages since the bot started.
func (c *Client) Activity(ctx context.Context) (activity bot.Activity, err error) {
	return activity, c.Do(ctx, http.MethodGet, bot.PathActivity, nil, &activity)
}
