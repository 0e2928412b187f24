package sim_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// info finds a device in what the simulator tells.
func info(t testing.TB, s *simtest.Sim, jid types.JID) sim.DevInfo {
	t.Helper()
	for _, d := range s.Devices() {
		if d.JID == jid.String() {
			return d
		}
	}
	t.Fatalf("the simulator knows no %s", jid)
	return sim.DevInfo{}
}

func TestPairByQRThenRestart(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	file := database(t)
	b := diskBot(t, s, file)
	jid := b.pair("5511911112222")
	if got := *b.client.Store.ID; got != jid {
		t.Errorf("the bot is %s, the simulator linked %s", got, jid)
	}
	s.WaitEvent(t, 0, sim.EventPreKeys)
	if d := info(t, s, jid); d.PreKeys != 812 || !d.Online || d.Phone != "5511911112222" {
		t.Errorf("device is %+v", d)
	}
	b.stop()
	b = diskBot(t, s, file)
	b.connect()
	wait[*events.Connected](b, 0)
	if seen := b.seen(0); strings.Contains(seen, "QR") {
		t.Errorf("a restart with a session asked for a scan: %s", seen)
	}
}

func TestStreamEndsWith515AfterPairing(t *testing.T) {
	for name, delay := range map[string]time.Duration{"delayed close": 50 * time.Millisecond, "close at once": -1} {
		t.Run(name, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{CloseDelay: delay})
			b := memoryBot(t, s)
			b.client.DisableLoginAutoReconnect = true
			jid, err := s.Scan(t.Context(), b.code(), "5511911112222")
			if err != nil {
				t.Fatalf("scan: %v", err)
			}
			wait[*events.PairSuccess](b, 0)
			if delay > 0 {
				wait[*events.ManualLoginReconnect](b, 0)
			}
			eventually(t, "the server closes", func() bool { return !b.client.IsConnected() })
			b.connect()
			wait[*events.Connected](b, 0)
			if d := info(t, s, jid); d.Logins != 1 {
				t.Errorf("%d logins, want 1", d.Logins)
			}
		})
	}
}

func TestScanRefusals(t *testing.T) {
	swap := func(part int, value string) func(string) string {
		return func(code string) string {
			parts := strings.Split(code, ",")
			parts[part] = value
			return strings.Join(parts, ",")
		}
	}
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	same := func(code string) string { return code }
	for name, c := range map[string]struct {
		code    func(string) string
		phone   string
		fault   string
		want    error
		botSees string
	}{
		"garbage":            {code: func(string) string { return "hello" }, want: sim.ErrInvalid},
		"not a key":          {code: swap(1, "AAAA"), want: sim.ErrInvalid},
		"unknown reference":  {code: swap(0, "2@nobody"), want: sim.ErrUnknown},
		"other noise key":    {code: swap(1, other), want: sim.ErrInvalid},
		"other identity key": {code: swap(2, other), want: sim.ErrInvalid},
		"other secret":       {code: swap(3, other), want: sim.ErrRefused, botSees: "PairError"},
		"not a phone number": {code: same, phone: "12", want: sim.ErrInvalid},
		"no multidevice":     {code: same, fault: sim.FaultNoMultidevice, want: sim.ErrRefused, botSees: "QRScannedWithoutMultidevice"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := memoryBot(t, s)
			code := b.code()
			if c.fault != "" {
				fault(t, s, sim.Fault{Kind: c.fault, Count: 1})
			}
			if c.phone == "" {
				c.phone = "5511911112222"
			}
			if _, err := s.Scan(t.Context(), c.code(code), c.phone); !errors.Is(err, c.want) {
				t.Errorf("scan: %v, want %v", err, c.want)
			}
			if c.botSees != "" {
				eventually(t, "the bot sees "+c.botSees, func() bool { return strings.Contains(b.seen(0), c.botSees) })
			}
			if devices := s.Devices(); len(devices) > 0 {
				t.Errorf("linked %v", devices)
			}
		})
	}
}

