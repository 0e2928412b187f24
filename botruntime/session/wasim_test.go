package session

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/botruntime/store"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

const phone = "6281234567890"

func jidOf(t *testing.T, snap *bot.Snapshot) types.JID {
	t.Helper()
	jid, err := types.ParseJID(snap.JID)
	if err != nil {
		t.Fatalf("jid %q: %v", snap.JID, err)
	}
	return jid
}

func kick(t *testing.T, wa *simtest.Sim, snap *bot.Snapshot, kind string) {
	t.Helper()
	if err := wa.Kick(jidOf(t, snap), kind); err != nil {
		t.Fatalf("kick %s: %v", kind, err)
	}
}

func fault(t *testing.T, wa *simtest.Sim, f sim.Fault) {
	t.Helper()
	if err := wa.AddFault(f); err != nil {
		t.Fatalf("fault %s: %v", f.Kind, err)
	}
}

func TestFirstLoginThenRestartWithoutQR(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	waiting := s.untilReason(bot.ReasonQRAvailable)
	if waiting.Exists || !waiting.QRRequired || waiting.QRExpiresAt.IsZero() || waiting.UserAction != bot.ActionScanQR {
		t.Errorf("before the scan: %+v", waiting)
	}
	snap := s.pair(wa, phone)
	if !snap.Exists || !snap.Authenticated || snap.QRRequired || snap.Expired || !strings.HasPrefix(snap.JID, phone+":") || snap.LID == "" || snap.LinkedAt.IsZero() {
		t.Errorf("after the scan: %+v", snap)
	}
	s.stop()
	contains(t, s.log, "qr", "authenticated", "ready", "change_state")
	if code := waiting.QRExpiresAt; code.IsZero() || strings.Contains(s.log.String(), "2@") {
		t.Error("the log holds a QR payload")
	}

	again := begin(t, wa, dir, nil)
	back := again.untilConnected()
	if back.JID != snap.JID || back.LinkedAt != snap.LinkedAt {
		t.Errorf("after the restart: %+v, before: %+v", back, snap)
	}
	if again.meter.codes.Load() != 0 {
		t.Error("a restart showed a QR code")
	}
}

func TestUnlinkedOnThePhoneThenScannedAgain(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	first := s.pair(wa, phone)
	if err := wa.Unlink(jidOf(t, first)); err != nil {
		t.Fatal(err)
	}
	snap := s.untilReason(bot.ReasonQRAvailable)
	if !snap.Expired || snap.Exists || !snap.QRRequired || snap.JID != "" {
		t.Errorf("after the unlink: %+v", snap)
	}
	contains(t, s.log, "auth_failure")
	s.stop()

	again := begin(t, wa, dir, nil)
	if snap := again.untilReason(bot.ReasonQRAvailable); !snap.Expired {
		t.Error("expiry was forgotten by a restart")
	}
	second := again.pair(wa, phone)
	if second.Expired || second.JID == first.JID {
		t.Errorf("after the second scan: %+v", second)
	}
}

func TestUnlinkedWhileTheBotWasAway(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	snap := s.pair(wa, phone)
	s.stop()
	if err := wa.Unlink(jidOf(t, snap)); err != nil {
		t.Fatal(err)
	}
	again := begin(t, wa, dir, nil)
	if got := again.untilReason(bot.ReasonQRAvailable); !got.Expired || got.Exists {
		t.Errorf("%+v", got)
	}
	again.pair(wa, phone)
}

func TestAccountGoneOrBannedAsksForNoCodeByItself(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		want bot.Reason
	}{
		"403": {403, bot.ReasonPrimaryDeviceGone},
		"406": {406, bot.ReasonAccountBanned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
			s := begin(t, wa, dir, nil)
			snap := s.pair(wa, phone)
			fault(t, wa, sim.Fault{Kind: "failure", Code: c.code, Count: 1})
			kick(t, wa, snap, "drop")
			got := s.untilReason(c.want)
			if got.Connected || got.Exists || !got.Expired || got.UserAction != bot.ActionOpenPhone {
				t.Errorf("%+v", got)
			}
			s.stop()
			again := begin(t, wa, dir, nil)
			again.untilReason(c.want)
			if again.meter.codes.Load() != 0 {
				t.Error("a code was fetched though nobody asked")
			}
			var refusal *Refusal // unless the first code has come already
			if _, err := again.Look(t.Context()); err != nil && (!errors.As(err, &refusal) || refusal.Kind != RefusedNoCode) {
				t.Errorf("look: %v", err)
			}
			again.pair(wa, phone)
		})
	}
}

