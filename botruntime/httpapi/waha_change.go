package httpapi

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
)

// wahaChatOf reads the chat in the path; "" for all chats.
func (c *call) wahaChatOf() (string, error) {
	if chat := c.r.PathValue("chat"); chat != "all" {
		return c.chat(chat)
	}
	return "", nil
}

// wahaNamedMessage reads the chat and the id of the message in the path.
func (c *call) wahaNamedMessage() (chat, id string, err error) {
	if chat, err = c.wahaChatOf(); err != nil {
		return "", "", err
	}
	_, id, err = c.wahaID("messageId", c.r.PathValue("id"))
	return chat, id, err
}

func (c *call) wahaEdit() error {
	chat, id, err := c.wahaNamedMessage()
	if err != nil {
		return err
	}
	var asked bot.WAHAEdit
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	queued, err := sender.Edit(c.r.Context(), c.r.Header.Get(bot.HeaderIdempotencyKey), chat, id, bot.EditRequest{Text: asked.Text})
	return c.wahaSent(sender, queued, err, http.StatusOK)
}

func (c *call) wahaRevoke() error {
	chat, id, err := c.wahaNamedMessage()
	if err != nil {
		return err
	}
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	queued, err := sender.Delete(c.r.Context(), c.r.Header.Get(bot.HeaderIdempotencyKey), chat, id)
	return c.wahaSent(sender, queued, err, http.StatusOK)
}

func (c *call) wahaPin() error {
	var asked bot.WAHAPin
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	return c.wahaSetPin(func(ctx context.Context, s Sender, key, chat, id string) (bot.Message, error) {
		return s.Pin(ctx, key, chat, id, bot.PinRequest(asked))
	})
}

func (c *call) wahaUnpin() error {
	return c.wahaSetPin(func(ctx context.Context, s Sender, key, chat, id string) (bot.Message, error) {
		return s.Unpin(ctx, key, chat, id)
	})
}

// wahaSetPin answers only that it is done, as WAHA does, once WhatsApp's server has the pin.
func (c *call) wahaSetPin(set func(ctx context.Context, s Sender, key, chat, id string) (bot.Message, error)) error {
	chat, id, err := c.wahaNamedMessage()
	if err != nil {
		return err
	}
	sender, err := c.wahaWorking()
	if err != nil {
		return err
	}
	queued, err := set(c.r.Context(), sender, c.r.Header.Get(bot.HeaderIdempotencyKey), chat, id)
	m, err := c.wahaWait(sender, queued, err)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, bot.WAHADone{Success: m.State != bot.MessageHeld && m.State != bot.MessageQueued})
}
