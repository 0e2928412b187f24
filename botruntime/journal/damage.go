package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// isDamaged distinguishes a file that SQLite cannot read from a disk that is full or gone.
func isDamaged(err error) bool {
	code := codeOf(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// ErrUnreadable says that what the journal has of a message cannot be read.
var ErrUnreadable = errors.New("the content cannot be read")

// AboutContent reports whether an error is about what was to be written, or about what the journal has, so that to try the
// same again fails again. It is false for an error of the disk, and where time ran out.
func AboutContent(err error) bool {
	var panicked *PanicError
	var value *json.UnsupportedValueError
	var encoder *json.MarshalerError
	if errors.As(err, &panicked) || errors.As(err, &value) || errors.As(err, &encoder) || errors.Is(err, errTooLong) || errors.Is(err, ErrUnreadable) {
		return true
	}
	switch codeOf(err) {
	case sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_ERROR:
		return true
	}
	return false
}

// errTooLong says that an event is longer than its readers take.
var errTooLong = errors.New("the event is too long")

// ofDisk reports whether an error of SQLite is not about what was to be written.
func ofDisk(err error) bool { return codeOf(err) != 0 && !AboutContent(err) }

// codeOf is SQLite's primary result code; 0 for another error.
func codeOf(err error) int {
	var failed *sqlite.Error
	if !errors.As(err, &failed) {
		return 0
	}
	return failed.Code() & 0xff
}

// PanicError says that the function of a transaction panicked.
type PanicError struct {
	cause any
	// Stack is where it panicked.
	Stack []byte
}

// Error implements error. It has the text of a panic only where that is the runtime's own: another one may hold what
// people wrote.
func (e *PanicError) Error() string {
	if fault, ok := e.cause.(runtime.Error); ok {
		return fmt.Sprintf("panic: %v\n%s", fault, e.Stack)
	}
	return fmt.Sprintf("panic of type %T\n%s", e.cause, e.Stack)
}

// safely runs do; a panic of it is an error. The others in the transaction wait for their answers.
func safely(t *Tx, do func(*Tx) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &PanicError{cause, debug.Stack()}
		}
	}()
	return do(t)
}
