package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/turn"
)

// tally counts as an InboxMeter.
type tally struct{ refused, unstorable int }

func (c *tally) Refused()    { c.refused++ }
func (c *tally) Unstorable() { c.unstorable++ }

func inbox(t *testing.T) (*Journal, *Inbox, *tally) {
	j, count := open(t, t.TempDir(), nil), &tally{}
	return j, NewInbox(j, count, slog.New(slog.DiscardHandler)), count
}

// refuseTexts makes the database refuse each message whose JSON holds a text.
func refuseTexts(t *testing.T, j *Journal, text string) {
	t.Helper()
	_, err := j.db.ExecContext(t.Context(), `CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN CAST(NEW.body AS TEXT) LIKE '%`+text+`%'
		BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	if err != nil {
		t.Fatal(err)
	}
}

// arrival is a message that comes again while it is refused.
func arrival(id, text string) Arrival {
	from := chat(1)
	put := func(m bot.Message) func(*Tx) error {
		return func(t *Tx) error {
			m.ID, m.Chat, m.From = id, from, from
			if _, err := t.Append([]Key{KeyOf(id)}, bot.EventMessage, from.ID, bot.EventData{Message: &m}); err != nil {
				return err
			}
			return t.PutMessage(m, nil)
		}
	}
	return Arrival{
		Key: KeyOf(id), Write: put(bot.Message{Kind: bot.KindText, Text: text}),
		Instead: put(bot.Message{Kind: bot.KindUnsupported, UnsupportedType: "unstorable"}),
	}
}

func (c *tally) expect(t *testing.T, refused, unstorable int) {
	t.Helper()
	if c.refused != refused || c.unstorable != unstorable {
		t.Errorf("%d refused and %d unstorable, want %d and %d", c.refused, c.unstorable, refused, unstorable)
	}
}

// texts lists what the journal has of messages.
func texts(t *testing.T, j *Journal) string {
	t.Helper()
	records, _, err := j.Messages(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range records {
		all = append([]string{r.Message.Text + r.Message.UnsupportedType}, all...)
	}
	return fmt.Sprint(all)
}

func TestAMessageThatTheJournalCanNeverTakeIsKeptWithoutItsContent(t *testing.T) {
	t.Parallel()
	j, in, count := inbox(t)
	refuseTexts(t, j, "poison")
	for try := range maxTries {
		if took, last := in.Take(arrival("A", "poison")), try == maxTries-1; took != last {
			t.Errorf("try %d: %v", try, took)
		}
	}
	if !in.Take(arrival("B", "good")) {
		t.Error("the message behind it was refused")
	}
	count.expect(t, maxTries-1, 1)
	if got := texts(t, j); got != "[unstorable good]" {
		t.Errorf("the journal has %s", got)
	}
	// The bot was killed before it could acknowledge it, and it comes again.
	for range maxTries - 1 {
		in.Take(arrival("A", "poison"))
	}
	if took, got := in.Take(arrival("A", "poison")), texts(t, j); !took || got != "[unstorable good]" {
		t.Errorf("a repeat: %v, and the journal has %s", took, got)
	}
}

func TestATableThatTakesNothingIsNoFaultOfAMessage(t *testing.T) {
	t.Parallel()
	j, in, count := inbox(t)
	refuseTexts(t, j, "") // every message
	for range 3 * maxTries {
		if in.Take(arrival("A", "good")) {
			t.Fatal("a message was acknowledged that is nowhere")
		}
	}
	count.expect(t, 3*maxTries, 0)
	if _, err := j.db.ExecContext(t.Context(), `DROP TRIGGER refuse`); err != nil {
		t.Fatal(err)
	}
	if !in.Take(arrival("A", "good")) || texts(t, j) != "[good]" {
		t.Errorf("afterwards the journal has %s", texts(t, j))
	}
}

func TestAFullDiskIsNoFaultOfAMessage(t *testing.T) {
	t.Parallel()
	j, in, count := inbox(t)
	if _, err := j.db.ExecContext(t.Context(), `PRAGMA max_page_count = 1`); err != nil { // as small as it is already
		t.Fatal(err)
	}
	big := strings.Repeat("x", 1000<<10)
	for range 2 * maxTries {
		if in.Take(arrival("A", big)) {
			t.Fatal("a message was acknowledged that the disk did not take")
		}
	}
	count.expect(t, 2*maxTries, 0)
}

func TestWhatIsOwedDoesNotKeepOutOthers(t *testing.T) {
	t.Parallel()
	j, in, count := inbox(t)
	good := false
	if in.Take(Arrival{Write: func(*Tx) error { panic("poison") }}) {
		t.Error("a panic was taken")
	}
	if in.Take(Arrival{Write: func(t *Tx) error {
		if !good {
			return errors.New("the disk is gone")
		}
		return t.SetName("owed", "written later")
	}}) {
		t.Error("an error was taken")
	}
	good = true
	for n := range maxTries {
		if !in.Take(arrival(fmt.Sprint("B", n), "good")) {
			t.Errorf("message %d was refused for what is owed", n)
		}
	}
	count.expect(t, 2, 1)
	if names, err := j.Names(t.Context(), []string{"owed"}); err != nil || names["owed"] != "written later" {
		t.Errorf("names %v, %v", names, err)
	}
	if len(in.owed) != 0 {
		t.Errorf("%d are still owed", len(in.owed))
	}
}

// A message that is too long stays too long: it does not cost a connection for each try.
func TestAMessageThatIsTooLongIsTriedOnce(t *testing.T) {
	t.Parallel()
	j, in, count := inbox(t)
	if !in.Take(arrival("A", strings.Repeat("x", bot.MaxEvent))) {
		t.Error("it was refused")
	}
	count.expect(t, 0, 1)
	if got := texts(t, j); got != "[unstorable]" {
		t.Errorf("the journal has %s", got)
	}
}

// What is owed is tried several times, also where its content seems to be at fault.
func TestWhatIsOwedIsTriedAgain(t *testing.T) {
	t.Parallel()
	j, in, count := inbox(t)
	tries := 0
	if in.Take(Arrival{Write: func(t *Tx) error {
		if tries++; tries < maxTries {
			panic("not yet")
		}
		return t.SetName("owed", "written at last")
	}}) {
		t.Error("a panic was taken")
	}
	for n := range maxTries - 1 {
		in.Take(arrival(fmt.Sprint("B", n), "good"))
	}
	count.expect(t, 1, 0)
	if names, err := j.Names(t.Context(), []string{"owed"}); err != nil || names["owed"] != "written at last" {
		t.Errorf("names %v, %v", names, err)
	}
}

// A caller that panics gets an error, and so do the others get their answers.
func TestAPanicInATransactionOfMany(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	var group sync.WaitGroup
	outcomes := make([]error, 50)
	for i := range outcomes {
		group.Go(func() {
			outcomes[i] = j.CommitTogether(t.Context(), func(tx *Tx) error {
				if i%10 == 0 {
					panic("private")
				}
				return tx.SetName(fmt.Sprint(i), "x")
			})
		})
	}
	group.Wait()
	for i, err := range outcomes {
		var panicked *PanicError
		if (i%10 == 0) != errors.As(err, &panicked) || i%10 != 0 && err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
}

// What does not come again is written without its content at once.
func TestAnEventWithoutAKeyIsKeptWithoutItsContent(t *testing.T) {
	t.Parallel()
	j, in, count := inbox(t)
	refuseTexts(t, j, "poison")
	once := arrival("A", "poison")
	once.Key = Key{}
	if took, got := in.Take(once), texts(t, j); !took || got != "[unstorable]" {
		t.Errorf("took %v, and the journal has %s", took, got)
	}
	count.expect(t, 0, 1)
}

// takeAtOnce has events of one line come while the disk is busy, each queued behind the one before, and reports which were
// taken.
func takeAtOnce(j *Journal, in *Inbox, line *turn.Line, all ...Arrival) []bool {
	took := make([]bool, len(all))
	var group sync.WaitGroup
	j.leader.Lock()
	for i, a := range all {
		queued := make(chan struct{})
		a.Turn = turn.New(line, func() { close(queued) })
		group.Go(func() { took[i] = in.Take(a) })
		<-queued
	}
	j.leader.Unlock()
	group.Wait()
	return took
}

func TestEventsThatComeAtOnceShareATransaction(t *testing.T) {
	t.Parallel()
	ticks := time.UnixMilli(0)
	j := open(t, t.TempDir(), func(o *Options) { o.Now = func() time.Time { ticks = ticks.Add(time.Second); return ticks } })
	in := NewInbox(j, &tally{}, slog.New(slog.DiscardHandler))
	if took := takeAtOnce(j, in, &turn.Line{}, arrival("A", "one"), arrival("B", "two"), arrival("C", "three")); !slices.Equal(took, []bool{true, true, true}) {
		t.Errorf("took %v", took)
	}
	events, _, err := j.Events(t.Context(), Query{Limit: 10})
	if err != nil || len(events) != 3 || !events[0].At.Equal(events[2].At) {
		t.Errorf("events %v, %v", events, err)
	}
	if got := texts(t, j); got != "[one two three]" {
		t.Errorf("the journal has %s", got)
	}
}

// What is refused comes again before all that came later. So what is behind it is refused too, and comes again in order.
func TestNothingIsWrittenBehindARefusedEvent(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 1000<<10)
	all := func(second string) []Arrival {
		return []Arrival{arrival("A", "one"), arrival("B", second), arrival("C", "three")}
	}
	t.Run("for its content", func(t *testing.T) {
		t.Parallel()
		j, in, _ := inbox(t)
		refuseTexts(t, j, "poison")
		for try := range maxTries {
			last := try == maxTries-1
			if took := takeAtOnce(j, in, &turn.Line{}, all("poison")...); !slices.Equal(took, []bool{true, last, last}) {
				t.Errorf("try %d: took %v", try, took)
			}
		}
		if got := texts(t, j); got != "[one unstorable three]" {
			t.Errorf("the journal has %s", got)
		}
	})
	t.Run("for the disk", func(t *testing.T) {
		t.Parallel()
		j, in, count := inbox(t)
		room := func(pages int) {
			t.Helper()
			if _, err := j.db.ExecContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)); err != nil {
				t.Fatal(err)
			}
		}
		room(1) // as small as it is already
		line := &turn.Line{}
		if took := takeAtOnce(j, in, line, all(big)...); !slices.Equal(took, []bool{false, false, false}) {
			t.Errorf("took %v", took)
		}
		room(100000)
		for _, behind := range [][]Arrival{{arrival("D", "four")}, {arrival("D", "four"), arrival("E", "five")}} {
			if took := takeAtOnce(j, in, line, behind...); slices.Contains(took, true) || texts(t, j) != "[]" {
				t.Errorf("took of %d events behind them: %v, and the journal has %s", len(behind), took, texts(t, j))
			}
		}
		count.expect(t, 6, 0)
		if took := takeAtOnce(j, in, &turn.Line{}, append(all("two"), arrival("D", "four"))...); !slices.Equal(took, []bool{true, true, true, true}) {
			t.Errorf("on the next connection: took %v", took)
		}
		if got := texts(t, j); got != "[one two three four]" {
			t.Errorf("the journal has %s", got)
		}
	})
}

func TestWhatIsOwedIsWrittenOnceBeforeEventsThatComeAtOnce(t *testing.T) {
	t.Parallel()
	j, in, count := inbox(t)
	wrote, good := 0, false
	owed := Arrival{Write: func(t *Tx) error {
		if !good {
			return errors.New("the disk is gone")
		}
		wrote++
		return t.SetName("owed", "written later")
	}}
	if took := takeAtOnce(j, in, &turn.Line{}, owed); took[0] {
		t.Error("an error was taken")
	}
	good = true
	if took := takeAtOnce(j, in, &turn.Line{}, arrival("A", "one"), arrival("B", "two")); !slices.Equal(took, []bool{true, true}) {
		t.Errorf("took %v", took)
	}
	count.expect(t, 1, 0)
	if names, err := j.Names(t.Context(), []string{"owed"}); err != nil || names["owed"] != "written later" || wrote != 1 {
		t.Errorf("names %v, %v; written %d times", names, err, wrote)
	}
}
