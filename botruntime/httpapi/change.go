package httpapi

import (
	"sesi.dev/sesi/api/bot"
)

// changeRoutes change a message that is there already.
func changeRoutes() []route {
	return []route{
		{"PATCH", bot.PathMessage, withToken, (*call).editMessage},
		{"DELETE", bot.PathMessage, withToken, (*call).deleteMessage},
		{"PUT", bot.PathMessagePin, withToken, (*call).pinMessage},
		{"DELETE", bot.PathMessagePin, withToken, (*call).unpinMessage},
	}
}

// named is the outbox, and the chat and the id of the message that the request is about.
func (c *call) named() (sender Sender, chat, id string, err error) {
	if sender, err = c.sender(); err != nil {
		return nil, "", "", err
	}
	chat, err = c.chat(c.r.URL.Query().Get("chat"))
	return sender, chat, c.r.PathValue("id"), err
}

func (c *call) editMessage() error {
	sender, chat, id, err := c.named()
	if err != nil {
		return err
	}
	var request bot.EditRequest
	if err := c.readExactly(&request); err != nil {
		return err
	}
	queued, err := sender.Edit(c.r.Context(), c.r.Header.Get(bot.HeaderIdempotencyKey), chat, id, request)
	return c.answerSend(sender, queued, err)
}

func (c *call) deleteMessage() error {
	sender, chat, id, err := c.named()
	if err != nil {
		return err
	}
	queued, err := sender.Delete(c.r.Context(), c.r.Header.Get(bot.HeaderIdempotencyKey), chat, id)
	return c.answerSend(sender, queued, err)
}

func (c *call) pinMessage() error {
	sender, chat, id, err := c.named()
	if err != nil {
		return err
	}
	var request bot.PinRequest
	if err := c.readExactly(&request); err != nil {
		return err
	}
	queued, err := sender.Pin(c.r.Context(), c.r.Header.Get(bot.HeaderIdempotencyKey), chat, id, request)
	return c.answerSend(sender, queued, err)
}

func (c *call) unpinMessage() error {
	sender, chat, id, err := c.named()
	if err != nil {
		return err
	}
	queued, err := sender.Unpin(c.r.Context(), c.r.Header.Get(bot.HeaderIdempotencyKey), chat, id)
	return c.answerSend(sender, queued, err)
}
