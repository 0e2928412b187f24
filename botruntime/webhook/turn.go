package webhook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
)

const (
	// helping is how many events are read at once, parallel how many chats are delivered at once.
	helping  = 64
	parallel = 8
	// maxLines is how many chats may wait. While as many wait, no new events are read; one helping may exceed it.
	maxLines = 64
	// helpings bounds how much of one chat's line is delivered before the next has its turn.
	helpings = 4
	// buryLimit is how many helpings of events may be given up in one turn.
	buryLimit = 128
)

// turn is one pass of a worker over its lines and the new events. It works on a copy of the progress.
type turn struct {
	*worker
	// ctx ends when the worker must stop; sending ends a little later.
	ctx, sending context.Context //nolint:containedctx // a turn lives as long as the call that it serves
	state        *journal.Webhook
	dead         []bot.DeadLetter
	// tried is true when something was delivered, failed when something was not.
	tried, failed bool
	// away is true when the receiver was found away in this turn.
	away bool
	// only are the chats that the target names; nil means all.
	only map[string]bool
}

// result is how the delivery of one chat's events went.
type result struct {
	// next is the first event that was not accepted; 0 when all were.
	next journal.Event
	left bool
	// answer says why; it is the zero value for an event that was not tried.
	answer answer
	tried  bool
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
	return t.ctx.Err() != nil || t.state.Ended || t.state.Failures > 0 && t.state.Retry.After(t.Now())
}

// due is how long the worker has nothing to try.
func (t *turn) due() time.Duration {
	if t.state.Ended {
		return never
	}
	wait := never
	if !t.state.Retry.IsZero() {
		wait = t.state.Retry.Sub(t.Now())
	}
	for _, line := range t.state.Lines {
		wait = min(wait, max(line.Retry.Sub(t.Now()), t.state.Retry.Sub(t.Now())))
	}
	return max(wait, time.Millisecond)
}

