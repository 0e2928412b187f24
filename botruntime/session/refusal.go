package session

import (
	"fmt"

	"sesi.dev/sesi/api/bot"
)

// Refusal says that the session cannot do what was asked in its current state; nothing was changed.
type Refusal struct {
	// Kind is what was refused.
	Kind RefusalKind
	// Reason is the session's reason at that time.
	Reason bot.Reason
	// Detail tells a person why, and what to do.
	Detail string
}

// RefusalKind tells refusals apart.
type RefusalKind string

// The kinds of refusal.
const (
	// RefusedNoCode: there is no QR code to scan now.
	RefusedNoCode RefusalKind = "no-code"
	// RefusedLinked: the session is linked already.
	RefusedLinked RefusalKind = "already-linked"
	// RefusedNotLinked: the session is not linked, and what was asked needs a linked phone.
	RefusedNotLinked RefusalKind = "not-linked"
	// RefusedNotReady: the session cannot do it now; try again.
	RefusedNotReady RefusalKind = "not-ready"
)

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("refused (%s, %s): %s", r.Kind, r.Reason, r.Detail)
}
