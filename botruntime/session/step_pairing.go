package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// codesCame starts a round of QR codes. The bot runs their clock itself: whatsmeow's own QR channel
// disconnects the client when nobody reads it.
func (t *turn) codesCame(codes []string) {
	if t.link == linkDown || t.linked || len(codes) == 0 {
		return
	}
	t.link = linkOpen
	t.do(actStop{timerLogin})
	t.showCode(codes, t.policy.firstCode)
	if t.pairingWanted != "" {
		t.do(actAskPairingCode{t.pairingWanted})
	}
}

// showCode makes the first of codes the live one.
func (t *turn) showCode(codes []string, life time.Duration) {
	t.codes, t.codeExpires = codes, t.now.Add(life)
	t.become(bot.StatePairing, bot.ReasonQRAvailable, "")
	t.do(actTimer{timerCode, life}, actSay{eventQR, ""}, actCount{countCode, t.reason})
}

// nextCode replaces a code that ended. One that lived to its end came over a good connection, if that still answers.
func (t *turn) nextCode() {
	if !t.mute {
		t.attempt = 0
	}
	switch {
	case len(t.codes) == 0:
	case len(t.codes) == 1:
		t.codesUsedUp()
	default:
		t.showCode(t.codes[1:], t.policy.nextCode)
	}
}

// codesUsedUp ends a round: fetch another, until the rounds are used up too and nobody has looked.
func (t *turn) codesUsedUp() {
	if t.endRound() {
		return
	}
	t.hangup()
	t.become(bot.StatePairing, bot.ReasonQRTimeout, "")
	t.retryAfter(lateReason + t.spread(backoffFirst))
}

// endRound counts a round, also one that broke off, and reports whether it was the last that nobody looked at.
func (t *turn) endRound() (idle bool) {
	t.round++
	if t.round < t.policy.qrRounds {
		return false
	}
	t.hangup()
	t.become(bot.StatePairing, bot.ReasonQRIdle, "")
	t.pairingWanted = t.policy.phoneNumber
	return true
}

// looked: a person wants to see a code. That gives new rounds, and opens what waits for a person alone; a
// wait with an end of its own is not cut short, or a page that asks after every change would undo the backoff.
func (t *turn) looked() {
	if t.linked || t.busy {
		return
	}
	t.round = 0
	if t.link == linkDown && t.retryAt.IsZero() && t.state != bot.StateOutdated {
		t.dial()
	}
}

// paired: the device is in the store, and WhatsApp restarts the stream for its first login. It is believed in
// every state of the link, for the row is there.
func (t *turn) paired(who account) {
	t.dropCodes()
	t.linked, t.account, t.linkedAt = true, who, t.now
	t.expired, t.expiredReason, t.expiredJID = false, "", ""
	t.attempt, t.round, t.pairingWanted = 0, 0, t.policy.phoneNumber
	t.become(bot.StateConnecting, bot.ReasonPaired, "")
	t.do(actCount{countPairing, t.reason}, actSettle{}, actRemember{}, actTimer{timerLogin, rebootDeadline},
		actTimer{timerPulse, rebootPulse}, actSay{eventAuthenticated, ""})
	if t.link == linkDown {
		t.dial()
	}
}

// pairFailed: whatsmeow has hung up, and its device may be half written; a new one takes its place.
func (t *turn) pairFailed(err error) {
	t.hangup()
	t.linked = false
	t.become(bot.StatePairing, bot.ReasonPairError, err.Error())
	t.do(actRenew{})
	t.retryAfter(pairErrorWait)
}

// streamRestart follows each pairing; the bot makes the reconnect itself, so that a failed one is tried again.
// Any other restart, and a second one of the same pairing, is a lost connection: a server that restarts every
// stream must not be dialled without rest.
func (t *turn) streamRestart() {
	if t.reason == bot.ReasonPaired && t.link == linkOpen && t.attempt == 0 {
		t.attempt++
		t.dial()
		return
	}
	t.lost("WhatsApp restarted the stream")
}

// pairPhone asks for a code to type into the phone; the codes of a round allow it.
func (t *turn) pairPhone(phone string) {
	t.looked()
	if t.linked || t.busy || t.stopped {
		return
	}
	t.pairingWanted, t.pairingCode, t.pairingRefused = phone, "", false
	switch {
	case len(t.codes) == 0:
	case t.roundEnds().Sub(t.now) < typingTime:
		t.begin("")
		t.dial()
	default:
		t.do(actAskPairingCode{phone})
	}
}

// roundEnds is when WhatsApp closes the socket of this round's codes; a pairing code dies with it.
func (m model) roundEnds() time.Time {
	return m.codeExpires.Add(time.Duration(len(m.codes)-1) * m.policy.nextCode)
}

func (t *turn) gotPairingCode(in inPairingCode) {
	if len(t.codes) == 0 || in.phone != t.pairingWanted {
		return
	}
	if in.err != nil {
		t.detail = "no pairing code: " + in.err.Error()
		t.pairingWanted, t.pairingRefused = t.policy.phoneNumber, true
		return
	}
	t.pairingCode, t.detail = in.code, ""
}
