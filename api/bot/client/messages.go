package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// MessageQuery chooses messages. The zero value chooses the newest of all chats.
type MessageQuery struct {
	// Chat is a number or an address of WhatsApp; all chats when empty.
	Chat string
	// Before is the Before of an earlier answer; 0 begins with the newest.
	Before uint64
	// Limit is the most messages of one answer, 1 to 500; 0 means 50.
	Limit int
}

// fill puts a value into a path's {name}.
func fill(path, name, value string) string {
	return strings.Replace(path, "{"+name+"}", url.PathEscape(value), 1)
}

func withChat(path, chat string) string {
	if chat == "" {
		return path
	}
	return path + "?chat=" + url.QueryEscape(chat)
}

// Messages lists messages that the bot keeps, newest first.
func (c *Client) Messages(ctx context.Context, q MessageQuery) (page bot.Messages, err error) {
	v := url.Values{}
	if q.Chat != "" {
		v.Set("chat", q.Chat)
	}
	if q.Before > 0 {
		v.Set("before", strconv.FormatUint(q.Before, 10))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return page, c.do(ctx, http.MethodGet, bot.PathMessages+"?"+v.Encode(), nil, &page, nil, maxPage)
}

// Message returns one message. chat may be empty where one chat only holds that id.
func (c *Client) Message(ctx context.Context, id, chat string) (m bot.Message, err error) {
	return m, c.Do(ctx, http.MethodGet, withChat(fill(bot.PathMessage, "id", id), chat), nil, &m)
}

// EraseChat removes a chat's messages and events from the bot's disk.
func (c *Client) EraseChat(ctx context.Context, chat string) (erased bot.Erased, err error) {
	return erased, c.Do(ctx, http.MethodDelete, fill(bot.PathChatMessages, "chat", chat), nil, &erased)
}

// Send asks the bot to send a message, and waits for WhatsApp's answer: 30 seconds at most, then the message's state
// says that it is on its way. key names the request: the same key makes one message, however often it is asked for,
// so a request whose answer was lost can be sent again. "" gives no such promise.
func (c *Client) Send(ctx context.Context, key string, request bot.SendRequest) (m bot.Message, err error) {
	return m, c.do(ctx, http.MethodPost, bot.PathMessages, request, &m, withKey(key), maxAnswer)
}

// Edit replaces the text of a message of the account. The edit is a message of its own; key is as in Send.
func (c *Client) Edit(ctx context.Context, key, id, chat string, request bot.EditRequest) (m bot.Message, err error) {
	return m, c.do(ctx, http.MethodPatch, withChat(fill(bot.PathMessage, "id", id), chat), request, &m, withKey(key), maxAnswer)
}

// Delete cancels a message that was not sent yet, and deletes any other for everyone. The deletion is a message of its
// own; key is as in Send.
func (c *Client) Delete(ctx context.Context, key, id, chat string) (m bot.Message, err error) {
	return m, c.do(ctx, http.MethodDelete, withChat(fill(bot.PathMessage, "id", id), chat), nil, &m, withKey(key), maxAnswer)
}

// Pin shows a message at the top of its chat for everyone, for a day, a week or 30 days. The pin is a message of its own;
// key is as in Send.
func (c *Client) Pin(ctx context.Context, key, id, chat string, request bot.PinRequest) (m bot.Message, err error) {
	return m, c.do(ctx, http.MethodPut, withChat(fill(bot.PathMessagePin, "id", id), chat), request, &m, withKey(key), maxAnswer)
}

// Unpin takes a pinned message down, by a message of its own; key is as in Send.
func (c *Client) Unpin(ctx context.Context, key, id, chat string) (m bot.Message, err error) {
	return m, c.do(ctx, http.MethodDelete, withChat(fill(bot.PathMessagePin, "id", id), chat), nil, &m, withKey(key), maxAnswer)
}

// MarkRead tells the sender of a message that it was read.
func (c *Client) MarkRead(ctx context.Context, id, chat string) error {
	return c.Do(ctx, http.MethodPost, withChat(fill(bot.PathMessageRead, "id", id), chat), nil, nil)
}

// Star puts a star at a message on all devices of the account, Unstar takes it away.
func (c *Client) Star(ctx context.Context, id, chat string) (starred bot.Starred, err error) {
	return starred, c.Do(ctx, http.MethodPut, withChat(fill(bot.PathMessageStar, "id", id), chat), nil, &starred)
}

// Unstar is explained at Star.
func (c *Client) Unstar(ctx context.Context, id, chat string) (starred bot.Starred, err error) {
	return starred, c.Do(ctx, http.MethodDelete, withChat(fill(bot.PathMessageStar, "id", id), chat), nil, &starred)
}

// withKey is the header of a request that has a key.
func withKey(key string) http.Header {
	if key == "" {
		return nil
	}
	return http.Header{bot.HeaderIdempotencyKey: {key}}
}
