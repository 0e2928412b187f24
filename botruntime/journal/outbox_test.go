package journal

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// queue is an entry of the outbox to a chat.
func queue(j *Journal, id string, to bot.Party, key, text string) Send {
	now := j.Now()
	return Send{
		Message: bot.Message{
			ID: id, Chat: to, From: chat(0), FromMe: true, Kind: bot.KindText, Text: text, Timestamp: bot.At(now), State: bot.MessageQueued,
			Mentions: []bot.Party{chat(9)}, Poll: &bot.Poll{Name: text}, Status: &bot.StatusOptions{Contacts: []string{text}},
		},
		Key: key, Sum: []byte("sum of " + text), Account: chat(0).ID, Target: to.ID, Raw: []byte("raw " + text), Pending: true, Listed: true,
		Due: now, Ends: now.Add(time.Hour),
	}
}

// puts adds an entry that must be accepted.
func puts(t testing.TB, j *Journal, s Send) {
	t.Helper()
	if _, fresh, err := j.AddSend(t.Context(), s); err != nil || !fresh {
		t.Fatalf("fresh %v, %v", fresh, err)
	}
}

// ends gives an entry its last state.
func ends(t testing.TB, j *Journal, id string) {
	t.Helper()
	if err := j.Commit(t.Context(), func(tx *Tx) error {
		_, err := tx.UpdateSend(id, func(s *Send) bool {
			s.Message.State, s.Pending = bot.MessageSent, false
			return true
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func entry(t testing.TB, j *Journal, id string) *Send {
	t.Helper()
	s, err := j.Send(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAKeyNamesOneEntry(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	puts(t, j, queue(j, "A", chat(1), "key", "one"))
	got, fresh, err := j.AddSend(t.Context(), queue(j, "B", chat(1), "key", "one"))
	if err != nil || fresh || got.Message.ID != "A" || got.Message.Text != "one" {
		t.Errorf("the same request: %+v, fresh %v, %v", got, fresh, err)
	}
	if _, fresh, err = j.AddSend(t.Context(), queue(j, "C", chat(1), "key", "two")); !errors.Is(err, ErrKeyReused) || fresh {
		t.Errorf("another request: fresh %v, %v", fresh, err)
	}
	for _, id := range []string{"D", "E"} {
		puts(t, j, queue(j, id, chat(1), "", "one")) // no key, no memory
	}
	if entry(t, j, "B") != nil || entry(t, j, "C") != nil || entry(t, j, "E") == nil {
		t.Error("a request with a known key made an entry")
	}
	if _, _, err = j.AddSend(t.Context(), queue(j, "A", chat(1), "other", "one")); err == nil {
		t.Error("two entries have one message id")
	}
	if known, err := j.SendByKey(t.Context(), "key", []byte("sum of two")); !errors.Is(err, ErrKeyReused) || known != nil {
		t.Errorf("%+v, %v", known, err)
	}
}

func TestTheOutboxIsBounded(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	if err := j.Commit(t.Context(), func(tx *Tx) error {
		for i := range MaxPending {
			s := queue(j, fmt.Sprint("M", i), chat(i%7), fmt.Sprint("key", i), "text")
			s.Listed = false
			if err := tx.insertSend(&s); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	late := queue(j, "LATE", chat(1), "late", "text")
	if _, fresh, err := j.AddSend(t.Context(), late); !errors.Is(err, ErrOutboxFull) || fresh {
		t.Fatalf("fresh %v, %v", fresh, err)
	}
	if got, fresh, err := j.AddSend(t.Context(), queue(j, "X", chat(5), "key5", "text")); err != nil || fresh || got.Message.ID != "M5" {
		t.Errorf("a known key while the outbox is full: %+v, fresh %v, %v", got.Message, fresh, err)
	}
	ends(t, j, "M0")
	puts(t, j, late)
}

// TestASmallJournalKeepsWhatIsNotSent makes the journal too large: settled entries go, oldest first, and no other.
func TestASmallJournalKeepsWhatIsNotSent(t *testing.T) {
	t.Parallel()
	now := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.MaxBytes, o.Now = 200<<10, func() time.Time { return now } })
	big := make([]byte, 2<<10)
	for i := range 400 {
		s := queue(j, fmt.Sprint("M", i), chat(1), "", "text")
		s.Raw, s.Listed = big, false
		puts(t, j, s)
		if i%4 != 0 {
			ends(t, j, s.Message.ID)
		}
	}
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for i := range 400 {
		s := entry(t, j, fmt.Sprint("M", i))
		if i%4 == 0 && (s == nil || len(s.Raw) != len(big)) {
			t.Fatalf("M%d is gone, and was not sent", i)
		}
		if i%4 != 0 && s != nil {
			kept++
		}
	}
	if kept != 0 { // what waits alone is more than the limit
		t.Errorf("%d settled entries are left", kept)
	}
}

func TestRetentionOfTheOutbox(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		retention time.Duration
		after     time.Duration
		text, raw bool
		gone      bool
	}{
		"kept for a recipient who asks": {retention: time.Hour, after: 13 * 24 * time.Hour, text: true, raw: true},
		"after two weeks":               {retention: time.Hour, after: RetryTime + time.Minute, gone: true},
		"nothing to be kept, fresh":     {after: 9 * time.Minute, text: true, raw: true},
		"nothing to be kept":            {after: 11 * time.Minute},
		"nothing to be kept, its key":   {after: 13 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := now
			j := open(t, t.TempDir(), func(o *Options) { o.Retention, o.Now = c.retention, func() time.Time { return clock } })
			puts(t, j, queue(j, "SENT", chat(1), "key", "secret"))
			ends(t, j, "SENT")
			puts(t, j, queue(j, "WAITS", chat(1), "", "secret"))
			clock = now.Add(c.after)
			if err := j.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s := entry(t, j, "WAITS"); s == nil || s.Message.Text != "secret" || len(s.Raw) == 0 {
				t.Errorf("what was not sent: %+v", s)
			}
			s := entry(t, j, "SENT")
			if c.gone {
				if s != nil {
					t.Errorf("%+v", s)
				}
				return
			}
			m := s.Message
			if (m.Text != "") != c.text || (len(s.Raw) > 0) != c.raw || (m.Mentions != nil) != c.text || (m.Poll != nil) != c.text || (m.Status != nil) != c.text {
				t.Errorf("%+v", s)
			}
			if got, fresh, err := j.AddSend(t.Context(), queue(j, "AGAIN", chat(1), "key", "secret")); err != nil || fresh || got.Message.ID != "SENT" {
				t.Errorf("the key is forgotten: %+v, fresh %v, %v", got, fresh, err)
			}
		})
	}
}

func TestErasingAChatEmptiesItsOutbox(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	for id, to := range map[string]bot.Party{"SENT": chat(1), "WAITS": chat(1), "OTHER": chat(2)} {
		puts(t, j, queue(j, id, to, "key "+id, "secret"))
	}
	ends(t, j, "SENT")
	ends(t, j, "OTHER")
	n, err := j.EraseChat(t.Context(), chat(1).ID)
	if err != nil || n != 2 {
		t.Fatalf("%d, %v", n, err)
	}
	for id, want := range map[string]string{"SENT": "", "WAITS": "secret", "OTHER": "secret"} {
		if s := entry(t, j, id); s == nil || s.Message.Text != want || (len(s.Raw) > 0) != (want != "") {
			t.Errorf("%s: %+v", id, s)
		}
	}
	if _, fresh, err := j.AddSend(t.Context(), queue(j, "AGAIN", chat(1), "key SENT", "secret")); err != nil || fresh {
		t.Errorf("the key is forgotten: fresh %v, %v", fresh, err)
	}
	if left, _, err := j.Messages(t.Context(), 0, 10, chat(1).ID); err != nil || len(left) != 0 {
		t.Errorf("%+v, %v", left, err)
	}
}

// WhatsApp may know a number under another one. What waits for it goes there in its order.
func TestAChatGetsAnotherAddress(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	for _, id := range []string{"A", "B", "C"} {
		puts(t, j, queue(j, id, chat(1), "", "text "+id))
	}
	ends(t, j, "A")
	if err := j.Commit(t.Context(), func(tx *Tx) error {
		if err := tx.Readdress(chat(1).ID, chat(2).ID, chat(2)); err != nil {
			return err
		}
		_, err := tx.UpdateSend("B", func(s *Send) bool { // it is tried again later
			s.Attempts, s.Due = 1, j.Now().Add(time.Minute)
			return true
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"A": chat(1).ID, "B": chat(2).ID, "C": chat(2).ID} {
		if s := entry(t, j, id); s.Message.Chat.ID != want || s.Target != want {
			t.Errorf("%s goes to %s", id, s.Target)
		}
	}
	if taken, err := j.TakeDue(t.Context(), 10); err != nil || len(taken) != 0 {
		t.Errorf("%d entries pass the one before them, %v", len(taken), err)
	}
}

// What nobody needs of a sent message goes with its time: each field of a message is one that stays, or one that is removed.
func TestNothingOfAMessagesContentStays(t *testing.T) {
	t.Parallel()
	stays := strings.Fields(`id chat from fromMe origin kind timestamp forwarded forwardingScore album albumId tally unsupportedType viewOnce
		expiresIn editedAt revokedAt subject state history hold problem sendAt expiresAt`)
	of := reflect.TypeFor[bot.Message]()
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		if removed := strings.Contains(emptySends, "'$."+name+"'"); removed == slices.Contains(stays, name) {
			t.Errorf("%s: removed %v; name it in emptySends, or here if it says nothing of the content", name, removed)
		}
	}
}

// A held message keeps its place in its chat, also one that was never tried.
func TestAHeldMessageHoldsItsChat(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	puts(t, j, queue(j, "HELD", chat(1), "", "first"))
	puts(t, j, queue(j, "BEHIND", chat(1), "", "second"))
	puts(t, j, queue(j, "OTHER", chat(2), "", "another"))
	if err := j.Commit(t.Context(), func(tx *Tx) error {
		_, err := tx.UpdateSend("HELD", func(s *Send) bool {
			s.Message.State, s.Message.Hold, s.Due = bot.MessageHeld, &bot.Hold{Reason: bot.HoldQuietHours}, j.Now().Add(time.Hour)
			return true
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	taken, err := j.TakeDue(t.Context(), 10)
	if err != nil || len(taken) != 1 || taken[0].Message.ID != "OTHER" {
		t.Errorf("due are %+v, %v", taken, err)
	}
}
