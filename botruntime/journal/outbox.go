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
CREATE TABLE IF NOT EXISTS served (account TEXT NOT NULL);
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
	// Handle is how a message to a channel names its file, once WhatsApp has it.
	Handle string
	// Unreadable is true where the content of Message cannot be read. Message has then what the other columns tell. Once
	// such an entry is no longer pending, its content is set aside.
	Unreadable bool

	body []byte // of an unreadable entry
}

// The errors of AddSend.
var (
	// ErrKeyReused says that an Idempotency-Key came with another request before.
	ErrKeyReused = errors.New("this Idempotency-Key was used for another request")
	// ErrIDUsed says that another message has the id.
	ErrIDUsed = errors.New("another message has this id")
	// ErrOutboxFull says that MaxPending messages wait.
	ErrOutboxFull = errors.New("the outbox is full")
)

// AddSend puts a message into the outbox. When its key is there already, the earlier entry comes back, and fresh is
// false.
func (j *Journal) AddSend(ctx context.Context, s Send) (got Send, fresh bool, err error) {
	var refused error
	err = j.CommitTogether(ctx, func(t *Tx) error {
		refused, fresh = nil, false
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
		if t.allPending() >= MaxPending {
			refused = ErrOutboxFull
			return nil
		}
		if used, err := t.j.scanSend(t.tx.QueryRowContext(t.ctx, selectSend+` WHERE id = ?`, s.Message.ID)); used != nil || err != nil {
			refused = ErrIDUsed
			return err
		}
		if lid := s.Message.Chat.LID; lid != "" && lid != s.Message.Chat.ID { // what waits under the other address goes first
			if err := t.Readdress(lid, "", s.Message.Chat); err != nil {
				return err
			}
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
	t.notePending(false, s.Pending)
	if s.N, err = done.LastInsertId(); err != nil || !s.Listed {
		return err
	}
	return t.PutMessage(s.Message, s.Raw)
}

// notePending counts an entry that became pending, or no longer is.
func (t *Tx) notePending(was, is bool) {
	if is && !was {
		t.pending++
	}
	if was && !is {
		t.pending--
	}
}

// allPending is how many entries are pending.
func (t *Tx) allPending() int {
	t.j.mu.Lock()
	defer t.j.mu.Unlock()
	return t.j.pending + t.pending
}

const selectSend = `SELECT n, id, chat, at, state, idem, sum, account, target, pending, due, ends, attempts, listed, body, raw, file, handle FROM sends`

func (j *Journal) scanSend(row interface{ Scan(...any) error }) (*Send, error) {
	var s Send
	var key sql.NullString
	var due, ends int64
	var body []byte
	var of columns
	var state bot.MessageState
	err := row.Scan(&s.N, &of.id, &of.chat, &of.atMillis, &state, &key, &s.Sum, &s.Account, &s.Target, &s.Pending, &due, &ends, &s.Attempts, &s.Listed,
		&body, &s.Raw, &s.File, &s.Handle)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // no such send is no error
	}
	if err != nil {
		return nil, err
	}
	s.Key, s.Due, s.Ends = key.String, moment(due), moment(ends)
	of.sender = s.Account
	if s.Message, err = of.decodeSend(body, state); err != nil {
		j.noteUnreadable("sends", of.id, err)
		s.Unreadable, s.body = true, body
	}
	return &s, nil
}

func (t *Tx) sendByKey(key string) (*Send, error) {
	if key == "" {
		return nil, nil //nolint:nilnil // no such send is no error
	}
	return t.j.scanSend(t.tx.QueryRowContext(t.ctx, selectSend+` WHERE idem = ?`, key))
}

// Send returns the entry of the outbox with that message id, nil when there is none.
func (j *Journal) Send(ctx context.Context, id string) (*Send, error) {
	return j.scanSend(j.db.QueryRowContext(ctx, selectSend+` WHERE id = ?`, id))
}

// SendByKey returns the entry that an Idempotency-Key made, nil when there is none. The error is ErrKeyReused when sum
// is not that of the request that made it.
func (j *Journal) SendByKey(ctx context.Context, key string, sum []byte) (*Send, error) {
	s, err := j.scanSend(j.db.QueryRowContext(ctx, selectSend+` WHERE idem = ?`, key))
	if err == nil && s != nil && !bytes.Equal(s.Sum, sum) {
		return nil, ErrKeyReused
	}
	return s, err
}
