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
	body TEXT NOT NULL, raw BLOB, file TEXT NOT NULL DEFAULT '');
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
	// File is the hash of a file that WhatsApp must get before the message is sent; "" for none, or once it has it.
	File string
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
	done, err := t.tx.ExecContext(t.ctx, `INSERT INTO sends (id, idem, sum, account, target, chat, state, pending, due, ends, attempts, listed, at, body, raw, file)
		VALUES (?, nullif(?, ''), ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`,
		s.Message.ID, s.Key, s.Sum, s.Account, s.Target, s.Message.Chat.ID, string(s.Message.State), s.Pending, millis(s.Due), millis(s.Ends),
		s.Listed, millis(t.now), string(body), s.Raw, s.File)
	if err != nil {
		return err
	}
	if s.N, err = done.LastInsertId(); err != nil || !s.Listed {
		return err
	}
	return t.PutMessage(s.Message, s.Raw)
}

const selectSend = `SELECT n, idem, sum, account, target, pending, due, ends, attempts, listed, body, raw, file FROM sends`

func scanSend(row interface{ Scan(...any) error }) (*Send, error) {
	var s Send
	var key sql.NullString
	var due, ends int64
	var body string
	err := row.Scan(&s.N, &key, &s.Sum, &s.Account, &s.Target, &s.Pending, &due, &ends, &s.Attempts, &s.Listed, &body, &s.Raw, &s.File)
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

// whereDue finds the entries that are due, but for those that wait for an earlier one of their chat.
const whereDue = ` s WHERE pending AND due <= ? AND file = '' AND NOT EXISTS (
	SELECT 1 FROM sends e WHERE e.pending AND e.chat = s.chat AND e.n < s.n AND (
		e.due > ? AND (e.attempts > 0 OR e.state = 'held') OR e.due <= ? AND e.file <> ''))
	ORDER BY n LIMIT ?`

// TakeDue marks up to limit entries as being sent, and returns them in the order of the outbox. An entry waits while an
// earlier one of its chat does, unless that one was never tried and has its own time. One with a file waits until
// WhatsApp has the file.
func (j *Journal) TakeDue(ctx context.Context, limit int) (taken []Send, err error) {
	if idle, err := j.idle(ctx); idle || err != nil {
		return nil, err
	}
	err = j.Commit(ctx, func(t *Tx) error {
		taken, err = t.due(limit)
		for i := 0; i < len(taken) && err == nil; i++ {
			err = t.change(&taken[i], func(s *Send) bool {
				s.Message.State, s.Message.Hold = bot.MessageSending, nil
				return true
			})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

func (t *Tx) due(limit int) (due []Send, err error) {
	rows, err := t.tx.QueryContext(t.ctx, selectSend+whereDue, millis(t.now), millis(t.now), millis(t.now), limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		s, err := scanSend(rows)
		if err != nil {
			return nil, err
		}
		due = append(due, *s)
	}
	return due, rows.Err()
}

// Idle reports whether nothing is due.
func (j *Journal) Idle(ctx context.Context) bool {
	idle, err := j.idle(ctx)
	return idle && err == nil
}

func (j *Journal) idle(ctx context.Context) (bool, error) {
	now, one := millis(j.Now()), 0
	err := j.db.QueryRowContext(ctx, `SELECT 1 FROM sends`+whereDue, now, now, now, 1).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
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
	return s, t.change(s, change)
}

// change is UpdateSend for an entry that was read in this transaction.
func (t *Tx) change(s *Send, change func(*Send) bool) error {
	was := *s
	if !change(s) {
		return nil
	}
	if s.Message.State != was.Message.State {
		s.Message.History = append(s.Message.History, bot.StateAt{State: s.Message.State, At: bot.At(t.now)})
		if more := len(s.Message.History) - maxHistory; more > 0 {
			s.Message.History = append(s.Message.History[:1], s.Message.History[1+more:]...)
		}
	}
	body, err := json.Marshal(s.Message)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	return t.writeSend(&was, s, body)
}

// writeSend writes a changed entry. SQLite rewrites the index of each column that a statement names, so the usual
// changes name few.
func (t *Tx) writeSend(was, s *Send, body []byte) error {
	var err error
	switch id := s.Message.ID; {
	case s.Message.Chat.ID != was.Message.Chat.ID || s.Target != was.Target:
		_, err = t.tx.ExecContext(t.ctx, `UPDATE sends SET target = ?, chat = ?, state = ?, pending = ?, due = ?, ends = ?, attempts = ?, body = ? WHERE id = ?`,
			s.Target, s.Message.Chat.ID, string(s.Message.State), s.Pending, millis(s.Due), millis(s.Ends), s.Attempts, string(body), id)
	case s.Pending != was.Pending || !s.Due.Equal(was.Due) && s.Pending || !s.Ends.Equal(was.Ends):
		_, err = t.tx.ExecContext(t.ctx, `UPDATE sends SET state = ?, pending = ?, due = ?, ends = ?, attempts = ?, body = ? WHERE n = ?`,
			string(s.Message.State), s.Pending, millis(s.Due), millis(s.Ends), s.Attempts, string(body), s.N)
	default:
		_, err = t.tx.ExecContext(t.ctx, `UPDATE sends SET state = ?, attempts = ?, body = ? WHERE n = ?`, string(s.Message.State), s.Attempts, string(body), s.N)
	}
	if err != nil || !s.Listed {
		return err
	}
	if s.Message.Chat.ID != was.Message.Chat.ID {
		_, err = t.tx.ExecContext(t.ctx, `UPDATE messages SET chat = ?, body = ? WHERE id = ? AND chat = ? AND sender = ?`,
			s.Message.Chat.ID, body, s.Message.ID, was.Message.Chat.ID, s.Message.From.ID)
		return err
	}
	_, err = t.tx.ExecContext(t.ctx, `UPDATE messages SET body = ? WHERE id = ? AND chat = ? AND sender = ?`, body, s.Message.ID, s.Message.Chat.ID, s.Message.From.ID)
	return err
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
