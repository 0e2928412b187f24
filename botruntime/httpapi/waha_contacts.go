package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/directory"
)

// wahaContactID reads a contact in the query.
func (c *call) wahaContactID() (string, error) {
	id := c.r.URL.Query().Get("contactId")
	if id == "" {
		return "", badParameter("contactId", "given")
	}
	return id, nil
}

// wahaContactOfQuery answers WAHA's path of one contact, which is also the bot's list.
func (c *call) wahaContactOfQuery() error {
	c.waha = true
	if err := c.wahaNamed(); err != nil {
		return err
	}
	id, err := c.wahaContactID()
	if err != nil {
		return err
	}
	return c.wahaOneContact(id)
}

func (c *call) wahaContact() error { return c.wahaOneContact(c.id()) }

func (c *call) wahaOneContact(id string) error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		if wahaIsGroup(id) {
			g, err := d.Group(ctx, id)
			return bot.WAHAContactInfo{ID: g.ID, Name: g.Subject, IsGroup: true, IsWAContact: true}, err
		}
		contact, err := d.Contact(ctx, id)
		return c.teller().Contact(contact), err
	})
}

// wahaContacts lists the people whose names the account knows.
func (c *call) wahaContacts() error {
	limit, err := c.number("limit", maxPage, 1, maxPage)
	if err != nil {
		return err
	}
	offset, err := c.number("offset", 0, 0, 1<<20)
	if err != nil {
		return err
	}
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		out := []bot.WAHAContactInfo{}
		for after, skipped := "", uint64(0); ; {
			page, next, err := d.Contacts(ctx, after, maxPage)
			if err != nil {
				return nil, err
			}
			for _, one := range page {
				if skipped++; skipped > offset && uint64(len(out)) < limit {
					out = append(out, c.teller().Contact(one))
				}
			}
			if after = next; next == "" || uint64(len(out)) == limit {
				return out, nil
			}
		}
	})
}

func (c *call) wahaAbout() error {
	id, err := c.wahaContactID()
	if err != nil {
		return err
	}
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		about, err := d.About(ctx, id)
		return bot.WAHAAbout{About: about.About}, err
	})
}

// wahaProfilePicture answers with the address of a picture at WhatsApp's media host; null when there is no picture.
func (c *call) wahaProfilePicture() error {
	id, err := c.wahaContactID()
	if err != nil {
		return err
	}
	return c.wahaPictureURL(id, func(url *string) any { return bot.WAHAProfilePicture{URL: url} })
}

func (c *call) wahaChatPicture() error {
	return c.wahaPictureURL(c.r.PathValue("chat"), func(url *string) any { return bot.WAHAPicture{URL: url} })
}

func (c *call) wahaGroupPicture() error {
	return c.wahaPictureURL(c.id(), func(url *string) any { return bot.WAHAPicture{URL: url} })
}

func (c *call) wahaPictureURL(id string, answer func(*string) any) error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		picture, err := d.Picture(ctx, id, "")
		var refused *directory.Refusal
		if errors.As(err, &refused) && refused.Kind == bot.ProblemNoPicture {
			return answer(nil), nil
		}
		return answer(&picture.URL), err
	})
}

func (c *call) wahaBlock() error   { return c.wahaSetBlocked(true) }
func (c *call) wahaUnblock() error { return c.wahaSetBlocked(false) }

func (c *call) wahaSetBlocked(block bool) error {
	var asked bot.WAHAContactID
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	if strings.TrimSpace(asked.ContactID) == "" {
		return badParameter("contactId", "given")
	}
	if _, err := c.wahaWorking(); err != nil {
		return err
	}
	return c.withDirectory(http.StatusCreated, func(ctx context.Context, d Directory) (any, error) {
		_, err := d.Block(ctx, asked.ContactID, block)
		return wahaDone, err
	})
}
