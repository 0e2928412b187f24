package messenger

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/turn"
)

// spoil closes the journal, changes it as a fault of the disk would, and opens it again.
func (f *fixture) spoil(t *testing.T, statement string, args ...any) {
	t.Helper()
	if err := f.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(f.dir, journal.FileName))
	if err != nil {
		t.Fatal(err)
	}
	done, err := db.ExecContext(t.Context(), statement, args...)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); n == 0 || err != nil {
		t.Fatalf("%s: %d rows, %v", statement, n, err)
	}
	f.open(t)
}

// writes writes the result of an attempt, as the outbox does.
func (f *fixture) writes(t *testing.T, s journal.Send, v verdict) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return f.writeResults(ctx, []result{{s, v}})
}

// says returns the states that the events of a message name.
func (f *fixture) says(t *testing.T, id string) (states []string) {
	t.Helper()
	found, _, err := f.Journal.Events(t.Context(), journal.Query{Types: []bot.EventType{bot.EventMessageState}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		if strings.Contains(string(e.Data), id) {
			states = append(states, string(e.Data))
		}
	}
	return states
}

// A receipt, and an answer, for a message of the outbox that cannot be read do not keep out what comes after them.
func TestAReceiptForAnEntryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	taken := f.due(t)
	f.spoil(t, `UPDATE sends SET body = '{"id":'`)
	f.spoil(t, `UPDATE messages SET body = CAST('{"id":' AS BLOB)`)
	if !f.writes(t, taken, verdict{state: bot.MessageSent}) {
		t.Error("the answer was not written")
	}
	if !f.Take(&events.Receipt{MessageSource: types.MessageSource{Chat: friend, Sender: friend}, MessageIDs: []string{taken.Message.ID}, Timestamp: f.now, Type: types.ReceiptTypeDelivered}, turn.Turn{}) {
		t.Error("the receipt was refused")
	}
	f.comes(t, "NEXT", friend, text("terima kasih"))
	if got, err := f.Journal.Send(t.Context(), taken.Message.ID); err != nil || got.Message.State != bot.MessageDelivered || got.Pending {
		t.Errorf("%+v, %v", got, err)
	}
}

// What may have been sent is not called failed, and is not sent again.
func TestAnEntryThatCannotBeReadEndsTruly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change string
		want   bot.MessageState
		retry  bool
	}{
		{`state = 'queued'`, bot.MessageFailed, true},
		{`state = 'held'`, bot.MessageFailed, true},
		{`state = 'queued', attempts = 1`, bot.MessageUnknown, false},
		{`state = 'sending'`, bot.MessageUnknown, false},
		{`state = 'unknown'`, bot.MessageUnknown, false},
	} {
		f := newFixture(t)
		m, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "halo"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "apa kabar?"}); err != nil {
			t.Fatal(err)
		}
		f.spoil(t, `UPDATE sends SET body = '{"id":', `+c.change+` WHERE n = 1`)
		taken, err := f.Journal.TakeDue(t.Context(), 10)
		if err != nil || len(taken) != 2 || !f.sendBatch(t.Context(), nil, taken[:1]) {
			t.Fatalf("%d entries are due, %v", len(taken), err)
		}
		got := f.stored(t, m.ID)
		if got.State != c.want || got.Problem == nil || got.Problem.Type != bot.ProblemUnreadable.Type() || got.Problem.Retryable != c.retry || got.Text != "halo" {
			t.Errorf("%s: %+v", c.change, got)
		}
		if says := f.says(t, m.ID); len(says) != 1 {
			t.Errorf("%s: the events are %v", c.change, says)
		}
		f.now = f.now.Add(time.Minute)
		if due, err := f.Journal.TakeDue(t.Context(), 10); err != nil || len(due) != 1 || due[0].Message.ID == m.ID {
			t.Errorf("%s: later %d entries are due, %v", c.change, len(due), err)
		}
	}
}

// Nobody knows for whom a status post was that cannot be read.
func TestAStatusPostThatCannotBeReadIsForNobody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, err := f.Send(t.Context(), "", bot.SendRequest{To: "status", Text: "halo", StatusOptions: &bot.StatusOptions{Contacts: []string{friend.String()}}})
	if err != nil {
		t.Fatal(err)
	}
	if f.messageForRetry(friend, types.StatusBroadcastJID, m.ID) == nil {
		t.Error("who may see it gets nothing")
	}
	f.spoil(t, `UPDATE sends SET body = ''`)
	if f.messageForRetry(types.NewJID("6281000000000", types.DefaultUserServer), types.StatusBroadcastJID, m.ID) != nil {
		t.Error("a stranger got it")
	}
}

// What the bot did to a message is written when WhatsApp has accepted it. If the bytes cannot be read, nothing else waits.
func TestTheEffectOfAnEntryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.comes(t, "POLL", friend, &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{Name: proto.String("Makan?"), Options: []*waE2E.PollCreationMessage_Option{
		{OptionName: proto.String("ya")}, {OptionName: proto.String("tidak")}}}, MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: make([]byte, 32)}})
	first, err := f.Pin(t.Context(), "", "", "POLL", bot.PinRequest{Duration: 86400})
	if err != nil {
		t.Fatal(err)
	}
	taken, err := f.Journal.TakeDue(t.Context(), 10)
	if err != nil || len(taken) != 1 {
		t.Fatalf("%d entries are due, %v", len(taken), err)
	}
	f.spoil(t, `UPDATE sends SET raw = x'ff'`)
	if !f.writes(t, taken[0], verdict{state: bot.MessageSent}) {
		t.Error("the result was not written")
	}
	if got, err := f.Journal.Send(t.Context(), first.ID); err != nil || got.Message.State != bot.MessageSent || got.Pending {
		t.Errorf("%+v, %v", got, err)
	}
}

// A vote that came before its poll and cannot be read does not keep out the poll.
func TestAnEarlyVoteThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if err := f.Journal.Commit(t.Context(), func(tx *journal.Tx) error { return tx.KeepEarlyVote("POLL", friend.String(), []byte(`{"Vote":`)) }); err != nil {
		t.Fatal(err)
	}
	f.comes(t, "POLL", friend, &waE2E.Message{PollCreationMessage: &waE2E.PollCreationMessage{Name: proto.String("Makan?"), Options: []*waE2E.PollCreationMessage_Option{
		{OptionName: proto.String("ya")}, {OptionName: proto.String("tidak")}}}, MessageContextInfo: &waE2E.MessageContextInfo{MessageSecret: make([]byte, 32)}})
	if m := f.stored(t, "POLL"); m.Kind != bot.KindPoll {
		t.Errorf("%+v", m)
	}
}
