package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"sesi.dev/sesi/api/bot"
)

// Groups lists the account's groups.
func (c *Client) Groups(ctx context.Context) (all bot.Groups, err error) {
	return all, c.do(ctx, http.MethodGet, bot.PathGroups, nil, &all, nil, maxPage)
}

// Group describes one group.
func (c *Client) Group(ctx context.Context, id string) (group bot.Group, err error) {
	return group, c.Do(ctx, http.MethodGet, fill(bot.PathGroup, "id", id), nil, &group)
}

// CreateGroup makes a group. WhatsApp decides for each person: the answer says what became of each.
func (c *Client) CreateGroup(ctx context.Context, request bot.CreateGroupRequest) (made bot.CreatedGroup, err error) {
	return made, c.Do(ctx, http.MethodPost, bot.PathGroups, request, &made)
}

// ChangeGroup changes what the request names.
func (c *Client) ChangeGroup(ctx context.Context, id string, request bot.ChangeGroupRequest) (group bot.Group, err error) {
	return group, c.Do(ctx, http.MethodPatch, fill(bot.PathGroup, "id", id), request, &group)
}

// ChangeParticipants adds, removes, promotes or demotes people.
func (c *Client) ChangeParticipants(ctx context.Context, id string, request bot.ParticipantsRequest) (outcomes bot.ParticipantOutcomes, err error) {
	return outcomes, c.Do(ctx, http.MethodPost, fill(bot.PathGroupParticipants, "id", id), request, &outcomes)
}

// GroupInvite returns the invite to a group, RenewGroupInvite makes a new one, after which the old one leads nowhere.
func (c *Client) GroupInvite(ctx context.Context, id string) (invite bot.GroupInvite, err error) {
	return invite, c.Do(ctx, http.MethodGet, fill(bot.PathGroupInvite, "id", id), nil, &invite)
}

// RenewGroupInvite is explained at GroupInvite.
func (c *Client) RenewGroupInvite(ctx context.Context, id string) (invite bot.GroupInvite, err error) {
	return invite, c.Do(ctx, http.MethodDelete, fill(bot.PathGroupInvite, "id", id), nil, &invite)
}

// InvitedGroup describes the group that an invite leads to.
func (c *Client) InvitedGroup(ctx context.Context, code string) (group bot.Group, err error) {
	return group, c.Do(ctx, http.MethodGet, bot.PathGroupJoin+"?code="+url.QueryEscape(code), nil, &group)
}

// JoinGroup joins the group that an invite leads to.
func (c *Client) JoinGroup(ctx context.Context, code string) (joined bot.JoinedGroup, err error) {
	return joined, c.Do(ctx, http.MethodPost, bot.PathGroupJoin, bot.JoinGroupRequest{Code: code}, &joined)
}

// LeaveGroup leaves a group.
func (c *Client) LeaveGroup(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodPost, fill(bot.PathGroupLeave, "id", id), nil, nil)
}

// GroupRequests lists the people who ask to join a group.
func (c *Client) GroupRequests(ctx context.Context, id string) (all bot.GroupRequests, err error) {
	return all, c.Do(ctx, http.MethodGet, fill(bot.PathGroupRequests, "id", id), nil, &all)
}

// AnswerGroupRequests lets people into a group, or refuses them.
func (c *Client) AnswerGroupRequests(ctx context.Context, id string, answers bot.AnswerRequests) (outcomes bot.ParticipantOutcomes, err error) {
	return outcomes, c.Do(ctx, http.MethodPost, fill(bot.PathGroupRequests, "id", id), answers, &outcomes)
}

// GroupPicture returns a group's picture, as ContactPicture does a person's.
func (c *Client) GroupPicture(ctx context.Context, id string) (picture io.ReadCloser, pictureID string, err error) {
	return c.picture(ctx, fill(bot.PathGroupPicture, "id", id))
}

// SetGroupPicture gives a group another picture: a JPEG of at most bot.MaxPicture bytes.
func (c *Client) SetGroupPicture(ctx context.Context, id string, picture io.Reader) (set bot.Picture, err error) {
	return c.setPicture(ctx, fill(bot.PathGroupPicture, "id", id), picture)
}

// RemoveGroupPicture leaves a group without a picture.
func (c *Client) RemoveGroupPicture(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, fill(bot.PathGroupPicture, "id", id), nil, nil)
}
