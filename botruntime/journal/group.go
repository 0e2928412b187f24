package journal

import (
	"context"
	"errors"
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
// What one caller does is undone alone when its do fails. do must use nothing but the methods of Tx.
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

// commitGroup runs the parts of several callers in one transaction, and answers each.
func (j *Journal) commitGroup(ctx context.Context, some []*member) {
	// The end of one caller's context must not end the others' transaction.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTime)
	defer cancel()
	refused := make([]error, len(some))
	err := j.Commit(ctx, func(t *Tx) error {
		if len(some) == 1 {
			return some[0].do(t)
		}
		for i, m := range some {
			if err := t.part(m.do); err != nil {
				var broken *brokenError
				if errors.As(err, &broken) {
					return broken.error
				}
				refused[i] = err
			}
		}
		return nil
	})
	for i, m := range some {
		m.done <- errors.Join(err, refused[i])
	}
}

// brokenError says that the transaction of all callers is lost.
type brokenError struct{ error }

// part runs do so that it can be undone alone.
func (t *Tx) part(do func(*Tx) error) error {
	last, events, repeats := t.last, t.events, t.repeats
	if _, err := t.tx.ExecContext(t.ctx, `SAVEPOINT part`); err != nil {
		return &brokenError{err}
	}
	err := do(t)
	if err != nil {
		if _, undo := t.tx.ExecContext(t.ctx, `ROLLBACK TO part`); undo != nil {
			return &brokenError{err} // SQLite has rolled everything back already
		}
		t.last, t.events, t.repeats = last, events, repeats
	}
	if _, release := t.tx.ExecContext(t.ctx, `RELEASE part`); release != nil {
		if err == nil {
			err = release
		}
		return &brokenError{err}
	}
	return err
}
