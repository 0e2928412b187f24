package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	// RetryTime is how long a sent message and its key are kept: a recipient who could not decrypt the message asks
	// for it again.
	RetryTime = 14 * 24 * time.Hour
	// MaxPending bounds the messages that wait to be sent.
	MaxPending = 10_000
)

// outboxSchema holds what the bot sends. A row is pending until its state can only change by a receipt.
const outboxSchema = `
CREATE TABLE IF NOT EXISTS sends (
	n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, idem TEXT UNIQUE, sum BLOB, account TEXT NOT NULL,
	target TEXT NOT NULL, chat TEXT NOT NULL, state TEXT NOT NULL, pending INTEGER NOT NULL, due INTEGER NOT NULL,
	ends INTEGER NOT NULL, attempts INTEGER NOT NULL, listed INTEGER NOT NULL, at INTEGER NOT NULL,
	body TEXT NOT NULL, raw BLOB);
CREATE INDEX IF NOT EXISTS sends_pending ON sends (chat, n) WHERE pending;
CREATE INDEX IF NOT EXISTS sends_due ON sends (due) WHERE pending;
CREATE INDEX IF NOT EXISTS sends_at ON sends (at);
CREATE TABLE IF NOT EXISTS chats (chat TEXT PRIMARY KEY, at INTEGER NOT NULL, token INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS salts (account TEXT PRIMARY KEY, salt BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS budget (day TEXT PRIMARY KEY, fresh INTEGER NOT NULL) WITHOUT ROWID;
`

// Send is one entry of the outbox.
type Send struct {
	// N is the place in the outbox: the messages of a chat go in this order.
	N int64
	// Message is what people see of it; its id is WhatsApp's, fixed before the first try.
	Message bot.Message
	// Key is the caller's Idempotency-Key, Sum the hash of the request that came with it.
	Key string
	Sum []byte
	// Account is the JID that it is sent from, Target the address that it goes to.
	Account, Target string
	// Raw are the message's bytes; nil when they are gone.
	Raw []byte
	// Due is when the next attempt is, Ends when the attempts end.
	Due, Ends time.Time
	// Attempts counts the answers of WhatsApp that did not settle it.
	Attempts int
	// Pending is true while the bot has something to do for it.
	Pending bool
	// Listed is true for a message, false for a reaction, an edit or a revocation.
	Listed bool
}

// The errors of AddSend.
var (
	// ErrKeyReused says that an Idempotency-Key came with another request before.
	ErrKeyReused = errors.New("this Idempotency-Key was used for another request")
	// ErrOutboxFull says that MaxPending messages wait.
	ErrOutboxFull = errors.New("the outbox is full")
)

// AddSend puts a message into the outbox. When its key is there already, the earlier entry comes back, and fresh is
// false.
func (j *Journal) AddSend(ctx context.Context, s Send) (got Send, fresh bool, err error) {
	var refused error
	err = j.CommitTogether(ctx, func(t *Tx) error {
		earlier, err := t.sendByKey(s.Key)
		if err != nil {
			return err
		}
		if earlier != nil {
			if got = *earlier; !bytes.Equal(earlier.Sum, s.Sum) {
				refused = ErrKeyReused
			}
			return nil
		}
		var pending int
		if err := t.tx.QueryRowContext(t.ctx, `SELECT count(*) FROM sends WHERE pending`).Scan(&pending); err != nil {
			return err
		}
		if pending >= MaxPending {
			refused = ErrOutboxFull
			return nil
		}
		s.Message.History = []bot.StateAt{{State: s.Message.State, At: bot.At(t.now)}}
		got, fresh = s, true
		return t.insertSend(&got)
	})
	if err == nil {
		err = refused
	}
	return got, fresh, err
}

