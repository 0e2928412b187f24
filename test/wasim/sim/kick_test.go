package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// What whatsmeow tells its user when the server ends a connection in each of its ways.
func TestKicks(t *testing.T) {
	for kind, c := range map[string]struct {
		want   []string
		absent []string
		stays  bool // the connection
	}{
		sim.KickDrop:        {want: []string{"Disconnected"}},
		sim.KickClose:       {want: []string{"Disconnected"}},
		"503":               {want: []string{"Disconnected"}, absent: []string{"StreamError"}},
		"516":               {want: []string{"StreamError", "Disconnected"}},
		"500":               {want: []string{"StreamError", "Disconnected"}},
		sim.KickReplaced:    {want: []string{"StreamReplaced"}, absent: []string{"Disconnected"}},
		sim.KickStreamError: {stays: true, absent: []string{"Disconnected"}},
		sim.KickFreeze:      {stays: true, absent: []string{"Disconnected"}},
	} {
		t.Run(kind, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := memoryBot(t, s)
			jid := b.pair("5511911113333")
			mark := b.mark()
			if err := s.Kick(jid, kind); err != nil {
				t.Fatalf("kick: %v", err)
			}
			for _, want := range c.want {
				eventually(t, want, func() bool { return strings.Contains(b.seen(mark), want) })
			}
			if c.stays {
				if d := info(t, s, jid); !d.Online || d.Frozen != (kind == sim.KickFreeze) {
					t.Errorf("device is %+v", d)
				}
				if err := s.Kick(jid, sim.KickDrop); err != nil {
					t.Fatalf("drop: %v", err)
				}
				c.absent = nil
			}
			eventually(t, "the socket is closed", func() bool { return !b.client.IsConnected() })
			for _, absent := range c.absent {
				if seen := b.seen(mark); strings.Contains(seen, absent) {
					t.Errorf("saw %s in %s", absent, seen)
				}
			}
			mark = b.mark()
			b.connect()
			wait[*events.Connected](b, mark)
		})
	}
}

func TestSecondLoginReplacesTheFirst(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	file := database(t)
	first := diskBot(t, s, file)
	jid := first.pair("5511911113333")
	mark, seq := first.mark(), s.Mark()
	second := diskBot(t, s, file)
	second.connect()
	wait[*events.Connected](second, 0)
	wait[*events.StreamReplaced](first, mark)
	if event := s.WaitEvent(t, seq, sim.EventReplaced); event.JID != jid.String() {
		t.Errorf("replaced: %+v", event)
	}
	eventually(t, "the first socket is closed", func() bool { return !first.client.IsConnected() })
	if d := info(t, s, jid); !d.Online || d.Logins != 2 {
		t.Errorf("device is %+v", d)
	}
}

func TestUnlink(t *testing.T) {
	for name, online := range map[string]bool{"while online": true, "while offline": false} {
		t.Run(name, func(t *testing.T) {
			s := simtest.Start(t, sim.Config{})
			b := diskBot(t, s, database(t))
			jid := b.pair("5511911114444")
			if !online {
				b.hangUp(jid)
			}
			mark := b.mark()
			if err := s.Unlink(types.NewJID(jid.User, types.DefaultUserServer)); err != nil {
				t.Fatalf("unlink by number: %v", err)
			}
			if devices := s.Devices(); len(devices) != 0 {
				t.Errorf("still linked: %v", devices)
			}
			if !online {
				b.connect()
			}
			out := wait[*events.LoggedOut](b, mark)
			if out.OnConnect == online || out.Reason != events.ConnectFailureLoggedOut {
				t.Errorf("logged out: %+v", out)
			}
			eventually(t, "whatsmeow deletes the device", func() bool { return !b.saved() })
			if err := s.Unlink(jid); !errors.Is(err, sim.ErrUnknown) {
				t.Errorf("unlink again: %v", err)
			}
			fresh := memoryBot(t, s)
			if again := fresh.pair("5511911114444"); again == jid {
				t.Errorf("the number of an unlinked device was given out again at once: %s", again)
			}
		})
	}
}

