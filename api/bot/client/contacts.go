package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"sesi.dev/sesi/api/bot"
)

// Contacts lists the people whose names the account knows, by their address. after is the Next of an earlier answer, ""
// for the first page; limit is 1 to 500, 0 means the bot's own.
func (c *Client) Contacts(ctx context.Context, after string, limit int) (page bot.Contacts, err error) {
	v := url.Values{}
	if after != "" {
		v.Set("after", after)
	}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return page, c.Do(ctx, http.MethodGet, bot.PathContacts+"?"+v.Encode(), nil, &page)
}

// Contact describes one person: the names that the account knows, and what WhatsApp tells.
func (c *Client) Contact(ctx context.Context, id string) (contact bot.Contact, err error) {
	return contact, c.Do(ctx, http.MethodGet, fill(bot.PathContact, "id", id), nil, &contact)
}

// NameContact puts a person into the account's address book.
func (c *Client) NameContact(ctx context.Context, id string, request bot.NameContactRequest) (party bot.Party, err error) {
	return party, c.Do(ctx, http.MethodPut, fill(bot.PathContact, "id", id), request, &party)
}

// About returns the text below a person's name.
func (c *Client) About(ctx context.Context, id string) (about bot.About, err error) {
	return about, c.Do(ctx, http.MethodGet, fill(bot.PathContactAbout, "id", id), nil, &about)
}

// CheckContacts finds out who is on WhatsApp, and whether a message to them could be sent now: at most bot.MaxChecked.
func (c *Client) CheckContacts(ctx context.Context, contacts ...string) (checked bot.CheckedContacts, err error) {
	return checked, c.Do(ctx, http.MethodPost, bot.PathContactsCheck, bot.CheckRequest{Contacts: contacts}, &checked)
}

// Blocked lists the people whom the account blocked.
func (c *Client) Blocked(ctx context.Context) (all bot.BlockedContacts, err error) {
	return all, c.Do(ctx, http.MethodGet, bot.PathBlocked, nil, &all)
}

// Block blocks a person, Unblock ends that.
func (c *Client) Block(ctx context.Context, id string) (blocked bot.Blocked, err error) {
	return blocked, c.Do(ctx, http.MethodPut, fill(bot.PathContactBlock, "id", id), nil, &blocked)
}

// Unblock is explained at Block.
func (c *Client) Unblock(ctx context.Context, id string) (blocked bot.Blocked, err error) {
	return blocked, c.Do(ctx, http.MethodDelete, fill(bot.PathContactBlock, "id", id), nil, &blocked)
}

// ContactPicture returns a person's picture, a JPEG, and its id; the caller closes it. A bot.ProblemNoPicture says that
// the person has no picture, or that the account may not see it.
func (c *Client) ContactPicture(ctx context.Context, id string) (picture io.ReadCloser, pictureID string, err error) {
	return c.picture(ctx, fill(bot.PathContactPicture, "id", id))
}

// picture opens the picture at a path.
func (c *Client) picture(ctx context.Context, path string) (picture io.ReadCloser, id string, err error) {
	answer, err := c.Request(ctx, http.MethodGet, path, nil, http.Header{"Accept": {typePicture}})
	if err != nil {
		return nil, "", err
	}
	id, err = strconv.Unquote(answer.Header.Get("ETag"))
	if err != nil {
		id = ""
	}
	return answer.Body, id, nil
}

const typePicture = "image/jpeg"

// setPicture sets the picture at a path to a JPEG.
func (c *Client) setPicture(ctx context.Context, path string, picture io.Reader) (set bot.Picture, err error) {
	return set, c.do(ctx, http.MethodPut, path, picture, &set, http.Header{"Content-Type": {typePicture}}, maxAnswer)
}
