package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// spoiled are contents that cannot be read as that of the row with the id A.
var spoiled = map[string]string{
	"half of it":          `{"id":"A","fromMe":true,"text":"one`,
	"nothing":             ``,
	"null":                `null`,
	"an empty object":     `{}`,
	"another type":        `{"id":"A","text":5}`,
	"of another row":      `{"id":"B","text":"two"}`,
	"bytes of no charset": "\xff\xfe\x00",
}

// spoil gives rows of a table another content.
func spoil(t testing.TB, j *Journal, table, content, where string, args ...any) {
	t.Helper()
	column := map[string]string{"events": "data", "webhooks": "state"}[table]
	if column == "" {
		column = "body"
	}
	args = append([]any{[]byte(content)}, args...)
	if table == "sends" {
		args[0] = content
	}
	done, err := j.db.ExecContext(t.Context(), `UPDATE `+table+` SET `+column+` = ? WHERE `+where, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); n == 0 || err != nil {
		t.Fatalf("%s: %d rows, %v", table, n, err)
	}
}

// logged opens a journal whose log can be read.
func logged(t testing.TB, tune func(*Options)) (*Journal, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	return open(t, t.TempDir(), func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(log, nil))
		if tune != nil {
			tune(o)
		}
	}), log
}

// once checks that the log names an unreadable row of a table one time, and says nothing of its content.
func once(t *testing.T, log *bytes.Buffer, table string) {
	t.Helper()
	if n := strings.Count(log.String(), "table="+table); n != 1 || strings.Contains(log.String(), "62811") {
		t.Errorf("the log names the row %d times: %s", n, log)
	}
}

func TestAnEntryThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, content := range spoiled {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, log := logged(t, nil)
			for i, id := range []string{"A", "B", "C"} {
				puts(t, j, queue(j, id, chat(1+i/2), "key "+id, "one"))
			}
			spoil(t, j, "sends", content, "id = 'A'")
			for range 2 {
				taken, err := j.TakeDue(t.Context(), 10)
				if err != nil || len(taken) != 3 || !taken[0].Unreadable || taken[0].Message.ID != "A" ||
					taken[0].Message.State != bot.MessageQueued || taken[1].Unreadable || taken[1].Message.State != bot.MessageSending {
					t.Fatalf("%+v, %v", taken, err)
				}
			}
			if err := j.Commit(t.Context(), func(tx *Tx) error {
				if err := tx.ReleaseHeld(bot.HoldBudget); err != nil {
					return err
				}
				if err := tx.Readdress(chat(1).ID, chat(5).ID, chat(5)); err != nil { // as for a number that WhatsApp has in another form
					return err
				}
				if _, err := tx.UpdateSend("A", func(s *Send) bool { return !s.Unreadable }); err != nil {
					return err
				}
				_, err := tx.UpdateSend("A", func(s *Send) bool {
					if !s.Unreadable || s.Target != chat(5).ID || s.Message.Chat.ID != chat(5).ID {
						t.Errorf("it became another one: %+v", s)
					}
					s.Message.State, s.Pending = bot.MessageFailed, false
					s.Message.Problem = &bot.SendProblem{Type: bot.ProblemUnreadable.Type(), Detail: "why"}
					return true
				})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			got := entry(t, j, "A")
			if got.Unreadable || got.Pending || got.Message.State != bot.MessageFailed || got.Message.Problem.Type != bot.ProblemUnreadable.Type() ||
				got.Message.UnsupportedType != Unreadable || string(got.Raw) != "raw one" || got.Key != "key A" {
				t.Errorf("it ended as %+v", got)
			}
			found, err := j.Message(t.Context(), "A", chat(5).ID)
			if err != nil || found == nil || found.Message.Text != "one" || found.Message.State != bot.MessageFailed || found.Message.Problem == nil ||
				found.Message.Chat.ID != chat(5).ID {
				t.Errorf("the list has %+v, %v", found, err)
			}
			var aside []byte
			if err := j.db.QueryRowContext(t.Context(), `SELECT aside FROM sends WHERE id = 'A'`).Scan(&aside); err != nil || string(aside) != content {
				t.Errorf("its content is %q, want %q: %v", aside, content, err)
			}
			if _, fresh, err := j.AddSend(t.Context(), queue(j, "D", chat(1), "key A", "one")); fresh || err != nil {
				t.Errorf("its key is forgotten: %v", err)
			}
			once(t, log, "sends")
			if _, err := j.EraseChat(t.Context(), chat(5).ID); err != nil {
				t.Fatal(err)
			}
			if err := j.db.QueryRowContext(t.Context(), `SELECT aside FROM sends WHERE id = 'A'`).Scan(&aside); err != nil || len(aside) > 0 {
				t.Errorf("what was set aside outlives its chat: %q, %v", aside, err)
			}
		})
	}
}

// A file that WhatsApp must get first, and a hold, are places where the outbox waits too.
func TestAnEntryWithAFileThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	now := time.Now()
	j, _ := logged(t, func(o *Options) { o.Retention, o.Now = 0, func() time.Time { return now } })
	for _, id := range []string{"A", "B"} {
		s := queue(j, id, chat(1), "", "one")
		s.File = "f11e"
		puts(t, j, s)
	}
	spoil(t, j, "sends", `{"id":`, "id = 'A'")
	s, err := j.NextUpload(t.Context())
	if err != nil || s == nil || !s.Unreadable || s.Message.ID != "A" {
		t.Fatalf("%+v, %v", s, err)
	}
	ends(t, j, "A")
	if s, err = j.NextUpload(t.Context()); err != nil || s == nil || s.Message.ID != "B" || s.Unreadable {
		t.Fatalf("%+v, %v", s, err)
	}
	ends(t, j, "B")
	spoil(t, j, "sends", `{"id":`, "id = 'A'") // nothing is kept, so the content goes after ten minutes
	now = now.Add(handOver + time.Minute)
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"A", "B"} {
		if got := entry(t, j, id); got == nil || got.Raw != nil || got.Message.Text != "" || len(got.body) > 0 {
			t.Errorf("%s has its content still: %+v", id, got)
		}
	}
}

func TestAMessageThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, content := range spoiled {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, log := logged(t, nil)
			came(t, j, "A", chat(1), "one")
			came(t, j, "B", chat(1), "two")
			came(t, j, "C", chat(2), "three")
			spoil(t, j, "messages", content, "id = 'A'")
			want := func(what string, got []Record, err error, ids ...string) {
				t.Helper()
				var have []string
				for _, r := range got {
					have = append(have, r.Message.ID)
					if (r.Message.UnsupportedType == Unreadable) != (r.Message.ID == "A") || r.Message.Chat.ID == "" || r.Message.Timestamp.IsZero() {
						t.Errorf("%s: %+v", what, r.Message)
					}
				}
				if err != nil || !slices.Equal(have, ids) {
					t.Errorf("%s: %v, %v; want %v", what, have, err, ids)
				}
			}
			all, _, err := j.Messages(t.Context(), 0, 10)
			want("all", all, err, "C", "B", "A")
			all, _, err = j.Messages(t.Context(), 0, 10, chat(1).ID, "lid")
			want("a chat", all, err, "B", "A")
			theirs := false
			found, err := j.Search(t.Context(), Search{FromMe: &theirs, Limit: 10})
			if err == nil {
				all, err = found.Next(t.Context())
			}
			want("a search", slices.DeleteFunc(all, func(r Record) bool { return r.Message.ID == "A" }), err, "C", "B")
			one, err := j.Message(t.Context(), "A")
			want("one", []Record{*one}, err, "A")
			chats, _, err := j.Chats(t.Context(), 0, 10, nil)
			if err != nil || len(chats) != 2 || chats[1].ID != chat(1).ID {
				t.Errorf("chats: %+v, %v", chats, err)
			}
			if files, err := j.ChatFiles(t.Context(), chat(1).ID); err != nil || len(files) != 0 {
				t.Errorf("files: %v, %v", files, err)
			}
			if err := j.Commit(t.Context(), func(tx *Tx) error {
				_, err := tx.ChangeMessage(chat(1).ID, "A", chat(1).ID, func(r *Record) { r.Message.Text = "edited" })
				return err
			}); err != nil {
				t.Error(err)
			}
			once(t, log, "messages")
		})
	}
}

func TestAVoteThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	j, log := logged(t, nil)
	asked(t, j, "P", chat(1))
	votes(t, j, "P", chat(1), []string{"628110"}, 1, "a")
	votes(t, j, "P", chat(1), []string{"628111"}, 2, "b")
	spoil(t, j, "votes", `{"from":{"id":"628110`, "voter = '628110'")
	for range 2 {
		if got := shown(t, j, "P", chat(1)); got != "628111[b]" {
			t.Errorf("the votes are %s", got)
		}
	}
	once(t, log, "votes")
	votes(t, j, "P", chat(1), []string{"628110"}, 3, "b")
	if got := shown(t, j, "P", chat(1)); got != "628111[b]628110[b]" {
		t.Errorf("after another vote: %s", got)
	}
}

func TestAnEventThatCannotBeReadHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, content := range []string{`{"message":{"text":"on`, ``, `null`, `[]`} {
		j, log := logged(t, nil)
		for _, id := range []string{"A", "B", "C"} {
			came(t, j, id, chat(1), "text")
		}
		spoil(t, j, "events", content, "seq = 2")
		for range 2 {
			got, next, err := j.Events(t.Context(), Query{Limit: 10})
			if err != nil || ids(got) != "1 2 3" || next != 3 || got[0].Unreadable || !got[1].Unreadable || got[1].Data != nil || got[2].Unreadable {
				t.Errorf("%q: %+v, %d, %v", content, got, next, err)
			}
		}
		once(t, log, "events")
	}
}

// A webhook whose progress cannot be read gets what it had not taken, and some of it again.
func TestProgressThatCannotBeReadLosesNoEvent(t *testing.T) {
	t.Parallel()
	j, log := logged(t, nil)
	w := Webhook{Cursor: 7, Lines: []Line{{Chat: "c", Next: 4}}, Paused: true, Error: `"paused":true`}
	for _, paused := range []bool{true, false} {
		w.Paused = paused
		if err := j.SaveWebhook(t.Context(), "books", w, []bot.DeadLetter{{Seq: 3, Events: 1}}); err != nil {
			t.Fatal(err)
		}
		state, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		spoil(t, j, "webhooks", string(state[:len(state)-1]), "name = 'books'")
		if got, found, err := j.Webhook(t.Context(), "books"); err != nil || !found || got.Cursor != 3 || got.Paused != paused || got.Ended || len(got.Lines) > 0 {
			t.Errorf("%+v, %v, %v", got, found, err)
		}
	}
	once(t, log, "webhooks")
	spoil(t, j, "dead_letters", "{", "n = 1")
	letters, _, err := j.DeadLetters(t.Context(), "books", 0, 10)
	if err != nil || len(letters) != 2 || letters[1].Seq != 3 || letters[1].Error == "" || letters[1].DeadAt.IsZero() || letters[0].Error != "" {
		t.Errorf("%s, %v", fmt.Sprintf("%+v", letters), err)
	}
	once(t, log, "dead_letters")
}
