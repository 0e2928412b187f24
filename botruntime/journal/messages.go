package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// Record is a message with the bytes that WhatsApp's protocol gave it.
type Record struct {
	// N is the message's place in the list of its chat.
	N       int64
	Message bot.Message
	Raw     []byte
}

// errAmbiguous: several chats hold a message of that id.
var errAmbiguous = errors.New("several chats hold a message with this id; name the chat")

// IsAmbiguous reports whether an error says that an id alone does not name one message.
func IsAmbiguous(err error) bool { return errors.Is(err, errAmbiguous) }

// PutMessage writes a message; one that is there already stays as it is.
func (t *Tx) PutMessage(m bot.Message, raw []byte) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	_, err = t.tx.ExecContext(t.ctx, `INSERT OR IGNORE INTO messages (id, chat, sender, at, came, body, raw) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		m.ID, m.Chat.ID, m.From.ID, millis(m.Timestamp.Time), millis(t.now), body, raw)
	if err != nil {
		return err
	}
	return t.noteMessage(m)
}

// Writers lists who wrote the messages with that id in one of the chats. They are several where somebody took another's
// id.
func (t *Tx) Writers(id string, chats ...string) (writers []string, err error) {
	for _, chat := range chats {
		rows, err := t.tx.QueryContext(t.ctx, `SELECT sender FROM messages WHERE id = ? AND chat = ?`, id, chat)
		if err != nil {
			return nil, err
		}
		some, err := scanTexts(rows)
		if err != nil {
			return nil, err
		}
		writers = append(writers, some...)
	}
	return writers, nil
}

// ChangeMessage changes the message of a chat that sender wrote; "" means anyone. It reports whether there is such a
// message.
func (t *Tx) ChangeMessage(chat, id, sender string, change func(*Record)) (found bool, err error) {
	rows, err := t.tx.QueryContext(t.ctx, selectRecord+`, raw`+fromMessages+` WHERE id = ? AND chat = ? AND (sender = ? OR ? = '')`, id, chat, sender, sender)
	if err != nil {
		return false, err
	}
	records, err := t.j.scanRecords(rows, true)
	if err != nil {
		return false, err
	}
	for _, r := range records {
		change(&r)
		body, err := json.Marshal(r.Message)
		if err != nil {
			return false, fmt.Errorf("encode a message: %w", err)
		}
		if _, err := t.tx.ExecContext(t.ctx, `UPDATE messages SET body = ?, raw = ? WHERE n = ?`, body, r.Raw, r.N); err != nil {
			return false, err
		}
	}
	return len(records) > 0, nil
}

// selectRecord begins a query for scanRecords.
const (
	selectRecord = `SELECT n, id, chat, sender, at, body`
	fromMessages = ` FROM messages`
)

func (j *Journal) scanRecords(rows *sql.Rows, raw bool) (records []Record, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r Record
		var of columns
		var body []byte
		into := []any{&r.N, &of.id, &of.chat, &of.sender, &of.atMillis, &body}
		if raw {
			into = append(into, &r.Raw)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		var unread error
		if r.Message, unread = of.decode(body); unread != nil {
			j.noteUnreadable("messages", r.N, unread)
		}
		records = append(records, r)
	}
	return records, rows.Err()
}

// Message returns the message with an id in the chat that has one of the addresses in forms, or nil if it is not there.
// Without forms it searches all chats; IsAmbiguous recognises the error of an id that several of them have.
func (j *Journal) Message(ctx context.Context, id string, forms ...string) (*Record, error) {
	where, args := `id = ?`, []any{id}
	if len(forms) > 0 {
		where, args = where+` AND chat IN (?`+strings.Repeat(", ?", len(forms)-1)+`)`, append(args, toAny(forms)...)
	}
	// min(n) picks the first one of a chat: somebody else can take its id later.
	rows, err := j.db.QueryContext(ctx, `SELECT min(n), id, chat, sender, at, body, raw FROM messages WHERE `+where+` GROUP BY chat ORDER BY 1 LIMIT 2`, args...)
	if err != nil {
		return nil, err
	}
	records, err := j.scanRecords(rows, true)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	if len(records) > 1 && len(forms) == 0 {
		return nil, errAmbiguous
	}
	return &records[0], nil
}

// Messages lists messages, newest first, before the place n (0: from the end): those of a chat, under all forms of its
// address, or all where none is given. next is the place to go on before, 0 when there are no more: an answer has up to
// limit messages, and no more bytes than one answer may have.
func (j *Journal) Messages(ctx context.Context, before int64, limit int, forms ...string) (records []Record, next int64, err error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	query, args := places+` WHERE n < ?`, []any{before}
	if len(forms) > 0 {
		args = nil
		parts := make([]string, len(forms))
		for i, chat := range forms { // each by the index, so that no more is read than is shown
			parts[i] = places + ` WHERE chat = ? AND n < ?`
			args = append(args, chat, before)
		}
		query = strings.Join(parts, ` UNION ALL `)
	}
	f, err := j.find(ctx, query+` ORDER BY n DESC LIMIT ?`, append(args, limit)...)
	if err != nil || len(f.left) == 0 {
		return nil, 0, err
	}
	full := len(f.left) == limit
	if records, err = f.Next(ctx); err != nil || len(records) == 0 {
		return nil, 0, err
	}
	if full || len(f.left) > 0 {
		next = records[len(records)-1].N
	}
	return records, next, nil
}

// EraseChat removes a chat's messages and events, under all forms of its address.
func (j *Journal) EraseChat(ctx context.Context, forms ...string) (messages int64, err error) {
	err = j.Commit(ctx, func(t *Tx) error {
		messages = 0
		for _, chat := range forms {
			some, err := t.remove(`DELETE FROM messages WHERE chat = ?`, chat)
			if err != nil {
				return err
			}
			messages += some
			if err := errors.Join(t.eraseOutbox(chat), t.eraseNames(chat), t.erasePolls(chat)); err != nil {
				return err
			}
			if _, err := t.remove(`DELETE FROM events WHERE chat = ?`, chat); err != nil {
				return err
			}
		}
		return nil
	})
	return messages, err
}
