package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const (
	sariPhone, budiPhone, tutiPhone = "62899000001", "62899000002", "62899000003"
	strangerPhone                   = "99912345678"
)

// groupEvent waits for an event of a group.
func (p *process) groupEvent(change bot.GroupEvent, fits func(*bot.GroupChange) bool) *bot.GroupChange {
	p.t.Helper()
	return p.waitForEvent("the change "+string(change), func(e bot.Event) bool {
		return e.Type == bot.EventGroup && e.Data.Group.Change == change && fits(e.Data.Group)
	}).Data.Group
}

// about reports whether a change is about one number.
func about(phone string) func(*bot.GroupChange) bool {
	return func(c *bot.GroupChange) bool { return len(c.Participants) == 1 && c.Participants[0].Phone == "+"+phone }
}

func always(*bot.GroupChange) bool { return true }

// What happens in a group is an event each, under both forms of the addresses.
func TestWhatHappensInAGroup(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{sim.AddrPN, sim.AddrLID} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			wa, h := simtest.Start(t, sim.Config{AddrMode: mode}), startWAHAHook(t)
			p := start(t, settings(wa, t.TempDir(), "WHATSAPP_HOOK_URL="+h.URL, "WHATSAPP_HOOK_EVENTS=*", "WHATSAPP_HOOK_HMAC_KEY="+wahaKey,
				"WHATSAPP_HOOK_CUSTOM_HEADERS=X-Team:sales"))
			own := jid(t, p.pair(wa).JID).User
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			group, err := wa.MakeGroup("Kas RT 05", mode, sariPhone, own, budiPhone)
			must(err)
			made := p.groupEvent(bot.GroupCreated, always)
			if made.By.Phone != "+"+sariPhone || made.Subject != "Kas RT 05" || made.Group.Size != 3 || made.Group.Role != bot.RoleMember {
				t.Errorf("created %+v, the group %+v", made, made.Group)
			}
			must(group.Change(sariPhone, sim.MemberAdd, tutiPhone))
			if added := p.groupEvent(bot.GroupAdded, about(tutiPhone)); added.By.Phone != "+"+sariPhone || added.Chat.ID != group.JID().String() {
				t.Errorf("added %+v", added)
			}
			must(group.Change(sariPhone, sim.MemberPromote, own))
			p.groupEvent(bot.GroupPromoted, about(own))
			must(group.Change(sariPhone, sim.MemberDemote, own))
			p.groupEvent(bot.GroupDemoted, about(own))
			must(group.Change(sariPhone, sim.MemberPromote, own))
			must(group.Change(sariPhone, sim.MemberRemove, tutiPhone))
			p.groupEvent(bot.GroupRemoved, about(tutiPhone))
			must(group.Change(budiPhone, sim.MemberRemove, budiPhone))
			p.groupEvent(bot.GroupMemberLeft, about(budiPhone))
			must(group.SetSubject(sariPhone, "Kas RT 06"))
			p.groupEvent(bot.GroupSubject, func(c *bot.GroupChange) bool { return c.Subject == "Kas RT 06" })
			must(group.SetDescription(sariPhone, "Iuran"))
			p.groupEvent(bot.GroupDescription, func(c *bot.GroupChange) bool { return c.Description == "Iuran" })
			must(group.SetPicture(sariPhone, []byte("\xff\xd8\xff\xd9")))
			p.groupEvent(bot.GroupPicture, func(c *bot.GroupChange) bool { return c.PictureID != "" && c.By.Phone == "+"+sariPhone })
			for setting, set := range map[bot.GroupSetting]func(string) error{
				bot.SettingAnnounce: func(by string) error { return group.SetAnnounce(by, true) }, bot.SettingLocked: func(by string) error { return group.SetLocked(by, true) },
				bot.SettingApproval: func(by string) error { return group.SetApproval(by, true) }, bot.SettingExpiresIn: func(by string) error { return group.SetTimer(by, 86400) },
			} {
				must(set(sariPhone))
				changed := p.groupEvent(bot.GroupSettings, func(c *bot.GroupChange) bool { return c.Setting == setting })
				if on := changed.On; setting != bot.SettingApproval && (on == nil || !*on) || setting == bot.SettingExpiresIn && changed.ExpiresIn != 86400 {
					t.Errorf("%s: %+v", setting, changed)
				}
			}
			must(wa.Person(tutiPhone).Join(group))
			p.groupEvent(bot.GroupRequested, about(tutiPhone))
			must(wa.Person(tutiPhone).Withdraw(group))
			p.groupEvent(bot.GroupRequestRevoked, about(tutiPhone))
			must(wa.Person(tutiPhone).Join(group))
			path := pathOf(bot.PathGroupRequests, group.JID().String())
			var requests bot.GroupRequests
			p.do(http.MethodGet, path, nil, &requests)
			if len(requests.Requests) != 1 || requests.Requests[0].Phone != "+"+tutiPhone || requests.Requests[0].At.IsZero() {
				t.Fatalf("requests %+v", requests)
			}
			var decided bot.ParticipantOutcomes
			p.do(http.MethodPost, path, bot.AnswerRequests{Approve: []string{requests.Requests[0].ID, "+" + strangerPhone}}, &decided)
			if len(decided.Outcomes) != 2 || decided.Outcomes[0].Outcome != bot.OutcomeDone || decided.Outcomes[1].Outcome != bot.OutcomeNotInGroup {
				t.Errorf("decided %+v", decided)
			}
			p.groupEvent(bot.GroupAdded, func(c *bot.GroupChange) bool { return about(tutiPhone)(c) && c.By.Phone == "+"+own })
			must(wa.Person("62899000004").Join(group))
			p.do(http.MethodPost, path, bot.AnswerRequests{Reject: []string{"+62899000004"}}, &decided)
			p.groupEvent(bot.GroupRequestRevoked, about("62899000004"))

			p.wahaEvent(h, "group.v2.join", func(o object) bool {
				g := o["group"].(object)
				return g["subject"] == "Kas RT 05" && len(g["participants"].([]any)) == 3
			})
			p.wahaEvent(h, "group.v2.participants", func(o object) bool { return o["type"] == "promote" })
			p.wahaEvent(h, "group.v2.update", func(o object) bool { return o["group"].(object)["subject"] == "Kas RT 06" })
			must(group.Change(sariPhone, sim.MemberRemove, own))
			p.groupEvent(bot.GroupRemoved, about(own))
			p.wahaEvent(h, "group.v2.leave", any1)
			must(group.Change(sariPhone, sim.MemberAdd, own))
			p.groupEvent(bot.GroupAdded, func(c *bot.GroupChange) bool { return about(own)(c) && c.Group != nil && c.Group.Announce })
		})
	}
}

