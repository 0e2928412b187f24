package sim_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// A fault before the login makes Connect fail, and the next attempt succeeds.
func TestFaultsBeforeTheLogin(t *testing.T) {
	for kind, c := range map[string]struct {
		fault  sim.Fault
		status int
	}{
		"refused":        {fault: sim.Fault{Kind: sim.FaultRefuse}},
		"tcp hangs":      {fault: sim.Fault{Kind: sim.FaultHangTCP, Seconds: 2}},
		"upgrade hangs":  {fault: sim.Fault{Kind: sim.FaultHangHTTP, Seconds: 2}},
		"rate limited":   {fault: sim.Fault{Kind: sim.FaultHTTP, Code: 429}, status: 429},
		"bad gateway":    {fault: sim.Fault{Kind: sim.FaultHTTP, Code: 502}, status: 502},
		"slow, but fine": {fault: sim.Fault{Kind: sim.FaultSlow, MS: 50}},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := simtest.Start(t, sim.Config{})
			b := memoryBot(t, s)
			jid := b.pair("5511911112222")
			b.hangUp(jid)
			c.fault.Count = 1
			fault(t, s, c.fault)
			err := b.client.Connect()
			var status socket.ErrWithStatusCode
			switch {
			case c.fault.Kind == sim.FaultSlow:
				if err != nil {
					t.Fatalf("connect: %v", err)
				}
				return
			case err == nil:
				t.Fatal("connected")
			case c.status != 0 && (!errors.As(err, &status) || status.StatusCode != c.status):
				t.Fatalf("connect: %v, want status %d", err, c.status)
			}
			b.client.Disconnect()
			mark := b.mark()
			b.connect()
			wait[*events.Connected](b, mark)
		})
	}
}

// whatsmeow waits 20 s for the server's hello; a bare websocket takes its place, so that the test does not wait.
func TestNoiseHandshakeThatGetsNoAnswer(t *testing.T) {
	t.Parallel()
	s := simtest.Start(t, sim.Config{})
	fault(t, s, sim.Fault{Kind: sim.FaultHangNoise, Seconds: 2, Count: 1})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "wss://web.whatsapp.com/ws/chat", &websocket.DialOptions{HTTPClient: s.HTTPClient()})
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	defer conn.CloseNow()
	if err = conn.Write(ctx, websocket.MessageBinary, []byte{'W', 'A', 6, 3, 0, 0, 1, 0}); err != nil {
		t.Fatalf("write: %v", err)
	}
	if _, answer, err := conn.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("read %x: %v", answer, err)
	}
}

func TestLoginThatGetsNoAnswer(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	jid := b.pair("5511911112222")
	wait[*events.OfflineSyncCompleted](b, 0) // it can come after the end of its connection
	b.hangUp(jid)
	seq, mark := s.Mark(), b.mark()
	fault(t, s, sim.Fault{Kind: sim.FaultHangLogin, Count: 1, JID: jid.User})
	b.connect()
	s.WaitEvent(t, seq, sim.EventFault)
	if seen := b.seen(mark); seen != "" || !b.client.IsConnected() {
		t.Errorf("seen %q, connected %v", seen, b.client.IsConnected())
	}
	if info(t, s, jid).Online {
		t.Error("online without a login")
	}
	s.DropAll() // or else whatsmeow waits 5 s for an answer to its goodbye
	wait[*events.Disconnected](b, mark)
}

func TestOutage(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.pair("5511911112222")
	mark := b.mark()
	fault(t, s, sim.Fault{Kind: sim.FaultDown, Seconds: 3600})
	wait[*events.Disconnected](b, mark)
	if err := b.client.Connect(); err == nil {
		t.Error("connected during an outage")
	}
	fault(t, s, sim.Fault{Kind: sim.FaultDown, Seconds: 0.01}) // takes the place of the first
	s.WaitEvent(t, 0, sim.EventUp)
	b.connect()
	wait[*events.Connected](b, mark)
}

func TestNewClientRefused(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	fault(t, s, sim.Fault{Kind: sim.FaultFailurePair, Code: 403, Count: 1})
	b.connect()
	wait[*events.LoggedOut](b, 0)
	b = memoryBot(t, s)
	b.pair("5511911112222")
}

