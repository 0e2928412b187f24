package journal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Key names one thing that happened. The same thing that comes again has the same key.
type Key [16]byte

// KeyOf makes a key of its parts.
func KeyOf(parts ...string) Key {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return Key(sum[:16])
}

// ID is the event's id that belongs to a key.
func (k Key) ID() string {
	return "evt_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(k[:]))
}

// Event is a row of the journal; Data is the JSON of bot.EventData.
type Event struct {
	Seq  uint64
	ID   string
	Type bot.EventType
	Chat string
	At   time.Time
	Data []byte
	// Unreadable is true where the data cannot be read; Data is nil then.
	Unreadable bool
}

// wire is bot.Event with data that is JSON already.
type wire struct {
	Seq       uint64          `json:"seq"`
	ID        string          `json:"id"`
	Type      bot.EventType   `json:"type"`
	Timestamp bot.Time        `json:"timestamp"`
	Session   string          `json:"session"`
	Chat      string          `json:"chat"`
	Data      json.RawMessage `json:"data"`
}

// JSON writes the event as bot.Event reads it.
func (e Event) JSON(session string) []byte {
	data := e.Data
	if data == nil {
		data = []byte("{}")
	}
	body, err := json.Marshal(wire{e.Seq, e.ID, e.Type, bot.At(e.At), session, e.Chat, data})
	if err != nil {
		return nil // the data was marshalled before it was written
	}
	return body
}

// Seen reports whether one of the keys was written before.
func (t *Tx) Seen(keys ...Key) (bool, error) {
	for _, key := range keys {
		var one int
		err := t.tx.QueryRowContext(t.ctx, `SELECT 1 FROM seen WHERE key = ?`, key[:]).Scan(&one)
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return false, err
		}
	}
	return false, nil
}

// Append writes an event unless one of its keys was written before; the keys are several forms of the same name.
// fresh is false for a repeat.
func (t *Tx) Append(keys []Key, kind bot.EventType, chat string, data bot.EventData) (fresh bool, err error) {
	fresh, err = t.remember(keys)
	if err != nil {
		return false, err
	}
	if !fresh {
		t.repeats++
		return false, nil
	}
	return true, t.insertEvent(keys[0], kind, chat, data)
}

// remember writes keys, and reports whether none of them was there before.
func (t *Tx) remember(keys []Key) (fresh bool, err error) {
	args := make([]any, 0, 2*len(keys))
	different := map[Key]bool{}
	for i := range keys {
		if !different[keys[i]] {
			different[keys[i]] = true
			args = append(args, keys[i][:], millis(t.now))
		}
	}
	done, err := t.tx.ExecContext(t.ctx, `INSERT OR IGNORE INTO seen (key, at) VALUES (?, ?)`+strings.Repeat(", (?, ?)", len(different)-1), args...)
	if err != nil {
		return false, err
	}
	written, err := done.RowsAffected()
	return written == int64(len(different)), err
}

// AppendNew writes an event of which there can be no repeat, because it says that something changed in this transaction.
func (t *Tx) AppendNew(key Key, kind bot.EventType, chat string, data bot.EventData) error {
	return t.insertEvent(key, kind, chat, data)
}

// AppendFresh writes an event of which there is no repeat: nothing is remembered of it but the event.
func (t *Tx) AppendFresh(kind bot.EventType, chat string, data bot.EventData) error {
	return t.insertEvent(KeyOf(string(kind), chat, rand.Text()), kind, chat, data)
}

// encodeData is json.Marshal, but of the one member alone that data has: the encoder of all that an event can hold takes
// 90 kB of memory.
func encodeData(data bot.EventData) ([]byte, error) {
	value := reflect.ValueOf(data)
	member := map[string]any{}
	for i := range value.NumField() {
		if field := value.Field(i); !field.IsNil() {
			name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
			member[name] = field.Interface()
		}
	}
	return json.Marshal(member)
}

func (t *Tx) insertEvent(key Key, kind bot.EventType, chat string, data bot.EventData) error {
	body, err := encodeData(data)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	if len(body) > bot.MaxEvent-maxWire {
		return errTooLong
	}
	done, err := t.tx.ExecContext(t.ctx, `INSERT INTO events (id, type, chat, at, data) VALUES (?, ?, ?, ?, ?)`,
		key.ID(), string(kind), chat, millis(t.now), body)
	if err != nil {
		return err
	}
	seq, err := done.LastInsertId()
	if err != nil {
		return err
	}
	t.last = uint64(seq)
	t.events++
	return nil
}

