package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// firstVersionWait is when the cached web version is first refreshed: not before the bot had time to log in.
func (t *transition) firstVersionWait() time.Duration { return 5*time.Minute + t.spread(5*time.Minute) }

// outdated: fetch the current web version and try once more; if that does not help, once an hour.
func (t *transition) outdated() {
	t.hangup()
	t.become(bot.StateOutdated, bot.ReasonClientOutdated, "")
	t.do(actLog{eventDisconnected, "WhatsApp rejected the web version"})
	if age := t.now.Sub(t.versionAt); age >= 0 && age < outdatedWait { // a clock that was set back must not make it longer
		t.retryAfter(outdatedWait - age + t.spread(banGrace))
		return
	}
	t.fetchVersion()
}

// fetchVersion asks for the current web version. The hour until the next try is remembered only once there is
// something to try: a bot that ends in the middle asks again at its next start.
func (t *transition) fetchVersion() {
	t.versionAt = t.now
	t.do(actFetchVersion{})
}

// versionCame ends a fetch of the web version. A connected bot presents it at its next connection. When none could
// be fetched the best known one is tried, and after WhatsApp refused that, the built-in one.
func (t *transition) versionCame(in inVersion) {
	if !in.at.IsZero() {
		t.do(actCountVersion{in.at})
	}
	outdated := t.state == bot.StateOutdated
	t.version.next = in.version
	if in.err != nil && outdated && t.version.next == t.version.presented {
		t.version.next = t.version.builtIn
	}
	if !outdated || t.socket != socketDown || t.removing || !t.retryAt.IsZero() {
		return
	}
	switch {
	case t.version.next != t.version.presented:
		t.do(actRemember{})
		t.dial()
	case in.err != nil:
		t.versionAt = time.Time{}
		t.detail = "the current web version could not be fetched: " + plain(in.err)
		t.retryAfter(t.failureWait())
	default:
		t.do(actRemember{})
		t.detail = "no newer web version was found"
		t.retryAfter(outdatedWait + t.spread(banGrace))
	}
}
