package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"sesi.dev/sesi/api/bot"
)

// Callers that come at the same time share a transaction; when one fails, the others still succeed.
func TestCommitTogether(t *testing.T) {
	j, err := Open(t.Context(), Options{Directory: t.TempDir(), Session: "default"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	errWrong := errors.New("wrong")
	var group sync.WaitGroup
	outcomes := make([]error, 200)
	for i := range outcomes {
		group.Add(1)
		go func() {
			defer group.Done()
			outcomes[i] = j.CommitTogether(t.Context(), func(tx *Tx) error {
				if _, err := tx.Append([]Key{KeyOf(fmt.Sprint(i))}, bot.EventMessage, "chat", bot.EventData{}); err != nil {
					return err
				}
				if i%10 == 0 {
					return errWrong
				}
				return nil
			})
		}()
	}
	group.Wait()
	for i, err := range outcomes {
		if (i%10 == 0) != errors.Is(err, errWrong) {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	events, next, err := j.Events(t.Context(), Query{Limit: 500})
	if err != nil || len(events) != 180 || next < 180 {
		t.Errorf("%d events, next %d, %v", len(events), next, err)
	}
	last, _ := j.Changed()
	if stats := j.Stats(); stats.Events != 180 || last != events[len(events)-1].Seq {
		t.Errorf("stats %+v, last %d, newest %d", stats, last, events[len(events)-1].Seq)
	}
}

// SQLite rolls a transaction back itself when the disk is full. The callers learn that the disk is full, and nothing
// else; nothing of the transaction stays; and the journal continues once there is room.
func TestATransactionThatSQLiteRolledBack(t *testing.T) {
	t.Parallel()
	j, err := Open(t.Context(), Options{Directory: t.TempDir(), Session: "default"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	room := func(pages string) {
		t.Helper()
		var most int64
		if err := j.db.QueryRowContext(t.Context(), `PRAGMA max_page_count = `+pages).Scan(&most); err != nil {
			t.Fatal(err)
		}
	}
	put := func(size int) func(*Tx) error {
		return func(tx *Tx) error {
			_, err := tx.Append([]Key{KeyOf(rand.Text())}, bot.EventMessage, "chat", bot.EventData{Message: &bot.Message{Text: strings.Repeat("x", size)}})
			return err
		}
	}
	isFull := func(err error) {
		t.Helper()
		var failed *sqlite.Error
		if !errors.As(err, &failed) || failed.Code() != sqlite3.SQLITE_FULL || strings.Contains(err.Error(), "transaction") {
			t.Errorf("the error is %v", err)
		}
	}
	room("1") // SQLite takes it as the present size
	isFull(j.Commit(t.Context(), put(1000<<10)))
	small, large := j.part(put(10)), j.part(put(1000<<10))
	j.commitGroup(t.Context(), []*member{small, large})
	isFull(<-small.done)
	isFull(<-large.done)
	if last, _ := j.Changed(); last != 0 {
		t.Errorf("the newest event is %d", last)
	}
	room("100000")
	if err := j.Commit(t.Context(), put(1000<<10)); err != nil {
		t.Error(err)
	}
	if events, _, err := j.Events(t.Context(), Query{Limit: 10}); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// Where one of several parts fails, the others are written, and what a part did before it failed is not.
func TestAPartThatFailsIsUndoneAlone(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	errWrong := errors.New("wrong")
	put := func(name string, err error) *member {
		return j.part(func(tx *Tx) error { return errors.Join(tx.SetName(name, name), err) })
	}
	some := []*member{put("a", nil), put("b", errWrong), put("c", nil)}
	j.commitGroup(t.Context(), some)
	for i, m := range some {
		if err := <-m.done; (i == 1) != errors.Is(err, errWrong) {
			t.Errorf("part %d: %v", i, err)
		}
	}
	names, err := j.Names(t.Context(), []string{"a", "b", "c"})
	if err != nil || len(names) != 2 || names["b"] != "" {
		t.Errorf("%v, %v", names, err)
	}
}

// A caller who leaves takes nothing with it: neither what it wrote, nor what others wrote in the same transaction.
func TestTheEndOfACallersContextEndsNoTransaction(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	ctx, leave := context.WithCancel(t.Context())
	some := []*member{
		j.part(func(tx *Tx) error {
			leave()
			return tx.SetName("a", "a")
		}),
		j.part(func(tx *Tx) error { return tx.SetName("b", "b") }),
	}
	j.commitGroup(ctx, some)
	for i, m := range some {
		if err := <-m.done; err != nil {
			t.Errorf("part %d: %v", i, err)
		}
	}
	if err := j.CommitTogether(ctx, func(tx *Tx) error { return tx.SetName("c", "c") }); err != nil {
		t.Error(err)
	}
	if names, err := j.Names(t.Context(), []string{"a", "b", "c"}); err != nil || len(names) != 3 {
		t.Errorf("%v, %v", names, err)
	}
}