func TestFaultErrors(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	for name, f := range map[string]sim.Fault{
		"no kind":          {},
		"unknown kind":     {Kind: "earthquake"},
		"no code":          {Kind: sim.FaultFailure},
		"no status":        {Kind: sim.FaultHTTP, Code: 42},
		"negative seconds": {Kind: sim.FaultRefuse, Seconds: -1},
		"negative count":   {Kind: sim.FaultRefuse, Count: -1},
		"too slow":         {Kind: sim.FaultSlow, MS: 1 << 30},
	} {
		if err := s.AddFault(f); !errors.Is(err, sim.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if live := s.LiveFaults(); len(live) != 0 {
		t.Errorf("live: %v", live)
	}
}

func TestFaultsEnd(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	fault(t, s, sim.Fault{Kind: sim.FaultHTTP, Code: 500})
	fault(t, s, sim.Fault{Kind: sim.FaultHangTCP, Seconds: 0.01})
	eventually(t, "the short one is over", func() bool { return len(s.LiveFaults()) == 1 })
	s.ClearFaults()
	memoryBot(t, s).pair("5511911112222")
}

// outdated demands a version that no client has, and serves it on the web page.
var outdated = store.WAVersionContainer{2, 3000, 1_099_999_999}

func TestOutdatedClientIsCuredByTheServedVersion(t *testing.T) {
	s := simtest.Start(t, sim.Config{MinVer: outdated})
	b := memoryBot(t, s)
	b.connect()
	wait[*events.ClientOutdated](b, 0)
	eventually(t, "the server closes", func() bool { return !b.client.IsConnected() })
	version, err := whatsmeow.GetLatestVersion(t.Context(), s.HTTPClient())
	if err != nil || *version != outdated {
		t.Fatalf("latest version is %v: %v", version, err)
	}
	payload := store.BaseClientPayload.UserAgent
	before := payload.AppVersion
	payload.AppVersion = version.ProtoAppVersion()
	defer func() { payload.AppVersion = before }()
	b.pair("5511911112222")
	newest := outdated
	newest[2]++
	s.SetVersions(nil, &newest)
	if minimum, served := s.Versions(); minimum != outdated || served != newest {
		t.Errorf("versions: %s, %s", minimum, served)
	}
	if version, err = whatsmeow.GetLatestVersion(t.Context(), s.HTTPClient()); err != nil || *version != newest {
		t.Errorf("latest version is %v: %v", version, err)
	}
}

func TestVersionPageFails(t *testing.T) {
	for name, c := range map[string]struct {
		fault sim.Fault
		want  string
	}{
		"unavailable":       {sim.Fault{Kind: sim.FaultPage, Code: 503}, "unexpected response with status 503"},
		"without a version": {sim.Fault{Kind: sim.FaultPage, Code: 200}, "version number not found"},
		"hangs":             {sim.Fault{Kind: sim.FaultHangPage, Seconds: 2}, "failed to send request"},
		"down":              {sim.Fault{Kind: sim.FaultDown, Seconds: 60}, "failed to send request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := simtest.Start(t, sim.Config{})
			fault(t, s, c.fault)
			client := s.HTTPClient()
			client.Timeout = patience
			if _, err := whatsmeow.GetLatestVersion(t.Context(), client); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// A page that hangs must not hang the simulator's end.
func TestCloseEndsWhatHangs(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	fault(t, s, sim.Fault{Kind: sim.FaultHangPage})
	fault(t, s, sim.Fault{Kind: sim.FaultDown, Seconds: 3600, Count: 0})
	s.Close()
	s = simtest.Start(t, sim.Config{})
	fault(t, s, sim.Fault{Kind: sim.FaultHangPage})
	failed := make(chan error, 1)
	go func() {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://web.whatsapp.com/", nil)
		if err == nil {
			_, err = s.HTTPClient().Do(request)
		}
		failed <- err
	}()
	s.WaitEvent(t, 0, sim.EventFault)
	s.Close()
	select {
	case err := <-failed:
		if err == nil {
			t.Error("the page answered")
		}
	case <-time.After(patience):
		t.Error("the request outlives the simulator")
	}
}