func (t *Tx) insertSend(s *Send) error {
	body, err := json.Marshal(s.Message)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	done, err := t.tx.ExecContext(t.ctx, `INSERT INTO sends (id, idem, sum, account, target, chat, state, pending, due, ends, attempts, listed, at, body, raw)
		VALUES (?, nullif(?, ''), ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`,
		s.Message.ID, s.Key, s.Sum, s.Account, s.Target, s.Message.Chat.ID, string(s.Message.State), s.Pending, millis(s.Due), millis(s.Ends),
		s.Listed, millis(t.now), string(body), s.Raw)
	if err != nil {
		return err
	}
	if s.N, err = done.LastInsertId(); err != nil || !s.Listed {
		return err
	}
	return t.PutMessage(s.Message, s.Raw)
}

const selectSend = `SELECT n, idem, sum, account, target, pending, due, ends, attempts, listed, body, raw FROM sends`

func scanSend(row interface{ Scan(...any) error }) (*Send, error) {
	var s Send
	var key sql.NullString
	var due, ends int64
	var body string
	err := row.Scan(&s.N, &key, &s.Sum, &s.Account, &s.Target, &s.Pending, &due, &ends, &s.Attempts, &s.Listed, &body, &s.Raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // no such send is no error
	}
	if err != nil {
		return nil, err
	}
	s.Key, s.Due, s.Ends = key.String, moment(due), moment(ends)
	if err := json.Unmarshal([]byte(body), &s.Message); err != nil {
		return nil, fmt.Errorf("read a message of the outbox: %w", err)
	}
	return &s, nil
}

func (t *Tx) sendByKey(key string) (*Send, error) {
	if key == "" {
		return nil, nil //nolint:nilnil // no such send is no error
	}
	return scanSend(t.tx.QueryRowContext(t.ctx, selectSend+` WHERE idem = ?`, key))
}

// Send returns the entry of the outbox with that message id, nil when there is none.
func (j *Journal) Send(ctx context.Context, id string) (*Send, error) {
	return scanSend(j.db.QueryRowContext(ctx, selectSend+` WHERE id = ?`, id))
}

// TakeDue marks up to limit entries as being sent, and returns them in the order of the outbox. An entry waits while an
// earlier one of its chat does, unless that one was never tried and has its own time.
func (j *Journal) TakeDue(ctx context.Context, limit int) (taken []Send, err error) {
	due, err := j.due(ctx, limit)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = j.Commit(ctx, func(t *Tx) error {
		taken = taken[:0]
		for _, id := range due {
			s, err := t.UpdateSend(id, func(s *Send) bool {
				if !s.Pending {
					return false // cancelled meanwhile
				}
				s.Message.State, s.Message.Hold = bot.MessageSending, nil
				return true
			})
			if err != nil {
				return err
			}
			if s != nil && s.Pending {
				taken = append(taken, *s)
			}
		}
		return nil
	})
	return taken, err
}

