package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"sesi.dev/sesi/api/bot"
)

// schema holds, in one file: the cursor, what was booked, and the answers that are not yet with the bot. One
// transaction changes all three, so a kill at any moment books nothing twice and loses no answer.
const schema = `
CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), cursor INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS handled (event TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
	n INTEGER PRIMARY KEY AUTOINCREMENT, chat TEXT NOT NULL, amount INTEGER NOT NULL, what TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS entries_chat ON entries (chat, at);
CREATE TABLE IF NOT EXISTS answers (
	n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, chat TEXT NOT NULL, text TEXT NOT NULL, picture BLOB);
`

// handledTime is how long an event is known; the bot repeats none that is older.
const handledTime = 60 * 24 * time.Hour

// book is the program's memory.
type book struct {
	db    *sql.DB
	words words
	// zone is where a month begins.
	zone *time.Location
}

// reply is an answer that the bot does not have yet.
type reply struct {
	n int64
	// key names the answer: the bot sends one message for it, however often it is asked.
	key, chat, text string
	// picture is a PNG that goes with the text; nil for text alone. It is kept and not drawn again, because the key
	// stands for these very bytes.
	picture []byte
}

func openBook(ctx context.Context, path string, w words, zone *time.Location) (*book, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // others on the machine have no business with it
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	settings := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := prepare(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return &book{db, w, zone}, nil
}

// prepare makes the tables, and adds what a file of an earlier version has not.
func prepare(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	var found bool
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info('answers') WHERE name = 'picture'`).Scan(&found)
	if err == nil && !found {
		_, err = db.ExecContext(ctx, `ALTER TABLE answers ADD COLUMN picture BLOB`)
	}
	return err
}

// cursor is the last event that was handled; found is false at the very first start.
func (b *book) cursor(ctx context.Context) (seq uint64, found bool, err error) {
	err = b.db.QueryRowContext(ctx, `SELECT cursor FROM place`).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return seq, err == nil, err
}

// handle does what an event asks for, writes the answer down, and moves the cursor, all or nothing. An event that was
// handled before changes nothing.
func (b *book) handle(ctx context.Context, e bot.Event) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // it does nothing after the commit
	if err := b.write(ctx, tx, e); err != nil {
		return err
	}
	return tx.Commit()
}

func (b *book) write(ctx context.Context, tx *sql.Tx, e bot.Event) error {
	now := e.Timestamp.Time
	done, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO handled (event, at) VALUES (?, ?)`, e.ID, now.UnixMilli())
	if err != nil {
		return err
	}
	fresh, err := done.RowsAffected()
	if err != nil {
		return err
	}
	if fresh > 0 {
		if err := b.act(ctx, tx, e, now); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM handled WHERE at < ?`, now.Add(-handledTime).UnixMilli()); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO place (one, cursor) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET cursor = excluded.cursor`, int64(e.Seq))
	return err
}

// act books what a person wrote, as a text or below a photo, and writes the answer down. Groups and other kinds of
// messages are not for it.
func (b *book) act(ctx context.Context, tx *sql.Tx, e bot.Event, now time.Time) error {
	m := e.Data.Message
	if e.Type != bot.EventMessage || m == nil || m.FromMe || (m.Kind != bot.KindText && m.Kind != bot.KindImage) || m.Chat.Kind != bot.PartyPerson {
		return nil
	}
	chat := m.Chat.ID
	asked, booked := parse(m.Text)
	text, err := b.answer(ctx, tx, chat, asked, booked, now)
	if err != nil || text == "" {
		return err
	}
	var picture []byte
	if asked == wantChart {
		if picture, err = b.chart(ctx, tx, chat, now); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO answers (key, chat, text, picture) VALUES (?, ?, ?, ?)`, "finance-"+e.ID, chat, text, picture)
	return err
}

func (b *book) answer(ctx context.Context, tx *sql.Tx, chat string, asked want, booked booking, now time.Time) (string, error) {
	switch asked {
	case wantBooking:
		if _, err := tx.ExecContext(ctx, `INSERT INTO entries (chat, amount, what, at) VALUES (?, ?, ?, ?)`,
			chat, booked.amount, booked.what, now.UnixMilli()); err != nil {
			return "", err
		}
		balance, err := sum(ctx, tx, chat)
		return b.words.onBooking(booked, balance), err
	case wantBalance:
		balance, err := sum(ctx, tx, chat)
		return fmt.Sprintf(b.words.balance, rupiah(balance)), err
	case wantReport, wantChart: // the chart's caption is the report
		return b.report(ctx, tx, chat, now)
	case wantUndo:
		var n int64
		err := tx.QueryRowContext(ctx, `SELECT n, amount, what FROM entries WHERE chat = ? ORDER BY n DESC LIMIT 1`, chat).Scan(&n, &booked.amount, &booked.what)
		if errors.Is(err, sql.ErrNoRows) {
			return b.words.nothing, nil
		}
		if err != nil {
			return "", err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM entries WHERE n = ?`, n); err != nil {
			return "", err
		}
		balance, err := sum(ctx, tx, chat)
		return b.words.onUndo(booked, balance), err
	case wantHelp:
		return b.words.help, nil
	}
	return "", nil
}

