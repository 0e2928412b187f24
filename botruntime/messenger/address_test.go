package messenger

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/turn"
)

// fixture is a messenger without a connection. lids are the LIDs of numbers that WhatsApp has told.
type fixture struct {
	*Messenger
	dir      string // of the journal
	now      time.Time
	lids     map[types.JID]types.JID
	repeated int
}

var (
	ownNumber  = types.NewJID("6289999999999", types.DefaultUserServer)
	ownLID     = types.NewJID("999999999999999", types.HiddenUserServer)
	friend     = types.NewJID("6281234567890", types.DefaultUserServer)
	friendsLID = types.NewJID("111111111111111", types.HiddenUserServer)
)

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir(), now: time.Now(), lids: map[types.JID]types.JID{}}
	f.open(t)
	t.Cleanup(func() { _ = f.Journal.Close() })
	return f
}

// open opens the journal, with a new messenger.
func (f *fixture) open(t *testing.T) {
	t.Helper()
	book, err := journal.Open(t.Context(), journal.Options{Directory: f.dir, Session: "test", Retention: time.Hour, Now: func() time.Time { return f.now }})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	f.Messenger = New(Options{Journal: book, Inbox: journal.NewInbox(book, f, log), Names: f.other, Meter: f, Log: log})
	var session Session = f
	f.session.Store(&session)
}

func (f *fixture) other(jid types.JID) types.JID {
	for number, lid := range f.lids {
		switch jid {
		case number:
			return lid
		case lid:
			return number
		}
	}
	return types.EmptyJID
}

// The fixture is its own session and its own meter.
func (f *fixture) Watch() (*bot.Snapshot, <-chan struct{}) {
	return &bot.Snapshot{JID: ownNumber.String()}, nil
}
func (f *fixture) Client() (*whatsmeow.Client, error) {
	return nil, &Refusal{Kind: bot.ProblemNotReady}
}
func (f *fixture) Received(bot.EventType, bool)              {}
func (f *fixture) Attempted(bot.MessageState, time.Duration) {}
func (f *fixture) KeyRepeated()                              { f.repeated++ }
func (f *fixture) AskedAgain(bool)                           {}
func (f *fixture) Refused()                                  {}
func (f *fixture) Unstorable()                               {}
func (f *fixture) stored(t *testing.T, id string) bot.Message {
	t.Helper()
	found, err := f.Journal.Message(t.Context(), id)
	if err != nil || found == nil {
		t.Fatalf("message %s: %v, %v", id, found, err)
	}
	return found.Message
}

// comes takes a message in the chat with someone.
func (f *fixture) comes(t *testing.T, id string, from types.JID, content *waE2E.Message) {
	t.Helper()
	f.takes(t, types.MessageInfo{ID: id, Timestamp: f.now, MessageSource: types.MessageSource{Chat: from, Sender: from}}, content)
}

func (f *fixture) takes(t *testing.T, info types.MessageInfo, content *waE2E.Message) {
	t.Helper()
	if !f.Take(&events.Message{Info: info, Message: content, RawMessage: content}, turn.Turn{}) {
		t.Fatalf("message %s was not taken", info.ID)
	}
}

func text(words string) *waE2E.Message { return &waE2E.Message{Conversation: proto.String(words)} }

// Someone writes under a LID. When the number has become known, the same person changes and revokes those messages.
func TestAChangeUnderAnotherAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.comes(t, "FIRST", friendsLID, text("kopi 2rb"))
	f.comes(t, "SECOND", friendsLID, text("salah"))
	if m := f.stored(t, "FIRST"); m.Chat.ID != friendsLID.String() {
		t.Fatalf("%+v", m.Chat)
	}
	f.lids[friend] = friendsLID
	f.comes(t, "EDIT", friendsLID, &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
		Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), Key: messageKey("FIRST"), EditedMessage: text("kopi 25rb"),
	}})
	f.comes(t, "REVOKE", friend, &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: messageKey("SECOND")}})
	if m := f.stored(t, "FIRST"); m.Text != "kopi 25rb" || m.EditedAt.IsZero() {
		t.Errorf("%+v", m)
	}
	if m := f.stored(t, "SECOND"); m.Text != "" || m.RevokedAt.IsZero() {
		t.Errorf("%+v", m)
	}
	found, err := f.Journal.Message(t.Context(), "FIRST")
	var raw waE2E.Message
	if err != nil || proto.Unmarshal(found.Raw, &raw) != nil || raw.GetConversation() != "kopi 25rb" {
		t.Errorf("its bytes say %q, %v", raw.GetConversation(), err)
	}
}

