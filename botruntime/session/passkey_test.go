package session

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func TestCodesAreTheLinksThatPhonesExpect(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	s.untilReason(bot.ReasonQRAvailable)
	code, current := s.Peek()
	if !current || !strings.HasPrefix(code.Code, "https://wa.me/settings/linked_devices#2@") || !strings.HasSuffix(code.Code, ",9") {
		t.Error("the code is not a link to the page of linked devices")
	}
	s.pair(wa, phone)
}

// TestASuccessBeforeThePairingIsIgnored: whatsmeow alone panics on it.
func TestASuccessBeforeThePairingIsIgnored(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	fault(t, wa, sim.Fault{Kind: sim.FaultEarlySuccess, Count: 1})
	s := begin(t, wa, t.TempDir(), nil)
	if snap := s.untilReason(bot.ReasonQRAvailable); snap.Connected || snap.Exists {
		t.Errorf("a <success> without a pairing counts: %+v", snap)
	}
	if snap := s.pair(wa, phone); !snap.Exists {
		t.Errorf("after the scan: %+v", snap)
	}
}

// gated returns a session that waits for a phone with a passkey.
func gated(t *testing.T) (*simtest.Sim, *simtest.Authenticator, *subject, string) {
	t.Helper()
	wa, authenticator := whatsapp(t, sim.Config{}), simtest.NewAuthenticator(t)
	if err := wa.RequirePasskey(phone, authenticator.Passkey()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return wa, authenticator, begin(t, wa, dir, nil), dir
}

// scanGated lets the phone scan the code, and returns what WhatsApp then asks for. The phone's side continues until
// the pairing ends.
func (s *subject) scanGated(t *testing.T, wa *simtest.Sim) (bot.Passkey, <-chan error) {
	t.Helper()
	s.until("a code", func(now *bot.Snapshot) bool { return !now.QRExpiresAt.IsZero() })
	code, _ := s.Peek()
	done := background(t, func(ctx context.Context) error {
		_, err := wa.Scan(ctx, code.Code, phone)
		return err
	})
	s.untilReason(bot.ReasonPasskeyRequired)
	info, err := s.Passkey()
	if err != nil {
		t.Fatal(err)
	}
	return info, done
}

func background(t *testing.T, do func(context.Context) error) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- do(t.Context()) }()
	return done
}

func TestAGatedAccountIsLinkedByQRCode(t *testing.T) {
	wa, authenticator, s, _ := gated(t)
	info, phoneSide := s.scanGated(t, wa)
	snap, _ := s.Watch()
	if snap.QRRequired || snap.UserAction != bot.ActionSignPasskey || snap.State != bot.StatePairing || !snap.QRExpiresAt.IsZero() {
		t.Errorf("while a signature is awaited: %+v", snap)
	}
	if left := time.Until(info.ExpiresAt.Time); info.Step != bot.PasskeySign || left < 9*time.Minute || info.Revision != snap.Revision {
		t.Errorf("step %s with %v left, revision %d of %d", info.Step, left, info.Revision, snap.Revision)
	}
	if !strings.Contains(info.Console, "navigator.credentials.get") {
		t.Error("there is no line for the console")
	}
	refusedAs(t, s.ConfirmPasskey(t.Context()), RefusedNoPasskey)
	_, err := s.Look(t.Context())
	refusedAs(t, err, RefusedNoCode)
	_, err = s.Pair(t.Context(), phone)
	refusedAs(t, err, RefusedNotReady)
	if err = s.SignPasskey(t.Context(), authenticator.Sign(t, info.Options)); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
	if err = poll.Receive(t, "the phone's end", phoneSide, patience); err != nil {
		t.Error(err)
	}
	_, err = s.Passkey()
	refusedAs(t, err, RefusedNoPasskey)
	var asked struct{ Challenge string }
	if err = json.Unmarshal(info.Options, &asked); err != nil || strings.Contains(s.log.String(), asked.Challenge) {
		t.Errorf("the log holds the challenge (%v)", err)
	}
}

func TestAGatedAccountIsLinkedByPairingCode(t *testing.T) {
	wa, authenticator, s, _ := gated(t)
	code, err := s.Pair(t.Context(), phone)
	if err != nil {
		t.Fatal(err)
	}
	phoneSide := background(t, func(ctx context.Context) error {
		_, err := wa.EnterCode(ctx, phone, code.PairingCode)
		return err
	})
	s.untilReason(bot.ReasonPasskeyRequired)
	info, err := s.Passkey()
	if err != nil {
		t.Fatal(err)
	}
	if err = s.SignPasskey(t.Context(), authenticator.Sign(t, info.Options)); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
	if err = poll.Receive(t, "the phone's end", phoneSide, patience); err != nil {
		t.Error(err)
	}
}