func TestReplacedTakesBackThenYields(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	snap := s.pair(wa, phone)
	for i := range takeoverBudget {
		kick(t, wa, snap, "replaced")
		s.until("the takeover", func(*bot.Snapshot) bool { return s.meter.takeovers.Load() == int64(i+1) })
		s.untilConnected()
	}
	kick(t, wa, snap, "replaced")
	got := s.until("the yield", func(snap *bot.Snapshot) bool { return snap.UserAction == bot.ActionResolveConflict })
	if got.Connected || !got.Exists || got.State != bot.StateConflict || !got.RetryAt.IsZero() {
		t.Errorf("%+v", got)
	}
	s.stop()

	again := begin(t, wa, dir, nil)
	if got := again.untilReason(bot.ReasonStreamReplaced); got.UserAction != bot.ActionResolveConflict {
		t.Errorf("a restart gave the conflict a new budget: %+v", got)
	}
	if err := again.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.untilConnected()
}

func TestReplacedByPolicyYieldsAtOnce(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), func(c *config.Config, _ *policy) { c.TakeoverOnConflict = false })
	kick(t, wa, s.pair(wa, phone), "replaced")
	s.until("the yield", func(snap *bot.Snapshot) bool { return snap.UserAction == bot.ActionResolveConflict })
	if s.meter.takeovers.Load() != 0 {
		t.Error("took over though told not to")
	}
}

func TestLostConnectionsComeBack(t *testing.T) {
	t.Parallel()
	refuse := func(code int) func(*testing.T, *simtest.Sim, *bot.Snapshot) {
		return func(t *testing.T, wa *simtest.Sim, snap *bot.Snapshot) {
			fault(t, wa, sim.Fault{Kind: "failure", Code: code, Count: 2})
			kick(t, wa, snap, "drop")
		}
	}
	kicked := func(kind string) func(*testing.T, *simtest.Sim, *bot.Snapshot) {
		return func(t *testing.T, wa *simtest.Sim, snap *bot.Snapshot) { kick(t, wa, snap, kind) }
	}
	for name, disturb := range map[string]func(*testing.T, *simtest.Sim, *bot.Snapshot){
		"reset":                             kicked("drop"),
		"closed":                            kicked("close"),
		"stream error 503, closed":          kicked("503"),
		"stream restart":                    kicked("515"),
		"stream error 503, not even closed": kicked("streamerror"),
		"login refused with 500":            refuse(500),
		"login refused with 503":            refuse(503),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa := whatsapp(t, sim.Config{})
			s := begin(t, wa, t.TempDir(), func(_ *config.Config, p *policy) { p.pulse = 200 * time.Millisecond })
			snap := s.pair(wa, phone)
			disturb(t, wa, snap)
			s.until("a new connection", func(now *bot.Snapshot) bool { return now.Connected && now.ConnectedAt.After(snap.ConnectedAt.Time) })
			if n := s.meter.codes.Load(); n != 1 {
				t.Errorf("%d codes were shown, want the first only", n)
			}
		})
	}
}

func TestALateReasonIsUsed(t *testing.T) {
	wa := whatsapp(t, sim.Config{CloseDelay: -1}) // close right after the reason: whatsmeow often reads the reason too late
	for range 5 {
		s := begin(t, wa, t.TempDir(), nil)
		if err := wa.Unlink(jidOf(t, s.pair(wa, phone))); err != nil {
			t.Fatal(err)
		}
		if got := s.untilReason(bot.ReasonQRAvailable); !got.Expired {
			t.Errorf("%+v", got)
		}
		s.stop()
	}
}

