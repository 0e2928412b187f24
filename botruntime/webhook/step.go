package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

const (
	// firstWait and lastWait bound the wait between two attempts.
	firstWait = time.Second
	lastWait  = time.Hour
	// longestAsked bounds what a receiver may ask for by Retry-After.
	longestAsked = 24 * time.Hour
)

// answer is how one delivery went.
type answer struct {
	// status is 0 when there was no answer; err says why.
	status int
	err    error
	// asked is the wait that the receiver asked for.
	asked time.Duration
	// unreadable is true where nothing was sent, because the journal cannot read the event.
	unreadable bool
}

// fate is what an answer means.
type fate uint8

const (
	// taken: the receiver has the event.
	taken fate = iota
	// refused: the receiver answered, and does not accept this event.
	refused
	// away: the receiver cannot accept any event now.
	away
	// gone: the receiver wants no more events.
	gone
	// lost: there is nothing to deliver, because the journal cannot read the event.
	lost
)

// String is the outcome's name in metrics.
func (f fate) String() string { return [...]string{"taken", "refused", "away", "gone", "lost"}[f] }

// classify says what an answer means.
func classify(a answer) fate {
	if a.unreadable {
		return lost
	}
	switch a.status {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return away
	case http.StatusGone:
		return gone
	}
	if a.status >= 200 && a.status < 300 {
		return taken
	}
	return refused
}

// backoff is the wait after a number of failures in a row. It doubles each time, and varies by up to a fifth, so that
// many bots do not come back at once. dice gives a number in [0, 1).
func backoff(failures int, asked time.Duration, dice func() float64) time.Duration {
	wait := lastWait
	if failures < 13 {
		wait = min(lastWait, firstWait<<max(0, failures-1))
	}
	wait = time.Duration(float64(wait) * (0.8 + 0.4*dice()))
	return max(min(wait, lastWait), asked)
}

// remaining is how much of a wait is left. A wait that seems longer than any was begun before the clock was set back: it is over.
func remaining(until, now time.Time) time.Duration {
	wait := until.Sub(now)
	if wait > longestAsked {
		return 0
	}
	return wait
}

// retryAfter reads the wait that an answer asks for, in seconds or as a date.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	var wait time.Duration
	seconds, err := strconv.ParseUint(value, 10, 31)
	switch {
	case err == nil:
		wait = time.Duration(seconds) * time.Second
	case errors.Is(err, strconv.ErrRange):
		wait = longestAsked
	default:
		if at, err := http.ParseTime(value); err == nil {
			wait = at.Sub(now)
		}
	}
	return max(0, min(wait, longestAsked))
}

// over reports whether the patience of an event is over. It counts from when the failures began, or from when the event
// came if that was later.
func over(came, since, now time.Time, patience time.Duration) bool {
	if since.IsZero() {
		return false
	}
	if came.After(since) {
		since = came
	}
	return now.Sub(since) > patience
}
