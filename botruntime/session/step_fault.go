package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// replaced: another client uses the same keys. Two clients that both reconnect fight without end, and WhatsApp bans
// for it; so the bot reclaims the session a few times and then yields until a person decides.
func (t *transition) replaced() {
	t.hangup()
	t.become(bot.StateConflict, bot.ReasonStreamReplaced, "")
	if t.mayReclaim() {
		t.retryAfter(t.policy.takeoverTimeout)
	}
	t.do(actLog{eventDisconnected, "another client took the session over"}, actRemember{})
}

func (t *transition) mayReclaim() bool {
	t.takeovers = within(t.takeovers, takeoverWindow, t.now)
	return t.policy.takeover && len(t.takeovers) < takeoverBudget
}

// reclaim connects, which takes the session from the client that has it now.
func (t *transition) reclaim() {
	t.takeovers = append(within(t.takeovers, takeoverWindow, t.now), t.now)
	t.do(actRemember{}, actCountTakeover{})
	t.dial()
}

// loggedOut: WhatsApp removed the device for good. A deleted device can never pair again, so a new one takes its
// place once the database is empty.
func (t *transition) loggedOut(reason bot.Reason) {
	if !t.linked { // WhatsApp refused a new device: nothing expired, and asking again at once would be a flood
		t.refused("WhatsApp refused to link a new device (" + string(reason) + ")")
		return
	}
	t.hangup()
	t.ended = ended{reason, t.account.jid}
	t.forgetAccount()
	t.become(bot.StateLoggedOut, reason, "")
	t.do(actLog{eventAuthFailure, string(reason)}, actCountLogout{reason}, actRemember{})
	t.forget()
}

// forget removes the device from the database; forgotten goes on.
func (t *transition) forget() {
	t.removing = true
	t.do(actForget{})
}

// forgotten makes a new device and connects with it. While the old row cannot be removed no new device may be paired:
// the removal is repeated once the store takes writes.
func (t *transition) forgotten(err error) {
	if !t.removing {
		return
	}
	asked := t.codeAsked
	t.removing, t.codeAsked, t.storage.forget = false, false, err != nil
	t.do(actAnswerUnlink{err})
	t.renew()
	if err != nil {
		t.unwritable(err)
		t.awaitStore()
		return
	}
	if asked || !t.codesOnDemandOnly() {
		t.dial()
	}
}

func (t *transition) forgetAccount() {
	t.linked, t.authenticated, t.account = false, false, account{}
	t.linkedAt, t.restrictedUntil = time.Time{}, time.Time{}
	t.attempt, t.failures, t.round = 0, 0, 0
	t.takeovers = nil
	t.pairingWanted = t.policy.phoneNumber
	t.backup.planned = false
	t.do(actDisarm{timerBackup})
}

// codesOnDemandOnly: after WhatsApp rejected the account itself, asking for codes again and again would only draw
// attention to it.
func (m model) codesOnDemandOnly() bool {
	return m.ended.reason == bot.ReasonPrimaryDeviceGone || m.ended.reason == bot.ReasonAccountBanned
}

// banned: the session is good, and only waiting helps.
func (t *transition) banned(in inBanned) {
	t.hangup()
	wait := in.wait
	if wait <= 0 {
		wait = banUnknown
	}
	t.restrictedUntil = t.now.Add(wait)
	t.become(bot.StateRestricted, bot.ReasonTemporaryBan, in.detail)
	t.retryAfterBan(wait)
	t.do(actLog{eventDisconnected, in.detail}, actRemember{})
}

// retryAfterBan dials a little after the ban ends, so that not all banned bots dial at once. The ban ends by the clock,
// which timers do not follow: they stop while a laptop sleeps, and a clock that was wrong at the start is corrected
// later. So the bot checks the clock from time to time.
func (t *transition) retryAfterBan(left time.Duration) {
	if t.stopped {
		return
	}
	t.retryAt = t.now.Add(left + t.spread(min(banGrace, left/10))).Round(0)
	t.stillBanned()
}

// stillBanned keeps waiting while a ban lasts, and reports whether it does.
func (t *transition) stillBanned() bool {
	left := t.retryAt.Sub(t.now)
	if left <= 0 {
		return false
	}
	t.do(actTimer{timerRetry, min(left, banLook)})
	return true
}

// refused: WhatsApp refused the login with a code that this bot does not know. The cause may be at WhatsApp, so the bot
// keeps trying, with growing waits.
func (t *transition) refused(detail string) {
	t.hangup()
	t.become(bot.StateFailed, bot.ReasonConnectFailure, detail)
	t.retryAfter(t.failureWait())
	t.do(actLog{eventDisconnected, detail})
}

// failureWait grows with each failure since the last good login.
func (t *transition) failureWait() time.Duration {
	wait := failureWaits[min(t.failures, len(failureWaits)-1)]
	t.failures++
	return wait + t.spread(wait/10)
}
