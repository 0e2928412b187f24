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
	// waitTime is how long an event stays for a webhook that has not taken it; it is longer than any patience.
	waitTime = 8 * 24 * time.Hour
	// deadTime and deadLimit bound the list of dead letters of one webhook.
	deadTime  = 30 * 24 * time.Hour
	deadLimit = 10_000
)

// webhookSchema holds the progress of each webhook. first is the oldest event that a webhook has not taken.
const webhookSchema = `
CREATE TABLE IF NOT EXISTS webhooks (
	name TEXT PRIMARY KEY, first INTEGER NOT NULL, stopped INTEGER NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead_letters (
	n INTEGER PRIMARY KEY AUTOINCREMENT, webhook TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS dead_letters_webhook ON dead_letters (webhook, n);
`

// unmet is the row of the webhooks that a new journal has not met yet: they begin with its first event, which stays for
// them. KeepWebhooks removes it, because no webhook has an empty name.
const unmet = `INSERT INTO webhooks (name, first, stopped, state) VALUES ('', 1, 0, '{}');`

// Webhook is the progress of one webhook.
type Webhook struct {
	// Cursor is the last event that was delivered, is a dead letter, or waits in a line.
	Cursor uint64 `json:"cursor"`
	// Lines are chats whose events wait because one of them was refused.
	Lines []Line `json:"lines,omitempty"`
	// Failures counts attempts in a row that the receiver did not answer, Since is when they began, Retry is when the
	// next one is due.
	Failures int       `json:"failures,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Retry    time.Time `json:"retry,omitzero"`
	// Paused is set by a person, Ended by the receiver (410 Gone).
	Paused bool `json:"paused,omitempty"`
	Ended  bool `json:"ended,omitempty"`
	// Target tells whether the address is still the one that ended.
	Target string `json:"target,omitempty"`
	// Error is the last failure, for people; ErrorAt and TakenAt are the last failure and success.
	Error   string    `json:"error,omitempty"`
	ErrorAt time.Time `json:"errorAt,omitzero"`
	TakenAt time.Time `json:"takenAt,omitzero"`
}

// Line is a chat whose events wait.
type Line struct {
	// Chat is empty where all chats are one line, and NoChat for events that belong to no chat.
	Chat string `json:"chat"`
	// Next is the event that was refused; the chat's later ones follow it.
	Next     uint64    `json:"next"`
	Failures int       `json:"failures"`
	Since    time.Time `json:"since"`
	Retry    time.Time `json:"retry"`
}

// First is the oldest event that was not taken.
func (w Webhook) First() uint64 {
	first := w.Cursor + 1
	for _, line := range w.Lines {
		first = min(first, line.Next)
	}
	return first
}

// Webhook reads the progress of a webhook. found is false for one that was never written: w is then where it begins, with
// the first event until KeepWebhooks is called for the first time, and with what comes from now on after that. One whose
// progress cannot be read begins with the oldest event that it had not taken.
func (j *Journal) Webhook(ctx context.Context, name string) (w Webhook, found bool, err error) {
	var of string
	var first uint64
	var stopped bool
	var state []byte
	err = j.db.QueryRowContext(ctx, `SELECT name, first, stopped, state FROM webhooks WHERE name IN (?, '') ORDER BY name DESC LIMIT 1`, name).
		Scan(&of, &first, &stopped, &state)
	if errors.Is(err, sql.ErrNoRows) {
		_, last := j.Range()
		return Webhook{Cursor: last}, false, nil
	}
	if err != nil {
		return Webhook{}, false, err
	}
	if err := json.Unmarshal(state, &w); err != nil {
		j.noteUnreadable("webhooks", name, err)
		w = Webhook{Cursor: max(first, 1) - 1, Ended: stopped, Paused: bytes.Contains(state, pausedMark)}
	}
	return w, of == name, nil
}

// pausedMark is how the JSON of a paused webhook says so. A text that holds it has it with escaped quotes.
var pausedMark = []byte(`"paused":true`)

// SaveWebhook writes the progress of a webhook, together with its new dead letters.
func (j *Journal) SaveWebhook(ctx context.Context, name string, w Webhook, dead []bot.DeadLetter) error {
	return j.Commit(ctx, func(t *Tx) error { return t.saveWebhook(name, w, dead) })
}

func (t *Tx) saveWebhook(name string, w Webhook, dead []bot.DeadLetter) error {
	for _, letter := range dead {
		body, err := json.Marshal(letter)
		if err != nil {
			return fmt.Errorf("encode a dead letter: %w", err)
		}
		if _, err := t.tx.ExecContext(t.ctx, `INSERT INTO dead_letters (webhook, seq, at, body) VALUES (?, ?, ?, ?)`,
			name, letter.Seq, millis(t.now), body); err != nil {
			return err
		}
	}
	state, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("encode the progress of a webhook: %w", err)
	}
	_, err = t.tx.ExecContext(t.ctx, `INSERT INTO webhooks (name, first, stopped, state) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET first = excluded.first, stopped = excluded.stopped, state = excluded.state`,
		name, w.First(), w.Ended, state)
	return err
}

// RewindWebhook is SaveWebhook for a webhook that begins again. It forgets the dead letters that it will deliver again.
func (j *Journal) RewindWebhook(ctx context.Context, name string, w Webhook, dead []bot.DeadLetter) error {
	return j.Commit(ctx, func(t *Tx) error {
		if err := t.saveWebhook(name, w, dead); err != nil {
			return err
		}
		_, err := t.remove(`DELETE FROM dead_letters WHERE webhook = ? AND seq > ?`, name, w.Cursor)
		return err
	})
}

// KeepWebhooks forgets every webhook that is not one of names, so that no event waits for it.
func (j *Journal) KeepWebhooks(ctx context.Context, names []string) error {
	kept, err := json.Marshal(names)
	if err != nil {
		return fmt.Errorf("encode names: %w", err)
	}
	var gone int
	err = j.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM webhooks WHERE name NOT IN (SELECT value FROM json_each(?1))) +
		(SELECT count(*) FROM dead_letters WHERE webhook NOT IN (SELECT value FROM json_each(?1)))`, string(kept)).Scan(&gone)
	if err != nil || gone == 0 {
		return err
	}
	return j.Commit(ctx, func(t *Tx) error {
		if _, err := t.remove(`DELETE FROM webhooks WHERE name NOT IN (SELECT value FROM json_each(?))`, string(kept)); err != nil {
			return err
		}
		_, err := t.remove(`DELETE FROM dead_letters WHERE webhook NOT IN (SELECT value FROM json_each(?))`, string(kept))
		return err
	})
}

