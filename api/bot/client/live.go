package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"sesi.dev/sesi/api/bot"
)

// Chats lists chats, the one with the newest message first. before is the Before of an earlier answer, 0 for the first
// page; limit is 1 to 500, 0 means the bot's own.
func (c *Client) Chats(ctx context.Context, before uint64, limit int) (page bot.Chats, err error) {
	v := url.Values{}
	if before > 0 {
		v.Set("before", strconv.FormatUint(before, 10))
	}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return page, c.do(ctx, http.MethodGet, bot.PathChats+"?"+v.Encode(), nil, &page, nil, maxPage)
}

// ChangeChat changes a chat on all the account's devices.
func (c *Client) ChangeChat(ctx context.Context, chat string, request bot.ChangeChatRequest) error {
	return c.Do(ctx, http.MethodPatch, fill(bot.PathChat, "chat", chat), request, nil)
}

// DeleteChat deletes a chat from all the account's devices. What the bot keeps of it stays: EraseChat removes that.
func (c *Client) DeleteChat(ctx context.Context, chat string) error {
	return c.Do(ctx, http.MethodDelete, fill(bot.PathChat, "chat", chat), nil, nil)
}

// Typing shows in a chat that the account types or records, or no longer does.
func (c *Client) Typing(ctx context.Context, chat string, request bot.TypingRequest) error {
	return c.Do(ctx, http.MethodPost, fill(bot.PathChatTyping, "chat", chat), request, nil)
}

// Announce makes the account available or unavailable. While it is available the phone shows no notifications.
func (c *Client) Announce(ctx context.Context, request bot.PresenceRequest) error {
	return c.Do(ctx, http.MethodPost, bot.PathPresence, request, nil)
}

// Presences are the presences of all chats that the bot subscribed to.
func (c *Client) Presences(ctx context.Context) (all bot.Presences, err error) {
	return all, c.Do(ctx, http.MethodGet, bot.PathPresence, nil, &all)
}

// Presence is what the bot knows of a chat's presence since it subscribed to it.
func (c *Client) Presence(ctx context.Context, chat string) (presence bot.Presence, err error) {
	return presence, c.Do(ctx, http.MethodGet, fill(bot.PathChatPresence, "chat", chat), nil, &presence)
}

// Subscribe asks for the presence of a chat, Unsubscribe ends that.
func (c *Client) Subscribe(ctx context.Context, chat string) (presence bot.Presence, err error) {
	return presence, c.Do(ctx, http.MethodPut, fill(bot.PathChatPresence, "chat", chat), nil, &presence)
}

// Unsubscribe is explained at Subscribe.
func (c *Client) Unsubscribe(ctx context.Context, chat string) error {
	return c.Do(ctx, http.MethodDelete, fill(bot.PathChatPresence, "chat", chat), nil, nil)
}

// RejectCall rejects a call of a person: the id and the address in its event.
func (c *Client) RejectCall(ctx context.Context, id, from string) error {
	return c.Do(ctx, http.MethodPost, fill(bot.PathCallReject, "id", id), bot.RejectCallRequest{From: from}, nil)
}
