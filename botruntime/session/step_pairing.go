package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// codesCame starts a round of QR codes. The bot times them: whatsmeow's own QR channel disconnects the client when no
// code is read.
func (t *transition) codesCame(codes []string) {
	if t.socket == socketDown || t.linked || len(codes) == 0 || t.passkey.open() {
		return
	}
	t.socket, t.pairing, t.streamOver = socketOpen, false, false
	t.do(actDisarm{timerLogin})
	t.showCode(codes, t.policy.firstCode)
	if t.pairingWanted != "" {
		t.askPairingCode(t.pairingWanted)
	}
}

// askPairingCode asks once: a second code for the same number would end the first one, which may be shown by then.
func (t *transition) askPairingCode(phone string) {
	if t.pairingAsked != phone {
		t.pairingAsked = phone
		t.do(actAskPairingCode{phone})
	}
}

// showCode makes the first of codes the current one.
func (t *transition) showCode(codes []string, life time.Duration) {
	t.codes, t.codeExpires = codes, t.now.Add(life)
	t.become(bot.StatePairing, bot.ReasonQRAvailable, "")
	if t.passkey.failure != "" { // until the round ends, or another phone takes a code
		t.become(bot.StatePairing, bot.ReasonPasskeyFailed, t.passkey.failure)
	}
	t.do(actTimer{timerCode, life}, actLog{eventQR, ""}, actCountCode{})
}

// nextCode replaces a code that ended. A code that lasted to its end came over a good connection, if that still answers.
func (t *transition) nextCode() {
	if !t.silent {
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

// codesUsedUp ends a round. It fetches another one, up to the number of rounds that the policy allows without a look.
func (t *transition) codesUsedUp() {
	if t.endRound() {
		return
	}
	t.hangup()
	t.become(bot.StatePairing, bot.ReasonQRTimeout, "")
	t.retryAfter(lateReason + t.spread(roundPause))
}

// endRound counts a round, also one that broke off, and reports whether it was the last one allowed without a look.
func (t *transition) endRound() (idle bool) {
	t.round++
	t.passkey.failure = ""
	if t.round < t.policy.qrRounds {
		return false
	}
	t.hangup()
	t.become(bot.StatePairing, bot.ReasonQRIdle, "")
	t.pairingWanted = t.policy.phoneNumber
	return true
}

// looked: a person wants to see a code. That allows new rounds, and connects a session that waits for a person. A wait
// that ends at a set time is not shortened: a page that asks after every change would otherwise undo the backoff.
func (t *transition) looked() {
	t.codeAsked = t.removing
	if t.linked || t.removing {
		return
	}
	t.round = 0
	if t.socket == socketDown && t.retryAt.IsZero() && t.state != bot.StateOutdated {
		t.dial()
	}
}

// accepted: a phone took the code, which stays as it is until whatsmeow tells how the pairing ended.
func (t *transition) accepted() {
	if t.socket != socketOpen || t.linked || t.passkey.open() {
		t.pairing = t.passkey.open()
		return
	}
	t.pairing = true
	t.do(actDisarm{timerCode}, actTimer{timerLogin, rebootDeadline})
}

// paired: the device is in the database, and WhatsApp restarts the stream for its first login. The event is trusted in
// every state of the socket, because the row is there.
func (t *transition) paired(who account) {
	t.dropCodes()
	t.leavePasskey()
	t.passkey = passkeyGate{}
	over := t.streamOver
	t.pairing, t.streamOver = false, false
	t.linked, t.account, t.linkedAt, t.ended = true, who, t.now, ended{}
	t.notice = bot.NoticeNone // it was about the old keys
	t.attempt, t.round, t.pairingWanted = 0, 0, t.policy.phoneNumber
	t.become(bot.StateConnecting, bot.ReasonPaired, "")
	t.do(actCountPairing{}, actSettle{}, actRemember{}, actTimer{timerLogin, rebootDeadline},
		actTimer{timerPulse, rebootPulse}, actLog{eventAuthenticated, ""})
	if over {
		t.attempt++ // this was the restart of the stream that follows each pairing
	}
	if over || t.socket == socketDown {
		t.dial()
	}
}

// pairFailed: whatsmeow has disconnected, and its device may be half written; a new one takes its place.
func (t *transition) pairFailed(err error) {
	t.hangup()
	t.linked = false
	t.become(bot.StatePairing, bot.ReasonPairError, plain(err))
	t.renew()
	t.retryAfter(pairErrorWait)
}

// streamRestart follows each pairing; the bot reconnects, so that a failed try is repeated. Any other restart, and a
// second one after the same pairing, is a lost connection: a server that restarts every stream must not be dialled
// without a pause.
func (t *transition) streamRestart() {
	if t.reason == bot.ReasonPaired && t.socket == socketOpen && t.attempt == 0 {
		t.attempt++
		t.dial()
		return
	}
	t.lost("WhatsApp restarted the stream")
}

// pairPhone asks for a code to type into the phone; the codes of a round allow it.
func (t *transition) pairPhone(phone string) {
	t.looked()
	if t.linked || t.removing || t.stopped || t.passkey.open() {
		return
	}
	t.pairingWanted, t.pairingCode, t.pairingRefused = phone, "", false
	switch {
	case len(t.codes) == 0:
	case t.roundEnds().Sub(t.now) < typingTime:
		t.begin("")
		t.dial()
	default:
		t.askPairingCode(phone)
	}
}

// roundEnds is when WhatsApp closes the socket of this round's codes; a pairing code ends with it.
func (m model) roundEnds() time.Time {
	return m.codeExpires.Add(time.Duration(len(m.codes)-1) * m.policy.nextCode)
}

func (t *transition) pairingCodeCame(in inPairingCode) {
	if in.phone == t.pairingAsked {
		t.pairingAsked = ""
	}
	if len(t.codes) == 0 || in.phone != t.pairingWanted {
		return
	}
	if in.err != nil {
		t.detail = "no pairing code: " + plain(in.err)
		t.pairingWanted, t.pairingRefused = t.policy.phoneNumber, true
		return
	}
	t.pairingCode, t.detail = in.code, ""
}
