package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// storeFault is a store that refuses a write. A bot that stays connected with it loses messages: they are acknowledged
// and cannot be kept. So the bot disconnects, the server keeps the messages, and the bot comes back when a probe
// succeeds.
type storeFault struct {
	active  bool
	detail  string
	tries   int  // probes since the store last worked for a while
	probing bool // a probe is under way
	forget  bool // a device must still be removed
}

// The waits between probes.
const (
	probeFirst = 2 * time.Second
	probeLast  = time.Minute
)

// unwritable: the store refused a write, or its directory is gone.
func (t *transition) unwritable(err error) {
	t.storage.detail = err.Error()
	if t.storage.active {
		return
	}
	if t.socket == socketUp && t.now.Sub(t.connectedAt) >= stableAfter {
		t.storage.tries = 0
	}
	t.storage.active = true
	t.do(actStoreFailed{err})
	if t.removing || t.stopped || t.socket == socketDown && t.retryAt.IsZero() {
		return // the next dial probes
	}
	if t.state == bot.StateRestricted || t.state == bot.StateConflict && t.socket == socketDown {
		return // so does the one that it waits for
	}
	t.awaitStore()
}

// awaitStore disconnects from WhatsApp and probes the store after a wait that grows with each failure.
func (t *transition) awaitStore() {
	switch {
	case t.socket == socketDown:
	case t.linked:
		t.do(actReplace{})
	default:
		// A pairing that could not be written leaves an account in the device's memory. WhatsApp refuses a login with it.
		t.renew()
	}
	t.hangup()
	t.become(bot.StateFailed, bot.ReasonStoreUnwritable, t.storage.detail)
	wait := min(probeFirst<<min(t.storage.tries, 8), probeLast)
	t.storage.tries++
	t.retryAfter(wait + t.spread(wait/4))
}

// probe asks whether the store takes writes again.
func (t *transition) probe() {
	t.hangup()
	t.become(bot.StateFailed, bot.ReasonStoreUnwritable, t.storage.detail)
	if !t.storage.probing {
		t.storage.probing = true
		t.do(actProbe{})
	}
}

// probed ends a probe.
func (t *transition) probed(err error) {
	t.storage.probing = false
	waiting := t.reason == bot.ReasonStoreUnwritable && t.socket == socketDown && !t.removing
	if err != nil {
		t.storage.detail = err.Error()
		if waiting {
			t.awaitStore()
		}
		return
	}
	t.storage.active = false
	t.do(actStoreWorks{})
	switch {
	case !waiting:
	case t.storage.forget:
		t.forget()
	default:
		t.begin("")
		t.do(actRemember{}) // what could not be written meanwhile
		t.dial()
	}
}
