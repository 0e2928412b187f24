package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/directory"
	"sesi.dev/sesi/botruntime/media"
)

// pictureRoutes are the routes of pictures and of the account's own profile.
func pictureRoutes() []route {
	return []route{
		{"GET", bot.PathContactPicture, withToken, (*call).contactPicture},
		{"GET", bot.PathGroupPicture, withToken, (*call).contactPicture},
		{"PUT", bot.PathGroupPicture, withToken, (*call).setGroupPicture},
		{"DELETE", bot.PathGroupPicture, withToken, (*call).removeGroupPicture},
		{"GET", bot.PathProfile, withToken, (*call).getProfile},
		{"PATCH", bot.PathProfile, withToken, (*call).changeProfile},
		{"GET", bot.PathProfilePicture, withToken, (*call).profilePicture},
		{"PUT", bot.PathProfilePicture, withToken, (*call).setProfilePicture},
		{"DELETE", bot.PathProfilePicture, withToken, (*call).removeProfilePicture},
	}
}

// takesPicture are the paths whose body may be as large as a picture in base64.
var takesPicture = map[string]bool{
	bot.PathGroupPicture: true, bot.PathProfilePicture: true, bot.PathWAHAGroupPicture: true, bot.PathWAHAProfileImage: true,
	bot.PathChannels: true, bot.PathWAHAChannels: true,
}

func (c *call) contactPicture() error { return c.showPicture(c.id()) }

func (c *call) profilePicture() error { return c.showPicture(bot.Account(c.snapshot().JID)) }

// showPicture answers with a picture, or with its address if the caller prefers JSON. The picture's id is its ETag:
// WhatsApp is asked whether it is still the one.
func (c *call) showPicture(id string) error {
	if c.Directory == nil {
		return faultMessagesOff
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	switch negotiate(c.r.Header.Get("Accept"), "image/jpeg", "application/json") {
	case -1:
		return faultAccept
	case 1:
		return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.Picture(ctx, id, "") })
	}
	known := strings.Trim(strings.TrimPrefix(strings.TrimSpace(c.r.Header.Get("If-None-Match")), "W/"), `"`)
	picture, content, err := c.Directory.OpenPicture(ctx, id, known)
	if err != nil {
		return classifyDirectory(err)
	}
	h := c.w.Header()
	h.Set("ETag", `"`+picture.ID+`"`)
	h.Set("Cache-Control", "private, no-cache")
	if content == nil {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	defer content.Close()
	h.Set("Content-Type", "image/jpeg")
	if _, err := io.Copy(c.w, content); err != nil {
		panic(http.ErrAbortHandler) // the status is sent: only a broken connection says that the picture is incomplete
	}
	return nil
}

// readPicture reads a JPEG, or fetches it from the address in the request.
func (c *call) readPicture() ([]byte, error) {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err == nil && kind == "application/json" {
		var asked bot.PictureAddress
		if err := c.readExactly(&asked); err != nil {
			return nil, err
		}
		return c.fetchPicture(asked.URL)
	}
	if err != nil || kind != "image/jpeg" {
		return nil, faultMediaType.about(text{
			"Kirim foto JPEG (Content-Type image/jpeg), atau JSON dengan url.", "Send a JPEG (Content-Type image/jpeg), or JSON with a url."})
	}
	picture, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, bodyFault(err)
	}
	if picture == nil {
		picture = []byte{}
	}
	return picture, nil
}

// fetchPicture gets a picture from an address that the caller chose.
func (c *call) fetchPicture(address string) ([]byte, error) {
	if c.Files == nil {
		return nil, faultMessagesOff
	}
	c.allowFetch()
	picture, err := c.Files.FetchSmall(c.r.Context(), address, bot.MaxPicture)
	var large *media.TooLargeError
	if errors.As(err, &large) {
		return nil, classifyDirectory(&directory.Refusal{Kind: bot.ProblemBadPicture})
	}
	return picture, classifyFile(err)
}

// setPicture sets the picture of a group, or of the account where the id is empty.
func (c *call) setPicture(id string) error {
	picture, err := c.readPicture()
	if err != nil {
		return err
	}
	return c.changePicture(id, picture)
}

func (c *call) changePicture(id string, picture []byte) error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.SetPicture(ctx, id, picture) })
}

func (c *call) setGroupPicture() error      { return c.setPicture(c.id()) }
func (c *call) removeGroupPicture() error   { return c.changePicture(c.id(), nil) }
func (c *call) setProfilePicture() error    { return c.setPicture("") }
func (c *call) removeProfilePicture() error { return c.changePicture("", nil) }

func (c *call) getProfile() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.Profile(ctx) })
}

func (c *call) changeProfile() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.ChangeProfileRequest) (any, error) {
		return d.ChangeProfile(ctx, request)
	})
}
