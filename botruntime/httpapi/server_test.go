package httpapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/vacant"
)

func TestListenRefuses(t *testing.T) {
	certFile, keyFile := writeCertificate(t, t.TempDir(), "bot")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cases := map[string]struct {
		token string
		at    Addresses
		want  []string
	}{
		"all addresses without a token": {"", Addresses{Plain: "0.0.0.0:0"}, []string{"HOST", "API_TOKEN", "127.0.0.1"}},
		"any IPv6 without a token":      {"", Addresses{Plain: "[::]:0"}, []string{"API_TOKEN"}},
		"no host without a token":       {"", Addresses{Plain: ":0"}, []string{"API_TOKEN"}},
		"TLS without a token":           {"", Addresses{TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile}, []string{"API_TOKEN"}},
		"TLS without a certificate":     {testToken, Addresses{TLS: "127.0.0.1:0", CertFile: "none.crt", KeyFile: keyFile}, []string{"TLS_CERT_FILE", "none.crt"}},
		"port taken":                    {testToken, Addresses{Plain: taken.Addr().String()}, []string{"PORT", taken.Addr().String(), "in use"}},
		"metrics port taken":            {testToken, Addresses{Plain: "127.0.0.1:0", Metrics: taken.Addr().String()}, []string{"METRICS_PORT"}},
		"not an address":                {testToken, Addresses{Plain: "127.0.0.1:99999"}, []string{"PORT", "99999"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config := testConfig(newFake(connectedSnapshot()))
			config.Token = func() string { return c.token }
			s, err := Listen(New(config), c.at)
			if err == nil {
				t.Fatalf("listens on %v", s.PlainAddr())
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %s", err, want)
				}
			}
		})
	}
}

// When one of its addresses is in use, the server closes the others that it had opened.
func TestARefusedListenHoldsNoPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := vacant.Address(t)
	if _, err := Listen(New(testConfig(newFake(connectedSnapshot()))), Addresses{Plain: free, Metrics: taken.Addr().String()}); err == nil {
		t.Fatal("listens on a port that is taken")
	}
	again, err := net.Listen("tcp", free)
	if err != nil {
		t.Fatalf("the plain address is held: %v", err)
	}
	_ = again.Close()
}

func TestLoopbackNeedsNoToken(t *testing.T) {
	config := testConfig(newFake(connectedSnapshot()))
	config.Token = nil
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "127.0.0.2:0"} {
		s := serve(t, New(config), Addresses{Plain: address})
		if got := send(t, "GET", "http://"+s.PlainAddr().String()+"/api/session/status", ""); got.StatusCode != 200 {
			t.Errorf("%s: %d", address, got.StatusCode)
		}
	}
}

// A renewed certificate is presented to the next client, without a restart or a refused client.
func TestCertificateIsReloaded(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writeCertificate(t, dir, "first")
	s := serve(t, New(testConfig(newFake(connectedSnapshot()))), Addresses{TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile})
	presented := func() string {
		conn := dialTLS(t, s.TLSAddr().String())
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := presented(); got != "first" {
		t.Fatalf("presents %q", got)
	}
	// As Kubernetes renews a mounted Secret: new files in another directory, and a symbolic link that is replaced.
	renewed := t.TempDir()
	writeCertificate(t, renewed, "second")
	for _, name := range []string{"tls.crt", "tls.key"} {
		link := filepath.Join(dir, name+".new")
		if err := errors.Join(os.Symlink(filepath.Join(renewed, name), link), os.Rename(link, filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, "the new certificate is presented", func() bool { return presented() == "second" })
}

func TestTLSBounds(t *testing.T) {
	certFile, keyFile := writeCertificate(t, t.TempDir(), "bot")
	s := serve(t, New(testConfig(newFake(connectedSnapshot()))), Addresses{TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile})
	address := s.TLSAddr().String()
	if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := conn.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("protocol %q, want http/1.1", got)
	}
	pem, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	if pinned, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool}); err != nil {
		t.Errorf("a client that pins the certificate: %v", err)
	} else {
		_ = pinned.Close()
	}
	plain := send(t, "GET", "http://"+address+"/qr", "")
	if plain.StatusCode != 400 {
		t.Errorf("HTTP to the TLS port: %d, want 400", plain.StatusCode)
	}
}

// shortTimes shortens the limits, so that tests of them are fast.
func shortTimes(api *API) *API {
	api.limits.headerTime, api.limits.requestTime = 200*time.Millisecond, 400*time.Millisecond
	api.limits.idleTime = 200 * time.Millisecond
	return api
}