func (j *Journal) due(ctx context.Context, limit int) (ids []string, err error) {
	now := millis(j.Now())
	rows, err := j.db.QueryContext(ctx, `SELECT id FROM sends s WHERE pending AND due <= ? AND NOT EXISTS (
		SELECT 1 FROM sends e WHERE e.pending AND e.chat = s.chat AND e.n < s.n AND e.due > ? AND (e.attempts > 0 OR e.state = 'held'))
		ORDER BY n LIMIT ?`, now, now, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Idle reports whether nothing is due.
func (j *Journal) Idle(ctx context.Context) bool {
	ids, err := j.due(ctx, 1)
	return err == nil && len(ids) == 0
}

// NextDue is when the next pending entry that is not due yet becomes due; zero when there is none.
func (j *Journal) NextDue(ctx context.Context) (time.Time, error) {
	var due int64
	err := j.db.QueryRowContext(ctx, `SELECT coalesce(min(due), 0) FROM sends WHERE pending AND due > ?`, millis(j.Now())).Scan(&due)
	return moment(due), err
}

// UpdateSend changes an entry: change edits it and returns false to leave it as it is. A new state is written into
// the message's history. It returns the entry as it is now, nil when there is none.
func (t *Tx) UpdateSend(id string, change func(*Send) bool) (*Send, error) {
	s, err := scanSend(t.tx.QueryRowContext(t.ctx, selectSend+` WHERE id = ?`, id))
	if err != nil || s == nil {
		return s, err
	}
	before, chat := s.Message.State, s.Message.Chat.ID
	if !change(s) {
		return s, nil
	}
	if s.Message.State != before {
		s.Message.History = append(s.Message.History, bot.StateAt{State: s.Message.State, At: bot.At(t.now)})
		if more := len(s.Message.History) - maxHistory; more > 0 {
			s.Message.History = append(s.Message.History[:1], s.Message.History[1+more:]...)
		}
	}
	body, err := json.Marshal(s.Message)
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	if _, err := t.tx.ExecContext(t.ctx, `UPDATE sends SET target = ?, chat = ?, state = ?, pending = ?, due = ?, ends = ?, attempts = ?, body = ? WHERE id = ?`,
		s.Target, s.Message.Chat.ID, string(s.Message.State), s.Pending, millis(s.Due), millis(s.Ends), s.Attempts, string(body), id); err != nil {
		return nil, err
	}
	if s.Listed {
		_, err = t.tx.ExecContext(t.ctx, `UPDATE messages SET chat = ?, body = ? WHERE id = ? AND chat = ? AND sender = ?`,
			s.Message.Chat.ID, body, id, chat, s.Message.From.ID)
	}
	return s, err
}

// maxHistory bounds the history of a message that is tried again and again; its first step stays.
const maxHistory = 20

// ReplaceRaw makes a sent message's bytes those of its newer text, or removes them with nil.
func (t *Tx) ReplaceRaw(id string, newer []byte) error {
	_, err := t.tx.ExecContext(t.ctx, `UPDATE sends SET raw = ? WHERE id = ?`, newer, id)
	return err
}

// RetryRaw returns the bytes of a sent message for a recipient who could not decrypt it; nil when there are none.
func (j *Journal) RetryRaw(ctx context.Context, id string) (raw []byte, err error) {
	err = j.db.QueryRowContext(ctx, `SELECT raw FROM sends WHERE id = ?`, id).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return raw, err
}

// OutboxSize is how many messages wait to be sent, by state.
func (j *Journal) OutboxSize(ctx context.Context) (sizes map[bot.MessageState]int, err error) {
	rows, err := j.db.QueryContext(ctx, `SELECT state, count(*) FROM sends WHERE pending GROUP BY state`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	sizes = map[bot.MessageState]int{}
	for rows.Next() {
		var state bot.MessageState
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		sizes[state] = n
	}
	return sizes, rows.Err()
}

// KnowChat remembers that messages were sent or received in a chat, longer than the messages are kept.
func (t *Tx) KnowChat(forms ...string) error {
	for _, form := range forms {
		if _, err := t.tx.ExecContext(t.ctx, `INSERT INTO chats (chat, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at > at + 86400000`,
			form, millis(t.now)); err != nil {
			return err
		}
	}
	return nil
}

// KnownChat reports whether a message was sent or received in a chat, under one of the forms of its address.
func (j *Journal) KnownChat(ctx context.Context, forms ...string) (bool, error) {
	for _, form := range forms {
		var one int
		err := j.db.QueryRowContext(ctx, `SELECT 1 FROM chats WHERE chat = ?`, form).Scan(&one)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return false, err
		}
	}
	return false, nil
}

// expireOutbox removes one helping of entries that nobody asks for any more, and reports whether there may be more.
// When nothing is to be kept, the content of settled entries is removed after keep; their ids and keys stay.
func (t *Tx) expireOutbox(keep time.Time) (more bool, err error) {
	gone, err := t.remove(`DELETE FROM sends WHERE n IN (SELECT n FROM sends WHERE at < ? AND NOT pending LIMIT ?)`, millis(t.now.Add(-RetryTime)), sweep)
	if err == nil {
		_, err = t.remove(`DELETE FROM budget WHERE day < ?`, t.now.AddDate(0, 0, -7).Format(time.DateOnly))
	}
	if err != nil || t.j.keeps().retention > 0 {
		return gone == sweep, err
	}
	emptied, err := t.remove(emptySends+` WHERE n IN (SELECT n FROM sends WHERE at < ? AND NOT pending AND raw IS NOT NULL LIMIT ?)`, millis(keep), sweep)
	return gone == sweep || emptied == sweep, err
}

// emptySends removes all of a message but its id, its chat and its states.
const emptySends = `UPDATE sends SET raw = NULL, body = json_remove(body, '$.text', '$.mentions', '$.replyTo', '$.linkPreview', '$.subject.text',
	'$.location', '$.contacts', '$.poll', '$.media', '$.status')`

// evictOutbox removes one helping of the oldest settled entries because the journal is too large.
func (t *Tx) evictOutbox() (int64, error) {
	return t.remove(`DELETE FROM sends WHERE n IN (SELECT n FROM sends WHERE NOT pending ORDER BY n LIMIT ?)`, sweep)
}

// eraseOutbox empties the messages that were sent to a chat. Those that wait are still sent.
func (t *Tx) eraseOutbox(chat string) error {
	_, err := t.tx.ExecContext(t.ctx, emptySends+` WHERE chat = ? AND NOT pending`, chat)
	return err
}

// SendByKey returns the entry that an Idempotency-Key made, nil when there is none. The error is ErrKeyReused when sum
// is not that of the request that made it.
func (j *Journal) SendByKey(ctx context.Context, key string, sum []byte) (*Send, error) {
	s, err := scanSend(j.db.QueryRowContext(ctx, selectSend+` WHERE idem = ?`, key))
	if err == nil && s != nil && !bytes.Equal(s.Sum, sum) {
		return nil, ErrKeyReused
	}
	return s, err
}

// ReleaseHeld makes messages due that are held for one of these reasons.
func (t *Tx) ReleaseHeld(reasons ...bot.HoldReason) error {
	for _, reason := range reasons {
		if _, err := t.tx.ExecContext(t.ctx, `UPDATE sends SET due = ? WHERE pending AND state = 'held' AND json_extract(body, '$.hold.reason') = ?`,
			millis(t.now), string(reason)); err != nil {
			return err
		}
	}
	return nil
}

// BeginChat counts a chat that the bot began on a day.
func (t *Tx) BeginChat(day string) error {
	_, err := t.tx.ExecContext(t.ctx, `INSERT INTO budget (day, fresh) VALUES (?, 1) ON CONFLICT DO UPDATE SET fresh = fresh + 1`, day)
	return err
}

// KnownChat reports whether a message was sent or received in a chat, under one of the forms of its address.
func (t *Tx) KnownChat(forms ...string) (known bool, err error) {
	for _, form := range forms {
		if err = t.tx.QueryRowContext(t.ctx, `SELECT EXISTS (SELECT 1 FROM chats WHERE chat = ?)`, form).Scan(&known); known || err != nil {
			break
		}
	}
	return known, err
}

// NewChats is how many chats the bot began on a day.
func (j *Journal) NewChats(ctx context.Context, day string) (n int, err error) {
	err = j.db.QueryRowContext(ctx, `SELECT coalesce((SELECT fresh FROM budget WHERE day = ?), 0)`, day).Scan(&n)
	return n, err
}

// TokenDue reports whether the account's privacy token of a week has not been handed to a chat.
func (j *Journal) TokenDue(ctx context.Context, week int64, forms ...string) (bool, error) {
	var newest int64
	for _, form := range forms {
		var issued int64
		err := j.db.QueryRowContext(ctx, `SELECT coalesce((SELECT token FROM chats WHERE chat = ?), 0)`, form).Scan(&issued)
		if err != nil {
			return false, err
		}
		newest = max(newest, issued)
	}
	return newest < week, nil
}

// TokenIssued remembers the week whose privacy token was handed to a chat.
func (t *Tx) TokenIssued(week int64, forms ...string) error {
	for _, form := range forms {
		if _, err := t.tx.ExecContext(t.ctx, `UPDATE chats SET token = ? WHERE chat = ?`, week, form); err != nil {
			return err
		}
	}
	return nil
}
