package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/directory"
	"sesi.dev/sesi/botruntime/waha"
)

func (c *call) wahaProfile() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		profile, err := d.Profile(ctx)
		if err != nil {
			return nil, err
		}
		answer := bot.WAHAProfile{ID: waha.ChatID(profile.ID), Name: profile.Name}
		picture, err := d.Picture(ctx, profile.ID, "")
		var refused *directory.Refusal
		switch {
		case err == nil:
			answer.Picture = &picture.URL
		case !errors.As(err, &refused) || refused.Kind != bot.ProblemNoPicture:
			return nil, err
		}
		return answer, nil
	})
}

func (c *call) wahaSetName() error {
	return wahaChange(c, func(ctx context.Context, d Directory, _ string, asked bot.WAHAName) (any, error) {
		_, err := d.ChangeProfile(ctx, bot.ChangeProfileRequest{Name: &asked.Name})
		return wahaDone, err
	})
}

func (c *call) wahaSetAbout() error {
	return wahaChange(c, func(ctx context.Context, d Directory, _ string, asked bot.WAHAStatusText) (any, error) {
		_, err := d.ChangeProfile(ctx, bot.ChangeProfileRequest{About: &asked.Status})
		return wahaDone, err
	})
}

// wahaSetPicture sets the picture of a group, or of the account where the path has no group.
func (c *call) wahaSetPicture() error {
	var asked bot.WAHAPictureFile
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	picture, err := c.wahaPicture("file", asked.File)
	if err != nil {
		return err
	}
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		_, err := d.SetPicture(ctx, id, picture)
		return wahaDone, err
	})
}

// wahaPicture is a picture of a request, which names it field.
func (c *call) wahaPicture(field string, given bot.WAHAPicturePart) ([]byte, error) {
	switch {
	case len(given.Data) > 0:
		return given.Data, nil
	case given.URL != "":
		return c.fetchPicture(given.URL)
	}
	return nil, badParameter(field, "given, with url or with data, a JPEG in base64")
}

func (c *call) wahaRemovePicture() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		_, err := d.SetPicture(ctx, id, nil)
		return wahaDone, err
	})
}

// wahaChangeChat changes a chat on the account's devices.
func (c *call) wahaChangeChat(request bot.ChangeChatRequest) error {
	if _, err := c.wahaWorking(); err != nil {
		return err
	}
	return c.withDirectory(http.StatusCreated, func(ctx context.Context, d Directory) (any, error) {
		_, err := d.ChangeChat(ctx, c.r.PathValue("chat"), request)
		return wahaDone, err
	})
}

func (c *call) wahaArchive() error {
	return c.wahaChangeChat(bot.ChangeChatRequest{Archived: new(true)})
}
func (c *call) wahaUnarchive() error {
	return c.wahaChangeChat(bot.ChangeChatRequest{Archived: new(bool)})
}
func (c *call) wahaUnread() error {
	return c.wahaChangeChat(bot.ChangeChatRequest{Unread: new(true)})
}

func (c *call) wahaDeleteChat() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		_, err := d.DeleteChat(ctx, c.r.PathValue("chat"))
		return wahaDone, err
	})
}

func (c *call) wahaNameContact() error {
	return wahaChange(c, func(ctx context.Context, d Directory, id string, asked bot.WAHAContactName) (any, error) {
		_, err := d.NameContact(ctx, id, bot.NameContactRequest{FirstName: asked.FirstName, FullName: strings.TrimSpace(asked.FirstName + " " + asked.LastName)})
		return wahaDone, err
	})
}
