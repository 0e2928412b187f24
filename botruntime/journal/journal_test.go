package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

func open(t testing.TB, dir string, tune func(*Options)) *Journal {
	t.Helper()
	o := Options{Directory: dir, Session: "test", Retention: 24 * time.Hour}
	if tune != nil {
		tune(&o)
	}
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	if err := j.KeepWebhooks(t.Context(), []string{}); err != nil { // as every bot does, so that nothing waits for webhooks
		t.Fatal(err)
	}
	return j
}

func chat(n int) bot.Party {
	return bot.Party{ID: fmt.Sprintf("6281%d@s.whatsapp.net", n), Kind: bot.PartyPerson}
}

// came writes a message as the messenger does.
func came(t testing.TB, j *Journal, id string, from bot.Party, text string) (fresh bool) {
	t.Helper()
	m := bot.Message{ID: id, Chat: from, From: from, Kind: bot.KindText, Text: text, Timestamp: bot.At(j.Now())}
	err := j.Commit(t.Context(), func(tx *Tx) (err error) {
		fresh, err = tx.Append([]Key{KeyOf("message", from.ID, id)}, bot.EventMessage, from.ID, bot.EventData{Message: &m})
		if err != nil || !fresh {
			return err
		}
		return tx.PutMessage(m, []byte("raw "+text))
	})
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func ids(events []Event) string {
	var out []string
	for _, e := range events {
		out = append(out, fmt.Sprint(e.Seq))
	}
	return strings.Join(out, " ")
}

func TestEventsAreReadInOrderFromACursor(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, nil)
	_, changed := j.Changed()
	for i := range 5 {
		came(t, j, fmt.Sprint("M", i), chat(i%2), "text")
	}
	select {
	case <-changed:
	default:
		t.Error("readers were not told of a new event")
	}
	for name, c := range map[string]struct {
		query Query
		want  string
		next  uint64
	}{
		"all":          {Query{Limit: 10}, "1 2 3 4 5", 5},
		"a page":       {Query{After: 1, Limit: 2}, "2 3", 3},
		"one chat":     {Query{Chats: []string{chat(1).ID}, Limit: 10}, "2 4", 5},
		"another type": {Query{Types: []bot.EventType{bot.EventReaction}, Limit: 10}, "", 5},
		"up to":        {Query{To: 2, Limit: 10}, "1 2", 2},
		"the end":      {Query{After: 5, Limit: 10}, "", 5},
	} {
		t.Run(name, func(t *testing.T) {
			got, next, err := j.Events(t.Context(), c.query)
			if err != nil || ids(got) != c.want || next != c.next {
				t.Errorf("events %q next %d, %v; want %q next %d", ids(got), next, err, c.want, c.next)
			}
		})
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, nil)
	if got, _, err := again.Events(t.Context(), Query{Limit: 10}); err != nil || ids(got) != "1 2 3 4 5" {
		t.Errorf("after a restart: %q, %v", ids(got), err)
	}
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(filepath.Join(dir, FileName+suffix))
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", FileName+suffix, info.Mode())
		}
	}
}

