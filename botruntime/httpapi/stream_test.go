package httpapi

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// follower reads an event stream.
type follower struct {
	t    testing.TB
	body io.ReadCloser
	in   *bufio.Reader
}

// follow opens an event stream.
func follow(t testing.TB, url string, headers ...string) *follower {
	t.Helper()
	f, err := tryFollow(t, url, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// tryFollow is follow for a server whose limits may cut a slow machine off.
func tryFollow(t testing.TB, url string, headers ...string) (*follower, error) {
	t.Helper()
	r, err := http.NewRequest("GET", url+"/api/session/events", nil)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	resp, err := (&http.Transport{TLSClientConfig: testTLS(t)}).RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || kind != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		return nil, fmt.Errorf("status %d, headers %v", resp.StatusCode, resp.Header)
	}
	return &follower{t, resp.Body, bufio.NewReader(resp.Body)}, nil
}

// next reads up to the next empty line: an event, a comment, or the retry time.
func (f *follower) next() (string, error) {
	var out strings.Builder
	for {
		line, err := f.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == "\n" {
			return out.String(), nil
		}
		out.WriteString(line)
	}
}

// event returns the next snapshot.
func (f *follower) event() bot.Snapshot {
	f.t.Helper()
	for {
		block, err := f.next()
		if err != nil {
			f.t.Fatalf("the stream ended: %v", err)
		}
		id, data, found := strings.Cut(block, "\ndata: ")
		if !found {
			continue
		}
		var snap bot.Snapshot
		if err := json.Unmarshal([]byte(data), &snap); err != nil {
			f.t.Fatal(err)
		}
		if want := fmt.Sprintf("id: %d", snap.Revision); id != want {
			f.t.Fatalf("%q, want %q", id, want)
		}
		return snap
	}
}

func TestEventsBeginWithTheWholeSnapshot(t *testing.T) {
	f := newFake(connectedSnapshot())
	for name, url := range doors(t, testConfig(f)) {
		t.Run(name, func(t *testing.T) {
			events := follow(t, url, "X-Api-Key", testToken)
			if first, err := events.next(); err != nil || first != "retry: 2000\n" {
				t.Errorf("begins with %q, %v; want the advice on when to come back", first, err)
			}
			want, _ := f.Watch()
			if got := events.event(); got != *want {
				t.Errorf("got  %+v\nwant %+v", got, *want)
			}
			f.become(func(s *bot.Snapshot) { s.State, s.Connected = bot.StateReconnecting, false })
			if got := events.event(); got.State != bot.StateReconnecting || got.Revision != want.Revision+1 {
				t.Errorf("got %+v", got)
			}
			f.link()
			if got := events.event(); !got.Connected || got.Revision != want.Revision+2 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A client that reconnects gets the whole snapshot, whatever it says it has.
func TestEventsAfterALossBeginAnew(t *testing.T) {
	f := newFake(connectedSnapshot())
	got := follow(t, open(t, New(testConfig(f))), "Last-Event-ID", "7").event()
	if got.Revision != 7 || got.ClientID == "" {
		t.Errorf("got %+v", got)
	}
}

func TestEventsNeverHoldACode(t *testing.T) {
	f := newFake(unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked))
	events := follow(t, open(t, New(testConfig(f))))
	events.event()
	f.code.PairingCode = "ABCD-EFGH"
	f.show(testCode, time.Minute)
	for {
		block, err := events.next()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(block, testCode[:20]) || strings.Contains(block, "ABCD-EFGH") {
			t.Fatalf("the stream holds a code: %s", block)
		}
		if strings.Contains(block, `"qrExpiresAt":"`) {
			return
		}
	}
}

func TestEventsNeedTheToken(t *testing.T) {
	at := doors(t, testConfig(newFake(connectedSnapshot())))
	for _, door := range []string{"outer", "tls", "loopback"} {
		if got := send(t, "GET", at[door]+"/api/session/events", ""); got.problem(t).Status != 401 {
			t.Errorf("%s: %s", door, got.body)
		}
	}
	if got := send(t, "GET", at["pod"]+"/api/session/events", "", "Host", "evil.example"); got.problem(t).Status != 403 {
		t.Errorf("by a foreign name: %s", got.body)
	}
}

// A stream that the old token or its cookie opened ends with the token. A stream that needed none continues.
func TestAStreamEndsWithWhatOpenedIt(t *testing.T) {
	byHeader := func(testing.TB, string) []string { return []string{"X-Api-Key", testToken} }
	byCookie := func(t testing.TB, url string) []string {
		cookie := send(t, "GET", url+"/qr?token="+testToken, "").Cookies()[0]
		return []string{"Cookie", cookie.Name + "=" + cookie.Value}
	}
	for name, c := range map[string]struct {
		door string
		by   func(testing.TB, string) []string
		ends bool
	}{
		"header, plain":  {"outer", byHeader, true},
		"header, TLS":    {"tls", byHeader, true},
		"cookie, plain":  {"outer", byCookie, true},
		"cookie, TLS":    {"tls", byCookie, true},
		"none, in a pod": {"pod", func(testing.TB, string) []string { return nil }, false},
		"not needed":     {"pod", byHeader, false},
	} {
		for how, beat := range map[string]time.Duration{"at a change": time.Hour, "at a heartbeat": 10 * time.Millisecond} {
			t.Run(name+" "+how, func(t *testing.T) {
				f := newFake(connectedSnapshot())
				var token atomic.Value
				token.Store(testToken)
				config := testConfig(f)
				config.Token = func() string { return token.Load().(string) }
				api := New(config)
				api.streams.heartbeat = beat
				url := doorsOf(t, api)[c.door]
				events := follow(t, url, c.by(t, url)...)
				events.event()
				token.Store("another-t0ken-of-the-bot")
				if beat == time.Hour {
					f.become(func(s *bot.Snapshot) { s.Message = "not for strangers" })
				}
				for range 1000 {
					block, err := events.next()
					switch {
					case c.ends && err != nil && !errors.Is(err, context.DeadlineExceeded):
						return
					case err != nil:
						t.Fatalf("want an end %v, got %v", c.ends, err)
					case c.ends && strings.Contains(block, "strangers"):
						t.Fatalf("still hears: %s", block)
					case !c.ends && (beat != time.Hour || strings.Contains(block, "strangers")):
						return
					}
				}
				t.Error("the stream goes on")
			})
		}
	}
}

// TestAStreamEndsWithItsCookie: an open stream also ends when the page's cookie expires.
func TestAStreamEndsWithItsCookie(t *testing.T) {
	api := New(testConfig(newFake(connectedSnapshot())))
	api.streams.heartbeat = 10 * time.Millisecond
	url := doorsOf(t, api)["outer"]
	var events *follower
	for life := 2 * time.Second; events == nil; life *= 2 { // until the cookie lives long enough for this machine
		api.limits.cookieLifetime = life
		cookie := send(t, "GET", url+"/qr?token="+testToken, "").Cookies()[0]
		var err error
		if events, err = tryFollow(t, url, "Cookie", cookie.Name+"="+cookie.Value); err != nil && life > patience/4 {
			t.Fatal(err)
		}
	}
	byToken := follow(t, url, "X-Api-Key", testToken)
	events.event()
	byToken.event()
	var err error
	for err == nil {
		_, err = events.next()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Error("the stream outlives the cookie")
	}
	if _, err := byToken.next(); err != nil {
		t.Errorf("the token's own stream ended too: %v", err)
	}
}

func TestSilentStreamsGetAHeartbeat(t *testing.T) {
	api := New(testConfig(newFake(connectedSnapshot())))
	api.streams.heartbeat = 10 * time.Millisecond
	events := follow(t, open(t, api))
	events.event()
	for range 3 {
		if block, err := events.next(); err != nil || block != ":\n" {
			t.Fatalf("got %q, %v; want a comment", block, err)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	for name, bound := range map[string]func(*hub){
		"all listeners": func(h *hub) { h.limit = 2 },
		"one listener":  func(h *hub) { h.perDoor = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			api := New(testConfig(newFake(connectedSnapshot())))
			api.streams.heartbeat = 10 * time.Millisecond
			bound(api.streams)
			url := open(t, api)
			first, second := follow(t, url), follow(t, url)
			first.event()
			second.event()
			got := send(t, "GET", url+"/api/session/events", "")
			if p := got.problem(t); p.Status != 503 || p.Kind() != "too-many-streams" || got.Header.Get("Retry-After") == "" {
				t.Errorf("a third stream: %s", got.body)
			}
			if got := send(t, "GET", url+"/api/session/status", ""); got.StatusCode != 200 {
				t.Errorf("the API beside the streams: %d", got.StatusCode)
			}
			if err := first.body.Close(); err != nil {
				t.Fatal(err)
			}
			waitUntil(t, "the place of a client that left is free", func() bool {
				api.streams.mu.Lock()
				defer api.streams.mu.Unlock()
				return len(api.streams.streams) == 1
			})
			follow(t, url).event()
		})
	}
}

// A stream that was admitted just before the end does not outlive it.
func TestAStreamThatBeginsAtTheEndIsClosed(t *testing.T) {
	h := newHub(func() (*bot.Snapshot, <-chan struct{}) { return &bot.Snapshot{}, nil }, func() string { return "" })
	door := &gate{}
	if !h.reserve(door) {
		t.Fatal("no place")
	}
	h.close()
	client, server := net.Pipe()
	if err := client.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	go h.start(server, door, nil)
	if got, err := io.ReadAll(client); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v, want the end", got, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.streams) > 0 || h.held[door] != 0 {
		t.Errorf("%d streams, %d places held", len(h.streams), h.held[door])
	}
}

// A client that does not read is disconnected; it delays no other client, and not the session.
func TestSlowClientIsDropped(t *testing.T) {
	certFile, keyFile := writeCertificate(t, t.TempDir(), "bot")
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("secure %v", secure), func(t *testing.T) {
			f := newFake(connectedSnapshot())
			api := New(testConfig(f))
			s := serve(t, api, Addresses{Plain: "127.0.0.1:0", OpenLoopback: true, TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile})
			url, address := "http://"+s.PlainAddr().String(), s.PlainAddr().String()
			if secure {
				url, address = "https://"+s.TLSAddr().String(), s.TLSAddr().String()
			}
			socket := dial(t, address)
			if err := socket.(*net.TCPConn).SetReadBuffer(4096); err != nil {
				t.Fatal(err)
			}
			slow := socket
			if secure {
				slow = tls.Client(socket, testTLS(t))
			}
			if _, err := io.WriteString(slow, "GET /api/session/events HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: "+testToken+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			quick := follow(t, url, "X-Api-Key", testToken)
			quick.event()
			count := func() int {
				api.streams.mu.Lock()
				defer api.streams.mu.Unlock()
				return len(api.streams.streams)
			}
			waitUntil(t, "two streams are open", func() bool { return count() == 2 })
			for range 10_000 {
				f.become(func(s *bot.Snapshot) { s.Message = strings.Repeat("x", 8000) })
				quick.event()
				if count() == 1 {
					return
				}
			}
			t.Fatal("a client that reads nothing kept its stream")
		})
	}
}

func TestCloseEndsStreamsAtOnce(t *testing.T) {
	api := New(testConfig(newFake(connectedSnapshot())))
	s := serve(t, api, Addresses{Plain: "127.0.0.1:0", OpenLoopback: true})
	events := follow(t, "http://"+s.PlainAddr().String())
	events.event()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if block, err := events.next(); err == nil {
		t.Errorf("the stream goes on: %q", block)
	}
	if api.streams.reserve(nil) {
		t.Error("a stream could begin after the end")
	}
}

// The writing goroutine runs only while there are streams.
func TestNobodyListensNothingRuns(t *testing.T) {
	api := New(testConfig(newFake(connectedSnapshot())))
	api.streams.heartbeat = 5 * time.Millisecond
	url := open(t, api)
	running := func() bool {
		api.streams.mu.Lock()
		defer api.streams.mu.Unlock()
		return api.streams.running
	}
	for range 3 {
		events := follow(t, url)
		events.event()
		if !running() {
			t.Fatal("a stream without its writer")
		}
		if err := events.body.Close(); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, "the writer ends", func() bool { return !running() })
	}
}

// crowd opens many raw streams and waits until each has its snapshot.
func crowd(t testing.TB, address string, n int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	var wait sync.WaitGroup
	places := make(chan struct{}, 64)
	for i := range conns {
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			conns[i] = conn
			if _, err := io.WriteString(conn, "GET /api/session/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				t.Error(err)
				return
			}
			readUntil(t, conn, `"revision":`)
		})
	}
	wait.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return conns
}

