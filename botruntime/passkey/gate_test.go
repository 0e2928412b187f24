package passkey_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/botruntime/passkey"
	"sesi.dev/sesi/test/wasim/memstore"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const (
	phone    = "6281234567890"
	patience = time.Minute
)

func TestMain(m *testing.M) { simtest.Main(m) }

// device is a real whatsmeow client with a gate, and what both report.
type device struct {
	*whatsmeow.Client
	gate   *passkey.Gate
	events chan any
}

func newDevice(t *testing.T, s *simtest.Sim) *device {
	t.Helper()
	s.TrustRoot()
	d := &device{Client: whatsmeow.NewClient(memstore.New().NewDevice(), nil), events: make(chan any, 100)}
	d.EnableAutoReconnect = false
	s.Point(d.Client)
	d.AddEventHandler(func(event any) { d.events <- event })
	var err error
	if d.gate, err = passkey.Attach(d.Client, func(event any) { d.events <- event }); err != nil {
		t.Fatalf("attach: %v", err)
	}
	t.Cleanup(d.Disconnect)
	return d
}

// await returns the next event of type E, and fails on a Failed that was not asked for.
func await[E any](t *testing.T, d *device) E {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		select {
		case event := <-d.events:
			if found, ok := event.(E); ok {
				return found
			}
			if failed, ok := event.(passkey.Failed); ok {
				t.Fatalf("the gate failed: %v", failed.Err)
			}
		case <-deadline.C:
			t.Fatalf("no %T came", *new(E))
		}
	}
}

// gated is a simulator with an account that has a passkey, and a device that shows its codes.
func gated(t *testing.T) (*simtest.Sim, *simtest.Authenticator, *device, string) {
	t.Helper()
	s := simtest.Start(t, sim.Config{})
	authenticator := simtest.NewAuthenticator(t)
	if err := s.RequirePasskey(phone, authenticator.Passkey()); err != nil {
		t.Fatal(err)
	}
	d := newDevice(t, s)
	if err := d.Connect(); err != nil {
		t.Fatalf("connect: %v", err)
	}
	return s, authenticator, d, await[*events.QR](t, d).Codes[0]
}

type result struct {
	jid types.JID
	err error
}

// background runs the phone's side until it ends.
func background(t *testing.T, link func(context.Context) (types.JID, error)) <-chan result {
	t.Helper()
	done := make(chan result, 1)
	go func() {
		jid, err := link(t.Context())
		done <- result{jid, err}
	}()
	return done
}

func scan(t *testing.T, s *simtest.Sim, code string) <-chan result {
	t.Helper()
	return background(t, func(ctx context.Context) (types.JID, error) { return s.Scan(ctx, code, phone) })
}

// linked waits until both sides hold the pairing to be complete, and logs in with it.
func linked(t *testing.T, d *device, phoneSide <-chan result) {
	t.Helper()
	await[*events.PairSuccess](t, d)
	select {
	case r := <-phoneSide:
		if r.err != nil || r.jid != *d.Store.ID {
			t.Fatalf("the phone linked %v (%v), the device is %v", r.jid, r.err, d.Store.ID)
		}
	case <-time.After(patience):
		t.Fatal("the phone does not end the pairing")
	}
	await[*events.Connected](t, d)
}

func TestAnAccountWithAPasskeyIsLinkedByQRCode(t *testing.T) {
	for name, text := range map[string]func(string) string{
		"old text": func(code string) string { return code },
		"new text": func(code string) string { return passkey.QRText(code, waCompanionReg.DeviceProps_UNKNOWN) },
	} {
		t.Run(name, func(t *testing.T) {
			s, authenticator, d, code := gated(t)
			phoneSide := scan(t, s, text(code))
			asked := await[passkey.Requested](t, d)
			if asked.Life != 10*time.Minute {
				t.Errorf("the challenge lives %v, want 10 minutes", asked.Life)
			}
			if err := d.gate.Answer(t.Context(), authenticator.Sign(t, asked.Options)); err != nil {
				t.Fatalf("answer: %v", err)
			}
			confirm := await[passkey.Confirmation](t, d)
			// The phone forgets the code and the proof when the device is linked, which may be by now.
			if code, proven := s.PasskeyCode(phone); confirm.Needed || code != "" && (code != confirm.Code || !proven) {
				t.Errorf("confirmation %+v, the phone shows %q, proven %v", confirm, code, proven)
			}
			linked(t, d, phoneSide)
		})
	}
}