func TestBannedKeepsTheSessionAndWaits(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	snap := s.pair(wa, phone)
	fault(t, wa, sim.Fault{Kind: "failure", Code: 402, Count: 1, Attrs: map[string]string{"expire": "3600", "code": "101"}})
	kick(t, wa, snap, "drop")
	got := s.untilReason(bot.ReasonTemporaryBan)
	left := time.Until(got.RestrictedUntil.Time)
	if got.Connected || !got.Exists || got.Expired || got.UserAction != bot.ActionWaitUntil || left < 50*time.Minute || left > time.Hour {
		t.Errorf("%+v", got)
	}
	s.stop()
	again := begin(t, wa, dir, nil)
	again.untilReason(bot.ReasonTemporaryBan)
	if err := again.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.untilConnected()
}

func TestOutdatedIsCuredByTheCurrentVersion(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{MinVer: [3]uint32{2, 3000, 1099999999}}), t.TempDir()
	s := begin(t, wa, dir, nil)
	snap := s.pair(wa, phone)
	if snap.WebVersion != "2.3000.1099999999" {
		t.Errorf("presents %s", snap.WebVersion)
	}
	contains(t, s.log, "disconnected")
	s.stop()

	again := begin(t, wa, dir, nil)
	if got := again.untilConnected(); got.WebVersion != "2.3000.1099999999" {
		t.Errorf("the cached version was not used: %s", got.WebVersion)
	}
	if strings.Contains(again.log.String(), string(bot.ReasonClientOutdated)) {
		t.Error("the cached version did not save the second start a refusal")
	}
}

func TestANewerVersionIsShownOnlyOnceItIsPresented(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	linked := s.pair(wa, phone)
	s.post(envelope{input: inVersion{version: wastore.WAVersionContainer{2, 3000, 1099999999}}}) // the daily refresh
	if err := s.ask(t.Context(), inPing{}); err != nil {
		t.Fatal(err)
	}
	if snap, _ := s.Watch(); snap.WebVersion != linked.WebVersion {
		t.Errorf("says %s of a connection that presented %s", snap.WebVersion, linked.WebVersion)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	back := s.until("a new connection", func(now *bot.Snapshot) bool {
		return now.Connected && now.ConnectedAt.After(linked.ConnectedAt.Time)
	})
	if back.WebVersion != "2.3000.1099999999" {
		t.Errorf("presents %s", back.WebVersion)
	}
}

func TestOtherRefusalsAreShownAndWaitedOut(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	snap := s.pair(wa, phone)
	fault(t, wa, sim.Fault{Kind: "failure", Code: 418, Count: 1})
	kick(t, wa, snap, "drop")
	got := s.untilReason(bot.ReasonConnectFailure)
	if got.State != bot.StateFailed || !got.Exists || got.RetryAt.IsZero() || !strings.Contains(got.Message, "418") {
		t.Errorf("%+v", got)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
}

func TestCodesRunOutThenIdleUntilSomeoneLooks(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t, sim.Config{}) // its codes outlive the bot's: only the bot keeps the time here
	s := begin(t, wa, t.TempDir(), func(c *config.Config, p *policy) {
		c.QRMaxRetries = 2
		p.firstCode, p.nextCode = 200*time.Millisecond, 100*time.Millisecond
	})
	got := s.untilReason(bot.ReasonQRIdle)
	if !got.QRRequired || !got.QRExpiresAt.IsZero() {
		t.Errorf("%+v", got)
	}
	shown := s.meter.codes.Load()
	if shown < 8 || shown > 12 {
		t.Errorf("%d codes in two rounds", shown)
	}
	var refusal *Refusal // unless the next code has come already
	if _, err := s.Look(t.Context()); err != nil && !errors.As(err, &refusal) {
		t.Errorf("look at an idle session: %v", err)
	}
	waitFor(t, "another code", func() bool { return s.meter.codes.Load() > shown })
}

func TestPairingCode(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	code, err := s.Pair(t.Context(), phone)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wa.EnterCode(t.Context(), phone, code.PairingCode); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
	var refusal *Refusal
	if _, err := s.Pair(t.Context(), phone); !errors.As(err, &refusal) || refusal.Kind != RefusedLinked {
		t.Errorf("pairing a linked session: %v", err)
	}
	if strings.Contains(s.log.String(), code.PairingCode) {
		t.Error("the log holds the pairing code")
	}
}

// After a wrong pairing code the QR code that is shown still works, and so does the right pairing code.
func TestAWrongPairingCode(t *testing.T) {
	for name, then := range map[string]func(*testing.T, *simtest.Sim, *subject, bot.Code) error{
		"then the QR code": func(t *testing.T, wa *simtest.Sim, _ *subject, code bot.Code) error {
			t.Helper()
			_, err := wa.Scan(t.Context(), code.Code, phone)
			return err
		},
		"then the right one": func(t *testing.T, wa *simtest.Sim, s *subject, _ bot.Code) error {
			t.Helper()
			code, _ := s.Peek()
			_, err := wa.EnterCode(t.Context(), phone, code.PairingCode)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa := whatsapp(t, sim.Config{})
			s := begin(t, wa, t.TempDir(), nil)
			code, err := s.Pair(t.Context(), phone)
			if err != nil {
				t.Fatal(err)
			}
			wrong := "11111111"
			if _, err := wa.EnterCode(t.Context(), phone, wrong); !errors.Is(err, sim.ErrRefused) {
				t.Fatalf("the wrong code: %v", err)
			}
			if err := then(t, wa, s, code); err != nil {
				t.Fatal(err)
			}
			s.untilConnected()
			if strings.Contains(s.log.String(), string(bot.ReasonPairError)) {
				t.Error("the pairing failed once")
			}
		})
	}
}

