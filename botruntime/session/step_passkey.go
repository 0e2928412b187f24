package session

import (
	"time"

	"sesi.dev/sesi/api/bot"
)

// passkeyGate is a linking for which WhatsApp asks for the account's passkey. The code does not change meanwhile: the
// phone has accepted it, and a new one would interrupt the linking.
type passkeyGate struct {
	step    passkeyStep
	options string // WebAuthn's request options in JSON, while a signature is awaited
	until   time.Time
	code    string // that the phone shows too
	// spent: the client went through a gate, and its device's secret with it. The next dial takes a new device.
	spent bool
	// failure says how the last gate ended, until the round of codes behind it is over.
	failure string
}

// passkeyStep is what a gate waits for.
type passkeyStep int

const (
	passkeyNone    passkeyStep = iota
	passkeySign                // a person signs
	passkeyPhone               // WhatsApp took the signature; the phone's key comes next
	passkeyCompare             // a person compares the codes
	passkeySealing             // the phone gets the keys; the pairing comes next
)

func (g passkeyGate) open() bool { return g.step != passkeyNone }

// How long the steps after the signature may take.
const (
	passkeyPhoneWait   = 90 * time.Second // three requests of 20 s, and the phone
	passkeyCompareWait = 5 * time.Minute  // a person and two screens
	passkeyGrace       = 3 * time.Second  // from the end of the connection to the event of the pairing, which is on the disk by then
)

// What a person reads about a gate that ended.
const (
	passkeyRestarted = "the bot was restarted in the middle of it"
	passkeyUnsigned  = "nobody signed in time"
	passkeyUnequal   = "nobody said in time that the codes are equal"
	passkeySilent    = "the phone or WhatsApp did not go on in time; keep WhatsApp open on the phone"
)

// passkeyAsked freezes the codes and asks a person. A person with the phone is there, so new rounds are allowed.
func (t *transition) passkeyAsked(in inPasskeyAsked) {
	if t.socket == socketDown || t.linked || t.passkey.open() {
		return
	}
	t.dropCodes()
	t.socket, t.outage = socketOpen, outage{}
	t.pairing, t.streamOver = false, false
	t.round, t.pairingWanted = 0, t.policy.phoneNumber
	t.passkey = passkeyGate{step: passkeySign, options: in.options, until: t.now.Add(in.life), spent: true}
	t.become(bot.StatePairing, bot.ReasonPasskeyRequired, "")
	t.do(actDisarm{timerLogin}, actTimer{timerPasskey, in.life}, actRemember{}, actLog{eventPasskey, "asked"})
}

// passkeyRefused: the challenge stays open for another signature.
func (t *transition) passkeyRefused(detail string) {
	if t.passkey.step == passkeySign {
		t.detail = detail
	}
}

func (t *transition) passkeyTaken() {
	if t.passkey.step == passkeySign {
		t.passkeyGoesOn(passkeyPhone, passkeyPhoneWait)
	}
}

// passkeyCode: the phone's key came. It may come before the event that the signature was accepted.
func (t *transition) passkeyCode(in inPasskeyCode) {
	switch {
	case !t.passkey.open():
	case in.compare:
		t.passkey.code = in.code
		t.passkeyGoesOn(passkeyCompare, passkeyCompareWait)
	default:
		t.passkey.code = in.code
		t.passkeyGoesOn(passkeySealing, passkeyPhoneWait)
	}
}

func (t *transition) passkeyConfirmed() {
	if t.passkey.step == passkeyCompare {
		t.passkeyGoesOn(passkeySealing, passkeyPhoneWait)
	}
}

func (t *transition) passkeyGoesOn(to passkeyStep, within time.Duration) {
	t.passkey.step, t.passkey.options, t.passkey.until = to, "", t.now.Add(within)
	t.become(bot.StatePairing, bot.ReasonPasskeyConfirmation, "")
	t.do(actTimer{timerPasskey, within})
}

func (t *transition) passkeyTimedOut() {
	switch t.passkey.step {
	case passkeyNone:
	case passkeySign:
		t.passkeyFailed(passkeyUnsigned)
	case passkeyCompare:
		t.passkeyFailed(passkeyUnequal)
	default:
		t.passkeyFailed(passkeySilent)
	}
}

// passkeyFailed goes back to a code, with a new device: the old one's secret was replaced for this gate.
func (t *transition) passkeyFailed(detail string) {
	if !t.passkey.open() {
		return
	}
	t.hangup()
	t.passkey.failure = detail
	t.become(bot.StatePairing, bot.ReasonPasskeyFailed, detail)
	t.retryAfter(lateReason + t.spread(roundPause))
	t.do(actLog{eventPasskey, "failed: " + detail})
}

// passkeyLost: the connection ended. WhatsApp ends it also when the pairing is done, and the event of that may come
// later.
func (t *transition) passkeyLost(detail string) {
	if t.passkey.step == passkeySealing || t.pairing {
		t.streamOver = t.pairing
		t.do(actTimer{timerPasskey, passkeyGrace})
		return
	}
	t.passkeyFailed(detail)
}

// leavePasskey ends a gate, whatever comes next.
func (t *transition) leavePasskey() {
	if t.passkey.open() {
		t.passkey = passkeyGate{spent: t.passkey.spent}
		t.do(actDisarm{timerPasskey}, actRemember{})
	}
}

// public is what a person must know to continue with an open gate.
func (g passkeyGate) public() bot.Passkey {
	p := bot.Passkey{Step: bot.PasskeyWait, Code: g.code, ExpiresAt: bot.At(g.until)}
	switch g.step {
	case passkeySign:
		p.Step, p.Options = bot.PasskeySign, []byte(g.options)
	case passkeyCompare:
		p.Step = bot.PasskeyCompare
	}
	return p
}
