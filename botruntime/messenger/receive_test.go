package messenger

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/turn"
)

// A message that could not be decrypted comes once more, from the account's phone. whatsmeow acknowledges that whatever
// the bot answers, so it is kept until the disk takes it.
func TestWhatThePhoneSendsAgainIsKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.refuseUntilNamed(t, "the disk is well")
	again := &events.Message{
		Info:    types.MessageInfo{ID: "AGAIN", Timestamp: f.now, MessageSource: types.MessageSource{Chat: friend, Sender: friend}},
		Message: text("kopi 25rb"), RawMessage: text("kopi 25rb"), UnavailableRequestID: "REQUEST",
	}
	if f.Take(again, turn.Turn{}) {
		t.Fatal("a message was taken that is nowhere")
	}
	if err := f.Journal.Commit(t.Context(), func(tx *journal.Tx) error { return tx.SetName("the disk is well", "yes") }); err != nil {
		t.Fatal(err)
	}
	f.comes(t, "NEXT", friend, text("es jeruk 5rb"))
	if m := f.stored(t, "AGAIN"); m.Text != "kopi 25rb" {
		t.Errorf("%+v", m)
	}
	f.stored(t, "NEXT")
	if !f.Take(again, turn.Turn{}) {
		t.Error("its repeat was refused")
	}
	if found, _, err := f.Journal.Events(t.Context(), journal.Query{Limit: 10}); err != nil || len(found) != 2 {
		t.Errorf("%d events, %v", len(found), err)
	}
}

// A stanza that comes twice cannot be decrypted the second time. The message is there already, and nothing is told.
func TestARepeatThatCannotBeDecryptedIsNotTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	info := types.MessageInfo{ID: "A", Timestamp: f.now, MessageSource: types.MessageSource{Chat: friend, Sender: friend}}
	f.takes(t, info, text("halo"))
	other := info
	other.ID = "B"
	for _, one := range []types.MessageInfo{info, other} {
		if !f.Take(&events.UndecryptableMessage{Info: one}, turn.Turn{}) {
			t.Errorf("%s was refused", one.ID)
		}
	}
	if found, _, err := f.Journal.Events(t.Context(), journal.Query{Types: []bot.EventType{bot.EventMessageUndecryptable}, Limit: 10}); err != nil || len(found) != 1 {
		t.Errorf("%d events, %v", len(found), err)
	}
}

// Receipts come in any order, and before WhatsApp's answer. The state goes forward only, and what is delivered is not sent
// again.
func TestAReceiptIsNotUndone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	taken := f.due(t)
	for _, kind := range []types.ReceiptType{types.ReceiptTypeRead, types.ReceiptTypeDelivered} {
		f.receipt(t, taken.Message.ID, kind)
	}
	if !f.writes(t, taken, verdict{state: bot.MessageUnknown, due: f.now, attempt: true}) {
		t.Error("the answer was not written")
	}
	if got, err := f.Journal.Send(t.Context(), taken.Message.ID); err != nil || got.Message.State != bot.MessageRead || got.Pending {
		t.Errorf("%+v, %v", got, err)
	}
	if says := f.says(t, taken.Message.ID); len(says) != 1 {
		t.Errorf("the events are %v", says)
	}
}

// refuseUntilNamed makes the journal refuse all events until it has a name.
func (f *fixture) refuseUntilNamed(t *testing.T, name string) {
	t.Helper()
	if err := f.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(f.dir, journal.FileName))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE INSERT ON events
		WHEN NOT EXISTS (SELECT 1 FROM names WHERE id = '`+name+`') BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	f.open(t)
}
