package directory

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

const (
	// maxSubject and maxDescription are what WhatsApp's own clients let people write.
	maxSubject, maxDescription = 100, 2048
	// maxMembers bounds what is described at once: a member takes about 200 bytes, and a group as much as perGroup members.
	maxMembers, perGroup = 5000, 16
)

// Joined are the groups that the account is in, as WhatsApp told them.
type Joined struct {
	infos []*types.GroupInfo
	d     *Directory
}

// Groups asks for the groups that the account is in.
func (d *Directory) Groups(ctx context.Context) (joined *Joined, err error) {
	joined = &Joined{d: d}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		joined.infos, err = client.GetJoinedGroups(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, info := range joined.infos {
		names[info.JID.String()] = info.Name
	}
	d.keepNames(names)
	return joined, nil
}

// Count is how many groups are left.
func (j *Joined) Count() int { return len(j.infos) }

// Cut leaves out the first groups, and those behind a number of others.
func (j *Joined) Cut(offset, limit int) {
	j.infos = j.infos[min(offset, len(j.infos)):]
	j.infos = j.infos[:min(limit, len(j.infos))]
}

// Next describes the next groups, about maxMembers members of them; none at the end. An account may be in so many large
// groups that all of them at once would take more memory than a bot has.
func (j *Joined) Next(ctx context.Context) (groups []bot.Group, err error) {
	for members := 0; len(j.infos) > 0 && members < maxMembers; j.infos = j.infos[1:] {
		group := j.d.group(j.infos[0])
		groups = append(groups, group)
		members += len(group.Participants) + perGroup
		j.infos[0] = nil // so that its memory is free
	}
	return groups, j.d.putNames(ctx, groups)
}

// Group describes one group that the account is in.
func (d *Directory) Group(ctx context.Context, id string) (bot.Group, error) {
	jid, err := groupAddress(id)
	if err != nil {
		return bot.Group{}, err
	}
	return d.groupOf(ctx, func(ctx context.Context, client *whatsmeow.Client) (*types.GroupInfo, error) {
		return client.GetGroupInfo(ctx, jid)
	})
}

// groupOf describes the group that a question leads to.
func (d *Directory) groupOf(ctx context.Context, find func(context.Context, *whatsmeow.Client) (*types.GroupInfo, error)) (bot.Group, error) {
	var group bot.Group
	err := d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		info, err := find(ctx, client)
		if err == nil {
			group = d.group(info)
		}
		return err
	})
	if err != nil {
		return bot.Group{}, err
	}
	if group.Role != "" {
		d.keepNames(map[string]string{group.ID: group.Subject})
	}
	one := []bot.Group{group}
	err = d.putNames(ctx, one)
	return one[0], err
}

// group translates what WhatsApp says of a group.
func (d *Directory) group(info *types.GroupInfo) bot.Group {
	g := bot.Group{
		ID: info.JID.String(), Subject: info.Name, Description: info.Topic, Created: bot.At(info.GroupCreated),
		Size: max(info.ParticipantCount, len(info.Participants)), Participants: []bot.Participant{},
		Announce: info.IsAnnounce, Locked: info.IsLocked, Approval: info.IsJoinApprovalRequired,
		AddMembers: info.MemberAddMode == types.GroupMemberAddModeAllMember, Community: info.IsParent,
	}
	if info.IsEphemeral {
		g.ExpiresIn = info.DisappearingTimer
	}
	if !info.LinkedParentJID.IsEmpty() {
		g.Parent = info.LinkedParentJID.String()
	}
	if !info.OwnerJID.IsEmpty() {
		owner := d.Names.Party(info.OwnerJID, info.OwnerPN, "")
		g.Owner = &owner
	}
	own := d.own()
	for _, p := range info.Participants {
		one := bot.Participant{Party: d.Names.Party(p.JID, otherOf(p), ""), Role: roleOf(p)}
		g.Participants = append(g.Participants, one)
		if slices.Contains(own, p.JID.ToNonAD().String()) {
			g.Role = one.Role
		}
	}
	return g
}

// otherOf is the address of a participant beside the one that the group uses.
func otherOf(p types.GroupParticipant) types.JID {
	if p.JID.Server == types.HiddenUserServer {
		return p.PhoneNumber
	}
	return p.LID
}

func roleOf(p types.GroupParticipant) bot.GroupRole {
	switch {
	case p.IsSuperAdmin:
		return bot.RoleSuperadmin
	case p.IsAdmin:
		return bot.RoleAdmin
	}
	return bot.RoleMember
}