func TestQRCodesExpireOneByOneThenTheConnectionEnds(t *testing.T) {
	s := simtest.Start(t, sim.Config{QRFirst: 60 * time.Millisecond, QRNext: 40 * time.Millisecond})
	b := memoryBot(t, s)
	b.connect()
	codes := wait[*events.QR](b, 0).Codes
	if len(codes) != 6 {
		t.Errorf("%d codes, want 6", len(codes))
	}
	eventually(t, "the first code expires", func() bool {
		_, err := s.Scan(t.Context(), codes[0], "12") // a wrong number: an unexpired code would say so
		return errors.Is(err, sim.ErrExpired)
	})
	s.WaitEvent(t, 0, sim.EventQRExpired)
	wait[*events.Disconnected](b, 0)
	eventually(t, "no connection waits", func() bool { return len(s.Waiting()) == 0 })
	if _, err := s.Scan(t.Context(), codes[5], "5511911112222"); !errors.Is(err, sim.ErrUnknown) {
		t.Errorf("scan of a code whose connection ended: %v", err)
	}
	b.pair("5511911112222")
}

func TestPairByCode(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.code()
	if _, err := s.EnterCode(t.Context(), "5511988887777", "ABCD-EFGH"); !errors.Is(err, sim.ErrUnknown) {
		t.Errorf("code before anyone asked: %v", err)
	}
	code, err := b.client.PairPhone(t.Context(), "+55 11 98888-7777", true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	if err != nil {
		t.Fatalf("ask for a code: %v", err)
	}
	if waiting := s.Waiting(); len(waiting) != 1 || waiting[0].Phone != "5511988887777" {
		t.Errorf("waiting: %+v", waiting)
	}
	for name, c := range map[string]struct {
		code string
		want error
	}{
		"too short":      {"ABCD", sim.ErrInvalid},
		"no such letter": {"ABCD-EF0O", sim.ErrInvalid},
		"wrong":          {"ABCD-EFGH", sim.ErrRefused},
	} {
		if _, err = s.EnterCode(t.Context(), "5511988887777", c.code); !errors.Is(err, c.want) {
			t.Errorf("%s code: %v, want %v", name, err, c.want)
		}
	}
	jid, err := s.EnterCode(t.Context(), "5511988887777", strings.ToLower(code))
	if err != nil {
		t.Fatalf("enter the right code: %v", err)
	}
	wait[*events.PairSuccess](b, 0)
	wait[*events.Connected](b, 0)
	if _, err = s.Say(jid, "4915112345678", "hello", ""); err != nil {
		t.Fatalf("say: %v", err)
	}
	wait[*events.Message](b, 0)
}

func TestPairCodeRefused(t *testing.T) {
	for name, c := range map[string]struct {
		display string
		fault   int
	}{
		"display name without a system": {display: "My Bot"},
		"rate limit":                    {display: "Chrome (Linux)", fault: 429},
	} {
		t.Run(name, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := memoryBot(t, s)
			b.code()
			if c.fault != 0 {
				fault(t, s, sim.Fault{Kind: sim.FaultPairCode, Code: c.fault, JID: "5511988887777"})
			}
			if code, err := b.client.PairPhone(t.Context(), "5511988887777", true, whatsmeow.PairClientChrome, c.display); err == nil {
				t.Errorf("got code %s", code)
			}
		})
	}
}

func TestLinkOutlivesALostConfirmation(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	code := b.code()
	fault(t, s, sim.Fault{Kind: sim.FaultPairDrop, Count: 1})
	jid, err := s.Scan(t.Context(), code, "5511911112222")
	if err != nil {
		t.Fatalf("scan: %v", err)
	}
	eventually(t, "the connection is reset", func() bool { return !b.client.IsConnected() })
	if seen := b.seen(0); strings.Contains(seen, "Connected") {
		t.Errorf("whatsmeow reconnected without being asked: %s", seen)
	}
	b.connect()
	wait[*events.Connected](b, 0)
	if !info(t, s, jid).Online {
		t.Error("not online")
	}
}

func fault(t testing.TB, s *simtest.Sim, f sim.Fault) {
	t.Helper()
	if err := s.AddFault(f); err != nil {
		t.Fatalf("add fault: %v", err)
	}
}