func TestAnAccountWithAPasskeyIsLinkedByPairingCode(t *testing.T) {
	s, authenticator, d, _ := gated(t)
	code, err := d.PairPhone(t.Context(), phone, true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	if err != nil {
		t.Fatal(err)
	}
	phoneSide := background(t, func(ctx context.Context) (types.JID, error) { return s.EnterCode(ctx, phone, code) })
	if err = d.gate.Answer(t.Context(), authenticator.Sign(t, await[passkey.Requested](t, d).Options)); err != nil {
		t.Fatalf("answer: %v", err)
	}
	if confirm := await[passkey.Confirmation](t, d); confirm.Needed {
		t.Error("a person is asked to compare codes, although the hand-off was proven")
	}
	linked(t, d, phoneSide)
}

func TestWithoutAHandOffProofAPersonComparesTheCodes(t *testing.T) {
	s, authenticator, d, code := gated(t)
	phoneSide := scan(t, s, code)
	asked := await[passkey.Requested](t, d)
	d.gate.ExpireHandOff()
	if err := d.gate.Answer(t.Context(), authenticator.Sign(t, asked.Options)); err != nil {
		t.Fatalf("answer: %v", err)
	}
	confirm := await[passkey.Confirmation](t, d)
	if shown, proven := s.PasskeyCode(phone); !confirm.Needed || proven || shown != confirm.Code {
		t.Fatalf("confirmation %+v, the phone shows %q, proven %v", confirm, shown, proven)
	}
	if err := d.gate.Confirm(t.Context()); err != nil {
		t.Fatalf("confirm: %v", err)
	}
	linked(t, d, phoneSide)
	if err := d.gate.Confirm(t.Context()); !errors.Is(err, passkey.ErrNothingAsked) {
		t.Errorf("a second confirmation: %v", err)
	}
}

func TestWrongAnswersAreRefusedAndTheRightOneIsTaken(t *testing.T) {
	s, authenticator, d, code := gated(t)
	phoneSide := scan(t, s, code)
	asked := await[passkey.Requested](t, d)
	stranger := simtest.NewAuthenticator(t)
	phishing := *authenticator
	phishing.Origin = "https://web.whatsapp.com.example"
	right := string(authenticator.Sign(t, asked.Options))
	for name, c := range map[string]struct {
		answer string
		want   error
	}{
		"empty":             {"", passkey.ErrAssertion},
		"not JSON":          {"hello", passkey.ErrAssertion},
		"another kind":      {strings.Replace(right, "public-key", "password", 1), passkey.ErrAssertion},
		"no signature":      {strings.Replace(right, `"signature"`, `"sig"`, 1), passkey.ErrAssertion},
		"another challenge": {string(authenticator.Sign(t, []byte(`{"challenge":"AAAA","rpId":"whatsapp.com"}`))), passkey.ErrAssertion},
		"another page":      {string(phishing.Sign(t, asked.Options)), passkey.ErrAssertion},
		"another passkey":   {string(stranger.Sign(t, asked.Options)), passkey.ErrRefused},
		"another party": {string(authenticator.Sign(t, []byte(strings.Replace(string(asked.Options), `"rpId":"whatsapp.com"`, `"rpId":"example.com"`, 1)))),
			passkey.ErrRefused},
		"too long": {right + strings.Repeat(" ", 20_000), passkey.ErrAssertion},
	} {
		if err := d.gate.Answer(t.Context(), []byte(c.answer)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := d.gate.Answer(t.Context(), []byte(right)); err != nil {
		t.Fatalf("the right answer after wrong ones: %v", err)
	}
	linked(t, d, phoneSide)
}

func TestTheOtherSidesFaultsAtTheGate(t *testing.T) {
	attrs := func(step string) map[string]string { return map[string]string{"step": step} }
	for name, c := range map[string]struct {
		fault  sim.Fault
		answer error // of Answer; nil if it must succeed
		failed bool  // whether the gate then fails
	}{
		"options missing":           {fault: sim.Fault{Kind: sim.FaultPasskeyBare}},
		"options garbled":           {fault: sim.Fault{Kind: sim.FaultPasskeyGarbled}},
		"asked twice":               {fault: sim.Fault{Kind: sim.FaultPasskeyTwice}},
		"phone's key out of turn":   {fault: sim.Fault{Kind: sim.FaultPasskeyEarly}},
		"prologue delayed":          {fault: sim.Fault{Kind: sim.FaultPasskeySlow, MS: 300, Attrs: attrs(sim.StepPrologue)}},
		"nonce delayed":             {fault: sim.Fault{Kind: sim.FaultPasskeySlow, MS: 300, Attrs: attrs(sim.StepNonce)}},
		"request delayed":           {fault: sim.Fault{Kind: sim.FaultPasskeySlow, MS: 300, Attrs: attrs(sim.StepRequest)}},
		"prologue refused":          {fault: sim.Fault{Kind: sim.FaultPasskeyRefuse, Code: 403, Attrs: attrs(sim.StepPrologue)}, answer: passkey.ErrRefused},
		"nonce refused":             {fault: sim.Fault{Kind: sim.FaultPasskeyRefuse, Code: 409, Attrs: attrs(sim.StepNonce)}, failed: true},
		"request refused":           {fault: sim.Fault{Kind: sim.FaultPasskeyRefuse, Code: 500, Attrs: attrs(sim.StepRequest)}, failed: true},
		"broken off at prologue":    {fault: sim.Fault{Kind: sim.FaultPasskeyDrop, Attrs: attrs(sim.StepPrologue)}, answer: passkey.ErrConnection},
		"broken off at the nonce":   {fault: sim.Fault{Kind: sim.FaultPasskeyDrop, Attrs: attrs(sim.StepNonce)}, failed: true},
		"broken off at the request": {fault: sim.Fault{Kind: sim.FaultPasskeyDrop, Attrs: attrs(sim.StepRequest)}, failed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, authenticator, d, code := gated(t)
			c.fault.Count = 1
			if err := s.AddFault(c.fault); err != nil {
				t.Fatal(err)
			}
			phoneSide := scan(t, s, code)
			answer := authenticator.Sign(t, await[passkey.Requested](t, d).Options)
			if err := d.gate.Answer(t.Context(), answer); !errors.Is(err, c.answer) {
				t.Fatalf("answer: %v, want %v", err, c.answer)
			}
			switch {
			case c.failed:
				if err := awaitFailure(t, d); !errors.Is(err, passkey.ErrRefused) && !errors.Is(err, passkey.ErrConnection) {
					t.Errorf("the gate failed with %v", err)
				}
				if err := d.gate.Answer(t.Context(), answer); !errors.Is(err, passkey.ErrNothingAsked) {
					t.Errorf("an answer behind the failure: %v", err)
				}
			case errors.Is(c.answer, passkey.ErrRefused): // may be tried again
				if err := d.gate.Answer(t.Context(), answer); err != nil {
					t.Fatalf("answer again: %v", err)
				}
				linked(t, d, phoneSide)
			case c.answer == nil:
				linked(t, d, phoneSide)
			}
		})
	}
}

func awaitFailure(t *testing.T, d *device) error {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		select {
		case event := <-d.events:
			if failed, ok := event.(passkey.Failed); ok {
				return failed.Err
			}
		case <-deadline.C:
			t.Fatal("the gate did not fail")
		}
	}
}

func TestASuccessBeforeThePairingIsNotTaken(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	if err := s.AddFault(sim.Fault{Kind: sim.FaultEarlySuccess, Count: 1}); err != nil {
		t.Fatal(err)
	}
	d := newDevice(t, s)
	if err := d.Connect(); err != nil {
		t.Fatal(err)
	}
	code := await[*events.QR](t, d).Codes[0]
	if _, err := s.Scan(t.Context(), code, phone); err != nil {
		t.Fatalf("scan: %v", err)
	}
	await[*events.Connected](t, d)
}

func TestAnAccountWithoutAPasskeyIsLinkedAsEver(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	d := newDevice(t, s)
	if err := d.Connect(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Scan(t.Context(), passkey.QRText(await[*events.QR](t, d).Codes[0], waCompanionReg.DeviceProps_CHROME), phone); err != nil {
		t.Fatalf("scan: %v", err)
	}
	await[*events.Connected](t, d)
	if err := d.gate.Answer(t.Context(), []byte("{}")); !errors.Is(err, passkey.ErrNothingAsked) {
		t.Errorf("an answer that nobody asked for: %v", err)
	}
}

// TestHooksFitWhatsmeow fails when whatsmeow changed so that the gate can no longer be attached.
func TestHooksFitWhatsmeow(t *testing.T) {
	client := whatsmeow.NewClient(memstore.New().NewDevice(), nil)
	if _, err := passkey.Attach(client, func(any) {}); err != nil {
		t.Fatalf("%v: see whatsmeow's client.go for its node handlers, and whether it has passkeys of its own by now", err)
	}
}

func TestQRText(t *testing.T) {
	const code, link = "2@ref,noise,identity,secret", "https://wa.me/settings/linked_devices#2@ref,noise,identity,secret,"
	for platform, want := range map[waCompanionReg.DeviceProps_PlatformType]string{
		waCompanionReg.DeviceProps_UNKNOWN: link + "9", waCompanionReg.DeviceProps_CHROME: link + "1",
		waCompanionReg.DeviceProps_CATALINA: link + "c", waCompanionReg.DeviceProps_ANDROID_PHONE: link + "e",
	} {
		if got := passkey.QRText(code, platform); got != want {
			t.Errorf("%v: %s, want %s", platform, got, want)
		}
		if got := passkey.QRText(want, platform); got != want {
			t.Errorf("a text that is a link already became %s", got)
		}
	}
}
