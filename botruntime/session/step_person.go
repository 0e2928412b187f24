package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/store"
)

// stop: a person wants the session disconnected and its keys kept. A removal under way closes the socket when it
// ends.
func (t *transition) stop() {
	if t.stopped {
		return
	}
	t.stopped, t.passkey.failure = true, ""
	if !t.removing {
		t.hangup()
	}
	t.pairingWanted = t.policy.phoneNumber
	t.become(bot.StateStopped, bot.ReasonStoppedByUser, "")
	t.do(actLog{eventDisconnected, "stopped by a person"}, actRemember{})
}

// restart: a person ends whatever the bot waits for. A removal under way ends in a new connection anyway.
func (t *transition) restart() {
	t.stopped, t.passkey.failure = false, ""
	if t.removing {
		t.codeAsked = true
		return
	}
	t.attempt, t.failures, t.round = 0, 0, 0
	t.takeovers, t.restrictedUntil, t.versionAt = nil, time.Time{}, time.Time{}
	t.begin("")
	t.do(actRemember{})
	t.dial()
}

// resume connects, as after a start of the bot. Unlike a restart it keeps what protects the account: the takeovers that
// were used, and the end of a ban. Scripts that resume whatever is not connected would undo both.
func (t *transition) resume() {
	was := t.stopped
	t.stopped = false
	switch {
	case t.removing:
		t.codeAsked = true
	case t.socket != socketDown: // connected, or about to be
	case was && t.linked && t.now.Before(t.restrictedUntil):
		t.become(bot.StateRestricted, bot.ReasonTemporaryBan, "")
		t.retryAfterBan(t.restrictedUntil.Sub(t.now))
		t.do(actRemember{})
	case t.state == bot.StateRestricted:
	case t.state == bot.StateConflict:
		if t.socket == socketDown && t.mayReclaim() {
			t.reclaim()
		}
	default:
		t.attempt, t.failures, t.round, t.versionAt = 0, 0, 0, time.Time{}
		t.begin("")
		t.do(actRemember{})
		t.dial()
	}
}

// begin names the state of a session that connects for no special reason.
func (t *transition) begin(detail string) {
	reason := bot.ReasonNotLinked
	if t.linked {
		reason = bot.ReasonStarting
	}
	t.become(bot.StateConnecting, reason, detail)
}

// unlink asks the supervisor to remove the session. Until that is done the client's events are not trusted.
func (t *transition) unlink(force bool) {
	if t.removing {
		return
	}
	online := t.socket == socketUp
	t.removing = true
	if !online {
		if len(t.codes) > 0 || t.passkey.open() {
			t.begin("")
		}
		t.hangup()
	}
	t.do(actRemember{}, actUnlink{online, force})
}

func (t *transition) unlinked(in inUnlinked) {
	if !t.removing {
		return
	}
	t.socket = socketOpen // whatever it is now, hangup closes it
	if in.err != nil && !in.atWhatsApp {
		// nothing was cleared: go on with what there is
		if store.IsUnwritable(in.err) {
			t.unwritable(in.err)
		}
		t.removing, t.codeAsked = false, false
		t.begin("nothing was removed: " + in.err.Error())
		t.do(actRemember{}, actAnswerUnlink{in.err})
		t.dial()
		return
	}
	untold := t.linked && !in.atWhatsApp
	t.hangup()
	t.forgetAccount()
	t.ended = ended{}
	t.become(bot.StateLoggedOut, bot.ReasonClearedByUser, "")
	if untold {
		t.detail = "the phone was not told: if it still lists this device, remove it there"
		t.do(actAnswerUnlink{errNotTold})
	}
	t.do(actCountLogout{bot.ReasonClearedByUser}, actRemember{})
	if in.err != nil { // WhatsApp removed the device: what the database still holds of it is dead
		t.do(actAnswerUnlink{in.err})
		t.forget()
		return
	}
	t.forgotten(nil)
}
