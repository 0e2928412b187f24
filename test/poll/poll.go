// Package poll waits in tests for what nothing announces.
package poll

import "time"

// Until asks until it holds, and reports whether it did in time and before ended was closed; ended may be nil. The pauses
// between two questions grow from a millisecond, because a question can be a request.
func Until(holds func() bool, patience time.Duration, ended <-chan struct{}) bool {
	end := time.NewTimer(patience)
	defer end.Stop()
	for pause := time.Millisecond; ; pause = min(pause*3/2, 50*time.Millisecond) {
		if holds() {
			return true
		}
		select {
		case <-time.After(pause):
		case <-ended:
			return holds()
		case <-end.C: // on a machine that stood still this may be the first look since
			return holds()
		}
	}
}
