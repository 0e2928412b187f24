package poll

import (
	"testing"
	"time"
)

// Receive takes what comes from a channel, or its end. The test fails when neither does in time.
func Receive[T any](t testing.TB, what string, from <-chan T, patience time.Duration) (got T) {
	t.Helper()
	select {
	case got = <-from:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return got
}
