package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// seenTime is how long a repeat is recognised; WhatsApp keeps what was not acknowledged for a shorter time.
	seenTime = 45 * 24 * time.Hour
	// handOver is how long an event stays for readers that poll, also when nothing is to be kept.
	handOver = 10 * time.Minute
	// presenceTime is how long an event of presence stays, also where others stay longer.
	presenceTime = time.Hour
	// sweep bounds the rows that one transaction removes, so that a message never waits long for it.
	sweep = 500
)

// limits are what the journal keeps; see Options.
type limits struct {
	retention time.Duration
	maxBytes  int64
}

// Kept is how long a message stays at a retention.
func Kept(retention time.Duration) time.Duration { return max(retention, handOver) }

// SetLimits changes Retention and MaxBytes; the next Tidy goes by them.
func (j *Journal) SetLimits(retention time.Duration, maxBytes int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.limits = limits{retention, maxBytes}
}

func (j *Journal) keeps() limits {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.limits
}

// Tidy removes what is too old, or too much for the size limit. It works in small transactions. An error of it does no
// harm, because no acknowledgement waits for it.
func (j *Journal) Tidy(ctx context.Context) error {
	now := j.options.Now()
	for {
		more, err := j.expire(ctx, now)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	for {
		part, err := j.excess(ctx)
		if err != nil {
			return err
		}
		if part <= 0 {
			break
		}
		removed, err := j.evict(ctx, part)
		if err != nil {
			return err
		}
		if removed == 0 {
			break
		}
	}
	_, err := j.db.ExecContext(ctx, `PRAGMA incremental_vacuum`)
	return err
}

// expire removes one helping of what is too old, and reports whether there may be more. Rows are in the order of their
// time, so it looks at none behind the first that is young enough.
func (j *Journal) expire(ctx context.Context, now time.Time) (more bool, err error) {
	keep := now.Add(-Kept(j.keeps().retention))
	err = j.commitTrim(ctx, func(t *Tx) error {
		awaited, err := t.awaited()
		if err != nil {
			return err
		}
		events, err := t.trim(`DELETE FROM events WHERE seq IN (SELECT seq FROM events
			WHERE seq < coalesce((SELECT seq FROM events WHERE at >= ? ORDER BY seq LIMIT 1), 9223372036854775807) AND (seq < ? OR at < ?) ORDER BY seq LIMIT ?)`,
			millis(keep), awaited, millis(now.Add(-waitTime)), sweep)
		if err != nil {
			return err
		}
		presences, err := t.remove(`DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE type = 'presence' AND at < ? LIMIT ?)`,
			millis(now.Add(-presenceTime)), sweep)
		if err != nil {
			return err
		}
		if err := t.expireWebhooks(); err != nil {
			return err
		}
		seen, err := t.remove(`DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE at < ? LIMIT ?)`, millis(now.Add(-seenTime)), sweep)
		if err != nil {
			return err
		}
		messages, err := t.expireMessages(keep, awaited)
		if err != nil {
			return err
		}
		outbox, err := t.expireOutbox(keep)
		if err != nil {
			return err
		}
		names, err := t.expireNames(keep)
		if err != nil {
			return err
		}
		polls, err := t.expirePolls(millis(keep))
		if err != nil {
			return err
		}
		more = presences == sweep || polls || names || outbox || events == sweep || seen == sweep || messages == sweep
		t.After(func() {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.stats.Expired += uint64(events + presences)
		})
		return nil
	})
	return more && err == nil, err
}

func (t *Tx) remove(statement string, args ...any) (int64, error) {
	done, err := t.tx.ExecContext(t.ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
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
const emptySends = `UPDATE sends SET raw = NULL, aside = '', body = CASE WHEN json_valid(body) THEN json_remove(body, '$.text', '$.mentions', '$.replyTo', '$.linkPreview', '$.subject.text',
	'$.location', '$.contacts', '$.poll', '$.media', '$.status', '$.appointment') ELSE '' END`

// evictOutbox removes one helping of the oldest settled entries because the journal is too large. Those stay that are as
// young as the events that are left: with an entry goes the key by which a repeated request is known.
func (t *Tx) evictOutbox(part float64) (int64, error) {
	return t.remove(`DELETE FROM sends WHERE n IN (SELECT n FROM sends WHERE NOT pending
		AND at < coalesce((SELECT at FROM events ORDER BY seq LIMIT 1), 9223372036854775807) ORDER BY n LIMIT `+helping("sends")+`)`, sweep, part)
}

// eraseOutbox empties the messages that were sent to a chat. Those that wait are still sent.
func (t *Tx) eraseOutbox(chat string) error {
	_, err := t.tx.ExecContext(t.ctx, emptySends+` WHERE chat = ? AND NOT pending`, chat)
	return err
}

// expireMessages removes messages that came before keep. As its event, a message stays for a webhook that has not taken
// it: the receiver may ask for the message's file.
func (t *Tx) expireMessages(keep time.Time, awaited int64) (int64, error) {
	var since int64
	err := t.tx.QueryRowContext(t.ctx, `SELECT coalesce((SELECT at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1), 9223372036854775807)`, awaited).Scan(&since)
	if err != nil {
		return 0, err
	}
	return t.remove(`DELETE FROM messages WHERE n IN (SELECT n FROM messages
		WHERE n < coalesce((SELECT n FROM messages WHERE came >= ?1 ORDER BY n LIMIT 1), 9223372036854775807)
		AND max(at, came) < ?1 AND (came < ?2 OR came < ?3) ORDER BY n LIMIT ?4)`,
		millis(keep), since, millis(t.now.Add(-waitTime)), sweep)
}

// Size is how many bytes the journal's content takes.
func (j *Journal) Size(ctx context.Context) (int64, error) {
	var size int64
	err := j.db.QueryRowContext(ctx, `SELECT (c.page_count - f.freelist_count) * s.page_size FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s`).Scan(&size)
	return size, err
}

// excess is the part of the journal that is beyond its limit: 0 or less while it fits.
func (j *Journal) excess(ctx context.Context) (part float64, err error) {
	most := j.keeps().maxBytes
	if most <= 0 {
		return 0, nil
	}
	size, err := j.Size(ctx)
	return float64(size-most) / float64(max(size, 1)), err
}

// Full reports whether the journal is too large for its limit. It asks the disk only after something was written, or the
// limit changed, so that an idle bot does nothing.
func (j *Journal) Full(ctx context.Context) bool {
	now := fill{j.Stats().Events, j.keeps()}
	j.mu.Lock()
	same := j.looked == now
	j.looked = now
	j.mu.Unlock()
	if same {
		return false
	}
	over, err := j.excess(ctx)
	return err == nil && over > 0
}

// fill is what the journal's size depends on.
type fill struct {
	events uint64
	limits limits
}

// helping is how many rows of a table to remove at once: its part, and no more than a number of rows. So a journal of few
// large messages does not lose all of them.
func helping(table string) string {
	return `CAST(min(?, 1 + (SELECT count(*) FROM ` + table + `) * ?) AS INTEGER)`
}

// evict removes one helping of the oldest events and messages because that part of the journal is too much.
func (j *Journal) evict(ctx context.Context, part float64) (removed int64, err error) {
	var events int64
	err = j.commitTrim(ctx, func(t *Tx) error {
		if events, err = t.trim(`DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT `+helping("events")+`)`, sweep, part); err != nil {
			return err
		}
		messages, err := t.remove(`DELETE FROM messages WHERE n IN (SELECT n FROM messages ORDER BY n LIMIT `+helping("messages")+`)`, sweep, part)
		if err != nil {
			return err
		}
		sends, err := t.evictOutbox(part)
		removed = events + messages + sends
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("make room in the journal: %w", err)
	}
	j.mu.Lock()
	j.stats.Evicted += uint64(events)
	j.mu.Unlock()
	if events > 0 {
		j.options.Log.Warn("the journal is full: the oldest events went before their time", "events", events)
	}
	return removed, nil
}

// selectRange finds the oldest event that is left, or the next one where none is, and the newest one that ever was.
const selectRange = `SELECT coalesce((SELECT min(seq) FROM events), last + 1), last
	FROM (SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS last)`

// trim removes events that are too old or too many, and returns how many. Readers are told at once where what is left
// begins: the next one gets the journal's connection only after this transaction.
func (t *Tx) trim(statement string, args ...any) (removed int64, err error) {
	rows, err := t.tx.QueryContext(t.ctx, statement+` RETURNING seq`, args...)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var newest uint64
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return 0, err
		}
		newest = max(newest, seq)
		removed++
	}
	t.j.mu.Lock()
	defer t.j.mu.Unlock()
	t.j.oldest = max(t.j.oldest, newest+1)
	return removed, rows.Err()
}

// commitTrim is Commit for transactions that trim.
func (j *Journal) commitTrim(ctx context.Context, do func(*Tx) error) error {
	j.mu.Lock()
	was := j.oldest
	j.mu.Unlock()
	err := j.Commit(ctx, do)
	if err != nil {
		j.mu.Lock()
		j.oldest = was // nothing was removed
		j.mu.Unlock()
	}
	return err
}
