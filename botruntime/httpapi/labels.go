package httpapi

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
)

func labelRoutes() []route {
	return []route{
		{"GET", bot.PathLabels, withToken, (*call).listLabels},
		{"POST", bot.PathLabels, withToken, (*call).makeLabel},
		{"PUT", bot.PathLabel, withToken, (*call).changeLabel},
		{"DELETE", bot.PathLabel, withToken, (*call).deleteLabel},
		{"GET", bot.PathLabelChats, withToken, (*call).labelChats},
		{"GET", bot.PathChatLabels, withToken, (*call).chatLabels},
		{"PUT", bot.PathChatLabels, withToken, (*call).setChatLabels},
	}
}

func (c *call) listLabels() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		found, err := d.Labels(ctx)
		return bot.Labels{Labels: found}, err
	})
}

func (c *call) makeLabel() error {
	return change(c, http.StatusCreated, func(ctx context.Context, d Directory, request bot.LabelRequest) (any, error) {
		return d.SaveLabel(ctx, "", request)
	})
}

func (c *call) changeLabel() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.LabelRequest) (any, error) {
		return d.SaveLabel(ctx, c.id(), request)
	})
}

func (c *call) deleteLabel() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) { return d.DeleteLabel(ctx, c.id()) })
}

func (c *call) labelChats() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		chats, err := d.LabelChats(ctx, c.id())
		return bot.LabelChats{Chats: chats}, err
	})
}

func (c *call) chatLabels() error {
	return c.withDirectory(http.StatusOK, func(ctx context.Context, d Directory) (any, error) {
		found, err := d.ChatLabels(ctx, c.r.PathValue("chat"))
		return bot.Labels{Labels: found}, err
	})
}

func (c *call) setChatLabels() error {
	return change(c, http.StatusOK, func(ctx context.Context, d Directory, request bot.ChatLabelsRequest) (any, error) {
		set, err := d.SetChatLabels(ctx, c.r.PathValue("chat"), request.Labels)
		return bot.Labels{Labels: set}, err
	})
}
