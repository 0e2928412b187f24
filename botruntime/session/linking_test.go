package session

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/passkey"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// How a linking ends after the other side's fault.
const (
	goesOn    = iota // as if there had been no fault, and no snapshot says that something was lost
	signAgain        // the challenge stays open: the same signature is good a moment later
	sameCode         // the code stays: the phone takes it again
	freshCode        // the phone takes another code
	waits            // the bot tries again later, without a person
)

// linking is a linking that the other side disturbs, and what a person sees of it.
type linking struct {
	byCode bool // typed into the phone; else a scanned QR code
	gated  bool // the account has a passkey
	fault  sim.Fault
	breaks func(*linked) // what goes wrong otherwise: where a gate asks for a signature, else where a code is shown
	state  bot.State
	reason bot.Reason
	action bot.UserAction
	says   string // a part of the message
	ends   int
}

// at is a fault at a step of the passkey's gate.
func at(step, kind string, code, ms int) sim.Fault {
	return sim.Fault{Kind: kind, Code: code, MS: ms, Attrs: map[string]string{"step": step}}
}

// The columns of the table that repeat.
var (
	signing    = linking{state: bot.StatePairing, reason: bot.ReasonPasskeyRequired, action: bot.ActionSignPasskey}
	failedGate = linking{state: bot.StatePairing, reason: bot.ReasonPasskeyFailed, action: bot.ActionScanQR, ends: freshCode}
	showing    = linking{state: bot.StatePairing, reason: bot.ReasonQRAvailable, action: bot.ActionScanQR}
	lostCode   = linking{state: bot.StatePairing, reason: bot.ReasonConnectionLost, action: bot.ActionScanQR, ends: freshCode}
)

// row completes a repeated part of the table.
func row(common linking, byCode, gated bool, fault sim.Fault, says string, breaks func(*linked)) linking {
	common.byCode, common.gated, common.fault, common.says, common.breaks = byCode, gated, fault, says, breaks
	return common
}

func ends(l linking, how int) linking { l.ends = how; return l }

