package webhook

import (
	"context"
	"slices"
	"sort"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
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
	// persons are the answers of person.
	persons map[string]string
}

// take delivers the events that wait in lines, then the new ones. more is true when there is more to do at once.
func (t *turn) take() (more bool, err error) {
	if err = t.forfeit(); err != nil {
		return false, err
	}
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
	for _, lane := range t.lanes() {
		wait = min(wait, remaining(lane[0].Retry, t.Now())) // the next round waits for the receiver where that takes longer
	}
	return max(wait, time.Millisecond)
}

// lanes sorts the lines by their persons, the oldest first. All lines of a lane are delivered together: the chat with
// someone has another address since their number became known. What failed is noted in the first.
func (t *turn) lanes() [][]journal.Line {
	lines := slices.Clone(t.state.Lines)
	sort.SliceStable(lines, func(i, j int) bool { return lines[i].Next < lines[j].Next })
	var lanes [][]journal.Line
	place := map[string]int{}
	for _, line := range lines {
		who := t.person(line.Chat)
		if i, found := place[who]; found {
			lanes[i] = append(lanes[i], line)
			continue
		}
		place[who] = len(lanes)
		lanes = append(lanes, []journal.Line{line})
	}
	return lanes
}

// person is the one name of all whose events keep their order among each other.
func (t *turn) person(chat string) string {
	who, known := t.persons[chat]
	if known {
		return who
	}
	who = chat
	if jid, ok := message.Address(chat); ok {
		who = t.Names.Party(jid, types.EmptyJID, "").ID
	}
	if t.persons == nil {
		t.persons = map[string]string{}
	}
	t.persons[chat] = who
	return who
}

// lines delivers the events of chats that waited long enough, the oldest first.
func (t *turn) lines() (more bool, err error) {
	lanes := t.lanes()
	var kept []journal.Line
	for i, lane := range lanes {
		if t.halted() || remaining(lane[0].Retry, t.Now()) > 0 {
			kept = append(kept, lane...)
			continue
		}
		left, again, err := t.lane(lane)
		if err != nil {
			for _, left := range lanes[i:] {
				kept = append(kept, left...)
			}
			t.state.Lines = kept
			return false, err
		}
		if left {
			kept = append(kept, lane...)
			more = more || again
		}
	}
	t.state.Lines = kept
	return more, nil
}

// lane delivers one lane's events up to the cursor. left is false when none is left; again is true when the lane can
// continue at once.
func (t *turn) lane(lines []journal.Line) (left, again bool, err error) {
	first := &lines[0]
	for range helpings {
		events, next, err := t.readLane(lines)
		if err != nil {
			return false, false, err
		}
		for len(events) > 0 {
			r := t.chat(events, nil)
			if len(r.left) == 0 {
				break
			}
			if len(r.left) < len(events) { // others were taken: the failures before were not this event's
				first.Failures, first.Since = 0, time.Time{}
			}
			advance(lines, r.left[0].Seq)
			if !r.tried || !t.judge(first, r) {
				return true, false, nil
			}
			events = r.left[1:]
		}
		advance(lines, next+1)
		first.Failures, first.Since, first.Retry = 0, time.Time{}, time.Time{}
		if next >= t.state.Cursor {
			return false, false, nil
		}
	}
	return true, true, nil
}

// readLane reads one helping of what waits in a lane.
func (t *turn) readLane(lines []journal.Line) (events []journal.Event, next uint64, err error) {
	from := map[string]uint64{}
	var chats []string
	for _, line := range lines {
		from[line.Chat] = line.Next
		chats = append(chats, chatsOf(line)...)
	}
	events, next, err = t.read(chats, lines[0].Next-1, t.state.Cursor)
	return slices.DeleteFunc(events, func(e journal.Event) bool { return e.Seq < from[t.lineOf(e)] }), next, err
}

// chatsOf are the chats of a line; nil means all.
func chatsOf(line journal.Line) []string {
	if line.Chat == "" {
		return nil
	}
	return []string{line.Chat}
}

// advance says that all of a lane before an event is done.
func advance(lines []journal.Line, to uint64) {
	for i := range lines {
		lines[i].Next = max(lines[i].Next, to)
	}
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
	events, next, err := t.read(nil, before, 0)
	if err != nil {
		return false, err
	}
	results := t.deliver(t.group(events))
	t.state.Cursor = max(next, t.state.Cursor)
	for _, r := range results {
		if len(r.left) == 0 {
			continue
		}
		line := journal.Line{Chat: t.lineOf(r.left[0]), Next: r.left[0].Seq}
		if r.tried && t.judge(&line, r) { // too old already: what follows waits for the next turn
			line.Next++
		}
		t.state.Lines = append(t.state.Lines, line)
		t.lineUp(r.left)
	}
	return true, nil
}

// lineUp begins a line for each address of a person whose events cannot be delivered yet.
func (t *turn) lineUp(events []journal.Event) {
	for _, e := range events {
		chat := t.lineOf(e)
		if !slices.ContainsFunc(t.state.Lines, func(l journal.Line) bool { return l.Chat == chat }) {
			t.state.Lines = append(t.state.Lines, journal.Line{Chat: chat, Next: e.Seq})
		}
	}
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

// group sorts events by their persons, in order, and leaves those of persons who wait already to their lines.
func (t *turn) group(events []journal.Event) [][]journal.Event {
	var chats [][]journal.Event
	place := map[string]int{}
	for _, line := range t.state.Lines {
		place[t.person(line.Chat)] = -1
	}
	for _, e := range events {
		who := t.person(t.lineOf(e))
		i, found := place[who]
		switch {
		case !found:
			place[who] = len(chats)
			chats = append(chats, []journal.Event{e})
		case i >= 0:
			chats[i] = append(chats[i], e)
		default:
			t.lineUp([]journal.Event{e})
		}
	}
	return chats
}
