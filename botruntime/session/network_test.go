package session

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/vacant"
	"sesi.dev/sesi/test/wasim/sim"
)

// socksThatRefuses is a SOCKS proxy that refuses every user name and password.
func socksThatRefuses(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				head := make([]byte, 2)
				_, _ = io.ReadFull(conn, head)
				_, _ = io.ReadFull(conn, make([]byte, head[1]))
				_, _ = conn.Write([]byte{5, 2}) // user name and password, please
				_, _ = conn.Read(make([]byte, 512))
				_, _ = conn.Write([]byte{1, 1}) // no
			}()
		}
	}()
	return l.Addr().String()
}

// TestADialThatFailsSaysWhy makes real dials fail, one for each cause that a person can fix.
func TestADialThatFailsSaysWhy(t *testing.T) {
	whatsapp(t, sim.Config{}) // sets SSL_CERT_FILE, which Go reads once, at the first certificate
	answer := func(status int) *url.URL {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(proxy.Close)
		at, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	cases := map[string]struct {
		proxy     *url.URL
		target    string
		want      string
		permanent bool
	}{
		"proxy wants a password": {answer(407), "wss://web.whatsapp.com/ws/chat", "(407)", true},
		"proxy forbids it":       {answer(403), "wss://web.whatsapp.com/ws/chat", "(403)", true},
		"proxy cannot":           {answer(502), "wss://web.whatsapp.com/ws/chat", "(502)", false},
		"proxy is down":          {&url.URL{Scheme: "http", Host: vacant.Nobody}, "wss://web.whatsapp.com/ws/chat", "Cannot connect to the proxy: the connection was refused", false},
		"wrong SOCKS password":   {&url.URL{Scheme: "socks5", Host: socksThatRefuses(t), User: url.UserPassword("a", "hunter2")}, "wss://web.whatsapp.com/ws/chat", "SOCKS proxy refuses the user name or the password", true},
		"no such name":           {nil, "wss://no-such-host..invalid/ws", "DNS lookup of no-such-host..invalid failed", false}, // two dots: no server is asked
		"certificate":            {nil, "wss" + strings.TrimPrefix(untrusted.URL, "https"), "certificate is not valid", true},
		"refused":                {nil, "wss://" + vacant.Nobody, "the connection was refused", false},
		"HTTP status":            {nil, "ws" + strings.TrimPrefix(plain.URL, "http"), "HTTP status 404", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, _, err := websocket.Dial(ctx, c.target, &websocket.DialOptions{HTTPClient: newTransports(c.proxy).socket})
			if err == nil {
				t.Fatal("the dial succeeded")
			}
			words, permanent := classifyDial(err)
			if !strings.Contains(words, c.want) || permanent != c.permanent || strings.Contains(words, "hunter2") {
				t.Errorf("%q (permanent %v), of %v; want %q", words, permanent, err, c.want)
			}
		})
	}
}

// TestNobodyIsAskedToScanWithoutACode: while WhatsApp cannot be reached, the snapshot says why and what to check.
func TestNobodyIsAskedToScanWithoutACode(t *testing.T) {
	for name, linked := range map[string]bool{"linked": true, "not linked": false} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, linked, facts{}).then(inDialled{syscall.ECONNREFUSED})
			if snap := s.m.snapshot(); snap.UserAction != bot.ActionNone || snap.QRRequired || !strings.Contains(snap.Message, "refused") {
				t.Errorf("at first: %+v", snap)
			}
			s.after(outagePatience).then(inTimer{timerRetry}, inDialled{syscall.ECONNREFUSED})
			snap := s.m.snapshot()
			if snap.UserAction != bot.ActionCheckNetwork || snap.QRRequired || snap.Reason != bot.ReasonConnectionLost {
				t.Errorf("when it lasts: %+v", snap)
			}
			if !s.asked(actWarn{snap.Message}) {
				t.Error("no warning is logged")
			}
			if s.then(inTimer{timerRetry}, inDialled{syscall.ECONNREFUSED}); s.asked(actWarn{snap.Message}) {
				t.Error("the warning is logged again")
			}
			s.then(inTimer{timerRetry}, inDialled{})
			if linked {
				s.then(inConnected{someone})
			} else {
				s.then(inCodes{six})
			}
			if snap := s.m.snapshot(); snap.QRRequired != !linked || snap.UserAction == bot.ActionCheckNetwork {
				t.Errorf("after the outage: %+v", snap)
			}
		})
	}
	s := newStory(t, false, facts{}).then(inDialled{&proxyError{407}})
	if snap := s.m.snapshot(); snap.UserAction != bot.ActionCheckNetwork {
		t.Errorf("a proxy that wants a password does not heal, yet: %+v", snap)
	}
	if words, _ := classifyDial(errors.New("x")); !strings.Contains(words, "the connection failed") {
		t.Error(words)
	}
}