// DeadLetters lists a webhook's dead letters, newest first, before the place n (0: from the end). next is the place to go
// on before, 0 when there are no more: an answer has up to limit of them, and about as many bytes as one answer may have.
func (j *Journal) DeadLetters(ctx context.Context, name string, before uint64, limit int) (letters []bot.DeadLetter, next uint64, err error) {
	rows, err := j.db.QueryContext(ctx, `SELECT n, seq, at, body FROM dead_letters WHERE webhook = ? AND (n < ? OR ? = 0) ORDER BY n DESC LIMIT ?`,
		name, before, before, limit)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for size := 0; rows.Next(); {
		if size > mostBytes {
			return letters, next, nil
		}
		var body []byte
		var letter bot.DeadLetter
		var seq uint64
		var at int64
		if err := rows.Scan(&next, &seq, &at, &body); err != nil {
			return nil, 0, err
		}
		if err := json.Unmarshal(body, &letter); err != nil {
			j.noteUnreadable("dead_letters", next, err)
			letter = bot.DeadLetter{Seq: seq, Events: 1, Error: "the journal cannot read this dead letter", DeadAt: bot.At(moment(at))}
		}
		letters, size = append(letters, letter), size+len(body)
	}
	if len(letters) < limit {
		next = 0
	}
	return letters, next, rows.Err()
}

// Backlog counts the events that a webhook has yet to look at or to deliver, says since when the oldest waits, and
// counts its dead letters.
func (j *Journal) Backlog(ctx context.Context, name string, w Webhook) (events uint64, since time.Time, dead uint64, err error) {
	var oldest int64
	err = j.db.QueryRowContext(ctx, `SELECT count(*), coalesce(min(at), 0), (SELECT count(*) FROM dead_letters WHERE webhook = ?)
		FROM events WHERE seq > ?`, name, w.Cursor).Scan(&events, &oldest, &dead)
	if err != nil {
		return 0, time.Time{}, 0, err
	}
	for _, line := range w.Lines {
		var waiting uint64
		var at int64
		err := j.db.QueryRowContext(ctx, `SELECT count(*), coalesce(min(at), 0) FROM events
			WHERE seq >= ? AND seq <= ? AND (chat = ? OR ? = '')`, line.Next, w.Cursor, chatNamed(line.Chat), line.Chat).Scan(&waiting, &at)
		if err != nil {
			return 0, time.Time{}, 0, err
		}
		events += waiting
		if at > 0 && (oldest == 0 || at < oldest) {
			oldest = at
		}
	}
	return events, moment(oldest), dead, nil
}

// expireWebhooks removes dead letters that are too old or too many.
func (t *Tx) expireWebhooks() error {
	if _, err := t.remove(`DELETE FROM dead_letters WHERE at < ?`, millis(t.now.Add(-deadTime))); err != nil {
		return err
	}
	_, err := t.remove(`DELETE FROM dead_letters AS d WHERE n <= (
		SELECT n FROM dead_letters WHERE webhook = d.webhook ORDER BY n DESC LIMIT 1 OFFSET ?)`, deadLimit)
	return err
}

// awaited is the oldest event that a webhook has not taken; every event when there is none.
func (t *Tx) awaited() (first int64, err error) {
	err = t.tx.QueryRowContext(t.ctx, `SELECT coalesce(min(first), 9223372036854775807) FROM webhooks WHERE stopped = 0`).Scan(&first)
	return first, err
}
