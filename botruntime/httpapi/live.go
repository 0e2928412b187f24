package httpapi

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
)

func liveRoutes() []route {
	return []route{
		{"POST", bot.PathChatTyping, withToken, (*call).typing},
		{"GET", bot.PathPresence, withToken, (*call).presences},
		{"POST", bot.PathPresence, withToken, (*call).announce},
		{"GET", bot.PathChatPresence, withToken, (*call).presence},
		{"PUT", bot.PathChatPresence, withToken, (*call).subscribe},
		{"DELETE", bot.PathChatPresence, withToken, (*call).unsubscribe},
		{"POST", bot.PathCallReject, withToken, (*call).rejectCall},
	}
}

// withSender runs a request that needs WhatsApp now.
func (c *call) withSender(do func(context.Context, Sender) error) error {
	sender, err := c.sender()
	if err != nil {
		return err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	return classifySend(do(ctx, sender))
}

// answerPresence answers with a chat's presence.
func (c *call) answerPresence(do func(context.Context, Sender, string) (bot.Presence, error)) error {
	var known bot.Presence
	err := c.withSender(func(ctx context.Context, s Sender) (err error) {
		known, err = do(ctx, s, c.r.PathValue("chat"))
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, known)
}

func (c *call) typing() error {
	var request bot.TypingRequest
	if err := c.readExactly(&request); err != nil {
		return err
	}
	err := c.withSender(func(ctx context.Context, s Sender) error { return s.Typing(ctx, c.r.PathValue("chat"), request.State) })
	if err != nil {
		return err
	}
	return c.done(text{"Terkirim.", "Sent."})
}

func (c *call) announce() error {
	var request bot.PresenceRequest
	if err := c.readExactly(&request); err != nil {
		return err
	}
	err := c.withSender(func(ctx context.Context, s Sender) error { return s.Announce(ctx, request.Presence) })
	if err != nil {
		return err
	}
	return c.done(text{"Terkirim.", "Sent."})
}

func (c *call) presences() error {
	sender, err := c.sender()
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, bot.Presences{Presences: sender.Presences()})
}

func (c *call) presence() error {
	return c.answerPresence(func(_ context.Context, s Sender, chat string) (bot.Presence, error) { return s.PresenceOf(chat) })
}

func (c *call) subscribe() error {
	return c.answerPresence(func(ctx context.Context, s Sender, chat string) (bot.Presence, error) { return s.Subscribe(ctx, chat) })
}

func (c *call) unsubscribe() error {
	return c.answerPresence(func(_ context.Context, s Sender, chat string) (bot.Presence, error) { return s.Unsubscribe(chat) })
}

func (c *call) rejectCall() error {
	var request bot.RejectCallRequest
	if err := c.readExactly(&request); err != nil {
		return err
	}
	err := c.withSender(func(ctx context.Context, s Sender) error { return s.RejectCall(ctx, c.r.PathValue("id"), request.From) })
	if err != nil {
		return err
	}
	return c.done(text{"Panggilan ditolak.", "The call was rejected."})
}
