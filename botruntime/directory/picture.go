package directory

import (
	"context"
	"errors"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/message"
)

// Picture finds the picture of a person or a group. Where it is still the known one, the answer has no URL.
func (d *Directory) Picture(ctx context.Context, id, known string) (picture bot.Picture, err error) {
	jid, ok := message.Address(id)
	if !ok || jid.Server != types.DefaultUserServer && jid.Server != types.HiddenUserServer && jid.Server != types.GroupServer {
		return bot.Picture{}, &Refusal{Kind: bot.ProblemBadRecipient}
	}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		info, err := client.GetProfilePictureInfo(ctx, jid, &whatsmeow.GetProfilePictureParams{ExistingID: known})
		switch code := codeOf(err); {
		case errors.Is(err, whatsmeow.ErrProfilePictureNotSet), code == 401, code == 404:
			return &Refusal{Kind: bot.ProblemNoPicture, Code: code}
		case err != nil:
			return err
		case info == nil:
			picture = bot.Picture{ID: known}
			return nil
		}
		picture = bot.Picture{ID: info.ID, URL: info.URL}
		return nil
	})
	return picture, err
}