// TestFaultsOfTheOtherSideWhileLinking lists what can go wrong on WhatsApp's side and on the phone's while a device is
// linked, and what a person then sees. Each linking succeeds in the end, except those that a person need not attend.
func TestFaultsOfTheOtherSideWhileLinking(t *testing.T) {
	const qr, code, open, gate = false, true, false, true
	none := sim.Fault{}
	refused := linking{state: bot.StateFailed, reason: bot.ReasonConnectFailure, action: bot.ActionNone, ends: waits}
	for name, l := range map[string]linking{
		"WhatsApp refuses new devices":                  row(refused, qr, open, sim.Fault{Kind: sim.FaultFailurePair, Code: 400}, "refused", nil),
		"codes come late":                               row(showing, qr, open, sim.Fault{Kind: sim.FaultSlowLogin, MS: 300}, "Scan the QR code", nil),
		"success before the pairing":                    row(showing, qr, open, sim.Fault{Kind: sim.FaultEarlySuccess}, "Scan the QR code", nil),
		"the phone does not link devices":               ends(row(linking{state: bot.StatePairing, reason: bot.ReasonMultideviceNotEnabled, action: bot.ActionScanQR}, qr, open, sim.Fault{Kind: sim.FaultNoMultidevice}, "does not allow linked devices", (*linked).phoneFails), sameCode),
		"broken off where the stream restarts":          row(showing, qr, open, sim.Fault{Kind: sim.FaultPairDrop}, "Scan the QR code", nil),
		"broken off where the stream restarts, by code": row(showing, code, open, sim.Fault{Kind: sim.FaultPairDrop}, "Scan the QR code", nil),
		"broken off while a code is shown":              row(lostCode, qr, open, none, "No connection", kickWaiting(sim.KickDrop)),
		"closed while a code is shown":                  row(lostCode, qr, open, none, "No connection", kickWaiting(sim.KickClose)),
		"broken off while a code is typed":              row(lostCode, code, open, none, "No connection", kickWaiting(sim.KickDrop)),
		"no code to type is given":                      row(showing, code, open, sim.Fault{Kind: sim.FaultPairCode, Code: 429}, "no pairing code", (*linked).codeRefused),
		"another code is typed":                         ends(row(showing, code, open, none, "Scan the QR code", (*linked).typesWrong), sameCode),

		"the challenge is missing":                      row(signing, qr, gate, sim.Fault{Kind: sim.FaultPasskeyBare}, "passkey", nil),
		"the challenge is garbled":                      row(signing, qr, gate, sim.Fault{Kind: sim.FaultPasskeyGarbled}, "passkey", nil),
		"the challenge comes twice":                     row(signing, qr, gate, sim.Fault{Kind: sim.FaultPasskeyTwice}, "passkey", nil),
		"the phone's key comes before its turn":         row(signing, qr, gate, sim.Fault{Kind: sim.FaultPasskeyEarly}, "passkey", nil),
		"broken off before the signature":               row(failedGate, qr, gate, none, "closed", kickWaiting(sim.KickDrop)),
		"nobody signs":                                  row(failedGate, qr, gate, none, "nobody signed", (*linked).timeIsOver),
		"prologue delayed":                              row(signing, qr, gate, at(sim.StepPrologue, sim.FaultPasskeySlow, 0, 200), "passkey", nil),
		"prologue refused":                              ends(row(signing, qr, gate, at(sim.StepPrologue, sim.FaultPasskeyRefuse, 403, 0), "refused the passkey (code 403)", (*linked).signs), signAgain),
		"prologue never answered":                       ends(row(signing, qr, gate, at(sim.StepPrologue, sim.FaultPasskeyHang, 0, 0), "passkey", (*linked).signs), signAgain),
		"prologue broken off":                           row(failedGate, qr, gate, at(sim.StepPrologue, sim.FaultPasskeyDrop, 0, 0), "closed", (*linked).signs),
		"nonce delayed":                                 row(signing, qr, gate, at(sim.StepNonce, sim.FaultPasskeySlow, 0, 200), "passkey", nil),
		"nonce refused":                                 row(failedGate, qr, gate, at(sim.StepNonce, sim.FaultPasskeyRefuse, 409, 0), "code 409", (*linked).signs),
		"nonce never answered":                          row(failedGate, qr, gate, at(sim.StepNonce, sim.FaultPasskeyHang, 0, 0), "ended before it was done", (*linked).signs),
		"nonce broken off":                              row(failedGate, qr, gate, at(sim.StepNonce, sim.FaultPasskeyDrop, 0, 0), "ended before it was done", (*linked).signs),
		"encrypted request delayed":                     row(signing, qr, gate, at(sim.StepRequest, sim.FaultPasskeySlow, 0, 200), "passkey", nil),
		"encrypted request refused":                     row(failedGate, qr, gate, at(sim.StepRequest, sim.FaultPasskeyRefuse, 500, 0), "code 500", (*linked).signs),
		"encrypted request never answered":              row(failedGate, qr, gate, at(sim.StepRequest, sim.FaultPasskeyHang, 0, 0), "ended before it was done", (*linked).signs),
		"encrypted request broken off":                  row(failedGate, qr, gate, at(sim.StepRequest, sim.FaultPasskeyDrop, 0, 0), "ended before it was done", (*linked).signs),
		"broken off where the stream restarts, passkey": row(signing, qr, gate, sim.Fault{Kind: sim.FaultPairDrop}, "passkey", nil),

		"prologue refused, by code":            ends(row(signing, code, gate, at(sim.StepPrologue, sim.FaultPasskeyRefuse, 403, 0), "refused the passkey (code 403)", (*linked).signs), signAgain),
		"nonce broken off, by code":            row(failedGate, code, gate, at(sim.StepNonce, sim.FaultPasskeyDrop, 0, 0), "ended before it was done", (*linked).signs),
		"encrypted request refused, by code":   row(failedGate, code, gate, at(sim.StepRequest, sim.FaultPasskeyRefuse, 500, 0), "code 500", (*linked).signs),
		"broken off before signing, by code":   row(failedGate, code, gate, none, "closed", kickWaiting(sim.KickDrop)),
		"nobody compares the codes, by code":   row(failedGate, code, gate, none, "nobody said in time", (*linked).comparesNever),
		"refused behind the comparison, by QR": row(failedGate, qr, gate, at(sim.StepRequest, sim.FaultPasskeyRefuse, 500, 0), "code 500", (*linked).comparesInVain),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l.run(t)
		})
	}
}

// linked is a linking while it runs.
type linked struct {
	*subject
	t         *testing.T
	linking   linking
	wa        *simtest.Sim
	key       *simtest.Authenticator
	code      string // as it is shown
	phoneSide <-chan error
	challenge bot.Passkey
}

func (l linking) run(t *testing.T) {
	wa, key := whatsapp(t, sim.Config{}), simtest.NewAuthenticator(t)
	if l.gated {
		if err := wa.RequirePasskey(phone, key.Passkey()); err != nil {
			t.Fatal(err)
		}
	}
	if l.fault.Kind != "" {
		l.fault.Count = 1
		fault(t, wa, l.fault)
	}
	s := &linked{subject: begin(t, wa, t.TempDir(), nil), t: t, linking: l, wa: wa, key: key}
	if l.ends == waits {
		s.sees()
		return
	}
	s.show()
	if l.gated {
		s.take()
	}
	old := s.live.Load().generation
	if l.breaks != nil {
		l.breaks(s)
	}
	s.sees()
	switch l.ends {
	case signAgain:
		s.sign()
	case sameCode:
		s.take()
	case freshCode:
		s.until("a fresh code", func(now *bot.Snapshot) bool { return !now.QRExpiresAt.IsZero() })
		if l.gated && s.live.Load().generation == old {
			t.Error("the code is of the device whose secret was replaced")
		}
		if l.gated && poll.Receive(t, "the phone's end", s.phoneSide, patience) == nil {
			t.Error("the phone holds the failed linking to be good")
		}
		s.show()
		s.take()
		if l.gated {
			s.sign()
		}
	default:
		if s.phoneSide == nil {
			s.take()
		} else if l.breaks == nil {
			s.sign()
		}
	}
	s.untilConnected()
	if err := poll.Receive(t, "the phone's end", s.phoneSide, patience); err != nil {
		t.Error(err)
	}
	if said := s.log.String(); l.ends != freshCode && (strings.Contains(said, "reason=ConnectionLost") || strings.Contains(said, "reason=PasskeyFailed")) {
		t.Error("a snapshot said that something was lost")
	}
}