func TestTwoNumbersDoNotGetEachOthersPairingCode(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	s.untilReason(bot.ReasonQRAvailable)
	fault(t, wa, sim.Fault{Kind: "refuse"})
	wa.DropAll() // so that both ask before either is answered
	s.until("the loss", func(snap *bot.Snapshot) bool { return snap.QRExpiresAt.IsZero() })
	type answer struct {
		code bot.Code
		err  error
	}
	ask := func(number string) <-chan answer {
		t.Helper()
		got := make(chan answer, 1)
		go func() {
			code, err := s.Pair(t.Context(), number)
			got <- answer{code, err}
		}()
		waitFor(t, "the number "+number, func() bool { return s.public.Load().pairingFor == number })
		return got
	}
	first, second := ask("+628111111111"), ask("+"+phone)
	wa.ClearFaults()
	right := poll.Receive(t, "the answer for the second number", second, patience)
	if right.err != nil {
		t.Fatal(right.err)
	}
	var refusal *Refusal
	if got := poll.Receive(t, "the answer for the first number", first, patience); !errors.As(got.err, &refusal) {
		t.Errorf("the first number got %v, %v; the code %v is the second one's", got.code, got.err, right.code.PairingCode)
	}
	if _, err := wa.EnterCode(t.Context(), phone, right.code.PairingCode); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
}

func TestPairingCodeAskedForBySettings(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), func(c *config.Config, _ *policy) { c.PairingPhoneNumber = phone })
	s.until("a pairing code", func(*bot.Snapshot) bool { code, _ := s.Peek(); return code.PairingCode != "" })
	code, _ := s.Peek()
	if _, err := wa.EnterCode(t.Context(), phone, code.PairingCode); err != nil {
		t.Fatal(err)
	}
	s.untilConnected()
}

func TestClearUnlinksOnThePhoneToo(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	s.pair(wa, phone)
	if told, err := s.Clear(t.Context(), false); err != nil || !told {
		t.Fatal(told, err)
	}
	got := s.untilReason(bot.ReasonQRAvailable)
	if got.Exists || got.Expired || got.BackupAt.IsZero() {
		t.Errorf("%+v", got)
	}
	if devices := wa.Devices(); len(devices) != 0 {
		t.Errorf("the phone still lists %v", devices)
	}
	if told, err := s.Clear(t.Context(), false); err != nil || !told {
		t.Errorf("a second clear: %v, %v", told, err)
	}
	var refusal *Refusal
	if _, err := s.Logout(t.Context()); !errors.As(err, &refusal) || refusal.Kind != RefusedNotLinked {
		t.Errorf("logout of nothing: %v", err)
	}
	s.pair(wa, phone)
}