// putNames fills in the names of participants that the journal knows.
func (d *Directory) putNames(ctx context.Context, groups []bot.Group) error {
	var ids []string
	for _, g := range groups {
		for _, p := range g.Participants {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	names, err := d.Journal.Names(ctx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for _, g := range groups {
		for i := range g.Participants {
			g.Participants[i].Name = names[g.Participants[i].ID]
		}
	}
	return nil
}

// CreateGroup makes a group.
func (d *Directory) CreateGroup(ctx context.Context, request bot.CreateGroupRequest) (bot.CreatedGroup, error) {
	if !fits(request.Subject, 1, maxSubject) {
		return bot.CreatedGroup{}, badField("subject", "1 to 100 characters")
	}
	people, err := addresses("participants", request.Participants)
	if err != nil {
		return bot.CreatedGroup{}, err
	}
	made := whatsmeow.ReqCreateGroup{Name: request.Subject, Participants: people}
	made.IsAnnounce, made.IsLocked, made.IsJoinApprovalRequired = request.Announce, request.Locked, request.Approval
	answer := bot.CreatedGroup{Outcomes: []bot.ParticipantOutcome{}}
	answer.Group, err = d.groupOf(ctx, func(ctx context.Context, client *whatsmeow.Client) (*types.GroupInfo, error) {
		info, err := client.CreateGroup(ctx, made)
		if err != nil {
			return nil, err
		}
		own := d.own()
		asked := info.Participants
		info.Participants = nil
		for _, p := range asked {
			if p.Error == 0 {
				info.Participants = append(info.Participants, p)
			}
			if !slices.Contains(own, p.JID.ToNonAD().String()) {
				answer.Outcomes = append(answer.Outcomes, d.outcome(p, request.Participants, people, whatsmeow.ParticipantChangeAdd))
			}
		}
		info.ParticipantCount = len(info.Participants)
		return info, nil
	})
	return answer, err
}

func fits(text string, least, most int) bool {
	n := utf8.RuneCountInString(text)
	return utf8.ValidString(text) && n >= least && n <= most
}

// ChangeGroup changes what the request names, and describes the group after it.
func (d *Directory) ChangeGroup(ctx context.Context, id string, request bot.ChangeGroupRequest) (bot.Group, error) {
	jid, err := groupAddress(id)
	if err != nil {
		return bot.Group{}, err
	}
	changes, err := changesOf(jid, request)
	if err != nil {
		return bot.Group{}, err
	}
	for _, change := range changes {
		if err := d.change(ctx, jid, change); err != nil {
			return bot.Group{}, err
		}
	}
	return d.Group(ctx, id)
}

// lives are the times after which messages may disappear.
var lives = []time.Duration{whatsmeow.DisappearingTimerOff, whatsmeow.DisappearingTimer24Hours, whatsmeow.DisappearingTimer7Days, whatsmeow.DisappearingTimer90Days}

// change is one change of a group at WhatsApp.
type change func(context.Context, *whatsmeow.Client) error

func changesOf(jid types.JID, r bot.ChangeGroupRequest) (changes []change, err error) {
	if r.Subject != nil {
		if !fits(*r.Subject, 1, maxSubject) {
			return nil, badField("subject", "1 to 100 characters")
		}
		changes = append(changes, func(ctx context.Context, c *whatsmeow.Client) error { return c.SetGroupName(ctx, jid, *r.Subject) })
	}
	if r.Description != nil {
		if !fits(*r.Description, 0, maxDescription) {
			return nil, badField("description", "at most 2048 characters")
		}
		changes = append(changes, func(ctx context.Context, c *whatsmeow.Client) error {
			return setDescription(ctx, c, jid, *r.Description)
		})
	}
	if r.Announce != nil {
		changes = append(changes, func(ctx context.Context, c *whatsmeow.Client) error { return c.SetGroupAnnounce(ctx, jid, *r.Announce) })
	}
	if r.Locked != nil {
		changes = append(changes, func(ctx context.Context, c *whatsmeow.Client) error { return c.SetGroupLocked(ctx, jid, *r.Locked) })
	}
	if r.Approval != nil {
		changes = append(changes, func(ctx context.Context, c *whatsmeow.Client) error {
			return c.SetGroupJoinApprovalMode(ctx, jid, *r.Approval)
		})
	}
	if r.AddMembers != nil {
		mode := types.GroupMemberAddModeAdmin
		if *r.AddMembers {
			mode = types.GroupMemberAddModeAllMember
		}
		changes = append(changes, func(ctx context.Context, c *whatsmeow.Client) error { return c.SetGroupMemberAddMode(ctx, jid, mode) })
	}
	if r.ExpiresIn != nil {
		life := time.Duration(*r.ExpiresIn) * time.Second
		if !slices.Contains(lives, life) {
			return nil, badField("expiresIn", "0, 86400, 604800 or 7776000")
		}
		changes = append(changes, func(ctx context.Context, c *whatsmeow.Client) error {
			return c.SetDisappearingTimer(ctx, jid, life, time.Time{})
		})
	}
	if len(changes) == 0 {
		return nil, badField("subject", "given, or another field to change")
	}
	return changes, nil
}

// setDescription replaces the description that the group has now. WhatsApp refuses the change of another one, as when
// two people change it at once; then it is tried again, once.
func setDescription(ctx context.Context, client *whatsmeow.Client, jid types.JID, text string) error {
	for again := false; ; again = true {
		info, err := client.GetGroupInfo(ctx, jid)
		if err != nil {
			return err
		}
		if text == "" && info.Topic == "" {
			return nil
		}
		err = client.SetGroupTopic(ctx, jid, info.TopicID, "", text)
		if again || codeOf(err) != 409 {
			return err
		}
	}
}

// change asks WhatsApp for one change. A refusal with 403 has two causes, which only the group itself tells apart.
func (d *Directory) change(ctx context.Context, jid types.JID, do change) error {
	return d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		err := do(ctx, client)
		if codeOf(err) != 403 {
			return err
		}
		if _, unknown := client.GetGroupInfo(ctx, jid); unknown != nil {
			return err
		}
		return &Refusal{Kind: bot.ProblemNotAdmin, Code: 403}
	})
}
