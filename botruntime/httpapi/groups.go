package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/directory"
)

func groupRoutes() []route {
	return []route{
		{"GET", bot.PathGroups, withToken, (*call).listGroups},
		{"POST", bot.PathGroups, withToken, (*call).createGroup},
		{"GET", bot.PathGroup, withToken, (*call).getGroup},
		{"PATCH", bot.PathGroup, withToken, (*call).changeGroup},
		{"POST", bot.PathGroupParticipants, withToken, (*call).changeParticipants},
		{"GET", bot.PathGroupInvite, withToken, (*call).groupInvite},
		{"DELETE", bot.PathGroupInvite, withToken, (*call).renewInvite},
		{"GET", bot.PathGroupJoin, withToken, (*call).inviteInfo},
		{"POST", bot.PathGroupJoin, withToken, (*call).joinGroup},
		{"POST", bot.PathGroupLeave, withToken, (*call).leaveGroup},
		{"GET", bot.PathGroupRequests, withToken, (*call).groupRequests},
		{"POST", bot.PathGroupRequests, withToken, (*call).answerRequests},
	}
}

func (c *call) id() string { return c.r.PathValue("id") }

func (c *call) listGroups() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		joined, err := d.Groups(ctx)
		return c.groupsIn(joined, `{"groups":[`, "]}", func(g bot.Group) any { return g }), err
	})
}

// groupsIn are groups in the form in which they are shown.
func (c *call) groupsIn(joined *directory.Joined, begin, end string, show func(bot.Group) any) parts {
	return parts{begin, end, func() (some []any, err error) {
		groups, err := joined.Next(c.r.Context())
		for _, g := range groups {
			some = append(some, show(g))
		}
		return some, err
	}}
}

func (c *call) createGroup() error {
	return change(c, http.StatusCreated, func(ctx context.Context, d Directory, request bot.CreateGroupRequest) (any, error) {
		made, err := d.CreateGroup(ctx, request)
		if err == nil {
			c.w.Header().Set("Location", strings.Replace(bot.PathGroup, "{id}", url.PathEscape(made.ID), 1))
		}
		return made, err
	})
}

func (c *call) getGroup() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.Group(ctx, c.id()) })
}

func (c *call) changeGroup() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.ChangeGroupRequest) (any, error) {
		return d.ChangeGroup(ctx, c.id(), request)
	})
}

func (c *call) changeParticipants() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.ParticipantsRequest) (any, error) {
		outcomes, err := d.ChangeParticipants(ctx, c.id(), request)
		return bot.ParticipantOutcomes{Outcomes: outcomes}, err
	})
}

func (c *call) groupInvite() error { return c.invite(false) }
func (c *call) renewInvite() error { return c.invite(true) }

func (c *call) invite(renew bool) error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.Invite(ctx, c.id(), renew) })
}

func (c *call) inviteInfo() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		return d.InviteInfo(ctx, c.r.URL.Query().Get("code"))
	})
}

func (c *call) joinGroup() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.JoinGroupRequest) (any, error) {
		return d.Join(ctx, request.Code)
	})
}

func (c *call) leaveGroup() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		return bot.GroupLeft{ID: c.id()}, d.Leave(ctx, c.id())
	})
}

func (c *call) groupRequests() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		requests, err := d.Requests(ctx, c.id())
		return bot.GroupRequests{Requests: requests}, err
	})
}

func (c *call) answerRequests() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.AnswerRequests) (any, error) {
		outcomes, err := d.AnswerRequests(ctx, c.id(), request)
		return bot.ParticipantOutcomes{Outcomes: outcomes}, err
	})
}
