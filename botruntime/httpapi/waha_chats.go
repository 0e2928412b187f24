package httpapi

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/waha"
)

const (
	// wahaPage is how many messages a request gets that names no limit.
	wahaPage = 10
	// seenTime is how old the messages are that a request to read a whole chat marks, at most; seenPerson and seenGroup
	// are how many.
	seenTime              = 7 * 24 * time.Hour
	seenPerson, seenGroup = 30, 100
	// mostSeen bounds what one request marks as read.
	mostSeen = 500
)

// wahaMessages lists the messages of a chat.
func (c *call) wahaMessages() error {
	chat, err := c.wahaChatOf()
	if err != nil {
		return err
	}
	return c.wahaListMessages(chat)
}

// wahaOldMessages answers WAHA's older path of the list, which is also the bot's own.
func (c *call) wahaOldMessages() error {
	c.waha = true
	if err := c.wahaNamed(); err != nil {
		return err
	}
	chat, err := c.chat(c.r.URL.Query().Get("chatId"))
	if err != nil {
		return err
	}
	return c.wahaListMessages(chat)
}

// wahaListMessages lists messages as the query filters, sorts and pages them.
func (c *call) wahaListMessages(chat string) error {
	book, err := c.journal()
	if err != nil {
		return err
	}
	q := journal.Search{Chats: c.formsOf(chat), Order: journal.NewestFirst}
	limit, err := c.number("limit", wahaPage, 1, maxPage)
	if err != nil {
		return err
	}
	offset, err := c.number("offset", 0, 0, 1<<31)
	if err != nil {
		return err
	}
	q.Limit, q.Offset = int(limit), int(offset)
	params := c.r.URL.Query()
	switch params.Get("sortOrder") {
	case "", "desc":
	case "asc":
		q.Order = journal.OldestFirst
	default:
		return badParameter("sortOrder", "asc or desc")
	}
	for name, into := range map[string]*time.Time{"filter.timestamp.gte": &q.From, "filter.timestamp.lte": &q.To} {
		if text := params.Get(name); text != "" {
			seconds, err := strconv.ParseFloat(text, 64)
			if err != nil || seconds < 0 || seconds > math.MaxInt32*4 {
				return badParameter(name, "a time in seconds")
			}
			*into = time.UnixMilli(int64(seconds * 1000))
		}
	}
	if text := params.Get("filter.fromMe"); text != "" {
		mine, err := strconv.ParseBool(text)
		if err != nil {
			return badParameter("filter.fromMe", "true or false")
		}
		q.FromMe = &mine
	}
	if text := params.Get("filter.ack"); text != "" {
		if q.States = waha.States(text); q.States == nil {
			return badParameter("filter.ack", "ERROR, PENDING, SERVER, DEVICE, READ or PLAYED")
		}
	}
	found, err := book.Search(c.r.Context(), q)
	if err != nil {
		return err
	}
	tell := c.teller()
	return c.inParts(http.StatusOK, parts{"[", "]", func() (some []any, err error) {
		records, err := found.Next(c.r.Context())
		for _, r := range records {
			some = append(some, tell.Message(r.Message))
		}
		return some, err
	}})
}

func (c *call) wahaMessage() error {
	chat, id, err := c.wahaNamedMessage()
	if err != nil {
		return err
	}
	found, err := c.kept(id, chat)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.teller().Message(found.Message))
}

// wahaStar puts a star at a message, or takes it away.
func (c *call) wahaStar() error {
	var asked bot.WAHAStar
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	chat, err := c.chat(asked.ChatID)
	if err != nil {
		return err
	}
	_, id, err := c.wahaID("messageId", asked.MessageID)
	if err != nil {
		return err
	}
	found, err := c.kept(id, chat)
	if err != nil {
		return err
	}
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		return wahaDone, d.Star(ctx, found.Message, asked.Star)
	})
}

// wahaClearChat removes a chat's messages from the account's devices and from the bot.
func (c *call) wahaClearChat() error {
	chat, err := c.wahaChatOf()
	if err != nil {
		return err
	}
	if chat == "" {
		return badParameter("chatId", "one chat")
	}
	if _, err := c.wahaWorking(); err != nil {
		return err
	}
	if err := c.clearDevices(chat); err != nil {
		return err
	}
	if _, err := c.erase(chat); err != nil {
		return err
	}
	return c.json(http.StatusOK, wahaDone)
}

// wahaSeen marks the messages as read that the request names, else the newest of the chat.
func (c *call) wahaSeen() error {
	var asked bot.WAHASeen
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	chat, err := c.chat(asked.ChatID)
	if err != nil {
		return err
	}
	if chat == "" {
		return badParameter("chatId", "given")
	}
	names := asked.MessageIDs
	if len(names) == 0 && asked.MessageID != "" {
		names = []string{asked.MessageID}
	}
	if len(names) > mostSeen {
		return badParameter("messageIds", "at most "+strconv.Itoa(mostSeen)+" ids")
	}
	var ids []string
	for _, name := range names {
		_, id, err := c.wahaID("messageIds", name)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if len(names) == 0 {
		if ids, err = c.unseen(chat, seenTime, 0); err != nil {
			return err
		}
	}
	if _, err := c.markRead(chat, ids); err != nil {
		return err
	}
	return c.json(http.StatusCreated, bot.WAHADone{Success: true})
}

// wahaReadChat marks the newest messages of a chat as read.
func (c *call) wahaReadChat() error {
	chat, err := c.wahaChatOf()
	if err != nil {
		return err
	}
	if chat == "" {
		return badParameter("chatId", "one chat")
	}
	days, err := c.number("days", uint64(seenTime/(24*time.Hour)), 0, 366)
	if err != nil {
		return err
	}
	most, err := c.number("messages", 0, 0, mostSeen)
	if err != nil {
		return err
	}
	ids, err := c.unseen(chat, time.Duration(days)*24*time.Hour, int(most))
	if err != nil {
		return err
	}
	read, err := c.markRead(chat, ids)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, bot.WAHARead{IDs: read})
}

// unseen lists the newest messages of others in a chat; most 0 means as many as WAHA takes.
func (c *call) unseen(chat string, age time.Duration, most int) (ids []string, err error) {
	book, err := c.journal()
	if err != nil {
		return nil, err
	}
	theirs := false
	q := journal.Search{Chats: c.formsOf(chat), FromMe: &theirs, From: book.Now().Add(-age), Limit: most}
	if most == 0 {
		q.Limit = seenPerson
		if wahaIsGroup(chat) {
			q.Limit = seenGroup
		}
	}
	found, err := book.Search(c.r.Context(), q)
	for more := err == nil; more && err == nil; {
		var records []journal.Record
		records, err = found.Next(c.r.Context())
		for _, r := range records {
			ids = append(ids, r.Message.ID)
		}
		more = len(records) > 0
	}
	return ids, err
}

// markRead marks messages of a chat as read, and returns their ids in WAHA's form.
func (c *call) markRead(chat string, ids []string) ([]string, error) {
	sender, err := c.wahaWorking()
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.sessionContext()
	defer cancel()
	read, err := sender.MarkAllRead(ctx, chat, ids)
	if err != nil {
		return nil, classifySend(err)
	}
	names := []string{}
	for _, m := range read {
		names = append(names, waha.MessageID(m.FromMe, m.Chat, m.ID, m.From))
	}
	return names, nil
}
