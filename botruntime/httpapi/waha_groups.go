package httpapi

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/waha"
)

// wahaDirectory answers a request about groups, while the session works.
func (c *call) wahaDirectory(do func(context.Context, Directory, string) (any, error)) error {
	if _, err := c.wahaWorking(); err != nil {
		return err
	}
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return do(ctx, d, c.id()) })
}

// wahaChange reads a request about groups, and answers it while the session works.
func wahaChange[Request any](c *call, do func(context.Context, Directory, string, Request) (any, error)) error {
	request := new(Request)
	if err := c.wahaRead(request); err != nil {
		return err
	}
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) { return do(ctx, d, id, *request) })
}

func wahaGroup(g bot.Group) bot.WAHAGroupInfo {
	return bot.WAHAGroupInfo{WAHAGroup: waha.Group(g), JID: g.ID, Name: g.Subject}
}

var wahaDone = bot.WAHADone{Success: true}

func (c *call) wahaGroups() error {
	limit, err := c.number("limit", maxPage, 1, maxPage)
	if err != nil {
		return err
	}
	offset, err := c.number("offset", 0, 0, 1<<20)
	if err != nil {
		return err
	}
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		joined, err := d.Groups(ctx)
		if err != nil {
			return nil, err
		}
		joined.Cut(int(offset), int(limit))
		return c.groupsIn(joined, "[", "]", func(g bot.Group) any { return wahaGroup(g) }), nil
	})
}

func (c *call) wahaGroupCount() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		joined, err := d.Groups(ctx)
		if err != nil {
			return nil, err
		}
		return bot.WAHACount{Count: joined.Count()}, nil
	})
}

func (c *call) wahaGroupRefresh() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		_, err := d.Groups(ctx) // nothing is kept: every request asks WhatsApp
		return wahaDone, err
	})
}

func (c *call) wahaGetGroup() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		g, err := d.Group(ctx, id)
		return wahaGroup(g), err
	})
}

func (c *call) wahaParticipants() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		g, err := d.Group(ctx, id)
		return waha.Participants(g), err
	})
}

func (c *call) wahaCreateGroup() error {
	var asked bot.WAHACreateGroup
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	if _, err := c.wahaWorking(); err != nil {
		return err
	}
	return c.withDirectory(http.StatusCreated, func(ctx context.Context, d Directory) (any, error) {
		made, err := d.CreateGroup(ctx, bot.CreateGroupRequest{Subject: asked.Name, Participants: wahaNames(asked.Participants)})
		return wahaGroup(made.Group), err
	})
}

func wahaNames(people []bot.WAHAPersonID) (names []string) {
	for _, p := range people {
		names = append(names, p.ID)
	}
	return names
}

func (c *call) wahaJoinInfo() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		g, err := d.InviteInfo(ctx, c.r.URL.Query().Get("code"))
		return wahaGroup(g), err
	})
}

func (c *call) wahaJoin() error {
	return wahaChange(c, func(ctx context.Context, d Directory, _ string, asked bot.WAHAJoinGroup) (any, error) {
		joined, err := d.Join(ctx, asked.Code)
		return bot.WAHAJoined{ID: joined.ID}, err
	})
}

func (c *call) wahaLeave() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) { return wahaDone, d.Leave(ctx, id) })
}

// wahaDeleteGroup leaves a group, and deletes its chat from the account's devices.
func (c *call) wahaDeleteGroup() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		if err := d.Leave(ctx, id); err != nil {
			return nil, err
		}
		_, err := d.DeleteChat(ctx, id)
		return wahaDone, err
	})
}

// wahaInvite answers with the code alone, as a JSON string.
func (c *call) wahaInvite(renew bool) error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		invite, err := d.Invite(ctx, id, renew)
		return invite.Code, err
	})
}

func (c *call) wahaInviteCode() error   { return c.wahaInvite(false) }
func (c *call) wahaRevokeInvite() error { return c.wahaInvite(true) }

func (c *call) wahaSubject() error {
	return wahaChange(c, func(ctx context.Context, d Directory, id string, asked bot.WAHASubject) (any, error) {
		_, err := d.ChangeGroup(ctx, id, bot.ChangeGroupRequest{Subject: &asked.Subject})
		return wahaDone, err
	})
}

func (c *call) wahaDescription() error {
	return wahaChange(c, func(ctx context.Context, d Directory, id string, asked bot.WAHADescription) (any, error) {
		_, err := d.ChangeGroup(ctx, id, bot.ChangeGroupRequest{Description: &asked.Description})
		return wahaDone, err
	})
}

func (c *call) wahaSetInfoAdmins() error {
	return wahaChange(c, func(ctx context.Context, d Directory, id string, asked bot.WAHAAdminsOnly) (any, error) {
		_, err := d.ChangeGroup(ctx, id, bot.ChangeGroupRequest{Locked: &asked.AdminsOnly})
		return wahaDone, err
	})
}

func (c *call) wahaInfoAdmins() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		g, err := d.Group(ctx, id)
		return bot.WAHAAdminsOnly{AdminsOnly: g.Locked}, err
	})
}

func (c *call) wahaSetMessagesAdmins() error {
	return wahaChange(c, func(ctx context.Context, d Directory, id string, asked bot.WAHAAdminsOnly) (any, error) {
		_, err := d.ChangeGroup(ctx, id, bot.ChangeGroupRequest{Announce: &asked.AdminsOnly})
		return wahaDone, err
	})
}

func (c *call) wahaMessagesAdmins() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		g, err := d.Group(ctx, id)
		return bot.WAHAAdminsOnly{AdminsOnly: g.Announce}, err
	})
}

// wahaPeople changes participants, and answers with what became of each.
func (c *call) wahaPeople(request func([]string) bot.ParticipantsRequest) error {
	return wahaChange(c, func(ctx context.Context, d Directory, id string, asked bot.WAHAParticipants) (any, error) {
		outcomes, err := d.ChangeParticipants(ctx, id, request(wahaNames(asked.Participants)))
		return bot.ParticipantOutcomes{Outcomes: outcomes}, err
	})
}

func (c *call) wahaAdd() error {
	return c.wahaPeople(func(names []string) bot.ParticipantsRequest { return bot.ParticipantsRequest{Add: names} })
}

func (c *call) wahaRemove() error {
	return c.wahaPeople(func(names []string) bot.ParticipantsRequest { return bot.ParticipantsRequest{Remove: names} })
}

func (c *call) wahaPromote() error {
	return c.wahaPeople(func(names []string) bot.ParticipantsRequest { return bot.ParticipantsRequest{Promote: names} })
}

func (c *call) wahaDemote() error {
	return c.wahaPeople(func(names []string) bot.ParticipantsRequest { return bot.ParticipantsRequest{Demote: names} })
}