// A message without an answer may be sent again. Once its writer revokes it on the phone, it is not: nothing is left of it
// that could be sent.
func TestWhatWasRevokedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "salah"})
	if err != nil {
		t.Fatal(err)
	}
	taken, err := f.Journal.TakeDue(t.Context(), 10)
	if err != nil || len(taken) != 1 {
		t.Fatalf("%d entries are due, %v", len(taken), err)
	}
	if err := f.Journal.Commit(t.Context(), func(tx *journal.Tx) error {
		return f.settle(tx, result{taken[0], verdict{state: bot.MessageUnknown, due: f.now, attempt: true}}, nil)
	}); err != nil {
		t.Fatal(err)
	}
	// The phone names the account by its LID.
	f.takes(t, types.MessageInfo{ID: "REVOKE", Timestamp: f.now, MessageSource: types.MessageSource{Chat: friend, Sender: ownLID, IsFromMe: true}},
		&waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum(), Key: messageKey(m.ID)}})
	f.now = f.now.Add(time.Minute)
	if taken, err := f.Journal.TakeDue(t.Context(), 10); err != nil || len(taken) != 0 {
		t.Errorf("it is sent again, %v", err)
	}
	if m := f.stored(t, m.ID); m.State != bot.MessageSent || m.RevokedAt.IsZero() {
		t.Errorf("%+v", m)
	}
}

func messageKey(id string) *waCommon.MessageKey {
	return &waCommon.MessageKey{ID: &id, FromMe: proto.Bool(true)}
}

// A presence that was asked for under a LID goes on when the number becomes known.
func TestAPresenceUnderAnotherAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.presences.chats = map[string]*bot.Presence{friendsLID.String(): {Chat: f.Names.Party(friendsLID, types.EmptyJID, "")}}
	f.lids[friend] = friendsLID
	f.Take(&events.Presence{From: friendsLID}, turn.Turn{})
	known, err := f.PresenceOf(friend.String())
	if err != nil || len(known.People) != 1 || known.People[0].Presence != bot.Available {
		t.Errorf("%+v, %v", known, err)
	}
	if _, err := f.Unsubscribe(friend.String()); err != nil || len(f.Presences()) != 0 {
		t.Errorf("%+v, %v", f.Presences(), err)
	}
}

// A computer may start with a clock that is ahead. What was put into the outbox then does not wait until that time.
func TestAMessageIsDueWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if _, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "halo"}); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(-7 * time.Hour)
	if taken, err := f.Journal.TakeDue(t.Context(), 10); err != nil || len(taken) != 1 {
		t.Errorf("%d entries are due, %v", len(taken), err)
	}
}

func TestARepeatIsCountedAndAnIdIsUsedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	request := bot.SendRequest{ID: "PESANAN0001", To: friend.String(), Text: "halo"}
	for range 2 {
		if m, err := f.Send(t.Context(), "key", request); err != nil || m.ID != request.ID {
			t.Errorf("%+v, %v", m, err)
		}
	}
	if f.repeated != 1 {
		t.Errorf("%d repeats were counted", f.repeated)
	}
	var refused *Refusal
	if _, err := f.Send(t.Context(), "other key", request); !errors.As(err, &refused) || refused.Field != "id" {
		t.Errorf("the id of another message: %v", err)
	}
}

// A request to cancel can be repeated as any other: its answer may have been lost.
func TestAMessageIsCancelledTwice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "besok", SendAt: bot.At(f.now.Add(time.Hour))})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if gone, err := f.Delete(t.Context(), "", "", m.ID); err != nil || gone.ID != m.ID || gone.State != bot.MessageCancelled {
			t.Errorf("%+v, %v", gone, err)
		}
	}
	if _, err := f.Delete(t.Context(), "", "6281000000000@s.whatsapp.net", m.ID); err == nil {
		t.Error("it was found in another chat")
	}
}

