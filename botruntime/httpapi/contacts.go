package httpapi

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
)

func contactRoutes() []route {
	return []route{
		{"GET", bot.PathContacts, withToken, (*call).listContacts},
		{"GET", bot.PathBlocked, withToken, (*call).listBlocked},
		{"GET", bot.PathContact, withToken, (*call).getContact},
		{"PUT", bot.PathContact, withToken, (*call).nameContact},
		{"GET", bot.PathContactAbout, withToken, (*call).getAbout},
		{"PUT", bot.PathContactBlock, withToken, (*call).block},
		{"DELETE", bot.PathContactBlock, withToken, (*call).unblock},
	}
}

// listContacts lists contacts. With contactId it is WAHA's path of one contact, which has the same address.
func (c *call) listContacts() error {
	if c.r.URL.Query().Has("contactId") {
		return c.wahaContactOfQuery()
	}
	limit, err := c.number("limit", defaultPage, 1, maxPage)
	if err != nil {
		return err
	}
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		contacts, next, err := d.Contacts(ctx, c.r.URL.Query().Get("after"), int(limit))
		return bot.Contacts{Contacts: contacts, After: next}, err
	})
}

func (c *call) listBlocked() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		blocked, err := d.Blocked(ctx)
		return bot.BlockedContacts{Contacts: blocked}, err
	})
}

func (c *call) getContact() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.Contact(ctx, c.id()) })
}

func (c *call) nameContact() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.NameContactRequest) (any, error) {
		return d.NameContact(ctx, c.id(), request)
	})
}

func (c *call) getAbout() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.About(ctx, c.id()) })
}

func (c *call) block() error   { return c.setBlocked(true) }
func (c *call) unblock() error { return c.setBlocked(false) }

func (c *call) setBlocked(block bool) error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.Block(ctx, c.id(), block) })
}
