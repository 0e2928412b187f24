package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// step is the whole state machine: what the model becomes after an input, and what is to be done. It reads no clock and
// draws no random number; dice is a number in [0, 1) by which it varies its waits.
func step(m model, now time.Time, dice float64, in input) (model, []action) {
	t := transition{model: m, now: now, dice: dice}
	switch in := in.(type) {
	case inStart:
		t.start()
	case inTimer:
		t.timer(in.name)
	case inLooked:
		t.looked()
	case inRestart:
		t.restart()
	case inResume:
		t.resume()
	case inStop:
		t.stop()
	case inUnlink:
		t.unlink(in.force)
	case inUnlinked:
		t.unlinked(in)
	case inForgotten:
		t.forgotten(in.err)
	case inVersion:
		t.versionCame(in)
	case inBackedUp:
		t.backedUp(in)
	case inUnwritable:
		t.unwritable(in.err)
	case inProbed:
		t.probed(in.err)
	case inFiles:
		t.files = in.files
	case inPairPhone:
		t.pairPhone(in.phone)
	case inPairingCode:
		t.pairingCodeCame(in)
	default:
		if !t.removing {
			t.clientEvent(in)
		}
	}
	return t.model, t.actions
}

// transition is one step that is being made.
type transition struct {
	model
	now     time.Time
	dice    float64
	actions []action
}

func (t *transition) do(a ...action) { t.actions = append(t.actions, a...) }

// become names the state. Whatever happens to a stopped session, it stays Stopped.
func (t *transition) become(s bot.State, r bot.Reason, detail string) {
	if t.stopped {
		s, r = bot.StateStopped, bot.ReasonStoppedByUser
	}
	t.state, t.reason, t.detail = s, r, detail
}

// clientEvent handles what the current client reports.
func (t *transition) clientEvent(in input) {
	switch in := in.(type) {
	case inDialled:
		t.dialled(in.err)
	case inCodes:
		t.codesCame(in.codes)
	case inAccepted:
		t.accepted()
	case inPaired:
		t.paired(in.account)
	case inPairFailed:
		t.pairFailed(in.err)
	case inPasskeyAsked:
		t.passkeyAsked(in)
	case inPasskeyRefused:
		t.passkeyRefused(in.detail)
	case inPasskeyTaken:
		t.passkeyTaken()
	case inPasskeyCode:
		t.passkeyCode(in)
	case inPasskeyConfirmed:
		t.passkeyConfirmed()
	case inPasskeyFailed:
		t.passkeyFailed(in.detail)
	case inNoMultidevice:
		if len(t.codes) > 0 {
			t.become(bot.StatePairing, bot.ReasonMultideviceNotEnabled, "")
		}
	case inStreamRestart:
		t.streamRestart()
	case inConnected:
		t.connected(in.account)
	case inPushName:
		t.account.pushName = in.name
	case inSilent:
		t.silence(in)
	case inAnswered:
		t.answered()
	case inLost:
		t.lost(in.detail)
	case inNotKept:
		if t.socket != socketDown {
			t.lost("an event could not be stored")
			t.do(actReplace{})
		}
	case inReplaced:
		t.replaced()
	case inLoggedOut:
		t.loggedOut(in.reason)
	case inBanned:
		t.banned(in)
	case inOutdated:
		t.outdated()
	case inRefused:
		t.refused(in.detail)
	}
}

// start connects, unless the previous process had to wait.
func (t *transition) start() {
	t.do(actTimer{timerVersion, t.firstVersionWait()})
	if t.passkey.failure != "" {
		t.do(actRemember{}) // it is said once
	}
	switch {
	case t.stopped:
	case t.state == bot.StateConflict:
		// To connect is a takeover, so it counts; or every restart would be another round of the fight.
		if t.mayReclaim() {
			t.reclaim()
		}
	case t.linked && t.now.Before(t.restrictedUntil):
		t.become(bot.StateRestricted, bot.ReasonTemporaryBan, "")
		t.retryAfterBan(t.restrictedUntil.Sub(t.now))
	case !t.linked && t.codesOnDemandOnly():
		t.become(bot.StateLoggedOut, t.ended.reason, "")
	default:
		t.dial()
	}
}