// lines delivers the events of chats that waited long enough, the oldest first.
func (t *turn) lines() (more bool, err error) {
	slices.SortFunc(t.state.Lines, func(a, b journal.Line) int { return cmp.Compare(a.Next, b.Next) })
	var kept []journal.Line
	for i, line := range t.state.Lines {
		if t.halted() || line.Retry.After(t.Now()) {
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

// judge decides about an event that was not accepted. It returns true when the event was given up and the line
// continues.
func (t *turn) judge(line *journal.Line, r result) (goOn bool) {
	now := t.Now()
	t.failed = true
	t.state.Error, t.state.ErrorAt = t.why(r.answer), now
	switch classify(r.answer) {
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
	if over(r.next.At, line.Since, now, t.target.Patience) {
		t.bury(r.next, now)
		line.Failures, line.Since = 0, time.Time{}
		return true
	}
	line.Retry = now.Add(backoff(line.Failures, r.answer.asked, t.Dice))
	return false
}

// well records that the receiver answers.
func (t *turn) well() { t.state.Failures, t.state.Since, t.state.Retry = 0, time.Time{}, time.Time{} }

// bury gives an event up.
func (t *turn) bury(e journal.Event, now time.Time) {
	t.dead = append(t.dead, bot.DeadLetter{
		Seq: e.Seq, ID: e.ID, Type: e.Type, Chat: e.Chat, Events: 1, Error: t.state.Error, Timestamp: bot.At(e.At), DeadAt: bot.At(now),
	})
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

// expire gives up every event whose patience is over while the receiver is away: each would fail like the one that was
// tried.
func (t *turn) expire() error {
	now := t.Now()
	if t.state.Failures == 0 || now.Sub(t.state.Since) <= t.target.Patience {
		return nil
	}
	budget := buryLimit
	var kept []journal.Line
	for _, line := range t.state.Lines {
		done, err := t.buryFrom(line.Chat, &line.Next, t.state.Cursor, now, &budget)
		if err != nil {
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
	_, err := t.buryFrom("", &next, 0, now, &budget)
	t.state.Cursor = next - 1
	return err
}

// buryFrom gives up the events from next on, until it finds one whose patience is not over. done is true when there is
// none up to the event to.
func (t *turn) buryFrom(chat string, next *uint64, to uint64, now time.Time, budget *int) (done bool, err error) {
	for *budget > 0 {
		*budget--
		_, last := t.Journal.Range()
		if to > 0 {
			last = min(last, to)
		}
		if *next > last {
			return true, nil
		}
		events, after, err := t.read(chat, *next-1, to)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			if t.waits(e, chat) {
				continue
			}
			if !over(e.At, t.state.Since, now, t.target.Patience) {
				*next = e.Seq
				return false, nil
			}
			t.bury(e, now)
		}
		*next = after + 1
	}
	return false, nil
}

// waits reports whether an event that was read for all chats belongs to a line.
func (t *turn) waits(e journal.Event, chat string) bool {
	return chat == "" && t.target.Order == OrderChat && slices.ContainsFunc(t.state.Lines, func(l journal.Line) bool { return l.Chat == e.Chat })
}

// lineOf is the line that an event belongs to.
func (t *turn) lineOf(e journal.Event) string {
	if t.target.Order == OrderSession {
		return ""
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

// deliver sends several chats' events at once. While the receiver was away, only one is tried.
func (t *turn) deliver(chats [][]journal.Event) []result {
	results := make([]result, len(chats))
	if len(chats) == 1 {
		results[0] = t.chat(chats[0], nil)
		return results
	}
	workers := parallel
	if t.state.Failures > 0 {
		workers = 1
	}
	var next atomic.Int64
	var halt atomic.Bool
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range min(workers, len(chats)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(chats); i = int(next.Add(1)) - 1 {
				one := &turn{worker: t.worker, ctx: t.ctx, sending: t.sending, state: &journal.Webhook{}}
				results[i] = one.chat(chats[i], &halt)
				mu.Lock()
				t.tried = t.tried || one.tried
				if one.state.TakenAt.After(t.state.TakenAt) {
					t.state.TakenAt = one.state.TakenAt
					t.well()
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return results
}

// chat sends events one after the other, until one is not accepted. halt, where given, is set when the receiver is
// away, and ends the others.
func (t *turn) chat(events []journal.Event, halt *atomic.Bool) result {
	for _, e := range events {
		if t.ctx.Err() != nil || halt != nil && halt.Load() {
			return result{next: e, left: true}
		}
		a := t.post(t.sending, e)
		how := classify(a)
		if how == away && t.sending.Err() != nil { // cut off because the bot stops
			return result{next: e, left: true}
		}
		t.tried = true
		t.Meter.Delivered(t.target.Name, how.String())
		if how != taken {
			if halt != nil && (how == away || how == gone) {
				halt.Store(true)
			}
			return result{next: e, left: true, answer: a, tried: true}
		}
		t.state.TakenAt = t.Now()
		t.well()
	}
	return result{}
}

// read reads a helping of events, of one chat or of all, and leaves out those that the target does not want. Events
// that the journal had no room to keep become one dead letter.
func (t *turn) read(chat string, after, to uint64) ([]journal.Event, uint64, error) {
	q := journal.Query{After: after, To: to, Types: t.target.Events, Chat: chat, Limit: helping}
	events, next, err := t.Journal.Events(t.ctx, q)
	var lost *journal.GoneError
	if errors.As(err, &lost) {
		if to > 0 {
			lost.Oldest = min(lost.Oldest, to)
		}
		now := bot.At(t.Now())
		t.dead = append(t.dead, bot.DeadLetter{Seq: lost.Oldest, Chat: chat, Events: lost.Oldest - after,
			Error: "the journal was full, and removed the event before it was delivered", Timestamp: now, DeadAt: now})
		t.failed = true
		return nil, lost.Oldest, nil
	}
	return slices.DeleteFunc(events, func(e journal.Event) bool { return !t.wants(e) }), next, err
}

// chooseChats finds the current id of each chat that the target names: a number may have become known since.
func (t *turn) chooseChats() {
	if len(t.target.Chats) == 0 {
		return
	}
	t.only = map[string]bool{}
	for _, chat := range t.target.Chats {
		if jid, ok := message.Address(chat); ok {
			for _, id := range message.Forms(t.Names.Party(jid, types.EmptyJID, "")) {
				t.only[id] = true
			}
		}
	}
}

// wants reports whether an event is one that the target asked for.
func (t *turn) wants(e journal.Event) bool {
	if t.only != nil && !t.only[e.Chat] {
		return false
	}
	if !t.target.Groups && strings.HasSuffix(e.Chat, "@g.us") {
		return false
	}
	if !t.target.FromMe && ofAccount(e) {
		return false
	}
	return t.target.WAHA == nil || len(t.told(e)) > 0
}

// ofAccount reports whether the account itself did what the event reports.
func ofAccount(e journal.Event) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(e.Data, &members) != nil {
		return false
	}
	for _, member := range members {
		var who struct {
			FromMe bool `json:"fromMe"`
		}
		if json.Unmarshal(member, &who) == nil && who.FromMe {
			return true
		}
	}
	return false
}