// TestNothingOfTheOldClientGoesOnBehindAClear: what whatsmeow still does for a pairing would keep a device in the empty
// store.
func TestNothingOfTheOldClientGoesOnBehindAClear(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	s.pair(wa, phone)
	c := s.live.Load()
	cut, cancel := false, *c.last.Load()
	seen := context.CancelFunc(func() { cut = true; cancel() })
	c.last.Store(&seen)
	if _, err := s.Clear(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if !cut {
		t.Error("the old client's work was not ended")
	}
}

func TestClearWhileOfflineSaysThatThePhoneWasNotTold(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	s.pair(wa, phone)
	fault(t, wa, sim.Fault{Kind: "refuse"})
	wa.DropAll()
	s.until("the loss", func(snap *bot.Snapshot) bool { return !snap.Connected })
	if told, err := s.Logout(t.Context()); err != nil || told {
		t.Fatal(told, err)
	}
	got := s.untilReason(bot.ReasonClearedByUser)
	if got.Exists || !strings.Contains(got.Message, "phone was not told") {
		t.Errorf("%+v", got)
	}
	wa.ClearFaults()
	s.pair(wa, phone)
}

func TestMessagesAreReceivedOverRestarts(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	to := jidOf(t, s.pair(wa, phone))
	say := func(n int) {
		t.Helper()
		for range n {
			if _, err := wa.Say(to, "628999", "hello", "Friend"); err != nil {
				t.Fatal(err)
			}
		}
	}
	say(5)
	waitFor(t, "five messages", func() bool { return s.meter.received.Load() == 5 && pending(wa) == 0 })
	s.stop()
	say(7)
	again := begin(t, wa, dir, nil)
	waitFor(t, "the seven that came meanwhile", func() bool { return again.meter.received.Load() == 7 })
	if n := again.meter.undecryptable.Load(); n != 0 {
		t.Errorf("%d messages could not be decrypted", n)
	}
}

func TestStopHoldsUntilARestart(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	linked := s.pair(wa, phone)
	online := func() bool {
		for _, device := range wa.Devices() {
			if device.Online {
				return true
			}
		}
		return false
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.untilReason(bot.ReasonStoppedByUser); got.Connected || !got.Exists || got.State != bot.StateStopped || got.JID != linked.JID {
		t.Errorf("stopped: %+v", got)
	}
	waitFor(t, "WhatsApp to see the device leave", func() bool { return !online() })
	var refusal *Refusal
	if _, err := s.Pair(t.Context(), phone); !errors.As(err, &refusal) {
		t.Errorf("a pairing code of a stopped session: %v", err)
	}
	s.stop()

	again := begin(t, wa, dir, nil)
	if got, _ := again.Watch(); got.State != bot.StateStopped || !got.Exists {
		t.Errorf("after a restart of the process: %+v", got)
	}
	if err := again.Backup(t.Context(), &bytes.Buffer{}); err != nil {
		t.Errorf("backup of a stopped session: %v", err)
	}
	if online() {
		t.Error("a new process connected a stopped session")
	}
	if err := again.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := again.untilConnected(); got.JID != linked.JID || again.meter.codes.Load() != 0 {
		t.Errorf("after the restart: %+v with %d codes", got, again.meter.codes.Load())
	}
}

func TestAgeOfTheBuiltInVersion(t *testing.T) {
	of := func(version string, replace *debug.Module) *debug.BuildInfo {
		return &debug.BuildInfo{Deps: []*debug.Module{{Path: "go.mau.fi/util", Version: "v0.9.4"}, {Path: "go.mau.fi/whatsmeow", Version: version, Replace: replace}}}
	}
	cases := map[string]struct {
		build *debug.BuildInfo
		want  time.Time
	}{
		"of a commit":           {of("v0.0.0-20251217143725-11cf47c62d32", nil), time.Date(2025, 12, 17, 14, 37, 25, 0, time.UTC)},
		"of a commit after tag": {of("v1.2.4-0.20260102030405-11cf47c62d32", nil), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		"replaced":              {of("v1.2.3", &debug.Module{Version: "v0.0.0-20251217143725-11cf47c62d32"}), time.Date(2025, 12, 17, 14, 37, 25, 0, time.UTC)},
		"a tag has no time":     {of("v1.2.3", nil), time.Time{}},
		"a folder has no time":  {of("v1.2.3", &debug.Module{Path: "../whatsmeow"}), time.Time{}},
		"not in the build":      {&debug.BuildInfo{}, time.Time{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, known := builtInAt(c.build, true); !got.Equal(c.want) || known == c.want.IsZero() {
				t.Errorf("%v, %v; want %v", got, known, c.want)
			}
		})
	}
}

func TestBackupStreamsASession(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	var refusal *Refusal
	if err := s.Backup(t.Context(), &bytes.Buffer{}); !errors.As(err, &refusal) {
		t.Errorf("backup of nothing: %v", err)
	}
	s.pair(wa, phone)
	var out bytes.Buffer
	if err := s.Backup(t.Context(), &out); err != nil || out.Len() == 0 {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}

func TestALoginWithoutAnAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), func(_ *config.Config, p *policy) { p.login = 3 * time.Second })
	snap := s.pair(wa, phone)
	fault(t, wa, sim.Fault{Kind: "hang_login", Count: 1})
	kick(t, wa, snap, "drop")
	s.until("a good login", func(now *bot.Snapshot) bool { return now.Connected && now.ConnectedAt.After(snap.ConnectedAt.Time) })
	if !strings.Contains(s.log.String(), "did not answer the login") {
		t.Error("the silent login was not noticed")
	}
}

// alone runs the test in its own process, next to the other tests, and reports whether this is that process. A test
// needs it if it changes a global of whatsmeow. There keep-alive is fast: whatsmeow's goroutines read these intervals
// unguarded, so they can only be shortened before the first client.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(ownProcess) != "" {
		return true
	}
	t.Parallel()
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
	again.Env = append(os.Environ(), ownProcess+"=1")
	if out, err := again.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

