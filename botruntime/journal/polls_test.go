package journal

import (
	"fmt"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// asked writes a poll's message.
func asked(t testing.TB, j *Journal, id string, in bot.Party) {
	t.Helper()
	m := bot.Message{ID: id, Chat: in, From: in, Kind: bot.KindPoll, Timestamp: bot.At(j.Now()), Poll: &bot.Poll{Name: "?", Options: []string{"a", "b"}}}
	if err := j.Commit(t.Context(), func(tx *Tx) error {
		if err := tx.PutMessage(m, []byte("raw")); err != nil {
			return err
		}
		return tx.PutPoll(id, in.ID, in.ID)
	}); err != nil {
		t.Fatal(err)
	}
}

func votes(t testing.TB, j *Journal, poll string, in bot.Party, forms []string, at int64, options ...string) (counted bool) {
	t.Helper()
	if err := j.Commit(t.Context(), func(tx *Tx) (err error) {
		counted, err = tx.PutVote(poll, in.ID, forms, at, Vote{From: bot.Party{ID: forms[0]}, Options: options})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return counted
}

func shown(t testing.TB, j *Journal, poll string, in bot.Party) string {
	t.Helper()
	all, err := j.Votes(t.Context(), poll, in.ID)
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for voter, options := range all.All() {
		out += fmt.Sprint(voter.ID, options)
	}
	return out
}

func TestTheLastVoteOfAVoterCounts(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir(), nil)
	asked(t, j, "P", chat(1))
	votes(t, j, "P", chat(1), []string{"lid"}, 10, "a")
	if !votes(t, j, "P", chat(1), []string{"number", "lid"}, 20, "b") { // the number became known
		t.Error("a later vote was not counted")
	}
	if votes(t, j, "P", chat(1), []string{"number", "lid"}, 15, "a") {
		t.Error("an earlier vote that came late was counted")
	}
	votes(t, j, "P", chat(1), []string{"other"}, 5)
	if got := shown(t, j, "P", chat(1)); got != "other[]number[b]" {
		t.Error(got)
	}
}

func TestVotesGoWithTheirPoll(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.Retention, o.Now = time.Hour, func() time.Time { return clock } })
	asked(t, j, "OLD", chat(1))
	votes(t, j, "OLD", chat(1), []string{"x"}, 1, "a")
	clock = clock.Add(50 * time.Minute)
	asked(t, j, "NEW", chat(1))
	asked(t, j, "REVOKED", chat(1))
	asked(t, j, "ERASED", chat(2))
	for poll, in := range map[string]bot.Party{"NEW": chat(1), "REVOKED": chat(1), "ERASED": chat(2)} {
		votes(t, j, poll, in, []string{"x"}, 1, "a")
	}
	if err := j.Commit(t.Context(), func(tx *Tx) error { return tx.ForgetPoll("REVOKED", chat(1).ID) }); err != nil {
		t.Fatal(err)
	}
	if _, err := j.EraseChat(t.Context(), chat(2).ID); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(20 * time.Minute)
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if old, fresh := shown(t, j, "OLD", chat(1)), shown(t, j, "NEW", chat(1)); old != "" || fresh != "x[a]" {
		t.Errorf("old %q, new %q", old, fresh)
	}
	if gone := shown(t, j, "REVOKED", chat(1)) + shown(t, j, "ERASED", chat(2)); gone != "" {
		t.Error(gone)
	}
}

func TestVotesThatWaitForTheirPollAreBounded(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.Now = func() time.Time { return clock } })
	take := func(poll string) (n int) {
		t.Helper()
		if err := j.Commit(t.Context(), func(tx *Tx) error {
			some, err := tx.TakeEarlyVotes(poll, "lid", chat(1).ID)
			n = len(some)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	keep := func(poll string, count int) {
		t.Helper()
		if err := j.Commit(t.Context(), func(tx *Tx) error {
			for range count {
				if err := tx.KeepEarlyVote(poll, chat(1).ID, []byte("{}")); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	keep("A", 10)
	keep("B", maxEarly-5)
	if a, again, b := take("A"), take("A"), take("B"); a != 5 || again != 0 || b != maxEarly-5 {
		t.Errorf("%d, then %d, and %d", a, again, b)
	}
	keep("C", 1)
	clock = clock.Add(25 * time.Hour)
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := take("C"); c != 0 {
		t.Errorf("%d votes of a poll that never came", c)
	}
}

func TestPresenceIsKeptForAnHour(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	j := open(t, t.TempDir(), func(o *Options) { o.Now = func() time.Time { return clock } })
	came(t, j, "M", chat(1), "text")
	if err := j.Commit(t.Context(), func(tx *Tx) error {
		for range 2 { // equal ones are two events
			if err := tx.AppendFresh(bot.EventPresence, chat(1).ID, bot.EventData{}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		want  string
	}{{59 * time.Minute, "1 2 3"}, {2 * time.Minute, "1"}} {
		clock = clock.Add(c.after)
		if err := j.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, _, err := j.Events(t.Context(), Query{Limit: 10}); err != nil || ids(left) != c.want {
			t.Errorf("after %s: %s, %v", c.after, ids(left), err)
		}
	}
}
