package journal

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sesi.dev/sesi/api/bot"
)

// whereDue finds the entries that are due, but for those that wait for an earlier one of their chat.
const whereDue = ` s WHERE pending AND due <= ? AND file = '' AND NOT EXISTS (
	SELECT 1 FROM sends e WHERE e.pending AND e.chat = s.chat AND e.n < s.n AND (
		e.due > ? AND (e.attempts > 0 OR e.state = 'held') OR e.due <= ? AND e.file <> ''))
	ORDER BY n LIMIT ?`

// TakeDue marks up to limit entries as being sent, and returns them in the order of the outbox. An entry waits while an
// earlier one of its chat does, unless that one was never tried and has its own time. One with a file waits until
// WhatsApp has the file. An entry whose content the journal can no longer take comes back as it is, and not marked.
func (j *Journal) TakeDue(ctx context.Context, limit int) (taken []Send, err error) {
	if idle, err := j.idle(ctx); idle || err != nil {
		return nil, err
	}
	taken, err = j.takeDue(ctx, limit, (*Tx).markSending)
	if !AboutContent(err) {
		return taken, err
	}
	return j.takeDue(ctx, limit, func(t *Tx, s *Send) error {
		was := *s
		err := t.part(func(t *Tx) error { return t.markSending(s) })
		if AboutContent(err) {
			*s, err = was, nil
		}
		return err
	})
}

func (j *Journal) takeDue(ctx context.Context, limit int, mark func(*Tx, *Send) error) (taken []Send, err error) {
	err = j.Commit(ctx, func(t *Tx) error {
		taken, err = t.due(limit)
		for i := 0; i < len(taken) && err == nil; i++ {
			err = mark(t, &taken[i])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

func (t *Tx) markSending(s *Send) error {
	if s.Unreadable {
		return nil // it is not sent
	}
	return t.change(s, func(s *Send) bool {
		s.Message.State, s.Message.Hold = bot.MessageSending, nil
		return true
	})
}

func (t *Tx) due(limit int) (due []Send, err error) {
	rows, err := t.tx.QueryContext(t.ctx, selectSend+whereDue, millis(t.now), millis(t.now), millis(t.now), limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		s, err := t.j.scanSend(rows)
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

// ReleaseHeld makes messages due that are held for one of these reasons, and those whose reason cannot be read.
func (t *Tx) ReleaseHeld(reasons ...bot.HoldReason) error {
	for _, reason := range reasons {
		if _, err := t.tx.ExecContext(t.ctx, `UPDATE sends SET due = ?1 WHERE pending AND state = 'held' AND coalesce(`+extract("$.hold.reason")+`, ?2) = ?2`,
			millis(t.now), string(reason)); err != nil {
			return err
		}
	}
	return nil
}
