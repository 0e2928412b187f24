package waha

import (
	"slices"

	"sesi.dev/sesi/api/bot"
)

// isMe reports whether a party is the linked account.
func (t Teller) isMe(p bot.Party) bool {
	return t.Me != nil && (ChatID(p.ID) == t.Me.ID || p.LID != "" && p.LID == t.Me.LID)
}

// people are participants in WAHA's form.
func people(some []bot.Party, role string) []bot.WAHAParticipant {
	out := []bot.WAHAParticipant{}
	for _, p := range some {
		out = append(out, participant(p, role))
	}
	return out
}

func participant(p bot.Party, role string) bot.WAHAParticipant {
	one := bot.WAHAParticipant{ID: ChatID(p.ID), Role: role}
	if p.LID != "" && p.Phone != "" {
		one.ID, one.PN = p.LID, ChatID(p.ID)
	}
	return one
}

// Participants are the people of a group.
func Participants(g bot.Group) []bot.WAHAParticipant {
	out := []bot.WAHAParticipant{}
	for _, p := range g.Participants {
		role := string(p.Role)
		if p.Role == bot.RoleMember {
			role = "participant"
		}
		out = append(out, participant(p.Party, role))
	}
	return out
}

// Group is a group in WAHA's form.
func Group(g bot.Group) bot.WAHAGroup {
	return bot.WAHAGroup{
		ID: g.ID, Subject: g.Subject, Description: g.Description, MembersCanAddNewMember: g.AddMembers,
		MembersCanSendMessages: !g.Announce, NewMembersApprovalRequired: g.Approval, Participants: Participants(g),
	}
}

// group is how a group changed.
func (t Teller) group(g *bot.GroupChange) []named {
	id := map[string]any{"id": g.Chat.ID}
	event := bot.WAHAGroupEvent{Timestamp: g.At.Unix(), Group: id}
	mine := slices.ContainsFunc(g.Participants, t.isMe)
	switch g.Change {
	case bot.GroupCreated, bot.GroupJoined, bot.GroupAdded:
		if mine || g.Change == bot.GroupCreated {
			if g.Group != nil {
				event.Group = Group(*g.Group)
			}
			return []named{{"group.v2.join", event}}
		}
		event.Type, event.Participants = "join", people(g.Participants, "participant")
	case bot.GroupMemberLeft, bot.GroupRemoved:
		if mine {
			return []named{{"group.v2.leave", event}}
		}
		event.Type, event.Participants = "leave", people(g.Participants, "left")
	case bot.GroupPromoted:
		event.Type, event.Participants = "promote", people(g.Participants, "admin")
	case bot.GroupDemoted:
		event.Type, event.Participants = "demote", people(g.Participants, "participant")
	case bot.GroupDeleted:
		return []named{{"group.v2.leave", event}}
	case bot.GroupSubject:
		id["subject"] = g.Subject
	case bot.GroupDescription:
		id["description"] = g.Description
	case bot.GroupSettings:
		setting(id, g)
	case bot.GroupInviteChanged, bot.GroupPicture:
	default:
		return nil
	}
	if event.Type == "" {
		return []named{{"group.v2.update", event}}
	}
	return []named{{"group.v2.participants", event}}
}

// setting puts the setting that changed into the group of an update.
func setting(into map[string]any, g *bot.GroupChange) {
	if g.On == nil {
		return
	}
	switch g.Setting {
	case bot.SettingAnnounce:
		into["membersCanSendMessages"] = !*g.On
	case bot.SettingAddMembers:
		into["membersCanAddNewMember"] = *g.On
	case bot.SettingApproval:
		into["newMembersApprovalRequired"] = *g.On
	}
}
