package webhook

import (
	"context"
	"slices"
	"sort"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

const (
	// helping is how many events are read at once.
	helping = 64
	// maxLines is how many chats may wait. While as many wait, no new events are read; one helping may exceed it.
	maxLines = 64
	// helpings bounds how much of one chat's line is delivered before the next has its turn.
	helpings = 4
)

// turn is one pass of a worker over its lines and the new events. It works on a copy of the progress.
type turn struct {
	*worker
	// ctx ends when the worker must stop; sending ends a little later.
	ctx, sending context.Context //nolint:containedctx // a turn lives as long as the call that it serves
	state        *journal.Webhook
	dead         []bot.DeadLetter
	// room is how many dead letters there may be; full is true when one more was due. budget is how many helpings may be
	// read to give events up.
	room, budget int
	full         bool
	// tried is true when something was delivered, failed when something was not.
	tried, failed bool
	// away is true when the receiver was found away in this turn.
	away bool
	// only are the chats that the target names; nil means all.
	only map[string]bool
}

// take delivers the events that wait in lines, then the new ones. more is true when there is more to do at once.
func (t *turn) take() (more bool, err error) {
	t.chooseChats()
	more, err = t.lines()
	if err == nil && !t.halted() {
		var ahead bool
		ahead, err = t.ahead()
		more = more || ahead
	}
	if err == nil && t.away {
		err = t.expire()
	}
	return more && !t.halted(), err
}

// halted is true when nothing may be delivered now.
func (t *turn) halted() bool {
	return t.ctx.Err() != nil || t.state.Ended || t.state.Failures > 0 && remaining(t.state.Retry, t.Now()) > 0
}

// due is how long the worker has nothing to try.
func (t *turn) due() time.Duration {
	if t.state.Ended {
		return never
	}
	wait := never
	if !t.state.Retry.IsZero() {
		wait = remaining(t.state.Retry, t.Now())
	}
	for _, line := range t.state.Lines {
		wait = min(wait, max(remaining(line.Retry, t.Now()), remaining(t.state.Retry, t.Now())))
	}
	return max(wait, time.Millisecond)
}

// lines delivers the events of chats that waited long enough, the oldest first.
func (t *turn) lines() (more bool, err error) {
	sort.Slice(t.state.Lines, func(i, j int) bool { return t.state.Lines[i].Next < t.state.Lines[j].Next })
	var kept []journal.Line
	for i, line := range t.state.Lines {
		if t.halted() || remaining(line.Retry, t.Now()) > 0 {
			kept = append(kept, line)
			continue
		}
		left, again, err := t.line(&line)
		if err != nil {
			t.state.Lines = append(kept, t.state.Lines[i:]...)
			return false, err
		}
		if left {
			kept = append(kept, line)
			more = more || again
		}
	}
	t.state.Lines = kept
	return more, nil
}

// line delivers one chat's events up to the cursor. left is false when none is left; again is true when the line can
// continue at once.
func (t *turn) line(line *journal.Line) (left, again bool, err error) {
	for range helpings {
		events, next, err := t.read(line.Chat, line.Next-1, t.state.Cursor)
		if err != nil {
			return false, false, err
		}
		for len(events) > 0 {
			r := t.chat(events, nil)
			if !r.left {
				break
			}
			if r.next.Seq != events[0].Seq { // others were taken: the failures before were not this event's
				line.Failures, line.Since = 0, time.Time{}
			}
			line.Next = r.next.Seq
			if !r.tried {
				return true, false, nil
			}
			if !t.judge(line, r) {
				return true, false, nil
			}
			line.Next++ // the event is a dead letter
			events = slices.DeleteFunc(events, func(e journal.Event) bool { return e.Seq < line.Next })
		}
		line.Next, line.Failures, line.Since, line.Retry = next+1, 0, time.Time{}, time.Time{}
		if line.Next > t.state.Cursor {
			return false, false, nil
		}
	}
	return true, true, nil
}

// ahead delivers one helping of new events. Chats whose events are refused become lines.
func (t *turn) ahead() (more bool, err error) {
	if len(t.state.Lines) >= maxLines || t.target.Order == OrderSession && len(t.state.Lines) > 0 {
		return false, nil
	}
	_, last := t.Journal.Range()
	if t.state.Cursor >= last {
		return false, nil
	}
	before := t.state.Cursor
	events, next, err := t.read("", before, 0)
	if err != nil {
		return false, err
	}
	chats := t.group(events)
	results := t.deliver(chats)
	t.state.Cursor = max(next, t.state.Cursor)
	for i, r := range results {
		if !r.left {
			continue
		}
		line := journal.Line{Chat: t.lineOf(chats[i][0]), Next: r.next.Seq}
		if !r.tried {
			t.state.Lines = append(t.state.Lines, line)
			continue
		}
		if t.judge(&line, r) { // too old already: what follows waits for the next turn
			line.Next++
		}
		t.state.Lines = append(t.state.Lines, line)
	}
	return true, nil
}

// lineOf is the line that an event belongs to.
func (t *turn) lineOf(e journal.Event) string {
	switch {
	case t.target.Order == OrderSession:
		return ""
	case e.Chat == "":
		return journal.NoChat
	}
	return e.Chat
}

// group sorts events by their lines, in order, and leaves out those of lines that wait already.
func (t *turn) group(events []journal.Event) [][]journal.Event {
	var chats [][]journal.Event
	place := map[string]int{}
	for _, line := range t.state.Lines {
		place[line.Chat] = -1
	}
	for _, e := range events {
		key := t.lineOf(e)
		i, found := place[key]
		switch {
		case !found:
			place[key] = len(chats)
			chats = append(chats, []journal.Event{e})
		case i >= 0:
			chats[i] = append(chats[i], e)
		}
	}
	return chats
}
