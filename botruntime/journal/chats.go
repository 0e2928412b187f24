package journal

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/message"
)

// chatSchema holds what the journal knows of chats beside their messages: the names of people and groups, and the
// message of each chat up to which all are read.
const chatSchema = `
CREATE TABLE IF NOT EXISTS names (id TEXT PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reads (chat TEXT PRIMARY KEY, n INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
`

const (
	// nameFresh is how old a name's time may become before it is written again: a name that is in use stays.
	nameFresh = 24 * time.Hour
	// maxNames bounds the names of one query.
	maxNames = 500
)

// ownMark is how the JSON of a message begins its field fromMe. A text that holds it has it with escaped quotes.
var ownMark = []byte(`"fromMe":true`)

// listChats finds the newest message of each chat by jumping from chat to chat in the index.
const listChats = `
WITH RECURSIVE c(chat) AS (
	SELECT min(chat) FROM messages
	UNION ALL SELECT (SELECT min(m.chat) FROM messages m WHERE m.chat > c.chat) FROM c WHERE c.chat IS NOT NULL),
l(chat, n) AS (SELECT chat, (SELECT max(n) FROM messages m WHERE m.chat = c.chat) FROM c WHERE chat IS NOT NULL AND chat <> 'status@broadcast')
SELECT chat, n, (SELECT max(n) FROM messages) FROM l WHERE n < ? ORDER BY n DESC LIMIT ?`

// readChat reads a chat under the two forms of its address, which are equal where there is one, by its newest message.
const readChat = `SELECT m.id, m.chat, m.sender, m.at, m.body,
	coalesce((SELECT name FROM names WHERE names.id IN (?1, ?2) ORDER BY names.id <> ?1 LIMIT 1), ''),
	` + countUnread + ` WHERE chat = ?1 AND ` + isUnread + ` + CASE WHEN ?1 = ?2 THEN 0 ELSE ` + countUnread + ` WHERE chat = ?2 AND ` + isUnread + ` END
FROM messages m WHERE m.n = ?3`

const (
	countUnread = `(SELECT count(*) FROM (SELECT body FROM messages u`
	isUnread    = `u.n > coalesce((SELECT max(n) FROM reads WHERE reads.chat IN (?1, ?2)), 0) ORDER BY u.n DESC LIMIT 1000) WHERE instr(body, ?4) = 0)`
	// mostUnread is how many unread messages of a chat are counted.
	mostUnread = 1000
)

// head is the newest message of a chat under one form of its address. top is the newest one of all.
type head struct {
	chat   string
	n, top int64
}

// Chats lists chats by their newest message, newest first, before the place n (0: from the end). next is the place to go
// on before, 0 when there are no more: an answer has up to limit chats, and about as many bytes as one answer may have.
// The messages of a person are one chat, whether they came under the number or under the LID that names finds.
func (j *Journal) Chats(ctx context.Context, before int64, limit int, names message.Names) (chats []bot.Chat, next int64, err error) {
	if next = before; next <= 0 {
		next = math.MaxInt64
	}
	for size := 0; ; {
		heads, err := j.heads(ctx, next, limit)
		if err != nil {
			return nil, 0, err
		}
		for _, h := range heads {
			if size > mostBytes || len(chats) == limit {
				return chats, next, nil
			}
			chat, bytes, err := j.readChat(ctx, h, names)
			if err != nil {
				return nil, 0, err
			}
			if next = h.n; chat != nil {
				chats, size = append(chats, *chat), size+bytes
			}
		}
		switch {
		case len(heads) < limit:
			return chats, 0, nil
		case len(chats) == limit:
			return chats, next, nil
		}
	}
}

func (j *Journal) heads(ctx context.Context, before int64, limit int) (heads []head, err error) {
	rows, err := j.db.QueryContext(ctx, listChats, before, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var h head
		if err := rows.Scan(&h.chat, &h.n, &h.top); err != nil {
			return nil, err
		}
		heads = append(heads, h)
	}
	return heads, rows.Err()
}

