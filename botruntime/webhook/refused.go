package webhook

import (
	"errors"
	"slices"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// buryLimit is how many helpings of events may be given up in one turn.
const buryLimit = 128

// judge decides about an event that was not accepted. It returns true when the event was given up and the line
// continues.
func (t *turn) judge(line *journal.Line, r result) (goOn bool) {
	now := t.Now()
	t.failed = true
	t.state.Error, t.state.ErrorAt = t.why(r.answer), now
	switch classify(r.answer) {
	case lost:
		if !t.bury(r.left[0], now) {
			line.Retry = now.Add(unsavedPause)
			return false
		}
		line.Failures, line.Since = 0, time.Time{}
		return true
	case gone:
		t.state.Ended = true
		return false
	case away:
		if !t.away { // several chats notice it at once
			t.away = true
			t.state.Failures++
			if t.state.Since.IsZero() {
				t.state.Since = now
			}
			t.state.Retry = now.Add(backoff(t.state.Failures, r.answer.asked, t.Dice))
		}
		return false
	}
	if !t.away {
		t.well()
	}
	line.Failures++
	if line.Since.IsZero() {
		line.Since = now
	}
	if over(r.left[0].At, line.Since, now, t.target.Patience) && t.bury(r.left[0], now) {
		line.Failures, line.Since = 0, time.Time{}
		return true
	}
	line.Retry = now.Add(backoff(line.Failures, r.answer.asked, t.Dice))
	return false
}

// well records that the receiver answers.
func (t *turn) well() { t.state.Failures, t.state.Since, t.state.Retry = 0, time.Time{}, time.Time{} }

// bury gives an event up. It reports false, and does nothing, while there is no room for its dead letter.
func (t *turn) bury(e journal.Event, now time.Time) bool {
	return t.addDead(bot.DeadLetter{
		Seq: e.Seq, ID: e.ID, Type: e.Type, Chat: e.Chat, Events: 1, Error: t.state.Error, Timestamp: bot.At(e.At), DeadAt: bot.At(now),
	})
}

// addDead adds a dead letter. It reports false, and does nothing, while there is no room for it.
func (t *turn) addDead(letter bot.DeadLetter) bool {
	if t.full = len(t.dead) >= t.room; t.full {
		return false
	}
	t.dead = append(t.dead, letter)
	return true
}

// errNoRoom says that the progress must not go on, because there is no room for a dead letter.
var errNoRoom = errors.New("dead letters wait to be written")

// forfeit gives up the events that the journal had no room to keep. They become one dead letter, of no chat: nobody knows
// any more which of them were delivered.
func (t *turn) forfeit() error {
	first := t.state.First()
	if floor, _ := t.Journal.Range(); first > floor {
		return nil
	}
	_, _, err := t.Journal.Events(t.ctx, journal.Query{After: first - 1, Limit: 1})
	var gone *journal.GoneError
	if !errors.As(err, &gone) {
		return err
	}
	now := bot.At(t.Now())
	if !t.addDead(bot.DeadLetter{Seq: gone.Oldest, Events: gone.Oldest + 1 - first,
		Error: "the journal was full, and removed the events before all of them were delivered", Timestamp: now, DeadAt: now}) {
		return errNoRoom
	}
	t.failed = true
	t.state.Cursor = max(t.state.Cursor, gone.Oldest)
	for i, line := range t.state.Lines {
		if line.Next <= gone.Oldest {
			t.state.Lines[i] = journal.Line{Chat: line.Chat, Next: gone.Oldest + 1}
		}
	}
	return nil
}

// expire gives up every event whose patience is over while the receiver is away: each would fail like the one that was
// tried.
func (t *turn) expire() error {
	now := t.Now()
	if t.state.Failures == 0 || now.Sub(t.state.Since) <= t.target.Patience {
		return nil
	}
	var kept []journal.Line
	for i, line := range t.state.Lines {
		done, err := t.buryFrom(chatsOf(line), &line.Next, t.state.Cursor, now)
		if err != nil {
			t.state.Lines = append(append(kept, line), t.state.Lines[i+1:]...)
			return err
		}
		if !done {
			kept = append(kept, line)
		}
	}
	t.state.Lines = kept
	if t.target.Order == OrderSession && len(kept) > 0 {
		return nil
	}
	next := t.state.Cursor + 1
	_, err := t.buryFrom(nil, &next, 0, now)
	t.state.Cursor = next - 1
	return err
}

// buryFrom gives up the events from next on, until it finds one whose patience is not over. done is true when there is
// none up to the event to.
func (t *turn) buryFrom(chats []string, next *uint64, to uint64, now time.Time) (done bool, err error) {
	for t.budget > 0 && !t.full {
		t.budget--
		_, last := t.Journal.Range()
		if to > 0 {
			last = min(last, to)
		}
		if *next > last {
			return true, nil
		}
		events, after, err := t.read(chats, *next-1, to)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			if len(chats) == 0 && t.waits(e) {
				continue
			}
			if !over(e.At, t.state.Since, now, t.target.Patience) {
				*next = e.Seq
				return false, nil
			}
			if !t.bury(e, now) {
				*next = e.Seq
				return false, nil
			}
		}
		*next = after + 1
	}
	return false, nil
}

// waits reports whether an event that was read for all chats belongs to a line.
func (t *turn) waits(e journal.Event) bool {
	return t.target.Order == OrderChat && slices.ContainsFunc(t.state.Lines, func(l journal.Line) bool { return l.Chat == t.lineOf(e) })
}
