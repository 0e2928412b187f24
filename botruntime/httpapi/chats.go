package httpapi

import (
	"net/http"

	"sesi.dev/sesi/api/bot"
)

const maxChats = 100

func chatRoutes() []route {
	return []route{
		{"GET", bot.PathChats, withToken, (*call).listChats},
	}
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
	found, err := book.Chats(c.r.Context(), int64(before), int(limit))
	if err != nil {
		return err
	}
	answer := bot.Chats{Chats: []bot.Chat{}}
	for _, r := range found {
		answer.Chats = append(answer.Chats, r.Chat)
		answer.Before = uint64(r.N)
	}
	if uint64(len(found)) < limit {
		answer.Before = 0
	}
	return c.json(http.StatusOK, answer)
}