func sum(ctx context.Context, tx *sql.Tx, chat string) (balance int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT coalesce(sum(amount), 0) FROM entries WHERE chat = ?`, chat).Scan(&balance)
	return balance, err
}

// month is the first day of the month of now, and its first millisecond and that of the next month.
func (b *book) month(now time.Time) (first time.Time, from, to int64) {
	local := now.In(b.zone)
	first = time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, b.zone)
	return first, first.UnixMilli(), first.AddDate(0, 1, 0).UnixMilli()
}

// report tells the month of now.
func (b *book) report(ctx context.Context, tx *sql.Tx, chat string, now time.Time) (text string, err error) {
	month, from, to := b.month(now)
	var in, out int64
	err = tx.QueryRowContext(ctx, `SELECT coalesce(sum(max(amount, 0)), 0), coalesce(sum(min(amount, 0)), 0) FROM entries
		WHERE chat = ? AND at >= ? AND at < ?`, chat, from, to).Scan(&in, &out)
	if err != nil {
		return "", err
	}
	rows, err := tx.QueryContext(ctx, `SELECT what, sum(amount) FROM entries WHERE chat = ? AND at >= ? AND at < ? AND amount < 0
		GROUP BY what ORDER BY sum(amount), what LIMIT ?`, chat, from, to, largestLines)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var spent []booking
	for rows.Next() {
		var one booking
		if err := rows.Scan(&one.what, &one.amount); err != nil {
			return "", err
		}
		spent = append(spent, one)
	}
	return b.words.onReport(month, in, out, spent), rows.Err()
}

// chart draws the month of now; nil where nothing was booked.
func (b *book) chart(ctx context.Context, tx *sql.Tx, chat string, now time.Time) (picture []byte, err error) {
	month, from, to := b.month(now)
	rows, err := tx.QueryContext(ctx, `SELECT amount, at FROM entries WHERE chat = ? AND at >= ? AND at < ?`, chat, from, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var weeks []week
	for day, last := 1, month.AddDate(0, 1, -1).Day(); day <= last; day += 7 {
		weeks = append(weeks, week{from: day, to: min(day+6, last)})
	}
	booked := false
	for rows.Next() {
		var amount, at int64
		if err := rows.Scan(&amount, &at); err != nil {
			return nil, err
		}
		one := &weeks[(time.UnixMilli(at).In(b.zone).Day()-1)/7]
		one.in += max(amount, 0)
		one.out += max(-amount, 0)
		booked = true
	}
	if err := rows.Err(); err != nil || !booked {
		return nil, err
	}
	return drawMonth(b.words, b.words.monthName(month), weeks)
}

// next is the oldest answer that the bot does not have yet; nil when there is none.
func (b *book) next(ctx context.Context) (*reply, error) {
	var r reply
	err := b.db.QueryRowContext(ctx, `SELECT n, key, chat, text, picture FROM answers ORDER BY n LIMIT 1`).Scan(&r.n, &r.key, &r.chat, &r.text, &r.picture)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // there is none
	}
	return &r, err
}

// done forgets an answer that the bot has.
func (b *book) done(ctx context.Context, r *reply) error {
	_, err := b.db.ExecContext(ctx, `DELETE FROM answers WHERE n = ?`, r.n)
	return err
}