// Query says which events to read.
type Query struct {
	// After is the cursor: only events with a higher number are read.
	After uint64
	// To is the highest number to read; 0 means all.
	To    uint64
	Types []bot.EventType
	// Chats are the forms of the address of the chat whose events are read: NoChat for those of no chat, none for all.
	Chats []string
	Limit int
}

// NoChat stands for the events that belong to no chat.
const NoChat = "-"

// chatNamed is the chat of events in the journal that a name stands for.
func chatNamed(name string) string {
	if name == NoChat {
		return ""
	}
	return name
}

// GoneError says that events behind the cursor were removed.
type GoneError struct {
	// Oldest is the cursor from which everything that is left can be read.
	Oldest uint64
}

// Error implements error.
func (e *GoneError) Error() string {
	return fmt.Sprintf("events behind this cursor are gone; read on from %d", e.Oldest)
}

// maxWire bounds what a reader gets of an event beside its data.
const maxWire = 4 << 10

// Events reads events in order, and the cursor to read on from. A cursor older than what is left is a *GoneError.
func (j *Journal) Events(ctx context.Context, q Query) (events []Event, next uint64, err error) {
	// Nothing is removed between what is left and what is read, because the journal's only connection is taken.
	conn, err := j.db.Conn(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	floor, last := j.Range()
	if q.After < floor {
		// The transaction that removed events may be undone, and may not know it yet. The file has what is left.
		var oldest uint64
		if err := conn.QueryRowContext(ctx, selectRange).Scan(&oldest, &last); err != nil {
			return nil, 0, err
		}
		if floor = min(floor, oldest-1); q.After < floor {
			return nil, 0, &GoneError{floor}
		}
	}
	if q.To > 0 {
		last = min(last, q.To)
	}
	query, args := q.statement(last)
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, 0, err
	}
	events, whole, err := j.scanEvents(rows, q.Limit)
	if err != nil {
		return nil, 0, err
	}
	if !whole {
		return events, events[len(events)-1].Seq, nil
	}
	return events, max(last, q.After), nil
}

// statement selects the events of a query up to the event last.
func (q Query) statement(last uint64) (statement string, args []any) {
	one, of := `SELECT seq, id, type, chat, at, data FROM events WHERE seq > ? AND seq <= ?`, []any{q.After, last}
	if len(q.Types) > 0 {
		one += " AND type IN (?" + strings.Repeat(", ?", len(q.Types)-1) + ")"
		for _, kind := range q.Types {
			of = append(of, string(kind))
		}
	}
	statement, args = one, of
	for i, chat := range q.Chats { // each by the index, in order, so that no more is read than is shown
		if i > 0 {
			statement, args = statement+` UNION ALL `+one, append(args, of...)
		}
		statement, args = statement+` AND chat = ?`, append(args, chatNamed(chat))
	}
	return statement + ` ORDER BY seq LIMIT ?`, append(args, q.Limit)
}

// scanEvents reads events until there are limit of them, or about mostBytes. whole is true when there are no more.
func (j *Journal) scanEvents(rows *sql.Rows, limit int) (events []Event, whole bool, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for size := 0; rows.Next(); {
		if size > mostBytes {
			return events, false, nil
		}
		var e Event
		var at int64
		if err := rows.Scan(&e.Seq, &e.ID, &e.Type, &e.Chat, &at, &e.Data); err != nil {
			return nil, false, err
		}
		e.At = moment(at)
		if e.Unreadable = len(e.Data) == 0 || e.Data[0] != '{' || !json.Valid(e.Data); e.Unreadable {
			e.Data = nil
			j.noteUnreadable("events", e.Seq, errNoObject)
		}
		events, size = append(events, e), size+len(e.Data)
	}
	return events, len(events) < limit, rows.Err()
}

// Range returns the cursor before the oldest event that is left, and the newest event.
func (j *Journal) Range() (floor, last uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.oldest - 1, j.last
}

// Session is the CLIENT_ID that events name.
func (j *Journal) Session() string { return j.options.Session }

// Now is the journal's clock.
func (j *Journal) Now() time.Time { return j.options.Now() }
