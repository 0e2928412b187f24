package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// replaced: another client uses the same keys. Two that both reconnect would fight for ever, and WhatsApp
// bans for it; so the bot reclaims a few times and then yields until it is told.
func (t *turn) replaced() {
	t.hangup()
	t.become(bot.StateConflict, bot.ReasonStreamReplaced, "")
	if t.mayReclaim() {
		t.retryAfter(t.policy.takeoverTimeout)
	}
	t.do(actSay{eventDisconnected, "another client took the session over"}, actRemember{})
}

func (t *turn) mayReclaim() bool {
	t.takeovers = within(t.takeovers, takeoverWindow, t.now)
	return t.policy.takeover && len(t.takeovers) < takeoverBudget
}

// reclaim connects, which takes the session from whoever has it now.
func (t *turn) reclaim() {
	t.takeovers = append(within(t.takeovers, takeoverWindow, t.now), t.now)
	t.do(actRemember{}, actCount{countTakeover, t.reason})
	t.dial()
}

// loggedOut: the link is gone for good. A deleted device can never pair again, so a new one takes its place.
func (t *turn) loggedOut(reason bot.Reason) {
	if !t.linked { // a device that was never linked was refused: nothing expired, and asking on would be a flood
		t.refused("WhatsApp refused to link a new device (" + string(reason) + ")")
		return
	}
	t.hangup()
	t.expired, t.expiredReason, t.expiredJID = true, reason, t.account.jid
	t.forgetAccount()
	t.become(bot.StateLoggedOut, reason, "")
	t.do(actSay{eventAuthFailure, string(reason)}, actCount{countLogout, reason}, actRemember{}, actForget{}, actRenew{})
	if !t.qrOnDemandOnly() {
		t.dial()
	}
}

func (t *turn) forgetAccount() {
	t.linked, t.authenticated, t.account = false, false, account{}
	t.linkedAt, t.restrictedUntil = time.Time{}, time.Time{}
	t.attempt, t.failures, t.round = 0, 0, 0
	t.takeovers = nil
	t.pairingWanted = t.policy.phoneNumber
	t.backups = false
	t.do(actStop{timerBackup})
}

// qrOnDemandOnly: after WhatsApp rejected the account itself, asking for codes again and again would only
// draw attention to it.
func (m model) qrOnDemandOnly() bool {
	return m.expired && (m.expiredReason == bot.ReasonPrimaryDeviceGone || m.expiredReason == bot.ReasonAccountBanned)
}

// banned: the session is good, and waiting is the only cure.
func (t *turn) banned(in inBanned) {
	t.hangup()
	wait := in.wait
	if wait <= 0 {
		wait = banUnknown
	}
	t.restrictedUntil = t.now.Add(wait)
	t.become(bot.StateRestricted, bot.ReasonTemporaryBan, in.detail)
	t.retryAfterBan(wait)
	t.do(actSay{eventDisconnected, in.detail}, actRemember{})
}

// retryAfterBan dials once the ban is over, and a little later, not all banned bots at once. The ban ends by the
// clock, which timers do not follow: they stand still while a laptop sleeps, and a clock that was wrong at the
// start is mended later. So the bot looks at it now and then.
func (t *turn) retryAfterBan(left time.Duration) {
	if t.stopped {
		return
	}
	t.retryAt = t.now.Add(left + t.spread(min(banGrace, left/10))).Round(0)
	t.stillBanned()
}

// stillBanned waits on while a ban lasts, and reports whether it does.
func (t *turn) stillBanned() bool {
	left := t.retryAt.Sub(t.now)
	if left <= 0 {
		return false
	}
	t.do(actTimer{timerRetry, min(left, banLook)})
	return true
}

// outdated: fetch the current web version and try once more; if that does not help, once an hour.
func (t *turn) outdated() {
	t.hangup()
	t.become(bot.StateOutdated, bot.ReasonClientOutdated, "")
	t.do(actSay{eventDisconnected, "WhatsApp rejected the web version"})
	if age := t.now.Sub(t.versionAt); age >= 0 && age < outdatedWait { // a clock set back must not make it longer
		t.retryAfter(outdatedWait - age + t.spread(banGrace))
		return
	}
	t.fetchVersion()
}