// closes waits for the server to close a connection, and returns what the server sent.
func closes(t *testing.T, conn net.Conn) string {
	t.Helper()
	got, err := io.ReadAll(conn)
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("the connection stays open; it said %q", got)
		}
	}
	return string(got)
}

func TestSlowRequestsAreCutOff(t *testing.T) {
	certFile, keyFile := writeCertificate(t, t.TempDir(), "bot")
	s := serve(t, shortTimes(New(testConfig(newFake(connectedSnapshot())))),
		Addresses{Plain: "127.0.0.1:0", OpenLoopback: true, TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile})
	cases := map[string]struct {
		at   net.Addr
		send string
	}{
		"nothing":         {s.PlainAddr(), ""},
		"half a header":   {s.PlainAddr(), "GET /qr HTTP/1.1\r\nHost: localhost\r\nX-Slow: "},
		"half a body":     {s.PlainAddr(), "POST /api/session/pair HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"},
		"idle":            {s.PlainAddr(), "GET /api/session/status HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"no handshake":    {s.TLSAddr(), ""},
		"half handshake":  {s.TLSAddr(), "\x16\x03\x01\x02\x00"},
		"body of streams": {s.PlainAddr(), "GET /api/session/status HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, c.at.String())
			if _, err := io.WriteString(conn, c.send); err != nil {
				t.Fatal(err)
			}
			closes(t, conn)
		})
	}
}