// readChat reads a chat, and says how long its newest message is. It is nil where the message is gone, and where the chat
// has a newer one under another form of its address: it is listed there.
func (j *Journal) readChat(ctx context.Context, h head, names message.Names) (chat *bot.Chat, bytes int, err error) {
	party := partyOf(h.chat, names)
	forms := message.Forms(party)
	if one, other := forms[0], forms[len(forms)-1]; one != other {
		if other == h.chat {
			other = one
		}
		var newer bool // what came since the chats were found is left out
		err := j.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM messages WHERE chat = ? AND n > ? AND n <= ?)`, other, h.n, h.top).Scan(&newer)
		if err != nil || newer {
			return nil, 0, err
		}
	}
	var of columns
	var body []byte
	var name string
	chat = &bot.Chat{}
	err = j.db.QueryRowContext(ctx, readChat, forms[0], forms[len(forms)-1], h.n, ownMark).Scan(&of.id, &of.chat, &of.sender, &of.atMillis, &body, &name, &chat.Unread)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	last, unread := of.decode(body)
	if unread != nil {
		j.noteUnreadable("messages", h.n, unread)
	}
	chat.LastMessage, chat.Party, chat.Timestamp, chat.Unread = &last, party, last.Timestamp, min(chat.Unread, mostUnread)
	if chat.Name = name; name == "" {
		chat.Name = last.Chat.Name
	}
	return chat, len(body), nil
}

// SetName keeps the name of a person or a group. An empty name changes nothing.
func (t *Tx) SetName(id, name string) error {
	if name == "" || id == "" {
		return nil
	}
	_, err := t.tx.ExecContext(t.ctx, `INSERT INTO names (id, name, at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
		SET name = excluded.name, at = excluded.at WHERE name <> excluded.name OR at < ?`,
		id, name, millis(t.now), millis(t.now.Add(-nameFresh)))
	return err
}

// Names returns the kept names of people and groups; one that is not known is missing.
func (j *Journal) Names(ctx context.Context, ids []string) (map[string]string, error) {
	names := map[string]string{}
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxNames)]
		ids = ids[len(some):]
		if err := j.readNames(ctx, some, names); err != nil {
			return nil, err
		}
	}
	return names, nil
}

func (j *Journal) readNames(ctx context.Context, ids []string, into map[string]string) (err error) {
	rows, err := j.db.QueryContext(ctx, `SELECT id, name FROM names WHERE id IN (?`+strings.Repeat(", ?", len(ids)-1)+`)`, toAny(ids)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id, name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		into[id] = name
	}
	return rows.Err()
}

// MarkRead notes that a message of a chat, under one of the forms of its address, and all before it, are read. A message
// that the journal does not have changes nothing.
func (t *Tx) MarkRead(forms []string, ids ...string) error {
	for _, id := range ids {
		for _, chat := range forms {
			_, err := t.tx.ExecContext(t.ctx, `INSERT INTO reads (chat, n, at) SELECT chat, max(n), ? FROM messages WHERE id = ? AND chat = ? GROUP BY chat
				ON CONFLICT (chat) DO UPDATE SET n = max(n, excluded.n), at = excluded.at`, millis(t.now), id, chat)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// noteMessage keeps what a message says about its chat: the sender's name, and that the owner of the phone, who writes
// in the chat, has read it.
func (t *Tx) noteMessage(m bot.Message) error {
	if m.Chat.Kind == bot.PartyGroup {
		_, err := t.tx.ExecContext(t.ctx, `UPDATE names SET at = ? WHERE id = ? AND at < ?`, millis(t.now), m.Chat.ID, millis(t.now.Add(-nameFresh)))
		if err != nil {
			return err
		}
	}
	if !m.FromMe {
		return t.SetName(m.From.ID, m.From.Name)
	}
	if m.Origin != bot.OriginPhone {
		return nil
	}
	return t.MarkRead([]string{m.Chat.ID}, m.ID)
}

// eraseNames removes what the journal knows of a chat beside its messages.
func (t *Tx) eraseNames(chat string) error {
	_, err := t.remove(`DELETE FROM reads WHERE chat = ?`, chat)
	if err == nil {
		_, err = t.remove(`DELETE FROM names WHERE id = ?`, chat)
	}
	return err
}

// expireNames removes names that nothing used since that time, and marks behind which no message is left.
func (t *Tx) expireNames(keep time.Time) (more bool, err error) {
	names, err := t.remove(`DELETE FROM names WHERE id IN (SELECT id FROM names WHERE at < ? LIMIT ?)`, millis(keep.Add(-nameFresh)), sweep)
	if err != nil {
		return false, err
	}
	reads, err := t.remove(`DELETE FROM reads WHERE chat IN (SELECT chat FROM reads WHERE at < ? LIMIT ?)`, millis(keep), sweep)
	return names == sweep || reads == sweep, err
}