func TestAFrozenPeerIsLeft(t *testing.T) {
	if !alone(t) {
		return
	}
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	snap := s.pair(wa, phone)
	kick(t, wa, snap, "freeze")
	if got := s.untilReason(bot.ReasonKeepAliveTimeout); got.Connected {
		t.Errorf("%+v", got)
	}
	s.until("a new connection", func(now *bot.Snapshot) bool { return now.Connected && now.ConnectedAt.After(snap.ConnectedAt.Time) })
}

// TestAPeerThatFreezesUnderACodeIsLeft: the first code would be valid for another minute, but could not be scanned.
func TestAPeerThatFreezesUnderACodeIsLeft(t *testing.T) {
	if !alone(t) {
		return
	}
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), func(c *config.Config, _ *policy) { c.QRMaxRetries = 1 })
	s.untilReason(bot.ReasonQRAvailable)
	dead, _ := s.Peek()
	if n, err := wa.KickWaiting(sim.KickFreeze); n != 1 || err != nil {
		t.Fatalf("%d connections frozen, %v", n, err)
	}
	gone := s.until("the end of the code", func(now *bot.Snapshot) bool { return now.QRExpiresAt.IsZero() })
	if gone.State != bot.StatePairing || gone.Reason != bot.ReasonConnectionLost || !gone.QRRequired || !strings.Contains(gone.Message, "has not answered since") {
		t.Errorf("%+v", gone)
	}
	if code, live := s.Peek(); live {
		t.Errorf("code %q is live, though nobody can scan it", code.Code)
	}
	s.untilReason(bot.ReasonQRAvailable) // in the only round
	if fresh, live := s.Peek(); !live || fresh.Code == dead.Code || !fresh.ExpiresAt.After(dead.ExpiresAt.Time) {
		t.Errorf("live %v, the same code %v", live, fresh.Code == dead.Code)
	}
	s.pair(wa, phone)
}

