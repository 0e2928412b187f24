package journal

import (
	"context"
	"errors"
	"log/slog"

	"sesi.dev/sesi/botruntime/turn"
)

const (
	// maxTries is how often the content of one event may fail. WhatsApp delivers what was refused before all that came
	// later, so without a bound one bad message would keep out all others without end.
	maxTries = 3
	// maxOwed bounds what is kept in memory while the disk refuses writes. The connection is down then, so few events
	// come.
	maxOwed = 1000
	// maxFailing bounds the events whose failures are counted.
	maxFailing = 1000
)

// InboxMeter counts what an Inbox cannot write.
type InboxMeter interface {
	// Refused counts an event that was not written, and so is not acknowledged.
	Refused()
	// Unstorable counts an event that is not tried again, because the journal can never take its content.
	Unstorable()
}

// Inbox writes the events that come from WhatsApp. Its method may be called from any goroutine; all that it keeps is used
// by the goroutine alone that writes for a group.
type Inbox struct {
	journal *Journal
	meter   InboxMeter
	log     *slog.Logger

	owed    []*Arrival
	failing map[Key]int // events that are delivered again, and how often their content failed
}

// Arrival is what one event of WhatsApp changes in the journal.
type Arrival struct {
	// Turn is the event's place. While earlier events of its line wait for the disk, it joins them; once one of them is
	// refused, so is this one.
	Turn turn.Turn
	// Write makes the change.
	Write func(*Tx) error
	// Key names an event that WhatsApp delivers again while it is not acknowledged. Without one it comes only once: if
	// the disk refuses it, it is owed, and written with the next event that the disk takes.
	Key Key
	// Instead writes of an event that it came, where the journal can never take its content: after several tries of one
	// with a key, else at once. It must touch the same tables as Write: that it succeeds shows that the journal works, and
	// that the content is at fault. Only an event without a key may have none.
	Instead func(*Tx) error

	failed int
}

// The reasons why an event is not written with those of a group.
var (
	errBehind = errors.New("an event before it was refused")
	errOwed   = errors.New("earlier events are owed")
)

// NewInbox returns an inbox.
func NewInbox(j *Journal, meter InboxMeter, log *slog.Logger) *Inbox {
	return &Inbox{journal: j, meter: meter, log: log, failing: map[Key]int{}}
}

// Take writes an event and reports whether it is on disk; only then may it be acknowledged to WhatsApp. An event whose
// content the journal refuses for good is written as Instead says, and taken.
func (b *Inbox) Take(a Arrival) bool {
	return b.journal.join(context.Background(), &member{
		do:       func(t *Tx) error { return b.joined(t, &a) },
		alone:    func(ctx context.Context) error { return b.alone(ctx, &a) },
		answered: func(err error) { b.answered(&a, err) },
		done:     make(chan error, 1),
	}, a.Turn.Queued) == nil
}

// joined writes an event with those of others.
func (b *Inbox) joined(t *Tx, a *Arrival) error {
	switch {
	case a.Turn.Over():
		return errBehind
	case len(b.owed) > 0:
		return errOwed
	}
	return a.Write(t)
}

// alone writes an event, or what there is to write instead.
func (b *Inbox) alone(ctx context.Context, a *Arrival) error {
	if a.Turn.Over() {
		return errBehind
	}
	err := b.commit(ctx, a.Write)
	if AboutContent(err) {
		a.failed = 1
		last := errors.Is(err, errTooLong) || b.exhausted(a.Key) // it will not become shorter
		if a.Instead != nil && last && b.commit(ctx, a.Instead) == nil {
			b.Unstorable(err)
			return nil
		}
	}
	return err
}

// answered notes whether an event was written.
func (b *Inbox) answered(a *Arrival, err error) {
	if err == nil {
		delete(b.failing, a.Key)
		return
	}
	a.Turn.Refuse()
	b.meter.Refused()
	b.log.Error("an event could not be written to the journal, so WhatsApp gets no acknowledgement", "error", err)
	if a.Key == (Key{}) && len(b.owed) < maxOwed {
		b.owed = append(b.owed, a)
	}
}

// exhausted counts one more failure of an event, and reports whether it was the last try.
func (b *Inbox) exhausted(key Key) bool {
	if key == (Key{}) {
		return true
	}
	if len(b.failing) >= maxFailing {
		clear(b.failing) // counting starts again
	}
	b.failing[key]++
	return b.failing[key] >= maxTries
}

// Unstorable counts and logs an event of WhatsApp, or the result of a send, that was written without its content: err says
// that the journal can never take that.
func (b *Inbox) Unstorable(err error) {
	b.meter.Unstorable()
	b.log.Error("the journal can never take what an event says; of a message, only that it came or was sent is kept", "error", err)
}

// commit writes what is owed and then the new event, in one transaction. What is owed and fails by its content does not
// keep out the others.
func (b *Inbox) commit(ctx context.Context, write func(*Tx) error) error {
	var left []*Arrival
	var why error
	err := b.journal.Commit(ctx, func(t *Tx) error {
		left = nil
		for _, earlier := range b.owed {
			switch err := t.part(earlier.Write); {
			case AboutContent(err):
				left, why = append(left, earlier), err
			case err != nil:
				return err
			}
		}
		return safely(t, write)
	})
	if err != nil {
		return err
	}
	b.owed = nil
	for _, earlier := range left {
		if earlier.failed++; earlier.failed < maxTries {
			b.owed = append(b.owed, earlier)
			continue
		}
		b.Unstorable(why)
	}
	return nil
}