// dial opens a connection, and closes an open one first. A stopped session only closes, and one whose store failed
// probes it first.
func (t *transition) dial() {
	t.hangup()
	switch {
	case t.stopped:
		return
	case t.storage.active:
		t.probe()
		return
	}
	if t.passkey.spent {
		t.renew()
	}
	t.socket, t.early, t.dialAt = socketConnecting, false, t.now
	t.version.presented = t.version.next
	t.do(actDial{t.version.next})
}

// hangup closes the socket and forgets what belonged to it.
func (t *transition) hangup() {
	if t.socket != socketDown {
		t.do(actHangup{})
	}
	t.socket, t.silent = socketDown, false
	t.pairing, t.streamOver = false, false
	t.retryAt = time.Time{}
	t.dropCodes()
	t.do(actDisarm{timerRetry}, actDisarm{timerLogin}, actDisarm{timerPulse})
	t.leavePasskey()
}

// renew gives the session a new device that is not linked.
func (t *transition) renew() {
	t.passkey.spent = false
	t.do(actRenew{})
}

func (t *transition) dropCodes() {
	if len(t.codes) > 0 || t.pairingCode != "" {
		t.do(actDisarm{timerCode})
	}
	t.codes, t.codeExpires, t.pairingCode, t.pairingAsked = nil, time.Time{}, "", ""
}

// retryAfter dials again after d, unless the session is stopped.
func (t *transition) retryAfter(d time.Duration) {
	if t.stopped {
		return
	}
	t.retryAt = t.now.Add(d)
	t.do(actTimer{timerRetry, d})
}

// spread returns a part of d that differs from bot to bot.
func (t *transition) spread(d time.Duration) time.Duration {
	return time.Duration(t.dice * float64(d))
}

func (t *transition) dialled(err error) {
	switch {
	case err != nil:
		t.unreachable(err)
	case t.socket == socketConnecting:
		t.socket, t.outage = socketOpen, outage{}
		deadline := t.policy.login
		if t.early {
			deadline = min(deadline, earlyDeadline)
		}
		t.do(actTimer{timerLogin, deadline})
	}
}

// unreachable: the dial failed. A person is needed for what does not end without help, or lasts.
func (t *transition) unreachable(err error) {
	if t.socket == socketDown {
		return
	}
	words, permanent := classifyDial(err)
	since := t.outage.since
	if !t.outage.yes() {
		since = t.dialAt
	}
	lasting := t.outage.lasting || permanent || t.now.Sub(since) >= outagePatience
	if lasting && !t.outage.lasting {
		t.do(actWarn{words})
	}
	t.outage = outage{words, since, lasting}
	t.lost(words)
}

// lost handles a connection that ended, or never came, without a more specific reason: the bot tries again without end.
// The client is kept, because the real reason may arrive on its next connection; lateReason is how long the bot first
// waits for it.
func (t *transition) lost(detail string) {
	if t.socket == socketDown {
		return
	}
	switch {
	case t.passkey.open():
		t.passkeyLost(detail)
		return
	case t.pairing: // the end of the pairing is told next, or a timer ends the wait
		t.streamOver = true
		return
	case len(t.codes) == 1: // WhatsApp closes the socket when the last code of a round ends
		t.codesUsedUp()
		return
	case len(t.codes) > 1 && t.endRound():
		return
	}
	t.reconnect(detail)
}

// reconnect dials again after a random wait. Longer waits after more failures would keep bots away long after an outage
// ended; what matters is that many bots do not dial at the same time, and that no bot dials often.
func (t *transition) reconnect(detail string) {
	was := t.socket
	if was == socketUp && t.now.Sub(t.connectedAt) >= stableAfter {
		t.attempt = 0
	}
	t.hangup()
	wait := lateReason + t.spread(t.policy.pace.first)
	if t.attempt > 0 && (t.attempt > 1 || t.reason != bot.ReasonPaired) { // a phone that was just linked is watched
		wait = max(lateReason, t.policy.pace.least+t.spread(t.policy.pace.spread))
	}
	t.attempt++
	t.retryAfter(wait)
	switch {
	case t.state == bot.StateLoggedOut && !t.linked:
		// keep saying why the session is gone
	case !t.linked && t.outage.yes():
		t.become(bot.StateConnecting, bot.ReasonConnectionLost, detail)
	case !t.linked:
		t.become(bot.StatePairing, bot.ReasonConnectionLost, detail)
	case t.reason == bot.ReasonKeepAliveTimeout && !t.outage.yes():
	case t.reason == bot.ReasonPaired && was != socketUp:
		// the first login after a pairing has not happened yet
	default:
		t.become(bot.StateReconnecting, bot.ReasonConnectionLost, detail)
	}
	t.do(actLog{eventDisconnected, detail})
}

