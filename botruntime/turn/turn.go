// Package turn keeps the events of one connection to WhatsApp in their order while several of them wait for the disk.
package turn

import "sync/atomic"

// Line is the order of the events of one connection. Once one of them is refused, all behind it are refused too: WhatsApp
// delivers them again, in their order.
type Line struct{ refused atomic.Bool }

// Refused reports whether an event of the line was refused.
func (l *Line) Refused() bool { return l.refused.Load() }

// Turn is the place of one event in its line. The zero value is an event alone.
type Turn struct {
	line   *Line
	queued func()
}

// New returns a turn in a line. queued runs when the place of the event in the journal is certain; it may be nil.
func New(line *Line, queued func()) Turn { return Turn{line, queued} }

// Queued says that the place of the event in the journal is certain: the next event may come.
func (t Turn) Queued() {
	if t.queued != nil {
		t.queued()
	}
}

// Over reports whether an earlier event of the line was refused, so that this one must be refused too.
func (t Turn) Over() bool { return t.line != nil && t.line.Refused() }

// Refuse says that the event was refused. It must be called before an event behind it may be written.
func (t Turn) Refuse() {
	if t.line != nil {
		t.line.refused.Store(true)
	}
}
