package journal

import (
	"context"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Order is the order of messages that were found, by when they were written.
type Order string

// The orders.
const (
	NewestFirst Order = "DESC"
	OldestFirst Order = "ASC"
)

// Search says which messages to find. Empty fields do not filter.
type Search struct {
	// Chats are the forms of the address of one chat.
	Chats []string
	// From and To bound when a message was written; both belong to it.
	From, To time.Time
	FromMe   *bool
	// States are those of messages that the bot sent.
	States        []bot.MessageState
	Order         Order
	Limit, Offset int
}

// Search finds messages.
func (j *Journal) Search(ctx context.Context, q Search) (Found, error) {
	where, args := []string{"1"}, []any{}
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if len(q.Chats) > 0 {
		add("chat IN (?"+strings.Repeat(", ?", len(q.Chats)-1)+")", toAny(q.Chats)...)
	}
	if !q.From.IsZero() {
		add("at >= ?", millis(q.From))
	}
	if !q.To.IsZero() {
		add("at <= ?", millis(q.To))
	}
	if q.FromMe != nil {
		add(extract("$.fromMe")+` = ?`, *q.FromMe)
	}
	if len(q.States) > 0 {
		values := make([]any, 0, len(q.States))
		for _, state := range q.States {
			values = append(values, string(state))
		}
		add(extract("$.state")+` IN (?`+strings.Repeat(", ?", len(values)-1)+`)`, values...)
	}
	order := q.Order
	if order != OldestFirst {
		order = NewestFirst
	}
	return j.find(ctx, places+` WHERE `+strings.Join(where, " AND ")+` ORDER BY at `+string(order)+`, n `+string(order)+` LIMIT ? OFFSET ?`,
		append(args, q.Limit, q.Offset)...)
}

// findTime bounds Find.
const findTime = 2 * time.Second

// Find returns a message of a chat. What cannot be read is not found.
func (j *Journal) Find(chat, id string) (bot.Message, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), findTime)
	defer cancel()
	found, err := j.Message(ctx, id, chat)
	if err != nil || found == nil {
		return bot.Message{}, false
	}
	return found.Message, true
}
