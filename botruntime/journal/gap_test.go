package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// A reader may come right behind the transaction that removes old events. It is told that events are gone, and does not
// pass over them. Those of a chat that a person erased are none that it misses.
func TestAReaderNoticesWhatWasRemovedThisMoment(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	for i := range 6 {
		came(t, j, fmt.Sprint("M", i), chat(1), "text")
	}
	if err := j.Commit(t.Context(), func(tx *Tx) error {
		_, err := tx.trim(`DELETE FROM events WHERE seq <= 3`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var gone *GoneError
	if found, _, err := j.Events(t.Context(), Query{After: 1, Limit: 10}); !errors.As(err, &gone) || gone.Oldest != 3 {
		t.Errorf("read %q, %v", ids(found), err)
	}
	if found, _, err := j.Events(t.Context(), Query{After: 3, Limit: 10}); err != nil || ids(found) != "4 5 6" {
		t.Errorf("read %q, %v", ids(found), err)
	}
	errFull := errors.New("no room")
	if err := j.commitTrim(t.Context(), func(tx *Tx) error {
		_, err := tx.trim(`DELETE FROM events`)
		return errors.Join(err, errFull)
	}); !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	if found, _, err := j.Events(t.Context(), Query{After: 3, Limit: 10}); err != nil || ids(found) != "4 5 6" {
		t.Errorf("after a transaction that failed: %q, %v", ids(found), err)
	}
	if _, err := j.EraseChat(t.Context(), chat(1).ID); err != nil {
		t.Fatal(err)
	}
	came(t, j, "LAST", chat(2), "text")
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, _, err := j.Events(t.Context(), Query{After: 3, Limit: 10}); err != nil || ids(found) != "7" {
		t.Errorf("after a chat was erased: %q, %v", ids(found), err)
	}
}

// A journal that is empty again knows its next event: a reader that has all others gets it.
func TestTheFirstEventOfAnEmptiedJournal(t *testing.T) {
	t.Parallel()
	now := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.Now, o.Retention = func() time.Time { return now }, 0 })
	came(t, j, "A", chat(1), "one")
	came(t, j, "B", chat(1), "two")
	now = now.Add(time.Hour)
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if floor, last := j.Range(); floor != 2 || last != 2 {
		t.Errorf("from %d to %d", floor, last)
	}
	came(t, j, "C", chat(1), "three")
	if found, next, err := j.Events(t.Context(), Query{After: 2, Limit: 10}); err != nil || ids(found) != "3" || next != 3 {
		t.Errorf("read %q, %d, %v", ids(found), next, err)
	}
	var gone *GoneError
	if _, _, err := j.Events(t.Context(), Query{After: 1, Limit: 10}); !errors.As(err, &gone) || gone.Oldest != 2 {
		t.Error(err)
	}
}

// Long messages do not fill the memory of a program that reads many events at once.
func TestAReaderOfLongMessagesGetsFewAtOnce(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	long := strings.Repeat("x", 300<<10)
	for i := range 12 {
		came(t, j, fmt.Sprint("M", i), chat(1), long)
	}
	var seqs []string
	for after := uint64(0); ; {
		found, next, err := j.Events(t.Context(), Query{After: after, Limit: 500})
		if err != nil || len(found) > 4 {
			t.Fatalf("%d events at once, %v", len(found), err)
		}
		if len(found) == 0 {
			break
		}
		seqs, after = append(seqs, ids(found)), next
	}
	if got := strings.Join(seqs, " "); got != "1 2 3 4 5 6 7 8 9 10 11 12" {
		t.Errorf("read %s", got)
	}
}

func TestEventsOfNoChat(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	came(t, j, "A", chat(1), "one")
	if err := j.Commit(t.Context(), func(tx *Tx) error {
		return tx.AppendFresh(bot.EventAccountLimits, "", bot.EventData{Limits: &bot.AccountLimits{}})
	}); err != nil {
		t.Fatal(err)
	}
	came(t, j, "B", chat(1), "two")
	if found, _, err := j.Events(t.Context(), Query{Chats: []string{NoChat}, Limit: 10}); err != nil || ids(found) != "2" {
		t.Errorf("read %q, %v", ids(found), err)
	}
	w := Webhook{Cursor: 3, Lines: []Line{{Chat: NoChat, Next: 1}}}
	if events, _, _, err := j.Backlog(t.Context(), "hook", w); err != nil || events != 1 {
		t.Errorf("%d events wait, %v", events, err)
	}
}

// A journal that much comes into makes room many times. What the bot sent stays as long as the events of that time: with
// it go the keys by which a repeated request is known.
func TestAFullJournalKeepsWhatWasSentLately(t *testing.T) {
	t.Parallel()
	now := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.MaxBytes, o.Now = 1<<20, func() time.Time { return now } })
	text := strings.Repeat("x", 1<<10)
	n := 0
	flood := func(times int) {
		for range times {
			n++
			now = now.Add(time.Second)
			came(t, j, fmt.Sprint("M", n), chat(1), text)
		}
	}
	flood(250)
	puts(t, j, queue(j, "SENT", chat(2), "order-1", "hello"))
	ends(t, j, "SENT")
	mark := n
	for range 20 {
		flood(4)
		if err := j.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	floor, _ := j.Range()
	if j.Stats().Evicted == 0 || floor >= uint64(mark) {
		t.Fatalf("%d events were evicted, up to %d", j.Stats().Evicted, floor)
	}
	if entry(t, j, "SENT") == nil {
		t.Errorf("the message is gone, and events that were before it are not: %d of %d", floor, mark)
	}
	for range 40 {
		flood(10)
		if err := j.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if entry(t, j, "SENT") != nil {
		t.Error("the message stays after all events of its time")
	}
}

// A person's number may become known while messages come: some are under the LID, and later ones under the number.
func TestAChatUnderTwoAddresses(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	for i, in := range []int{1, 2, 1, 3, 2} {
		came(t, j, fmt.Sprint(i), chat(in), "text")
	}
	list := func(before int64, limit int, forms ...string) (ids string, next int64) {
		found, _, err := j.Messages(t.Context(), before, limit, forms...)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			ids, next = ids+r.Message.ID, r.N
		}
		return ids, next
	}
	first, next := list(0, 3, chat(1).ID, chat(2).ID)
	if rest, _ := list(next, 3, chat(1).ID, chat(2).ID); first != "421" || rest != "0" {
		t.Errorf("%s, then %s", first, rest)
	}
	if all, _ := list(0, 10); all != "43210" {
		t.Errorf("all: %s", all)
	}
	if n, err := j.EraseChat(t.Context(), chat(1).ID, chat(2).ID); err != nil || n != 4 {
		t.Errorf("%d were erased, %v", n, err)
	}
	if left, _ := list(0, 10); left != "3" {
		t.Errorf("left: %s", left)
	}
}

// A transaction that removes events may be rolled back before it knows that: a stop ends it in the middle, and the next
// reader has the connection at once. That reader is told of no gap, because nothing was removed.
func TestAReaderMissesNothingOfARemovalThatWasUndone(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	for i := range 3 {
		came(t, j, fmt.Sprint("M", i), chat(1), "text")
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := j.commitTrim(ctx, func(tx *Tx) error {
		_, err := tx.trim(`DELETE FROM events WHERE seq <= 2`)
		stop()
		found, next, readErr := j.Events(t.Context(), Query{Limit: 10})
		if readErr != nil || ids(found) != "1 2 3" || next != 3 {
			t.Errorf("read %q, %d, %v", ids(found), next, readErr)
		}
		return err
	}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if floor, _ := j.Range(); floor != 0 {
		t.Errorf("the journal begins behind %d", floor)
	}
}
