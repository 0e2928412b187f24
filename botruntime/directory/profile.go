package directory

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

const (
	// maxName and maxAbout are what WhatsApp's own clients let people write.
	maxName, maxAbout = 25, 139
)

// Profile is what the account shows of itself.
func (d *Directory) Profile(ctx context.Context) (profile bot.Profile, err error) {
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		if client.Store.ID == nil {
			return &Refusal{Kind: bot.ProblemNotReady}
		}
		own := client.Store.ID.ToNonAD()
		infos, err := client.GetUserInfo(ctx, []types.JID{own})
		if err != nil {
			return err
		}
		profile = bot.Profile{
			Party: d.Names.Party(own, client.Store.LID.ToNonAD(), client.Store.PushName),
			About: infos[own].Status, PictureID: infos[own].PictureID,
		}
		return nil
	})
	return profile, err
}

// ChangeProfile changes what the request names, and describes the profile after it.
func (d *Directory) ChangeProfile(ctx context.Context, request bot.ChangeProfileRequest) (bot.Profile, error) {
	switch {
	case request.Name == nil && request.About == nil:
		return bot.Profile{}, badField("name, about", "given, at least one of them")
	case request.Name != nil && !fits(*request.Name, 1, maxName):
		return bot.Profile{}, badField("name", "1 to 25 characters")
	case request.About != nil && !fits(*request.About, 0, maxAbout):
		return bot.Profile{}, badField("about", "at most 139 characters")
	}
	err := d.inTurn(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		if request.About != nil {
			if err := client.SetStatusMessage(ctx, *request.About); err != nil {
				return err
			}
		}
		if request.Name == nil {
			return nil
		}
		return changeState(ctx, client, appstate.BuildSettingPushName(*request.Name))
	})
	if err != nil {
		return bot.Profile{}, err
	}
	return d.Profile(ctx)
}

// maxStateTries is how often a change is offered while other changes come first.
const maxStateTries = 3

// changeState changes what the account's devices keep in common. The phone gives a new device the key for it, which can
// take a moment; a device without it cannot change anything. When another device was quicker, whatsmeow reads that
// device's change and tries again, but fails where it reads it for another reason at the same time, as it does behind a
// login. d.inTurn calls it.
func changeState(ctx context.Context, client *whatsmeow.Client, patch appstate.PatchInfo) error {
	key, err := client.Store.AppStateKeys.GetLatestAppStateSyncKeyID(ctx)
	if err != nil {
		return err
	}
	if key == nil {
		return &Refusal{Kind: bot.ProblemNotReady}
	}
	for try := 1; ; try++ {
		err := client.SendAppState(ctx, patch)
		if !errors.Is(err, whatsmeow.ErrAppStateUpdate) || try == maxStateTries {
			return err
		}
		if err := client.FetchAppState(ctx, patch.Type, false, false); err != nil {
			return err
		}
	}
}
