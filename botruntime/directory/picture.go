package directory

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"io"
	"net/http"
	"net/url"
	"strings"

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

const (
	// maxShown bounds the picture that is passed on.
	maxShown = 5 << 20
	// leastSide and mostSide are the pixels of a new picture's sides.
	leastSide, mostSide = 192, 4096
)

// OpenPicture finds a picture and opens it. Where it is still the known one there is nothing to read. The caller
// closes what it reads. It comes through the bot, because not everyone who may ask the bot reaches WhatsApp's host, and
// because the address works for some days only.
func (d *Directory) OpenPicture(ctx context.Context, id, known string) (picture bot.Picture, content io.ReadCloser, err error) {
	if picture, err = d.Picture(ctx, id, known); err != nil || picture.URL == "" {
		return picture, nil, err
	}
	at, err := url.Parse(picture.URL)
	if err != nil || at.Scheme != "https" || !strings.HasSuffix(at.Hostname(), ".whatsapp.net") {
		return bot.Picture{}, nil, &Refusal{Kind: bot.ProblemNoPicture}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, picture.URL, http.NoBody)
	if err != nil {
		return bot.Picture{}, nil, err
	}
	answer, err := (*d.session.Load()).Media().Do(request)
	if err != nil {
		return bot.Picture{}, nil, &Refusal{Kind: bot.ProblemNotReady}
	}
	if answer.StatusCode != http.StatusOK || answer.ContentLength > maxShown {
		_ = answer.Body.Close()
		return bot.Picture{}, nil, &Refusal{Kind: bot.ProblemRefused, Code: answer.StatusCode}
	}
	return picture, struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxShown), answer.Body}, nil
}

// SetPicture gives a group another picture, or the account where the id is empty; none removes it.
func (d *Directory) SetPicture(ctx context.Context, id string, picture []byte) (set bot.Picture, err error) {
	jid := types.EmptyJID
	if id != "" {
		if jid, err = groupAddress(id); err != nil {
			return bot.Picture{}, err
		}
	}
	if picture != nil {
		if !isPicture(picture) {
			return bot.Picture{}, &Refusal{Kind: bot.ProblemBadPicture}
		}
	}
	change := func(ctx context.Context, client *whatsmeow.Client) error {
		picture, err := client.SetGroupPhoto(ctx, jid, picture)
		if codeOf(err) == 406 {
			return &Refusal{Kind: bot.ProblemBadPicture, Code: 406}
		}
		if picture != "remove" {
			set.ID = picture
		}
		return err
	}
	if id == "" {
		return set, d.ask(ctx, change)
	}
	err = d.change(ctx, jid, change)
	return set, err
}

// isPicture reports whether WhatsApp takes a picture.
func isPicture(picture []byte) bool {
	shape, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	return err == nil && len(picture) <= bot.MaxPicture && min(shape.Width, shape.Height) >= leastSide && max(shape.Width, shape.Height) <= mostSide
}
