package messenger

import (
	"strings"
	"testing"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/media"
	"sesi.dev/sesi/botruntime/turn"
)

// due puts a text into the outbox, and takes it out as Run does.
func (f *fixture) due(t *testing.T) journal.Send {
	t.Helper()
	if _, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "halo"}); err != nil {
		t.Fatal(err)
	}
	taken, err := f.Journal.TakeDue(t.Context(), 10)
	if err != nil || len(taken) != 1 {
		t.Fatalf("%d entries are due, %v", len(taken), err)
	}
	return taken[0]
}

func (f *fixture) receipt(t *testing.T, id string, kind types.ReceiptType) {
	t.Helper()
	if !f.Take(&events.Receipt{MessageSource: types.MessageSource{Chat: friend, Sender: friend}, MessageIDs: []string{id}, Timestamp: f.now, Type: kind}, turn.Turn{}) {
		t.Fatal("a receipt was refused")
	}
}

// Each message counts once, whichever of WhatsApp's answer and the receipts says that it was sent.
func TestActivityCountsEachMessageOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens      func(*fixture, journal.Send)
		sent, failed uint64
	}{
		"an answer": {func(f *fixture, s journal.Send) {
			f.writes(t, s, verdict{state: bot.MessageSent})
			f.receipt(t, s.Message.ID, types.ReceiptTypeDelivered)
			f.receipt(t, s.Message.ID, types.ReceiptTypeRead)
		}, 1, 0},
		"no answer, but a receipt": {func(f *fixture, s journal.Send) {
			f.writes(t, s, verdict{state: bot.MessageUnknown, due: f.now, attempt: true})
			f.receipt(t, s.Message.ID, types.ReceiptTypeDelivered)
			f.receipt(t, s.Message.ID, types.ReceiptTypeRead)
		}, 1, 0},
		"a receipt before the answer": {func(f *fixture, s journal.Send) {
			f.receipt(t, s.Message.ID, types.ReceiptTypeDelivered)
			f.writes(t, s, verdict{state: bot.MessageSent})
		}, 1, 0},
		"a receipt, and the process ended before the answer": {func(f *fixture, s journal.Send) {
			f.receipt(t, s.Message.ID, types.ReceiptTypeDelivered)
		}, 1, 0},
		"a later try": {func(f *fixture, s journal.Send) {
			f.writes(t, s, verdict{state: bot.MessageQueued, due: f.now})
			f.writes(t, s, notOnWhatsApp(0))
		}, 0, 1},
	} {
		f := newFixture(t)
		c.happens(f, f.due(t))
		if is := f.Activity(); is.Sent != c.sent || is.Failed != c.failed || (is.LastProblem == "") != (c.failed == 0) {
			t.Errorf("%s: %+v", name, is)
		}
	}
}

// A file that cannot be given to WhatsApp is a message that failed.
func TestActivityCountsAFileThatWasNotUploaded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	files, err := media.Open(media.Options{Directory: f.dir})
	if err != nil {
		t.Fatal(err)
	}
	f.Files = files
	chat := f.Names.Party(friend, types.EmptyJID, "")
	if _, _, err := f.Journal.AddSend(t.Context(), journal.Send{
		Message: bot.Message{ID: "FILE", Chat: chat, From: f.Names.Party(ownNumber, types.EmptyJID, ""), FromMe: true, Kind: bot.KindImage, State: bot.MessageQueued},
		Account: ownNumber.String(), Target: friend.String(), Pending: true, Listed: true, Ends: f.now.Add(defaultTTL), File: strings.Repeat("ab", 32),
	}); err != nil {
		t.Fatal(err)
	}
	next, err := f.Journal.NextUpload(t.Context())
	if err != nil || next == nil || !f.uploadOne(t.Context(), nil, next) {
		t.Fatalf("%+v, %v", next, err)
	}
	if is := f.Activity(); is.Failed != 1 || is.LastProblem != bot.ProblemFileLost || !bot.At(is.LastProblemAt).Equal(bot.At(f.now).Time) {
		t.Errorf("%+v", is)
	}
}