// An event may come again when more of its names are known. One that was known makes it a repeat.
func TestARepeatUnderOneMoreName(t *testing.T) {
	j := open(t, t.TempDir(), nil)
	for n, names := range [][]Key{{KeyOf("number")}, {KeyOf("LID"), KeyOf("number")}, {KeyOf("LID")}} {
		if err := j.Commit(t.Context(), func(tx *Tx) error {
			fresh, err := tx.Append(names, bot.EventMessage, "chat", bot.EventData{Message: &bot.Message{}})
			if fresh != (n == 0) {
				t.Errorf("time %d: fresh %v", n, fresh)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARepeatIsRecognisedAfterARestartAndAfterItsEventWasRemoved(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	clock := func(o *Options) { o.Now = func() time.Time { return now } }
	j := open(t, dir, clock)
	if !came(t, j, "A", chat(1), "one") || came(t, j, "A", chat(1), "one") {
		t.Error("the first is not fresh, or the second is")
	}
	now = now.Add(48 * time.Hour)
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, clock)
	if came(t, again, "A", chat(1), "one") {
		t.Error("a repeat was written again after its event went")
	}
	if s := again.Stats(); s.Repeats != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestAFailedTransactionLeavesNothing(t *testing.T) {
	j := open(t, t.TempDir(), nil)
	broken := errors.New("broken")
	err := j.Commit(t.Context(), func(tx *Tx) error {
		if _, err := tx.Append([]Key{KeyOf("x")}, bot.EventMessage, "c", bot.EventData{}); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if got, _, err := j.Events(t.Context(), Query{Limit: 1}); err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestATransactionEndedByItsContextSaysSo: database/sql says only that such a transaction is over.
func TestATransactionEndedByItsContextSaysSo(t *testing.T) {
	j := open(t, t.TempDir(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := j.Commit(ctx, func(tx *Tx) error {
		cancel()
		for {
			if _, err := tx.tx.ExecContext(t.Context(), `SELECT 1`); errors.Is(err, sql.ErrTxDone) || t.Context().Err() != nil {
				return err
			}
			runtime.Gosched()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestOldEventsAreRemovedAndTheirCursorsFail(t *testing.T) {
	now := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.Now = func() time.Time { return now }; o.Retention = 0 })
	came(t, j, "A", chat(1), "text")
	came(t, j, "B", chat(1), "text")
	now = now.Add(time.Hour)
	came(t, j, "C", chat(1), "text")
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	var gone *GoneError
	if _, _, err := j.Events(t.Context(), Query{Limit: 10}); !errors.As(err, &gone) || gone.Oldest != 2 {
		t.Fatalf("a cursor at the beginning: %v", err)
	}
	if got, _, err := j.Events(t.Context(), Query{After: 2, Limit: 10}); err != nil || ids(got) != "3" {
		t.Errorf("left are %q, %v", ids(got), err)
	}
	if found, _, err := j.Messages(t.Context(), 0, 10); err != nil || len(found) != 1 {
		t.Errorf("%d messages stay, %v", len(found), err)
	}
}

// A message is kept by when it came, not by when it was written: it may have waited at WhatsApp. While its event waits for
// a webhook it stays, too, because the receiver may ask for its file.
func TestAMessageStaysAsLongAsItsEvent(t *testing.T) {
	now := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.Now = func() time.Time { return now }; o.Retention = 0 })
	left := func(want string) {
		t.Helper()
		if err := j.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		found, _, err := j.Messages(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range found {
			got = append(got, r.Message.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("messages %q stay, want %q", got, want)
		}
	}
	came(t, j, "taken", chat(1), "text")
	now = now.Add(time.Minute)
	old := bot.Message{ID: "late", Chat: chat(1), From: chat(1), Timestamp: bot.At(now.Add(-48 * time.Hour))}
	err := j.Commit(t.Context(), func(tx *Tx) error {
		_, err := tx.Append([]Key{KeyOf("late")}, bot.EventMessage, chat(1).ID, bot.EventData{Message: &old})
		return errors.Join(err, tx.PutMessage(old, nil))
	})
	if err = errors.Join(err, j.SaveWebhook(t.Context(), "books", Webhook{Cursor: 1}, nil)); err != nil {
		t.Fatal(err)
	}
	left("late taken")
	now = now.Add(time.Hour)
	left("late")
	if err := j.SaveWebhook(t.Context(), "books", Webhook{Cursor: 2}, nil); err != nil {
		t.Fatal(err)
	}
	left("")
}

// A journal that an older bot made gets the columns that came later.
func TestAnOlderJournalIsOpened(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	clock := func(o *Options) { o.Now = func() time.Time { return now }; o.Retention = 0 }
	j := open(t, dir, clock)
	came(t, j, "old", chat(1), "text")
	if _, err := j.db.ExecContext(t.Context(), `ALTER TABLE messages DROP COLUMN came`); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, dir, clock)
	now = now.Add(time.Hour)
	came(t, j, "new", chat(1), "text")
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, _, err := j.Messages(t.Context(), 0, 10); err != nil || len(found) != 1 || found[0].Message.ID != "new" {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestAFullJournalMakesRoom(t *testing.T) {
	j := open(t, t.TempDir(), func(o *Options) { o.MaxBytes = 1 << 20 })
	for i := range 1000 {
		if i == 1 && j.Full(t.Context()) {
			t.Error("an empty journal is full")
		}
		came(t, j, fmt.Sprint("M", i), chat(i%7), strings.Repeat("x", 1000))
	}
	if !j.Full(t.Context()) {
		t.Error("the journal is not full")
	}
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if j.Full(t.Context()) {
		t.Error("the journal is full after room was made")
	}
	if size, err := j.Size(t.Context()); err != nil || size > 1<<20 {
		t.Errorf("size %d, %v", size, err)
	}
	if floor, _ := j.Range(); floor == 0 || j.Stats().Evicted != floor {
		t.Errorf("%d events went, %d are counted", floor, j.Stats().Evicted)
	}
	if j.SetLimits(time.Hour, 4<<10); !j.Full(t.Context()) {
		t.Error("the journal is not too large for a lower limit")
	}
}

// A journal of few large messages that is a little too large loses a few of them, not all.
func TestAJournalOfLargeMessagesLosesAFew(t *testing.T) {
	const many = 100
	j := open(t, t.TempDir(), nil)
	for i := range many {
		came(t, j, fmt.Sprint("M", i), chat(1), strings.Repeat("x", 20_000))
	}
	size, err := j.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j.SetLimits(time.Hour, size*9/10)
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if gone := j.Stats().Evicted; gone == 0 || gone > many/4 || j.Full(t.Context()) {
		t.Errorf("%d of %d events went", gone, many)
	}
	if _, err := j.Message(t.Context(), fmt.Sprint("M", many-1), chat(1).ID); err != nil {
		t.Errorf("the newest message: %v", err)
	}
}

func TestADamagedFileIsSetAside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir, nil)
	came(t, j, "A", chat(1), "text")
	aside, err := filepath.Glob(path + ".damaged-*")
	if err != nil || len(aside) != 1 {
		t.Errorf("set aside: %v, %v", aside, err)
	}
}

func TestEditsAndErasure(t *testing.T) {
	j := open(t, t.TempDir(), nil)
	came(t, j, "A", chat(1), "one")
	came(t, j, "A", chat(2), "two")
	if _, err := j.Message(t.Context(), "A"); !IsAmbiguous(err) {
		t.Errorf("an id of two chats: %v", err)
	}
	err := j.Commit(t.Context(), func(tx *Tx) error {
		if found, err := tx.ChangeMessage(chat(1).ID, "A", chat(2).ID, func(r *Record) { r.Message.Text = "forged" }); found || err != nil {
			return fmt.Errorf("someone else changed it: %v, %w", found, err)
		}
		_, err := tx.ChangeMessage(chat(1).ID, "A", chat(1).ID, func(r *Record) { r.Message.Text = "changed" })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := j.Message(t.Context(), "A", chat(1).ID)
	if err != nil || got.Message.Text != "changed" || string(got.Raw) != "raw one" {
		t.Errorf("%+v, %v", got, err)
	}
	if n, err := j.EraseChat(t.Context(), chat(1).ID); n != 1 || err != nil {
		t.Errorf("erased %d, %v", n, err)
	}
	if got, err := j.Message(t.Context(), "A", chat(1).ID); got != nil || err != nil {
		t.Errorf("after erasure: %+v, %v", got, err)
	}
	if got, _, err := j.Events(t.Context(), Query{Limit: 10}); err != nil || ids(got) != "2" {
		t.Errorf("events of the erased chat: %q, %v", ids(got), err)
	}
}

func BenchmarkCommit(b *testing.B) {
	j := open(b, b.TempDir(), nil)
	for i := range b.N {
		came(b, j, fmt.Sprint("M", i), chat(i%100), "a message of a usual length")
	}
}

// TestDataOfAnEventIsTheJSONOfItsMember: each member of bot.EventData, and an event without data.
func TestDataOfAnEventIsTheJSONOfItsMember(t *testing.T) {
	t.Parallel()
	all := []bot.EventData{{}}
	for i := range reflect.TypeFor[bot.EventData]().NumField() {
		var data bot.EventData
		field := reflect.ValueOf(&data).Elem().Field(i)
		field.Set(reflect.New(field.Type().Elem()))
		all = append(all, data)
	}
	for _, data := range all {
		got, err := encodeData(data)
		want, wantErr := json.Marshal(data)
		if err != nil || wantErr != nil || string(got) != string(want) {
			t.Errorf("%s, %v; want %s, %v", got, err, want, wantErr)
		}
	}
}
