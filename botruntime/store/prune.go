package store

import (
	"context"
	"database/sql"
	"time"
)

// whatsmeow adds a row to whatsmeow_message_secrets for nearly every message, to decrypt votes, reactions and edits
// of it later, and removes none. The table has no time, so the facts hold which row was the newest on which day.
const (
	secretsAge   = 30 * 24 * time.Hour
	secretsMost  = 50_000
	secretsBatch = 1000

	pruneDelay    = time.Minute
	pruneInterval = 24 * time.Hour
)

// mark says that Row was the newest row of the message secrets at At.
type mark struct {
	At  time.Time `json:"at"`
	Row int64     `json:"row"`
}

// maxMarks is one a day for the age of a secret, and some for restarts.
const maxMarks = 40

// decidePrune returns the marks to remember and the row up to which the secrets may go. newest is the newest row now.
// Marks of a table with more rows than there are now belong to another database, and a mark of the future to a clock
// that was wrong.
func decidePrune(marks []mark, newest int64, now time.Time) (next []mark, upTo int64) {
	for _, m := range marks {
		if m.Row > newest || m.At.After(now) {
			return []mark{{now, newest}}, max(0, newest-secretsMost)
		}
	}
	upTo = newest - secretsMost
	for _, m := range marks {
		if now.Sub(m.At) >= secretsAge {
			upTo = max(upTo, m.Row)
			continue
		}
		next = append(next, m)
	}
	if len(next) == 0 || now.Sub(next[len(next)-1].At) >= pruneInterval-pruneDelay {
		next = append(next, mark{now, newest})
	}
	if extra := len(next) - maxMarks; extra > 0 {
		next = next[extra:]
	}
	return next, max(0, upTo)
}

// startPruning prunes soon after the start and then once a day, until the store is closed.
func (s *Store) startPruning() {
	s.pruning = time.AfterFunc(pruneDelay, func() {
		if s.closed() {
			return
		}
		if err := s.prune(s.life, time.Now().UTC()); err != nil && !s.closed() {
			s.log.Warn("cannot remove old message secrets", "error", err)
		}
		s.pruning.Reset(pruneInterval)
	})
}

// prune removes old message secrets, a batch at a time, so that messages need not wait for it.
func (s *Store) prune(ctx context.Context, now time.Time) error {
	var newest int64
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(rowid), 0) FROM whatsmeow_message_secrets`).Scan(&newest)
	if err != nil {
		return describe(s.layout.database(), err)
	}
	s.mu.Lock()
	next := s.record
	var upTo int64
	next.Secrets, upTo = decidePrune(next.Secrets, newest, now)
	err = s.save(next)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	for {
		removed, err := removeSecrets(ctx, s.db, upTo)
		if err != nil {
			return describe(s.layout.database(), err)
		}
		if removed < secretsBatch {
			return nil
		}
	}
}

func removeSecrets(ctx context.Context, db *sql.DB, upTo int64) (removed int64, err error) {
	result, err := db.ExecContext(ctx, `DELETE FROM whatsmeow_message_secrets WHERE rowid IN
		(SELECT rowid FROM whatsmeow_message_secrets WHERE rowid <= ? ORDER BY rowid LIMIT ?)`, upTo, secretsBatch)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