func TestGroupsOverHTTP(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir()))
	own := jid(t, p.pair(wa).JID).User
	if err := wa.Person(tutiPhone).Set(sim.PersonState{Private: true}); err != nil {
		t.Fatal(err)
	}
	var made bot.CreatedGroup
	p.request(http.MethodPost, bot.PathGroups, bot.CreateGroupRequest{Subject: "Kas", Approval: true,
		Participants: []string{"+" + sariPhone, strangerPhone, tutiPhone}}, http.StatusCreated, &made)
	var outcomes []string
	for _, o := range made.Outcomes {
		outcomes = append(outcomes, o.Query+"="+string(o.Outcome))
	}
	if got := fmt.Sprint(outcomes); got != "[+62899000001=done 99912345678=not-on-whatsapp 62899000003=invite-needed]" || made.Size != 2 || !made.Approval || made.Role != bot.RoleSuperadmin {
		t.Errorf("made %+v", made)
	}
	if members := wa.Groups()[0].Members; len(members) != 2 {
		t.Errorf("WhatsApp has the members %v", members)
	}
	path := pathOf(bot.PathGroup, made.ID)
	yes, no, day, description := true, false, uint32(86400), "Iuran bulanan"
	var changed bot.Group
	p.do(http.MethodPatch, path, bot.ChangeGroupRequest{Description: &description, Announce: &yes, Locked: &yes, Approval: &no, AddMembers: &yes, ExpiresIn: &day}, &changed)
	if !changed.Announce || !changed.Locked || changed.Approval || !changed.AddMembers || changed.ExpiresIn != day || changed.Description != description {
		t.Errorf("changed %+v", changed)
	}
	wrong := uint32(5)
	p.refusesAt(http.MethodPatch, path, bot.ChangeGroupRequest{ExpiresIn: &wrong}, http.StatusBadRequest)
	p.refusesAt(http.MethodPatch, path, bot.ChangeGroupRequest{}, http.StatusBadRequest)
	// Someone else changes the description between the bot's question and its change: the newer one is replaced.
	description = ""
	p.do(http.MethodPatch, path, bot.ChangeGroupRequest{Description: &description}, &changed)
	var outcome bot.ParticipantOutcomes
	people := pathOf(bot.PathGroupParticipants, made.ID)
	for _, c := range []struct {
		request bot.ParticipantsRequest
		want    bot.Outcome
	}{
		{bot.ParticipantsRequest{Add: []string{sariPhone}}, bot.OutcomeAlready}, {bot.ParticipantsRequest{Add: []string{budiPhone}}, bot.OutcomeDone},
		{bot.ParticipantsRequest{Promote: []string{budiPhone}}, bot.OutcomeDone}, {bot.ParticipantsRequest{Remove: []string{tutiPhone}}, bot.OutcomeNotInGroup},
	} {
		p.do(http.MethodPost, people, c.request, &outcome)
		if len(outcome.Outcomes) != 1 || outcome.Outcomes[0].Outcome != c.want {
			t.Errorf("%+v: %+v", c.request, outcome)
		}
	}
	p.do(http.MethodPost, people, bot.ParticipantsRequest{Add: []string{tutiPhone}}, &outcome)
	if invited := outcome.Outcomes[0]; invited.Outcome != bot.OutcomeInviteNeeded || invited.InviteCode == "" || invited.InviteExpires.IsZero() {
		t.Errorf("someone who is invited only: %+v", invited)
	}
	p.refusesAt(http.MethodPost, people, bot.ParticipantsRequest{Add: []string{budiPhone}, Remove: []string{budiPhone}}, http.StatusBadRequest)
	// In a group of others the account may do less.
	other, err := wa.MakeGroup("Warga", sim.AddrPN, sariPhone, own)
	if err != nil {
		t.Fatal(err)
	}
	p.refusesAt(http.MethodPost, pathOf(bot.PathGroupParticipants, other.JID().String()), bot.ParticipantsRequest{Add: []string{budiPhone}}, http.StatusForbidden)
	p.refusesAt(http.MethodGet, pathOf(bot.PathGroupInvite, other.JID().String()), nil, http.StatusForbidden)
	var left bot.GroupLeft
	p.do(http.MethodPost, pathOf(bot.PathGroupLeave, other.JID().String()), nil, &left)
	p.refusesAt(http.MethodGet, pathOf(bot.PathGroup, other.JID().String()), nil, http.StatusNotFound)
	if err := other.SetApproval(sariPhone, true); err != nil {
		t.Fatal(err)
	}
	var joined bot.JoinedGroup
	p.do(http.MethodPost, bot.PathGroupJoin, bot.JoinGroupRequest{Code: "https://chat.whatsapp.com/" + other.Info().Invite}, &joined)
	if !joined.Pending || joined.ID != other.JID().String() || strings.Join(other.Info().Requests, "") != own {
		t.Errorf("joined %+v", joined)
	}
}
