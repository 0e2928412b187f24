package client

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
)

// Labels lists the account's labels. An account of WhatsApp's plain app has none.
func (c *Client) Labels(ctx context.Context) (all bot.Labels, err error) {
	return all, c.Do(ctx, http.MethodGet, bot.PathLabels, nil, &all)
}

// MakeLabel makes a label. A repeated request makes a second one.
func (c *Client) MakeLabel(ctx context.Context, request bot.LabelRequest) (label bot.Label, err error) {
	return label, c.Do(ctx, http.MethodPost, bot.PathLabels, request, &label)
}

// ChangeLabel gives a label another name and color.
func (c *Client) ChangeLabel(ctx context.Context, id string, request bot.LabelRequest) (label bot.Label, err error) {
	return label, c.Do(ctx, http.MethodPut, fill(bot.PathLabel, "id", id), request, &label)
}

// DeleteLabel deletes a label, and returns it as it was.
func (c *Client) DeleteLabel(ctx context.Context, id string) (label bot.Label, err error) {
	return label, c.Do(ctx, http.MethodDelete, fill(bot.PathLabel, "id", id), nil, &label)
}

// LabelChats lists the chats that have a label.
func (c *Client) LabelChats(ctx context.Context, id string) (chats bot.LabelChats, err error) {
	return chats, c.Do(ctx, http.MethodGet, fill(bot.PathLabelChats, "id", id), nil, &chats)
}

// ChatLabels lists the labels of a chat.
func (c *Client) ChatLabels(ctx context.Context, chat string) (all bot.Labels, err error) {
	return all, c.Do(ctx, http.MethodGet, fill(bot.PathChatLabels, "chat", chat), nil, &all)
}

// SetChatLabels gives a chat these labels, by their ids, and takes all others away.
func (c *Client) SetChatLabels(ctx context.Context, chat string, ids ...string) (all bot.Labels, err error) {
	request := bot.ChatLabelsRequest{Labels: append([]string{}, ids...)} // no labels are a list too
	return all, c.Do(ctx, http.MethodPut, fill(bot.PathChatLabels, "chat", chat), request, &all)
}