// readUntil reads a connection until it has sent a text and the end of its event.
func readUntil(t testing.TB, conn net.Conn, text string) {
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Error(err)
	}
	var got strings.Builder
	buf := make([]byte, 4096)
	for {
		if _, rest, found := strings.Cut(got.String(), text); found && strings.Contains(rest, "\n\n") {
			return
		}
		n, err := conn.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Errorf("read until %q: %v, got %q", text, err, got.String())
			return
		}
	}
}

// Two thousand idle clients change nothing for the others: the API answers, each change reaches all of them, and they
// need one goroutine together (plus a few others).
func TestTwoThousandStreams(t *testing.T) {
	const clients = 2000
	f := newFake(connectedSnapshot())
	api := New(testConfig(f))
	s := serve(t, api, Addresses{Plain: "127.0.0.1:0", OpenLoopback: true})
	before := runtime.NumGoroutine()
	conns := crowd(t, s.PlainAddr().String(), clients)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	waitUntil(t, "the handlers have ended", func() bool { return runtime.NumGoroutine() <= before+5 })
	if got := send(t, "GET", "http://"+s.PlainAddr().String()+"/api/session/status", ""); got.StatusCode != 200 {
		t.Errorf("the API beside the crowd: %d", got.StatusCode)
	}
	f.become(func(s *bot.Snapshot) { s.Message = "a change for all" })
	var wait sync.WaitGroup
	for _, c := range conns {
		wait.Go(func() { readUntil(t, c, "a change for all") })
	}
	wait.Wait()
}