// A stream outlives the limits on a request's time.
func TestStreamsOutliveTheRequestTimes(t *testing.T) {
	f := newFake(connectedSnapshot())
	api := shortTimes(New(testConfig(f)))
	api.limits.responseTime = 100 * time.Millisecond
	api.streams.heartbeat = 50 * time.Millisecond
	url := open(t, api)
	var events *follower
	waitUntil(t, "a stream that was asked for within the request times", func() bool {
		var err error
		events, err = tryFollow(t, url)
		return err == nil
	})
	events.event()
	for range 20 { // a second of heartbeats
		if _, err := events.next(); err != nil {
			t.Fatal(err)
		}
	}
	f.become(func(s *bot.Snapshot) { s.PushName = "after the times" })
	if got := events.event(); got.PushName != "after the times" {
		t.Errorf("got %+v", got)
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	url := open(t, New(testConfig(newFake(connectedSnapshot()))))
	if got := send(t, "GET", url+"/api/session/status", "", "X-Large", strings.Repeat("x", 32<<10)); got.StatusCode != 431 {
		t.Errorf("status %d, want 431", got.StatusCode)
	}
	if got := send(t, "GET", url+"/api/session/status?"+strings.Repeat("x", 32<<10), ""); got.StatusCode != 431 {
		t.Errorf("long address: status %d, want 431", got.StatusCode)
	}
}

// Connections beyond the limit wait for a place instead of using memory; streams have their own limits.
func TestConnectionsAreBounded(t *testing.T) {
	api := New(testConfig(newFake(connectedSnapshot())))
	api.limits.connections, api.limits.strangerTime = 3, time.Hour
	api.streams.heartbeat = 10 * time.Millisecond
	s := serve(t, api, Addresses{Plain: "127.0.0.1:0", OpenLoopback: true})
	address := s.PlainAddr().String()
	follow(t, "http://"+address).event()
	held := []net.Conn{dial(t, address), dial(t, address), dial(t, address)}
	for _, c := range held {
		if _, err := io.WriteString(c, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	late := dial(t, address)
	if _, err := io.WriteString(late, "GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := late.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := late.Read(make([]byte, 1)); err == nil {
		t.Fatalf("answered %d bytes beyond the bound", n)
	}
	if err := held[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := late.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if got := closes(t, late); !strings.Contains(got, "pong") {
		t.Errorf("after a place was free: %q", got)
	}
}

// Strangers who hold every place, however slowly they send, lock out nobody who has the token.
func TestStrangersHoldNobodyUp(t *testing.T) {
	certFile, keyFile := writeCertificate(t, t.TempDir(), "bot")
	for name, holds := range map[string]string{
		"idle":          "GET /ping HTTP/1.1\r\nHost: bot\r\n\r\n",
		"half a header": "GET /qr HTTP/1.1\r\nHost: bot\r\nX-Slow: ",
		"half a body":   "POST /qr HTTP/1.1\r\nHost: bot\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken=",
		"a wrong token": "GET /api/session/status HTTP/1.1\r\nHost: bot\r\nX-Api-Key: wrong\r\n\r\n",
		"one request":   "GET /ping HTTP/1.1\r\nHost: bot\r\n\r\nPOST /qr HTTP/1.1\r\nHost: bot\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken=",
	} {
		t.Run(name, func(t *testing.T) {
			api := New(testConfig(newFake(connectedSnapshot())))
			api.limits.connections, api.limits.strangerTime = 3, 10*time.Millisecond
			api.limits.headerTime, api.limits.requestTime, api.limits.idleTime = time.Hour, time.Hour, time.Hour
			s := serve(t, api, Addresses{TLS: "127.0.0.1:0", CertFile: certFile, KeyFile: keyFile})
			address := s.TLSAddr().String()
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: testTLS(t)}, Timeout: patience}
			defer client.CloseIdleConnections()
			ask := func() error {
				r, err := http.NewRequest("GET", "https://"+address+"/api/session/status", nil)
				if err != nil {
					return err
				}
				r.Header.Set("X-Api-Key", testToken)
				resp, err := client.Do(r)
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, resp.Body)
				return errors.Join(err, resp.Body.Close())
			}
			if err := ask(); err != nil { // and keeps its connection
				t.Fatal(err)
			}
			var held []net.Conn
			for range 5 {
				conn := dialTLS(t, address)
				if _, err := io.WriteString(conn, holds); err != nil {
					t.Fatal(err)
				}
				held = append(held, conn)
			}
			if got := send(t, "GET", "https://"+address+"/api/session/status", "", "X-Api-Key", testToken); got.StatusCode != 200 {
				t.Errorf("with the token: %d", got.StatusCode)
			}
			if err := ask(); err != nil {
				t.Errorf("on the connection that was kept: %v", err)
			}
			if len(held) != 5 {
				t.Error("no stranger held a place")
			}
		})
	}
}

// Clients that hold every place of the metrics listener must not lock out a probe: Kubernetes would kill the bot.
func TestStrangersHoldNoProbeUp(t *testing.T) {
	for name, holds := range map[string]string{
		"idle":        "GET /metrics HTTP/1.1\r\nHost: bot\r\n\r\n",
		"nowhere":     "GET /api/session/status HTTP/1.1\r\nHost: bot\r\n\r\n",
		"half a body": "GET /metrics HTTP/1.1\r\nHost: bot\r\nContent-Length: 100\r\n\r\nhalf",
	} {
		t.Run(name, func(t *testing.T) {
			api := New(testConfig(newFake(connectedSnapshot())))
			api.limits.connections, api.limits.strangerTime = 3, 10*time.Millisecond
			api.limits.headerTime, api.limits.requestTime, api.limits.idleTime = time.Hour, time.Hour, time.Hour
			address := serve(t, api, Addresses{Metrics: "127.0.0.1:0"}).MetricsAddr().String()
			for range 5 {
				conn := dial(t, address)
				if _, err := io.WriteString(conn, holds); err != nil {
					t.Fatal(err)
				}
				if name == "half a body" {
					continue // the server waits for the rest before it answers
				}
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
			}
			if got := send(t, "GET", "http://"+address+"/livez", ""); got.StatusCode != 200 {
				t.Errorf("a probe: %d", got.StatusCode)
			}
		})
	}
}

// A running request finishes; one that does not finish is aborted with the context.
func TestShutdown(t *testing.T) {
	for name, finishes := range map[string]bool{"finishes": true, "hangs": false} {
		t.Run(name, func(t *testing.T) {
			began, goOn := make(chan struct{}), make(chan struct{})
			f := newFake(connectedSnapshot())
			f.backup = func(ctx context.Context, w io.Writer) error {
				close(began)
				select {
				case <-goOn:
				case <-ctx.Done():
					return ctx.Err()
				}
				_, err := io.WriteString(w, "whole")
				return err
			}
			s, err := Listen(New(testConfig(f)), Addresses{Plain: "127.0.0.1:0", OpenLoopback: true})
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			type result struct {
				body string
				err  error
			}
			answered := make(chan result, 1)
			go func() {
				r, _ := http.NewRequest("GET", "http://"+s.PlainAddr().String()+"/api/session/backup", nil)
				r.Header.Set("X-Api-Key", testToken)
				resp, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					answered <- result{"", err}
					return
				}
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				answered <- result{string(body), err}
			}()
			poll.Receive(t, "the request to begin", began, patience)
			if finishes {
				close(goOn)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			if finishes {
				ctx, cancel = context.WithTimeout(context.Background(), patience)
			}
			defer cancel()
			if err := s.Shutdown(ctx); (err == nil) != finishes {
				t.Errorf("Shutdown: %v", err)
			}
			if err := poll.Receive(t, "the server to end", served, patience); err != nil {
				t.Errorf("Serve: %v", err)
			}
			if got := poll.Receive(t, "an answer", answered, patience); (got.err == nil && got.body == "whole") != finishes {
				t.Errorf("the request got %q, %v", got.body, got.err)
			}
		})
	}
}

func TestShutdownOfAServerThatNeverServed(t *testing.T) {
	s, err := Listen(New(testConfig(newFake(connectedSnapshot()))), Addresses{Plain: vacant.Address(t), OpenLoopback: true, Metrics: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	address := s.PlainAddr().String()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Error("the listener is still open")
	}
	if err := s.Serve(); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

func TestBackupIsStreamed(t *testing.T) {
	f := newFake(connectedSnapshot())
	api := New(testConfig(f))
	api.limits.responseTime = time.Nanosecond // a backup may take longer than any other answer
	url := open(t, api)
	got := send(t, "GET", url+"/api/session/backup", "", "X-Api-Key", testToken)
	if got.StatusCode != 200 || got.body != "a copy of the store" || got.Header.Get("Content-Type") != "application/zstd" ||
		!strings.HasPrefix(got.Header.Get("Content-Disposition"), `attachment; filename="session-wa-finance-render-`) {
		t.Errorf("%d %q %v", got.StatusCode, got.body, got.Header)
	}

	api.limits.responseTime = time.Minute
	url = open(t, api)
	f.backup = func(context.Context, io.Writer) error { return errors.New("no device in the copy") }
	if p := send(t, "GET", url+"/api/session/backup", "", "X-Api-Key", testToken).problem(t); p.Status != 500 {
		t.Errorf("a backup that failed before its first byte: %+v", p)
	}

	f.backup = func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, strings.Repeat("half", 10_000))
		return errors.Join(err, errors.New("disk gone"))
	}
	if got, whole := readBackup(t, url); whole {
		t.Errorf("half a backup looks whole to its client: %d bytes", len(got))
	}
}

// readBackup asks for a backup, and reports whether it looks whole.
func readBackup(t *testing.T, url string) (got string, whole bool) {
	t.Helper()
	r, err := http.NewRequest("GET", url+"/api/session/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", testToken)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err == nil
}

func TestOneBackupAtATime(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	f := newFake(connectedSnapshot())
	f.backup = func(context.Context, io.Writer) error { close(began); <-goOn; return nil }
	url := open(t, New(testConfig(f)))
	first := make(chan struct{})
	go func() {
		defer close(first)
		r, _ := http.NewRequest("GET", url+"/api/session/backup", nil)
		r.Header.Set("X-Api-Key", testToken)
		if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
			_ = resp.Body.Close()
		}
	}()
	poll.Receive(t, "the first backup to begin", began, patience)
	if p := send(t, "GET", url+"/api/session/backup", "", "X-Api-Key", testToken).problem(t); p.Status != 503 || p.Kind() != "backup-busy" {
		t.Errorf("a second backup: %+v", p)
	}
	close(goOn)
	poll.Receive(t, "the first backup to end", first, patience)
}

// A handler that panics fails only its own request.
func TestPanicIsAProblem(t *testing.T) {
	f := newFake(connectedSnapshot())
	f.onLook = func(*fakeSession) { panic("bug") }
	url := open(t, New(testConfig(f)))
	if p := send(t, "GET", url+"/api/session/qr", "").problem(t); p.Status != 500 || strings.Contains(p.Detail, "bug") {
		t.Errorf("%+v, want a 500 that tells nothing", p)
	}
	f.backup = func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		panic("bug")
	}
	if got, whole := readBackup(t, url); whole {
		t.Errorf("an answer that a panic cut looks whole: %q", got)
	}
}

// Clients with idle connections lock nobody out: when places are short, the connection that is idle longest is closed.
func TestIdleConnectionsMakeWay(t *testing.T) {
	api := New(testConfig(newFake(connectedSnapshot())))
	api.limits.connections, api.limits.strangerTime = 4, 10*time.Millisecond
	url := open(t, api)
	for range 3 * api.limits.connections {
		client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
		resp, err := client.Get(url + bot.PathStatus)
		if err != nil {
			t.Fatalf("no place beside idle connections: %v", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close() // keeps the connection open
	}
}
