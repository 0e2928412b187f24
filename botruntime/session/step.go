package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// step is the whole state machine: what the model becomes after an input, and what is to be done. It reads no
// clock and rolls no dice; dice is a number in [0, 1) for it to spread its waits with.
func step(m model, now time.Time, dice float64, in input) (model, []action) {
	t := turn{model: m, now: now, dice: dice}
	switch in := in.(type) {
	case inNothing:
	case inStart:
		t.start()
	case inTimer:
		t.timer(in.name)
	case inLooked:
		t.looked()
	case inRestart:
		t.restart()
	case inStop:
		t.stop()
	case inUnlink:
		t.unlink()
	case inUnlinked:
		t.unlinked(in)
	case inVersion:
		t.version(in)
	case inPairPhone:
		t.pairPhone(in.phone)
	case inPairingCode:
		t.gotPairingCode(in)
	default:
		if !t.busy {
			t.linkEvent(in)
		}
	}
	return t.model, t.actions
}

// turn is one step in the making.
type turn struct {
	model
	now     time.Time
	dice    float64
	actions []action
}

func (t *turn) do(a ...action) { t.actions = append(t.actions, a...) }

// become names the state. Whatever happens to a stopped session, it is that above all.
func (t *turn) become(s bot.State, r bot.Reason, detail string) {
	if t.stopped {
		s, r = bot.StateStopped, bot.ReasonStoppedByUser
	}
	t.state, t.reason, t.detail = s, r, detail
}

