package gateway

import (
	"fmt"
	"testing"
	"time"
)

// However many callers there are, one that asked too fast gets no new burst by being forgotten before its time.
func TestAFastCallerIsNotForgottenTooSoon(t *testing.T) {
	t.Parallel()
	l, now := newLedger(Limits{Rate: 1}.withDefaults()), time.Now()
	for l.pace("fast", now) == nil { // until its burst is used up
	}
	for i := range maxAccounts + 10 {
		if failure := l.pace(fmt.Sprint(i), now); failure != nil {
			t.Fatal(failure)
		}
	}
	if l.pace("fast", now) == nil {
		t.Error("the caller has a new burst")
	}
	now = now.Add(time.Second)
	if failure := l.pace("fast", now); failure != nil {
		t.Errorf("a second later: %v", failure)
	}
}