func TestManyReconnectsLeaveNothingBehind(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	s.pair(wa, phone)
	round := func(n int) (heap uint64) {
		for range n {
			before := s.untilConnected().ConnectedAt
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.until("a new connection", func(now *bot.Snapshot) bool { return now.Connected && now.ConnectedAt.After(before.Time) })
		}
		waitFor(t, "the old connections' goroutines to end", func() bool { return runtime.NumGoroutine() <= 60 })
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	heap := round(50)
	if later := round(500); later > heap+4<<20 {
		t.Errorf("the heap grew from %d to %d bytes over 500 reconnects", heap, later)
	}
}

func TestManyRestartsAtOnceAreNotManyLogins(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	first := s.pair(wa, phone)
	before := wa.Stats.TCP.Load()
	for range 39 {
		s.post(envelope{input: inRestart{}}) // which is not answered: the next one comes before its write is on the disk
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until("a new connection", func(now *bot.Snapshot) bool { return now.Connected && now.ConnectedAt.After(first.ConnectedAt.Time) })
	if n := wa.Stats.TCP.Load() - before; n > 10 {
		t.Errorf("WhatsApp saw %d connections for 40 restarts at once", n)
	}
}

// TestAFloodOfRestartsDuringADialStopsNothing: the end of a dial must reach a loop that has more orders to give than
// its client accepts.
func TestAFloodOfRestartsDuringADialStopsNothing(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	first := s.pair(wa, phone)
	fault(t, wa, sim.Fault{Kind: sim.FaultSlow, MS: 500})
	before := wa.Stats.TCP.Load()
	kick(t, wa, first, sim.KickDrop)
	waitFor(t, "the next dial", func() bool { return wa.Stats.TCP.Load() > before })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var asking sync.WaitGroup
	for range 600 {
		asking.Go(func() {
			if err := s.Restart(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	wa.ClearFaults()
	s.until("a new connection", func(now *bot.Snapshot) bool { return now.Connected && now.ConnectedAt.After(first.ConnectedAt.Time) })
}

func TestTheRevisionGrowsThoughTheClockWasSetBack(t *testing.T) {
	wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
	s := begin(t, wa, dir, nil)
	s.pair(wa, phone)
	s.stop()
	if err := ahead(t, dir, 48*time.Hour); err != nil { // as after a bot whose clock was two days fast
		t.Fatal(err)
	}
	again := begin(t, wa, dir, nil)
	snap, _ := again.Watch()
	if fast := uint64(time.Now().Add(47 * time.Hour).UnixMilli()); snap.Revision <= fast {
		t.Errorf("revision %d after one above %d", snap.Revision, fast)
	}
}

// ahead makes the remembered facts of the session in dir those of a bot whose clock was fast.
func ahead(t *testing.T, dir string, by time.Duration) error {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Identity: bot.Identity{AuthPath: dir, ClientID: "test"}})
	if err != nil {
		return err
	}
	return errors.Join(st.UpdateFacts(func(f *store.Facts) {
		if f.Revision == 0 {
			t.Error("no revision was remembered")
		}
		f.Revision += uint64(by.Milliseconds())
	}), st.Close())
}

func TestASlowReaderSeesTheLastSnapshot(t *testing.T) {
	wa := whatsapp(t, sim.Config{})
	s := begin(t, wa, t.TempDir(), nil)
	first, changed := s.Watch()
	s.pair(wa, phone)
	select {
	case <-changed:
	default:
		t.Error("the channel of an old snapshot is not closed")
	}
	last, _ := s.Watch()
	if last.Revision <= first.Revision || !last.Connected {
		t.Errorf("revision %d after %d, connected %v", last.Revision, first.Revision, last.Connected)
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !poll.Until(ok, patience, nil) {
		t.Fatalf("waited for %s in vain", what)
	}
}
