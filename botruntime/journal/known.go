package journal

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// chatFresh is how old the time may be at which a chat was last used.
const chatFresh = 24 * time.Hour

// Serve says which account the bot serves. What is known of chats holds for one account: another one has written to
// nobody, has begun no chat today, and has handed out no privacy token.
func (j *Journal) Serve(ctx context.Context, account string) error {
	var served string
	err := j.db.QueryRowContext(ctx, `SELECT account FROM served`).Scan(&served)
	switch {
	case errors.Is(err, sql.ErrNoRows): // the first account, or a journal that an earlier bot made
	case err != nil || served == account:
		return err
	}
	return j.Commit(ctx, func(t *Tx) error {
		forget := `DELETE FROM served;`
		if served != "" {
			forget += ` DELETE FROM chats; DELETE FROM budget;`
		}
		if _, err := t.tx.ExecContext(t.ctx, forget); err != nil {
			return err
		}
		_, err := t.tx.ExecContext(t.ctx, `INSERT INTO served (account) VALUES (?)`, account)
		return err
	})
}

// KnowChat remembers that messages were sent or received in a chat, longer than the messages are kept. It reports
// whether the chat was known before, under one of the forms of its address.
func (t *Tx) KnowChat(forms ...string) (known bool, err error) {
	args := toAny(forms)
	var there int
	var oldest sql.NullInt64
	err = t.tx.QueryRowContext(t.ctx, `SELECT count(*), min(at) FROM chats WHERE chat IN (?`+strings.Repeat(", ?", len(forms)-1)+`)`, args...).Scan(&there, &oldest)
	if err != nil || there == len(forms) && oldest.Int64 > millis(t.now.Add(-chatFresh)) {
		return there > 0, err
	}
	for _, form := range forms {
		if _, err := t.tx.ExecContext(t.ctx, `INSERT INTO chats (chat, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at`,
			form, millis(t.now)); err != nil {
			return false, err
		}
	}
	return there > 0, nil
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

// BeginChat counts a chat that the bot began on a day.
func (t *Tx) BeginChat(day string) error {
	_, err := t.tx.ExecContext(t.ctx, `INSERT INTO budget (day, fresh) VALUES (?, 1) ON CONFLICT DO UPDATE SET fresh = fresh + 1`, day)
	return err
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
