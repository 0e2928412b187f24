package session

import (
	"errors"
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

// RefusalKind distinguishes refusals.
type RefusalKind string

// The kinds of refusal.
const (
	// RefusedNoCode: there is no QR code to scan now.
	RefusedNoCode RefusalKind = "no-code"
	// RefusedLinked: the session is linked already.
	RefusedLinked RefusalKind = "already-linked"
	// RefusedNotLinked: the session is not linked, and what was asked needs a linked phone.
	RefusedNotLinked RefusalKind = "not-linked"
	// RefusedNoBackup: the session cannot be removed safely; force removes it anyway.
	RefusedNoBackup RefusalKind = "backup-failed"
	// RefusedNoPasskey: WhatsApp does not ask for what was given: a signature, or that two codes are equal.
	RefusedNoPasskey RefusalKind = "no-passkey"
	// RefusedPasskeyInvalid: what was given is not a signature of the current challenge; another can be given.
	RefusedPasskeyInvalid RefusalKind = "passkey-invalid"
	// RefusedPasskey: WhatsApp refused the signature; another can be given.
	RefusedPasskey RefusalKind = "passkey-refused"
	// RefusedNotReady: the session cannot do it now; try again.
	RefusedNotReady RefusalKind = "not-ready"
)

// ClearError is a clear that could not be completed.
type ClearError struct {
	// AtWhatsApp reports whether WhatsApp removed the device. If so the session has ended, and only its data is left.
	AtWhatsApp bool
	Err        error
}

// Error implements error.
func (e *ClearError) Error() string {
	if e.AtWhatsApp {
		return "WhatsApp removed the device, but its data is still on the disk, and is removed once the disk takes writes: " + e.Err.Error()
	}
	return "the session was not removed: " + e.Err.Error()
}

// errNotTold is the loop's answer to an unlink that is done, though WhatsApp could not be told.
var errNotTold = errors.New("the phone was not told")

// Unwrap gives the store's error.
func (e *ClearError) Unwrap() error { return e.Err }

// Error implements error.
func (r *Refusal) Error() string {
	return fmt.Sprintf("refused (%s, %s): %s", r.Kind, r.Reason, r.Detail)
}