func (t *transition) timer(name timer) {
	switch name {
	case timerRetry:
		t.retry()
	case timerCode:
		t.nextCode()
	case timerLogin:
		switch {
		case t.socket != socketOpen:
		case t.reason == bot.ReasonPaired:
			t.dial() // the stream's restart did not come
		case t.pairing:
			t.pairing = false
			t.lost("the pairing was not completed")
		default:
			t.lost("WhatsApp did not answer the login")
		}
	case timerPasskey:
		t.passkeyTimedOut()
	case timerPulse:
		switch {
		case t.socket == socketUp:
			t.do(actCheckSocket{login: true}, actTimer{timerPulse, t.policy.pulse})
		case t.socket == socketOpen && t.reason == bot.ReasonPaired:
			t.do(actCheckSocket{}, actTimer{timerPulse, rebootPulse})
		}
	case timerBackup:
		t.backUp()
	case timerVersion:
		t.do(actFetchVersion{}, actTimer{timerVersion, versionLife + t.spread(versionLife/4)})
	}
}

// retry ends a wait.
func (t *transition) retry() {
	why := t.reason
	switch {
	case t.socket != socketDown || t.removing:
		return
	case t.state == bot.StateRestricted && t.stillBanned():
		return
	case t.state == bot.StateConflict:
		t.reclaim()
	case t.state == bot.StateOutdated:
		t.retryAt = time.Time{}
		t.fetchVersion()
	default:
		t.dial()
	}
	if t.linked {
		t.do(actCountReconnect{why})
	}
}

// connected is a login that WhatsApp accepted. The backoff starts again only after the login has lasted: a login that
// is dropped again and again must not be repeated without a pause. whatsmeow reports a login even when its socket
// closed meanwhile, so a login that is reported during a dial is not trusted.
func (t *transition) connected(who account) {
	if t.socket == socketConnecting {
		t.early = true
	}
	if t.socket != socketOpen && t.socket != socketUp {
		return
	}
	t.socket = socketUp
	t.dropCodes()
	t.linked, t.authenticated, t.account, t.ended = true, true, who, ended{}
	t.failures, t.round = 0, 0
	t.restrictedUntil, t.retryAt, t.connectedAt = time.Time{}, time.Time{}, t.now
	if t.linkedAt.IsZero() {
		t.linkedAt = t.now
	}
	t.become(bot.StateConnected, bot.ReasonLoggedIn, "")
	t.do(actDisarm{timerLogin}, actLog{eventReady, ""}, actRemember{}, actTimer{timerPulse, t.policy.pulse})
	t.planBackups()
}

// silence is a keep-alive without an answer. whatsmeow reports nothing more about a dead socket, so the bot must give
// it up. A code of a dead socket cannot be scanned: it is removed at once, and its round does not count as unscanned.
func (t *transition) silence(in inSilent) {
	showing := t.socket == socketOpen && (len(t.codes) > 0 || t.passkey.open())
	if !showing && t.socket != socketUp {
		return
	}
	t.silent = true
	if in.misses < silenceMisses {
		return
	}
	detail := "WhatsApp has not answered since " + in.lastSuccess.UTC().Format(time.TimeOnly) + " UTC"
	switch {
	case t.passkey.open():
		t.passkeyFailed(detail)
		return
	case showing:
		t.reconnect(detail)
		return
	}
	t.become(bot.StateReconnecting, bot.ReasonKeepAliveTimeout, detail)
	if in.misses > silenceMisses || t.now.Sub(in.lastSuccess) >= silenceLimit {
		t.lost(detail)
	}
}

func (t *transition) answered() {
	t.silent = false
	if t.socket == socketUp && t.reason == bot.ReasonKeepAliveTimeout {
		t.become(bot.StateConnected, bot.ReasonLoggedIn, "")
	}
}