// linkEvent handles what the present client reports.
func (t *turn) linkEvent(in input) {
	switch in := in.(type) {
	case inDialled:
		t.dialled(in.err)
	case inCodes:
		t.codesCame(in.codes)
	case inPaired:
		t.paired(in.account)
	case inPairFailed:
		t.pairFailed(in.err)
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
		t.silent(in)
	case inHeard:
		t.heard()
	case inLost:
		t.lost(in.detail)
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

// start connects, unless an earlier life of the bot was told to wait.
func (t *turn) start() {
	t.do(actTimer{timerVersion, t.policyVersionWait()})
	switch {
	case t.stopped:
	case t.state == bot.StateConflict:
		// to connect is to take the session back, so it counts; else every restart would be another round of the fight
		if t.mayReclaim() {
			t.reclaim()
		}
	case t.linked && t.now.Before(t.restrictedUntil):
		t.become(bot.StateRestricted, bot.ReasonTemporaryBan, "")
		t.retryAfterBan(t.restrictedUntil.Sub(t.now))
	case !t.linked && t.qrOnDemandOnly():
		t.become(bot.StateLoggedOut, t.expiredReason, "")
	default:
		t.dial()
	}
}

// dial opens a connection, closing what is open. A stopped session only closes.
func (t *turn) dial() {
	t.hangup()
	if t.stopped {
		return
	}
	t.link, t.early = linkDialing, false
	t.do(actDial{})
}

// hangup closes the socket and forgets all that lived with it.
func (t *turn) hangup() {
	if t.link != linkDown {
		t.do(actHangup{})
	}
	t.link, t.mute = linkDown, false
	t.retryAt = time.Time{}
	t.dropCodes()
	t.do(actStop{timerRetry}, actStop{timerLogin}, actStop{timerPulse})
}

func (t *turn) dropCodes() {
	if len(t.codes) > 0 || t.pairingCode != "" {
		t.do(actStop{timerCode})
	}
	t.codes, t.codeExpires, t.pairingCode = nil, time.Time{}, ""
}

// retryAfter dials again after d, unless the session is stopped.
func (t *turn) retryAfter(d time.Duration) {
	if t.stopped {
		return
	}
	t.retryAt = t.now.Add(d)
	t.do(actTimer{timerRetry, d})
}

// spread returns a part of d that differs from bot to bot.
func (t *turn) spread(d time.Duration) time.Duration { return time.Duration(t.dice * float64(d)) }

func (t *turn) dialled(err error) {
	switch {
	case err != nil:
		t.lost(err.Error())
	case t.link == linkDialing:
		t.link = linkOpen
		deadline := t.policy.login
		if t.early {
			deadline = min(deadline, earlyDeadline)
		}
		t.do(actTimer{timerLogin, deadline})
	}
}

// lost answers a connection that ended, or never came, for no reason that means more: try again, for ever,
// with exponential backoff and full jitter. The client is kept, for the true reason may surface on its next
// connection; lateReason gives it a moment to surface before that.
func (t *turn) lost(detail string) {
	if t.link == linkDown {
		return
	}
	switch {
	case len(t.codes) == 1: // WhatsApp closes the socket when the last code of a round ends
		t.codesUsedUp()
		return
	case len(t.codes) > 1 && t.endRound():
		return
	}
	t.reconnect(detail)
}

// reconnect dials anew after a wait that grows with each failure.
func (t *turn) reconnect(detail string) {
	was := t.link
	if was == linkUp && t.now.Sub(t.connectedAt) >= stableAfter {
		t.attempt = 0
	}
	t.hangup()
	limit := backoffLast
	if t.attempt < 16 {
		limit = min(backoffFirst<<t.attempt, backoffLast)
	}
	t.attempt++
	t.retryAfter(lateReason + t.spread(limit))
	switch {
	case t.state == bot.StateLoggedOut && !t.linked:
		// keep saying why the session is gone
	case !t.linked:
		t.become(bot.StatePairing, bot.ReasonConnectionLost, detail)
	case t.reason == bot.ReasonKeepAliveTimeout:
	case t.reason == bot.ReasonPaired && was != linkUp:
		// the first login after a pairing has not happened yet
	default:
		t.become(bot.StateReconnecting, bot.ReasonConnectionLost, detail)
	}
	t.do(actSay{eventDisconnected, detail})
}

func (t *turn) timer(name timer) {
	switch name {
	case timerRetry:
		t.retry()
	case timerCode:
		t.nextCode()
	case timerLogin:
		switch {
		case t.link != linkOpen:
		case t.reason == bot.ReasonPaired:
			t.dial() // the stream's restart was promised and did not come
		default:
			t.lost("WhatsApp did not answer the login")
		}
	case timerPulse:
		switch {
		case t.link == linkUp:
			t.do(actCheckLink{login: true}, actTimer{timerPulse, t.policy.pulse})
		case t.link == linkOpen && t.reason == bot.ReasonPaired:
			t.do(actCheckLink{}, actTimer{timerPulse, rebootPulse})
		}
	case timerBackup:
		t.do(actBackup{}, actTimer{timerBackup, t.policy.backupInterval})
	case timerVersion:
		t.do(actFetchVersion{}, actTimer{timerVersion, versionLife + t.spread(versionLife/4)})
	}
}

// retry ends a wait.
func (t *turn) retry() {
	why := t.reason
	switch {
	case t.link != linkDown || t.busy:
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
		t.do(actCount{countReconnect, why})
	}
}

// connected is a login that WhatsApp accepted. The backoff starts anew only once the login has lasted: one
// that is dropped again and again must not be repeated without rest. whatsmeow reports a login even when its
// socket died meanwhile, so one that is told during a dial is not believed.
func (t *turn) connected(who account) {
	if t.link == linkDialing {
		t.early = true
	}
	if t.link != linkOpen && t.link != linkUp {
		return
	}
	t.link = linkUp
	t.dropCodes()
	t.linked, t.authenticated, t.account = true, true, who
	t.expired, t.expiredReason, t.expiredJID = false, "", ""
	t.failures, t.round = 0, 0
	t.restrictedUntil, t.retryAt, t.connectedAt = time.Time{}, time.Time{}, t.now
	if t.linkedAt.IsZero() {
		t.linkedAt = t.now
	}
	t.become(bot.StateConnected, bot.ReasonLoggedIn, "")
	t.do(actStop{timerLogin}, actSay{eventReady, ""}, actRemember{}, actTimer{timerPulse, t.policy.pulse})
	if t.policy.backupInterval > 0 && !t.backups { // or a connection that never lasts would put it off for ever
		t.backups = true
		t.do(actTimer{timerBackup, firstBackupWait})
	}
}

// silent is a keep-alive without an answer. whatsmeow says nothing more of a dead socket, so the bot must
// give it up by itself. A code of a dead socket cannot be scanned: it goes at once, and its round does not count
// as one that nobody looked at.
func (t *turn) silent(in inSilent) {
	showing := t.link == linkOpen && len(t.codes) > 0
	if !showing && t.link != linkUp {
		return
	}
	t.mute = true
	if in.misses < silenceMisses {
		return
	}
	detail := "WhatsApp has not answered since " + in.lastSuccess.UTC().Format(time.TimeOnly) + " UTC"
	if showing {
		t.reconnect(detail)
		return
	}
	t.become(bot.StateReconnecting, bot.ReasonKeepAliveTimeout, detail)
	if in.misses > silenceMisses || t.now.Sub(in.lastSuccess) >= silenceLimit {
		t.lost(detail)
	}
}

func (t *turn) heard() {
	t.mute = false
	if t.link == linkUp && t.reason == bot.ReasonKeepAliveTimeout {
		t.become(bot.StateConnected, bot.ReasonLoggedIn, "")
	}
}
