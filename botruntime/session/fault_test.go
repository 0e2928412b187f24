package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	wastore "go.mau.fi/whatsmeow/store"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/config"
	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// TestWhateverADialMeetsTheSessionComesBack: each kind of fault on the way to a login, twice.
func TestWhateverADialMeetsTheSessionComesBack(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]sim.Fault{
		"TCP reset":                   {Kind: sim.FaultRefuse, Count: 2},
		"TCP slow":                    {Kind: sim.FaultSlow, MS: 700, Count: 2},
		"TLS never answered":          {Kind: sim.FaultHangTCP, Count: 1},
		"WhatsApp is down":            {Kind: sim.FaultDown, Seconds: 2},
		"the websocket refused: 403":  {Kind: sim.FaultHTTP, Code: 403, Count: 2},
		"the websocket refused: 429":  {Kind: sim.FaultHTTP, Code: 429, Count: 2},
		"the websocket refused: 502":  {Kind: sim.FaultHTTP, Code: 502, Count: 2},
		"the websocket never answers": {Kind: sim.FaultHangHTTP, Count: 1},
		"the noise never answered":    {Kind: sim.FaultHangNoise, Count: 1},
		"the login answered late":     {Kind: sim.FaultSlowLogin, MS: 700, Count: 2},
		"the login never answered":    {Kind: sim.FaultHangLogin, Count: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa := whatsapp(t, sim.Config{})
			s := begin(t, wa, t.TempDir(), func(_ *config.Config, p *policy) { p.login = 5 * time.Second })
			snap := s.pair(wa, phone)
			fault(t, wa, f)
			if f.Kind != sim.FaultDown { // this fault disconnects everyone anyway
				kick(t, wa, snap, sim.KickDrop)
			}
			s.untilIn(3*patience, "a new connection", func(now *bot.Snapshot) bool { return now.Connected && now.ConnectedAt.After(snap.ConnectedAt.Time) })
			if n := s.meter.codes.Load(); n != 1 {
				t.Errorf("%d codes were shown, want the first only", n)
			}
		})
	}
}

// TestWhateverEndsAStreamTheSessionIsKept: only the stream error that unlinks ends the session.
func TestWhateverEndsAStreamTheSessionIsKept(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"401", "403", "405", "409", "440", "500", "503", "515", "516", "599", sim.KickClose, sim.KickDrop, sim.KickStreamError} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			wa := whatsapp(t, sim.Config{})
			s := begin(t, wa, t.TempDir(), func(_ *config.Config, p *policy) { p.pulse = 200 * time.Millisecond })
			snap := s.pair(wa, phone)
			kick(t, wa, snap, kind)
			back := s.until("a new connection", func(now *bot.Snapshot) bool {
				if now.State == bot.StateConnected && !now.Connected {
					t.Errorf("says Connected while it is not: %+v", now)
				}
				return now.Connected && now.ConnectedAt.After(snap.ConnectedAt.Time)
			})
			if back.JID != snap.JID || s.meter.codes.Load() != 1 {
				t.Errorf("%+v", back)
			}
		})
	}
}