// show waits for a code, or asks for one to type.
func (s *linked) show() {
	s.t.Helper()
	s.until("a code", func(now *bot.Snapshot) bool { return !now.QRExpiresAt.IsZero() })
	if !s.linking.byCode || s.linking.fault.Kind == sim.FaultPairCode {
		shown, _ := s.Peek()
		s.code = shown.Code
		return
	}
	shown, err := s.Pair(s.t.Context(), phone)
	if err != nil {
		s.t.Fatal(err)
	}
	s.code = shown.PairingCode
}

// take makes the phone take the code.
func (s *linked) take() {
	s.t.Helper()
	s.phoneSide = background(s.t, func(ctx context.Context) (err error) {
		if strings.HasPrefix(s.code, "https://") {
			_, err = s.wa.Scan(ctx, s.code, phone)
		} else {
			_, err = s.wa.EnterCode(ctx, phone, s.code)
		}
		return err
	})
	if !s.linking.gated {
		return
	}
	s.untilReason(bot.ReasonPasskeyRequired)
	var err error
	if s.challenge, err = s.Passkey(); err != nil {
		s.t.Fatal(err)
	}
}

// sees waits until a person sees what the row says.
func (s *linked) sees() {
	s.t.Helper()
	l := s.linking
	s.until("what the row says", func(now *bot.Snapshot) bool {
		return now.State == l.state && now.Reason == l.reason && now.UserAction == l.action && strings.Contains(now.Message, l.says)
	})
}

func (s *linked) sign() {
	s.t.Helper()
	if err := s.SignPasskey(s.t.Context(), s.key.Sign(s.t, s.challenge.Options)); err != nil {
		s.t.Fatal(err)
	}
}

// signs signs while the other side fails: some faults come only behind the answer.
func (s *linked) signs() {
	if s.linking.fault.Kind == sim.FaultPasskeyHang {
		impatient(s.live.Load().gate)
	}
	_ = s.SignPasskey(s.t.Context(), s.key.Sign(s.t, s.challenge.Options))
}

// compares signs too late for the proof that the phone took this bot's code, so that a person must compare.
func (s *linked) compares() {
	s.t.Helper()
	expireHandOff(s.live.Load().gate)
	s.sign()
	s.until("codes to compare", func(now *bot.Snapshot) bool {
		return now.Reason == bot.ReasonPasskeyConfirmation && now.UserAction == bot.ActionSignPasskey
	})
}

func (s *linked) comparesNever() {
	s.compares()
	s.timeIsOver()
}

func (s *linked) comparesInVain() {
	s.compares()
	if s.ConfirmPasskey(s.t.Context()) == nil {
		s.t.Error("the confirmation succeeds, though WhatsApp refused it")
	}
}

// timeIsOver lets the time for a person pass.
func (s *linked) timeIsOver() { s.post(envelope{input: inTimer{timerPasskey}}) }

func kickWaiting(kind string) func(*linked) {
	return func(s *linked) {
		if n, err := s.wa.KickWaiting(kind); n != 1 || err != nil {
			s.t.Errorf("%d connections ended, %v", n, err)
		}
	}
}

func (s *linked) phoneFails() {
	s.take()
	if poll.Receive(s.t, "the phone's end", s.phoneSide, patience) == nil {
		s.t.Error("a phone that does not link devices linked one")
	}
	s.phoneSide = nil
}

func (s *linked) codeRefused() {
	var refusal *Refusal
	if _, err := s.Pair(s.t.Context(), phone); !errors.As(err, &refusal) {
		s.t.Errorf("%v, want a refusal", err)
	}
}

func (s *linked) typesWrong() {
	if _, err := s.wa.EnterCode(s.t.Context(), phone, "11111111"); err == nil {
		s.t.Error("a wrong code is taken")
	}
}

// expireHandOff lets the time for the hand-off proof pass, and changes nothing else of the gate.
func expireHandOff(gate *passkey.Gate) {
	*field[time.Time](reflect.ValueOf(gate).Elem().FieldByName("handOff").Elem(), "until") = time.Time{}
}

// impatient makes a gate give up on an answer of WhatsApp soon.
func impatient(gate *passkey.Gate) {
	*field[time.Duration](reflect.ValueOf(gate).Elem(), "wait") = 3 * time.Second
}

// field is a field of a struct in another package.
func field[T any](of reflect.Value, name string) *T {
	return (*T)(unsafe.Pointer(of.FieldByName(name).UnsafeAddr()))
}
