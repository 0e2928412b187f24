package journal

import (
	"context"
	"time"
)

const (
	// groupTime bounds a transaction that serves several callers.
	groupTime = 10 * time.Second
	// maxGroup bounds the callers that one transaction serves.
	maxGroup = 64
)

// member is one caller's part of a transaction.
type member struct {
	do   func(*Tx) error
	done chan error
}

// CommitTogether is Commit, but callers that come at the same time share one transaction, and its wait for the disk.
// What one caller does is undone alone when its do fails. do must use nothing but the methods of Tx, and may run twice.
func (j *Journal) CommitTogether(ctx context.Context, do func(*Tx) error) error {
	mine := &member{do, make(chan error, 1)}
	j.groupMu.Lock()
	j.group = append(j.group, mine)
	j.groupMu.Unlock()
	// The caller that gets the lock writes for all that wait; the others find their answer.
	j.leader.Lock()
	defer j.leader.Unlock()
	select {
	case err := <-mine.done:
		return err
	default:
	}
	for {
		j.groupMu.Lock()
		some := j.group
		if len(some) > maxGroup {
			some = some[:maxGroup]
		}
		j.group = j.group[len(some):]
		j.groupMu.Unlock()
		j.commitGroup(ctx, some)
		select {
		case err := <-mine.done:
			return err
		default:
		}
	}
}

// commitGroup runs the parts of several callers in one transaction, and answers each. Where one of them fails, each gets
// a transaction of its own: that is seldom, and a savepoint for each part costs SQLite a copy of each page.
func (j *Journal) commitGroup(ctx context.Context, some []*member) {
	// The end of one caller's context must not end the others' transaction.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTime)
	defer cancel()
	var refused error // of a part
	err := j.Commit(ctx, func(t *Tx) error {
		for _, m := range some {
			if refused = safely(t, m.do); refused != nil {
				return refused
			}
		}
		return nil
	})
	if refused == nil || len(some) == 1 || ofDisk(refused) {
		for _, m := range some {
			m.done <- err
		}
		return
	}
	for _, m := range some {
		m.done <- j.Commit(ctx, func(t *Tx) error { return safely(t, m.do) })
	}
}

// brokenError says that the transaction of all callers is lost.
type brokenError struct{ error }

// part runs do so that it can be undone alone.
func (t *Tx) part(do func(*Tx) error) error {
	was := *t
	if _, err := t.tx.ExecContext(t.ctx, `SAVEPOINT part`); err != nil {
		return &brokenError{err}
	}
	err := safely(t, do)
	if err != nil {
		if _, undo := t.tx.ExecContext(t.ctx, `ROLLBACK TO part`); undo != nil {
			return &brokenError{err} // SQLite has rolled everything back already
		}
		*t = was
	}
	if _, release := t.tx.ExecContext(t.ctx, `RELEASE part`); release != nil {
		if err == nil {
			err = release
		}
		return &brokenError{err}
	}
	return err
}