func TestLogoutByTheBot(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := diskBot(t, s, database(t))
	b.pair("5511911118888")
	if err := b.client.Logout(t.Context()); err != nil {
		t.Fatalf("logout: %v", err)
	}
	if devices := s.Devices(); len(devices) != 0 || b.saved() {
		t.Errorf("after a logout the simulator has %v, the bot saved=%v", devices, b.saved())
	}
}

func TestKickErrors(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911113333")
	b.hangUp(jid)
	other := jid
	other.Device = 77
	for name, c := range map[string]struct {
		jid  types.JID
		kind string
		want error
	}{
		"no such kind":    {jid, "tickle", sim.ErrInvalid},
		"offline":         {jid, sim.KickDrop, sim.ErrOffline},
		"no such device":  {other, sim.KickDrop, sim.ErrUnknown},
		"no such account": {types.NewJID("4912345", types.DefaultUserServer), sim.KickRemoved, sim.ErrUnknown},
	} {
		if err := s.Kick(c.jid, c.kind); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestKickWaiting(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.code()
	if n, err := s.KickWaiting(sim.KickClose); n != 1 || err != nil {
		t.Fatalf("kicked %d: %v", n, err)
	}
	wait[*events.Disconnected](b, 0)
}

func TestFailures(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	for code, c := range map[int]struct {
		want    string
		cleared bool
		detail  func(*testing.T, *bot)
	}{
		400: {want: "ConnectFailure"},
		401: {want: "LoggedOut", cleared: true},
		402: {want: "TemporaryBan", detail: func(t *testing.T, b *bot) {
			if ban := wait[*events.TemporaryBan](b, 0); ban.Code != 101 || ban.Expire != time.Hour {
				t.Errorf("ban: %+v", ban)
			}
		}},
		403: {want: "LoggedOut", cleared: true},
		405: {want: "ClientOutdated"},
		406: {want: "LoggedOut", cleared: true},
		415: {want: "ConnectFailure"},
		500: {want: "Disconnected"},
		503: {want: "Disconnected"},
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			b := memoryBot(t, s)
			jid := b.pair(fmt.Sprintf("551191111%04d", code))
			b.hangUp(jid)
			fault(t, s, sim.Fault{
				Kind: sim.FaultFailure, Code: code, Count: 1, JID: jid.String(), Attrs: map[string]string{"code": "101", "expire": "3600"},
			})
			mark := b.mark()
			b.connect()
			eventually(t, c.want, func() bool { return strings.Contains(b.seen(mark), c.want) })
			if c.detail != nil {
				c.detail(t, b)
			}
			eventually(t, "the server closes", func() bool { return !b.client.IsConnected() })
			if c.cleared {
				eventually(t, "whatsmeow deletes the device", func() bool { return !b.saved() })
				return
			}
			mark = b.mark()
			b.connect()
			wait[*events.Connected](b, mark)
		})
	}
}

// When the close follows at once, whatsmeow may miss the reason. The test only asks of the simulator
// that the delay can be changed while it runs, and that it closes at once then.
func TestCloseDelayAtRunTime(t *testing.T) {
	s := simtest.Start(t, sim.Config{CloseDelay: time.Minute})
	b := memoryBot(t, s)
	jid := b.pair("5511911113333")
	s.SetCloseDelay(0)
	if err := s.Kick(jid, sim.KickReplaced); err != nil {
		t.Fatalf("kick: %v", err)
	}
	eventually(t, "the socket is closed", func() bool { return !b.client.IsConnected() })
	s.SetCloseDelay(time.Minute)
	b.client.Disconnect()
	mark := b.mark()
	b.connect()
	wait[*events.Connected](b, mark)
	if err := s.Kick(jid, sim.KickReplaced); err != nil {
		t.Fatalf("kick: %v", err)
	}
	wait[*events.StreamReplaced](b, mark)
	if !b.client.IsConnected() {
		t.Error("closed before the delay was over")
	}
}
