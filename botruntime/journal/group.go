package journal

import (
	"context"
	"runtime"
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
	// do writes the part together with those of others.
	do func(*Tx) error
	// alone writes it in a transaction of its own, where the part of somebody in the group failed.
	alone func(context.Context) error
	// answered gets the result, before anything behind this part is written. It may be nil.
	answered func(error)
	done     chan error
}

func (m *member) answer(err error) {
	if m.answered != nil {
		m.answered(err)
	}
	m.done <- err
}

// CommitTogether is Commit, but callers that come at the same time share one transaction, and its wait for the disk.
// What one caller does is undone alone when its do fails. do must use nothing but the methods of Tx, and may run twice.
func (j *Journal) CommitTogether(ctx context.Context, do func(*Tx) error) error {
	return j.join(ctx, j.part(do), func() {})
}

// part is the part of a caller who wants nothing more than that do is written.
func (j *Journal) part(do func(*Tx) error) *member {
	return &member{do: do, done: make(chan error, 1), alone: func(ctx context.Context) error {
		return j.Commit(ctx, func(t *Tx) error { return safely(t, do) })
	}}
}

// join writes a part together with others, in the order in which they come. queued runs once the part has its place.
func (j *Journal) join(ctx context.Context, mine *member, queued func()) error {
	j.groupMu.Lock()
	j.group = append(j.group, mine)
	j.joined++
	j.groupMu.Unlock()
	queued()
	j.gather()
	// The caller that gets the lock writes for all that wait; the others find their answer.
	j.leader.Lock()
	defer j.leader.Unlock()
	for {
		select {
		case err := <-mine.done:
			return err
		default:
		}
		j.groupMu.Lock()
		some := j.group
		if len(some) > maxGroup {
			some = some[:maxGroup]
		}
		j.group = j.group[len(some):]
		j.groupMu.Unlock()
		j.commitGroup(ctx, some)
	}
}

// gather lets those join who are about to: as long as somebody did, the others get the processor once more.
func (j *Journal) gather() {
	for range maxGroup {
		before := j.countJoined()
		runtime.Gosched()
		if j.countJoined() == before {
			return
		}
	}
}

func (j *Journal) countJoined() uint64 {
	j.groupMu.Lock()
	defer j.groupMu.Unlock()
	return j.joined
}

// commitGroup runs the parts of several callers in one transaction, and answers each. Where one of them fails, each gets
// a transaction of its own: that is seldom, and a savepoint for each part costs SQLite a copy of each page.
func (j *Journal) commitGroup(ctx context.Context, some []*member) {
	// The end of one caller's context must not end the others' transaction.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTime)
	defer cancel()
	if len(some) > 1 {
		var refused error // of a part
		err := j.Commit(ctx, func(t *Tx) error {
			for _, m := range some {
				if refused = safely(t, m.do); refused != nil {
					return refused
				}
			}
			return nil
		})
		if refused == nil || ofDisk(refused) {
			for _, m := range some {
				m.answer(err)
			}
			return
		}
	}
	for _, m := range some {
		m.answer(m.alone(ctx))
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