// TestWhateverAPairingMeetsItCanBeDone: each kind of fault during a pairing, and then a scan that succeeds.
func TestWhateverAPairingMeetsItCanBeDone(t *testing.T) {
	t.Parallel()
	scan := func(s *subject, wa *simtest.Sim) {
		code, _ := s.Peek()
		_, _ = wa.Scan(s.t.Context(), code.Code, phone)
	}
	waiting := func(kind string) func(*subject, *simtest.Sim) {
		return func(s *subject, wa *simtest.Sim) {
			if _, err := wa.KickWaiting(kind); err != nil {
				s.t.Error(err)
			}
		}
	}
	for name, c := range map[string]struct {
		fault sim.Fault
		do    func(*subject, *simtest.Sim)
		want  bot.Reason // to be seen on the way
	}{
		"reset where the restart should come": {sim.Fault{Kind: sim.FaultPairDrop, Count: 1}, scan, bot.ReasonPaired},
		"the first login never answered":      {sim.Fault{Kind: sim.FaultHangLogin, Count: 1}, scan, bot.ReasonPaired},
		"the first login refused: 503":        {sim.Fault{Kind: sim.FaultFailure, Code: 503, Count: 2}, scan, bot.ReasonPaired},
		"a phone that links no devices":       {sim.Fault{Kind: sim.FaultNoMultidevice, Count: 1}, scan, bot.ReasonMultideviceNotEnabled},
		"the socket reset":                    {sim.Fault{}, waiting(sim.KickDrop), bot.ReasonConnectionLost},
		"the socket closed":                   {sim.Fault{}, waiting(sim.KickClose), bot.ReasonConnectionLost},
		"a stream error":                      {sim.Fault{}, waiting("503"), bot.ReasonConnectionLost},
		"a restart nobody asked for":          {sim.Fault{}, waiting("515"), bot.ReasonConnectionLost},
		"a new client refused: 503":           {sim.Fault{Kind: sim.FaultFailurePair, Code: 503, Count: 2}, waiting(sim.KickDrop), bot.ReasonConnectionLost},
		"a pairing code refused": {sim.Fault{Kind: sim.FaultPairCode, Code: 429, Count: 1}, func(s *subject, _ *simtest.Sim) {
			var refusal *Refusal
			if _, err := s.Pair(s.t.Context(), "+"+phone); !errors.As(err, &refusal) || !strings.Contains(refusal.Detail, "429") {
				s.t.Errorf("a pairing code that WhatsApp refused: %v", err)
			}
		}, bot.ReasonQRAvailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wa := whatsapp(t, sim.Config{})
			s := begin(t, wa, t.TempDir(), func(_ *config.Config, p *policy) { p.login = 5 * time.Second })
			s.untilReason(bot.ReasonQRAvailable)
			if c.fault.Kind != "" {
				fault(t, wa, c.fault)
			}
			c.do(s, wa)
			if c.want == bot.ReasonPaired {
				s.untilIn(3*patience, "the login", func(now *bot.Snapshot) bool { return now.Connected })
				return
			}
			waitFor(t, string(c.want), func() bool { return strings.Contains(s.log.String(), "reason="+string(c.want)) })
			wa.ClearFaults()
			s.untilIn(3*patience, "a code", func(now *bot.Snapshot) bool { return !now.QRExpiresAt.IsZero() })
			waitFor(t, "the scan", func() bool { scan(s, wa); return s.meter.pairings.Load() > 0 })
			s.untilIn(3*patience, "the login", func(now *bot.Snapshot) bool { return now.Connected })
		})
	}
}

// TestOutdatedWhileNoVersionCanBeFetched: the session is kept, the snapshot says what is missing, and a person's restart
// helps as soon as the page answers.
func TestOutdatedWhileNoVersionCanBeFetched(t *testing.T) {
	if !alone(t) {
		return
	}
	newest := wastore.WAVersionContainer{2, 3000, 1099999999}
	for name, f := range map[string]sim.Fault{
		"the page fails":         {Kind: sim.FaultPage, Code: 500},
		"the page names none":    {Kind: sim.FaultPage, Code: 200},
		"the page never answers": {Kind: sim.FaultHangPage},
	} {
		t.Run(name, func(t *testing.T) {
			wa, dir := whatsapp(t, sim.Config{}), t.TempDir()
			s := begin(t, wa, dir, nil)
			linked := s.pair(wa, phone)
			s.stop()
			wa.SetVersions(&newest, &newest)
			fault(t, wa, f)
			again := begin(t, wa, dir, nil)
			got := again.untilIn(3*patience, "what is missing", func(now *bot.Snapshot) bool {
				return now.Reason == bot.ReasonClientOutdated && strings.Contains(now.Message, "could not be fetched")
			})
			if !got.Exists || got.Expired || got.Connected || got.RetryAt.IsZero() || got.UserAction != bot.ActionUpgradeClient {
				t.Errorf("%+v", got)
			}
			wa.ClearFaults()
			if err := again.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if back := again.untilConnected(); back.JID != linked.JID || back.WebVersion != "2.3000.1099999999" {
				t.Errorf("%+v", back)
			}
		})
	}
}

// TestAnEndIsReportedWithinASecond: the bot promises that connected is false within a second after a connection ended for
// good. The best of many tries counts, because the machine may be busy.
func TestAnEndIsReportedWithinASecond(t *testing.T) {
	for _, kind := range []string{sim.KickReplaced, sim.KickRemoved, sim.KickDrop, sim.KickClose, "401", "503", "515"} {
		t.Run(kind, func(t *testing.T) {
			wa := whatsapp(t, sim.Config{})
			best := patience
			for range 20 {
				s := begin(t, wa, t.TempDir(), nil)
				snap := s.pair(wa, phone)
				began := time.Now()
				kick(t, wa, snap, kind)
				s.until("the end", func(now *bot.Snapshot) bool { return !now.Connected })
				if best = min(best, time.Since(began)); best < time.Second {
					return
				}
				s.stop()
			}
			t.Errorf("told after %v", best)
		})
	}
}