// BenchmarkIdleStreams measures the memory of one idle client, its own side included: with the hub, and with a usual
// handler that keeps net/http's goroutine and buffers.
func BenchmarkIdleStreams(b *testing.B) {
	const clients = 2000
	b.Run("hub", func(b *testing.B) {
		for range b.N {
			s := serve(b, New(testConfig(newFake(connectedSnapshot()))), Addresses{Plain: "127.0.0.1:0", OpenLoopback: true})
			b.ReportMetric(costOf(b, s.PlainAddr().String(), clients), "B/client")
		}
	})
	b.Run("handler", func(b *testing.B) {
		for range b.N {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				snap := connectedSnapshot()
				_, _ = w.Write(event(&snap))
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			}))
			b.ReportMetric(costOf(b, s.Listener.Addr().String(), clients), "B/client")
			s.Close()
		}
	})
}

// costOf opens streams and returns the memory of each.
func costOf(b *testing.B, address string, clients int) float64 {
	before := inUse()
	conns := crowd(b, address, clients)
	<-time.After(200 * time.Millisecond) // for handlers that are ending; neither server offers anything to wait for
	after := inUse()
	for _, c := range conns {
		_ = c.Close()
	}
	return float64(after-before) / float64(clients)
}

// inUse returns the memory of live objects and stacks.
func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// Local programs that need no token cannot use up the places that the token's holders need on the other listener.
func TestStreamsOfOneListenerLeavePlacesToTheOther(t *testing.T) {
	h := newHub(func() (*bot.Snapshot, <-chan struct{}) { return &bot.Snapshot{}, nil }, func() string { return "" })
	h.limit, h.perDoor = 5, 4
	plain, tls := &gate{}, &gate{}
	for i := range 6 {
		if got, want := h.reserve(plain), i < 4; got != want {
			t.Errorf("stream %d of the plain listener: %v, want %v", i+1, got, want)
		}
	}
	if !h.reserve(tls) {
		t.Error("the TLS listener has no place left")
	}
	if h.reserve(tls) {
		t.Error("more streams than all places")
	}
	h.release(plain)
	if !h.reserve(tls) {
		t.Error("a place that was given back is not free")
	}
}
