package poll_test

import (
	"testing"
	"time"

	"sesi.dev/sesi/test/poll"
)

func TestUntil(t *testing.T) {
	asked := 0
	if !poll.Until(func() bool { asked++; return asked == 3 }, time.Minute, nil) || asked != 3 {
		t.Errorf("asked %d times", asked)
	}
	if poll.Until(func() bool { return false }, time.Millisecond, nil) {
		t.Error("what never holds held")
	}
	ended := make(chan struct{})
	close(ended)
	asked = 0
	if !poll.Until(func() bool { asked++; return asked > 1 }, time.Minute, ended) {
		t.Error("what holds at the end was not seen")
	}
	if poll.Until(func() bool { return false }, time.Minute, ended) {
		t.Error("it held after the end")
	}
}
