package sim_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

var jpeg = []byte{0xff, 0xd8, 0xff, 0xd9}

func TestWhoMayComeIntoAGroup(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := diskBot(t, s, database(t))
			b.pair(botPhone)
			group, err := s.MakeGroup("RT 05", mode, botPhone, anna)
			if err != nil {
				t.Fatal(err)
			}
			if err = b.client.SetGroupJoinApprovalMode(t.Context(), group.JID(), true); err != nil {
				t.Fatal(err)
			}
			if err = s.Person(budi).Join(group); err != nil || !slices.Equal(group.Info().Requests, []string{budi}) {
				t.Fatalf("asked: %+v, %v", group.Info(), err)
			}
			asked := waitFor(b, 0, func(e *events.GroupInfo) bool { return len(e.UnknownChanges) == 1 }).UnknownChanges[0]
			if asked.Tag != "created_membership_requests" || len(asked.GetChildrenByTag("requested_user")) != 1 {
				t.Errorf("the admin is told %s", asked.XMLString())
			}
			waiting, err := b.client.GetGroupRequestParticipants(t.Context(), group.JID())
			if err != nil || len(waiting) != 1 || waiting[0].RequestedAt.IsZero() {
				t.Fatalf("requests %+v: %v", waiting, err)
			}
			stranger := types.NewJID("6281200000009", types.DefaultUserServer)
			done, err := b.client.UpdateGroupRequestParticipants(t.Context(), group.JID(), []types.JID{waiting[0].JID, stranger}, whatsmeow.ParticipantChangeApprove)
			if err != nil || len(done) != 2 || done[0].Error != 0 || done[1].Error != 404 || !slices.Contains(group.Info().Members, budi) {
				t.Errorf("approved %+v: %v", done, err)
			}
			if err = s.Person("6281200000003").Set(sim.PersonState{Private: true}); err != nil {
				t.Fatal(err)
			}
			private := types.NewJID("6281200000003", types.DefaultUserServer)
			added, err := b.client.UpdateGroupParticipants(t.Context(), group.JID(), []types.JID{private, annaJID}, whatsmeow.ParticipantChangeAdd)
			if err != nil || added[0].Error != 403 || added[0].AddRequest == nil || added[1].Error != 409 {
				t.Errorf("added %+v: %v", added, err)
			}
			if err = b.client.SetGroupMemberAddMode(t.Context(), group.JID(), types.GroupMemberAddModeAllMember); err != nil {
				t.Error(err)
			}
			if err = group.Change(anna, sim.MemberAdd, "6281200000004"); err != nil {
				t.Errorf("a member adds another: %v", err)
			}
			info, err := b.client.GetGroupInfo(t.Context(), group.JID())
			if err != nil || !info.IsJoinApprovalRequired || info.MemberAddMode != types.GroupMemberAddModeAllMember {
				t.Errorf("the group is %+v: %v", info, err)
			}
			if err = group.SetLocked(botPhone, true); err != nil {
				t.Error(err)
			}
			if err = group.SetDescription(anna, "x"); !errors.Is(err, sim.ErrRefused) {
				t.Errorf("a member described a locked group: %v", err)
			}
		})
	}
}

func TestProfilesAndPictures(t *testing.T) {
	s := simtest.Start(t, sim.Config{StateFile: filepath.Join(t.TempDir(), "state")})
	b := diskBot(t, s, database(t))
	own := b.pair(botPhone)
	friend := s.Person(anna)
	if _, err := friend.Write(own, "halo"); err != nil {
		t.Fatal(err)
	}
	if err := friend.Show("Anna", "sibuk", "Toko Anna"); err != nil {
		t.Fatal(err)
	}
	if about := wait[*events.UserAbout](b, 0); about.JID != annaJID || about.Status != "sibuk" {
		t.Errorf("told of %+v", about)
	}
	if err := friend.SetPicture(jpeg); err != nil {
		t.Fatal(err)
	}
	told := wait[*events.Picture](b, 0)
	found, err := b.client.GetUserInfo(t.Context(), []types.JID{annaJID})
	if one := found[annaJID]; err != nil || one.Status != "sibuk" || one.PictureID != told.PictureID || told.PictureID == "" {
		t.Errorf("found %+v: %v", one, err)
	}
	on, err := b.client.IsOnWhatsApp(t.Context(), []string{"+" + anna})
	if err != nil || on[0].VerifiedName.Details.GetVerifiedName() != "Toko Anna" {
		t.Errorf("found %+v: %v", on, err)
	}
	picture, err := b.client.GetProfilePictureInfo(t.Context(), annaJID, nil)
	if err != nil || picture.ID != told.PictureID || picture.URL == "" {
		t.Errorf("picture %+v: %v", picture, err)
	}
	if same, err := b.client.GetProfilePictureInfo(t.Context(), annaJID, &whatsmeow.GetProfilePictureParams{ExistingID: picture.ID}); same != nil || err != nil {
		t.Errorf("the same picture: %+v, %v", same, err)
	}
	if err := friend.Set(sim.PersonState{Private: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.GetProfilePictureInfo(t.Context(), annaJID, nil); !errors.Is(err, whatsmeow.ErrProfilePictureUnauthorized) {
		t.Errorf("the picture of a private person: %v", err)
	}
	mine, err := b.client.SetGroupPhoto(t.Context(), types.EmptyJID, jpeg)
	if err != nil || s.Person(botPhone).Profile().Picture != mine {
		t.Errorf("own picture %q: %v", mine, err)
	}
	if _, err := b.client.SetGroupPhoto(t.Context(), types.EmptyJID, []byte("GIF89a")); !errors.Is(err, whatsmeow.ErrInvalidImageFormat) {
		t.Errorf("a GIF: %v", err)
	}
	if err := b.client.SetStatusMessage(t.Context(), "buka"); err != nil {
		t.Fatal(err)
	}
	blocked, err := b.client.UpdateBlocklist(t.Context(), annaJID, events.BlocklistChangeActionBlock)
	if err != nil || len(blocked.JIDs) != 1 || !slices.Equal(s.Person(botPhone).Blocked(), []string{anna}) {
		t.Errorf("blocked %+v: %v", blocked, err)
	}
	s.Restart(t)
	if shown := s.Person(botPhone).Profile(); shown.About != "buka" || shown.Picture != mine || len(s.Person(botPhone).Blocked()) != 1 {
		t.Errorf("after a restart: %+v", shown)
	}
}