// fetchVersion asks for the current web version. The hour until the next try is remembered only once there is
// something to try: a bot that is ended in the middle asks again at its next start.
func (t *turn) fetchVersion() {
	t.versionAt = t.now
	t.do(actFetchVersion{})
}

// version ends a fetch of the web version. A bot that runs well keeps its version until it next connects.
func (t *turn) version(in inVersion) {
	if t.state != bot.StateOutdated || t.link != linkDown || t.busy || !t.retryAt.IsZero() {
		return
	}
	switch {
	case in.changed:
		t.do(actRemember{})
		t.dial()
	case in.err != nil:
		t.versionAt = time.Time{}
		t.detail = "the current web version could not be fetched: " + in.err.Error()
		t.retryAfter(t.failureWait())
	default:
		t.do(actRemember{})
		t.detail = "no newer web version was found"
		t.retryAfter(outdatedWait + t.spread(banGrace))
	}
}

// policyVersionWait is when the cached web version is first refreshed: not before the bot had time to log in.
func (t *turn) policyVersionWait() time.Duration { return 5*time.Minute + t.spread(5*time.Minute) }

// refused: a login refusal of a kind this bot does not know. It may be WhatsApp's own trouble, so the waits
// grow but the tries go on.
func (t *turn) refused(detail string) {
	t.hangup()
	t.become(bot.StateFailed, bot.ReasonConnectFailure, detail)
	t.retryAfter(t.failureWait())
	t.do(actSay{eventDisconnected, detail})
}

// failureWait grows with each failure since the last good login.
func (t *turn) failureWait() time.Duration {
	wait := failureWaits[min(t.failures, len(failureWaits)-1)]
	t.failures++
	return wait + t.spread(wait/10)
}

// stop: a person wants the session unconnected, and its keys kept. An unlink under way closes the socket by
// itself when it ends.
func (t *turn) stop() {
	if t.stopped {
		return
	}
	t.stopped = true
	if !t.busy {
		t.hangup()
	}
	t.pairingWanted = t.policy.phoneNumber
	t.become(bot.StateStopped, bot.ReasonStoppedByUser, "")
	t.do(actSay{eventDisconnected, "stopped by a person"}, actRemember{})
}

// restart: a person says that whatever the bot waits for is over. An unlink under way ends in a new connection
// anyway.
func (t *turn) restart() {
	t.stopped = false
	if t.busy {
		return
	}
	t.attempt, t.failures, t.round = 0, 0, 0
	t.takeovers, t.restrictedUntil, t.versionAt = nil, time.Time{}, time.Time{}
	t.begin("")
	t.do(actRemember{})
	t.dial()
}

// begin names the state of a session that connects for no reason but that it should be connected.
func (t *turn) begin(detail string) {
	reason := bot.ReasonNotLinked
	if t.linked {
		reason = bot.ReasonStarting
	}
	t.become(bot.StateConnecting, reason, detail)
}

// unlink asks the supervisor to end the link. Until it is done the link's events are not believed.
func (t *turn) unlink() {
	if t.busy {
		return
	}
	online := t.link == linkUp
	t.busy = true
	if !online {
		if len(t.codes) > 0 {
			t.begin("")
		}
		t.hangup()
	}
	t.do(actUnlink{online})
}

func (t *turn) unlinked(in inUnlinked) {
	t.busy = false
	if in.err != nil && !in.atWhatsApp {
		// nothing was cleared: go on with what there is
		t.begin("the session could not be cleared: " + in.err.Error())
		t.link = linkOpen // whatever the socket is now, dial closes it
		t.do(actRemember{})
		t.dial()
		return
	}
	t.link = linkOpen
	t.hangup()
	t.forgetAccount()
	t.expired, t.expiredReason, t.expiredJID = false, "", ""
	t.become(bot.StateLoggedOut, bot.ReasonClearedByUser, "")
	if !in.atWhatsApp {
		t.detail = "the phone was not told: if it still lists this device, remove it there"
	}
	t.do(actCount{countLogout, bot.ReasonClearedByUser}, actRemember{})
	if in.err != nil { // WhatsApp ended the device: whatever the store still says of it is dead
		t.do(actForget{})
	}
	t.do(actRenew{})
	t.dial()
}
