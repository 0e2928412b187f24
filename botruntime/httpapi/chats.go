package httpapi

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
)

const maxChats = 100

func chatRoutes() []route {
	return []route{
		{"GET", bot.PathChats, withToken, (*call).listChats},
		{"PATCH", bot.PathChat, withToken, (*call).changeChat},
		{"DELETE", bot.PathChat, withToken, (*call).deleteChat},
		{"PUT", bot.PathMessageStar, withToken, (*call).star},
		{"DELETE", bot.PathMessageStar, withToken, (*call).unstar},
	}
}

func (c *call) changeChat() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.ChangeChatRequest) (any, error) {
		return d.ChangeChat(ctx, c.r.PathValue("chat"), request)
	})
}

func (c *call) deleteChat() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		return d.DeleteChat(ctx, c.r.PathValue("chat"))
	})
}

func (c *call) star() error   { return c.setStar(true) }
func (c *call) unstar() error { return c.setStar(false) }

// setStar puts a star at the message that the path names, or takes it away.
func (c *call) setStar(star bool) error {
	found, err := c.record()
	if err != nil {
		return err
	}
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		return bot.Starred{ID: found.Message.ID, Starred: star}, d.Star(ctx, found.Message, star)
	})
}

func (c *call) listChats() error {
	book, err := c.journal()
	if err != nil {
		return err
	}
	limit, err := c.number("limit", defaultPage, 1, maxChats)
	if err != nil {
		return err
	}
	before, err := c.number("before", 0, 0, 1<<62)
	if err != nil {
		return err
	}
	found, next, err := book.Chats(c.r.Context(), int64(before), int(limit), c.Names)
	if err != nil {
		return err
	}
	for _, one := range found {
		*one.LastMessage = c.current(*one.LastMessage)
	}
	return c.json(http.StatusOK, bot.Chats{Chats: append([]bot.Chat{}, found...), Before: uint64(next)})
}