// The time in which a message can be edited begins when it is sent, however long it was in the outbox.
func TestAScheduledMessageIsEdited(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "selamat pagi", SendAt: bot.At(f.now.Add(70 * time.Hour))})
	if err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(70*time.Hour + time.Minute)
	taken, err := f.Journal.TakeDue(t.Context(), 10)
	if err != nil || len(taken) != 1 {
		t.Fatalf("%d entries are due, %v", len(taken), err)
	}
	if err := f.Journal.Commit(t.Context(), func(tx *journal.Tx) error {
		return f.settle(tx, result{taken[0], verdict{state: bot.MessageSent}}, nil)
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Edit(t.Context(), "", "", m.ID, bot.EditRequest{Text: "selamat siang"}); err != nil {
		t.Errorf("edit: %v", err)
	}
	f.now = f.now.Add(editTime + time.Minute)
	if _, err := f.Edit(t.Context(), "", "", m.ID, bot.EditRequest{Text: "selamat malam"}); err == nil {
		t.Error("an edit came too late and was accepted")
	}
	if _, err := f.Delete(t.Context(), "", "", m.ID); err != nil {
		t.Errorf("revoke: %v", err)
	}
}

// A sender who uses the id of an earlier message does not hide that one.
func TestAMessageUnderTheIdOfAnother(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	group := types.NewJID("120363000000000001", types.GroupServer)
	says := func(who types.JID, words string) {
		f.takes(t, types.MessageInfo{ID: "TAKEN", Timestamp: f.now, MessageSource: types.MessageSource{Chat: group, Sender: who, IsGroup: true}}, text(words))
	}
	says(friend, "rapat jam 9")
	says(types.NewJID("6281000000000", types.DefaultUserServer), "rapat batal") // its address sorts before
	if m := f.stored(t, "TAKEN"); m.Text != "rapat jam 9" {
		t.Errorf("%+v", m)
	}
	if _, err := f.Send(t.Context(), "", bot.SendRequest{To: group.String(), Text: "baik", ReplyTo: "TAKEN"}); err != nil {
		t.Errorf("a reply to it: %v", err)
	}
}

// An event that readers of streams could not take is kept without its content, and WhatsApp need not send it again.
func TestAMessageThatIsTooLongForAnEvent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := make([]byte, bot.MaxEvent)
	for i := range long {
		long[i] = 'x'
	}
	f.comes(t, "LONG", friend, text(string(long)))
	if m := f.stored(t, "LONG"); m.Kind != bot.KindUnsupported || m.Text != "" {
		t.Errorf("kind %s, %d bytes", m.Kind, len(m.Text))
	}
}

// Where WhatsApp does not say what the account may do, those who ask at the same time do not each wait for it: messages to
// new people wait behind them.
func TestAQuestionThatFailedIsNotAskedAgainAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var said strings.Builder
	f.Log = slog.New(slog.NewTextHandler(&said, nil))
	client := whatsmeow.NewClient(&store.Device{ID: &ownNumber}, nil) // it is not connected
	for range 5 {
		f.freshLimits(t.Context(), client, limitsShown)
	}
	if n := strings.Count(said.String(), "did not say"); n != 1 {
		t.Errorf("it was asked %d times: %s", n, said.String())
	}
	f.now = f.now.Add(limitsShown)
	f.freshLimits(t.Context(), client, limitsFresh)
	f.freshLimits(t.Context(), client, 0) // behind a refusal it is asked in any case
	if n := strings.Count(said.String(), "did not say"); n != 3 {
		t.Errorf("later it was asked %d times: %s", n, said.String())
	}
}

// What waits for a LID goes before what is sent to the number that became known since, and both are in one chat. A message
// that came under the LID can be named in the chat of the number.
func TestTheOutboxUnderTwoAddresses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.comes(t, "ASKED", friendsLID, text("berapa?"))
	first, err := f.Send(t.Context(), "", bot.SendRequest{To: friendsLID.String(), Text: "satu"})
	if err != nil || first.Chat.ID != friendsLID.String() {
		t.Fatalf("%+v, %v", first.Chat, err)
	}
	taken, err := f.Journal.TakeDue(t.Context(), 10)
	if err != nil || len(taken) != 1 || !f.writeResults(t.Context(), []result{{taken[0], verdict{state: bot.MessageQueued, due: f.now.Add(time.Minute), attempt: true}}}) {
		t.Fatalf("%d entries are due, %v", len(taken), err)
	}
	f.lids[friend] = friendsLID
	second, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Text: "dua", ReplyTo: "ASKED"})
	if err != nil || second.Chat.ID != friend.String() {
		t.Fatalf("%+v, %v", second.Chat, err)
	}
	if due, err := f.Journal.TakeDue(t.Context(), 10); err != nil || len(due) != 0 {
		t.Errorf("%d messages pass the one that waits, %v", len(due), err)
	}
	f.now = f.now.Add(2 * time.Minute)
	due, err := f.Journal.TakeDue(t.Context(), 10)
	if err != nil || len(due) != 2 || due[0].Message.ID != first.ID || due[0].Message.Chat.ID != friend.String() || due[0].Target != friendsLID.String() {
		t.Errorf("%+v, %v", due, err)
	}
	if _, err := f.Send(t.Context(), "", bot.SendRequest{To: friend.String(), Reaction: &bot.SendReaction{MessageID: "ASKED", Emoji: "👍"}}); err != nil {
		t.Errorf("a reaction: %v", err)
	}
}