func TestAPersonComparesTheCodesOfAPasskey(t *testing.T) {
	wa, authenticator, s, _ := gated(t)
	info, phoneSide := s.scanGated(t, wa)
	expireHandOff(s.live.Load().gate)
	if err := s.SignPasskey(t.Context(), authenticator.Sign(t, info.Options)); err != nil {
		t.Fatal(err)
	}
	snap := s.until("codes to compare", func(now *bot.Snapshot) bool {
		return now.Reason == bot.ReasonPasskeyConfirmation && now.UserAction == bot.ActionSignPasskey
	})
	info, err := s.Passkey()
	if shown, _ := wa.PasskeyCode(phone); err != nil || info.Step != bot.PasskeyCompare || info.Code != shown || len(info.Options) > 0 {
		t.Fatalf("%+v (%v), the phone shows %q", info, err, shown)
	}
	if !strings.Contains(snap.Message, "compare") {
		t.Errorf("message %q", snap.Message)
	}
	if err = s.ConfirmPasskey(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
	if err = poll.Receive(t, "the phone's end", phoneSide, patience); err != nil {
		t.Error(err)
	}
}

func TestAWrongSignatureLeavesTheChallengeOpen(t *testing.T) {
	wa, authenticator, s, _ := gated(t)
	info, _ := s.scanGated(t, wa)
	refusedAs(t, s.SignPasskey(t.Context(), []byte("{}")), RefusedPasskeyInvalid)
	refusedAs(t, s.SignPasskey(t.Context(), simtest.NewAuthenticator(t).Sign(t, info.Options)), RefusedPasskey)
	snap := s.until("the refusal to be told", func(now *bot.Snapshot) bool { return strings.Contains(now.Message, "refused") })
	if snap.Reason != bot.ReasonPasskeyRequired {
		t.Errorf("%+v", snap)
	}
	if err := s.SignPasskey(t.Context(), authenticator.Sign(t, info.Options)); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
}

func TestARestartInTheMiddleOfAPasskeyBeginsAgain(t *testing.T) {
	wa, authenticator, s, dir := gated(t)
	_, phoneSide := s.scanGated(t, wa)
	s.stop()
	if poll.Receive(t, "the phone's end", phoneSide, patience) == nil {
		t.Error("the phone holds a linking to be good that was broken off")
	}
	again := begin(t, wa, dir, nil)
	snap := again.until("a fresh code", func(now *bot.Snapshot) bool { return !now.QRExpiresAt.IsZero() })
	if snap.Reason != bot.ReasonPasskeyFailed || !strings.Contains(snap.Message, "restarted in the middle") {
		t.Errorf("%+v", snap)
	}
	info, _ := again.scanGated(t, wa)
	if err := again.SignPasskey(t.Context(), authenticator.Sign(t, info.Options)); err != nil {
		t.Fatal(err)
	}
	again.untilConnected()
}

// TestACrashAtTheComparisonBeginsAgain starts a second bot on what a bot that died at the comparison of the codes, or
// right behind it, had on its disk.
func TestACrashAtTheComparisonBeginsAgain(t *testing.T) {
	for name, confirmed := range map[string]bool{"before the confirmation": false, "behind the confirmation": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa, authenticator, s, dir := gated(t)
			if confirmed {
				fault(t, wa, sim.Fault{Kind: sim.FaultPasskeyHang, Count: 1, Attrs: map[string]string{"step": sim.StepRequest}})
			}
			info, phoneSide := s.scanGated(t, wa)
			expireHandOff(s.live.Load().gate)
			if err := s.SignPasskey(t.Context(), authenticator.Sign(t, info.Options)); err != nil {
				t.Fatal(err)
			}
			s.until("codes to compare", func(now *bot.Snapshot) bool { return now.Reason == bot.ReasonPasskeyConfirmation })
			waitFor(t, "the step", func() bool { info, err := s.Passkey(); return err == nil && info.Step == bot.PasskeyCompare })
			if confirmed {
				impatient(s.live.Load().gate)
				go func() { _ = s.ConfirmPasskey(t.Context()) }()
				waitFor(t, "the request", func() bool {
					events, _ := wa.Events(0)
					return slices.ContainsFunc(events, func(e sim.Event) bool { return e.Kind == sim.EventFault })
				})
			}
			poll.Receive(t, "the facts to be on the disk", s.disk.drained(), patience)
			left := t.TempDir()
			if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			s.stop()
			if poll.Receive(t, "the phone's end", phoneSide, patience) == nil {
				t.Error("the phone holds a linking to be good that was broken off")
			}
			again := begin(t, wa, left, nil)
			snap := again.until("a fresh code", func(now *bot.Snapshot) bool { return !now.QRExpiresAt.IsZero() })
			if snap.Reason != bot.ReasonPasskeyFailed || snap.Exists || !strings.Contains(snap.Message, "restarted in the middle") {
				t.Errorf("%+v", snap)
			}
			info, _ = again.scanGated(t, wa)
			if err := again.SignPasskey(t.Context(), authenticator.Sign(t, info.Options)); err != nil {
				t.Fatal(err)
			}
			again.untilConnected()
		})
	}
}

func refusedAs(t *testing.T, err error, want RefusalKind) {
	t.Helper()
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Kind != want || refused.Detail == "" {
		t.Errorf("%v, want a refusal of the kind %s", err, want)
	}
}
