package httpapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/session"
	"sesi.dev/sesi/test/poll"
)

// fakeSession is a session that does what a test says. It replaces the supervisor at the same interface; everything
// else in these tests is real.
type fakeSession struct {
	mu        sync.Mutex
	snap      bot.Snapshot
	changed   chan struct{}
	code      bot.Code
	looks     int
	calls     []string
	phone     string
	err       error
	untold    bool
	forced    bool
	onLook    func(*fakeSession)
	backup    func(context.Context, io.Writer) error
	passkey   bot.Passkey
	signature string // what was last given to SignPasskey
}

var (
	testStart = time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC)
	testPath  = "./.wwebjs_auth/session-wa-finance-render"
	testCode  = "2@H9XkWv3uQqS0mVtJ8r5zPb1nYc7LdEfG2hKiTjUoAaBbCcDdEeFf0123456789+/zyxwvutsrqponmlkji,NoFKPd2Xm7QzLkA9sVbTgHyUjRe1cWi5n0OaEu3fGxY=,k5Jd8PzQwLmN2bVcXs9RtYuIoA1eHfGgTrKjZv7C6E0=,q3WeRtYuIoPaSdFgHjKlZxCvBnM1234567890QwErTs="
)

// connectedSnapshot is a healthy, connected session.
func connectedSnapshot() bot.Snapshot {
	return bot.Snapshot{
		ClientID: "wa-finance-render", State: bot.StateConnected, Reason: bot.ReasonLoggedIn, Message: "Connected.",
		Exists: true, Authenticated: true, Connected: true, UserAction: bot.ActionNone,
		JID: "6281234567890:12@s.whatsapp.net", LID: "987654321:12@lid", PushName: "Sari",
		LinkedAt: bot.At(testStart), ConnectedAt: bot.At(testStart), LastModified: bot.At(testStart), Size: 1024,
		Path: testPath, WebVersion: "2.3000.1031080782", ChangedAt: bot.At(testStart), Revision: 7, Instance: "pod-1",
	}
}

// unlinkedSnapshot is a session without a linked phone.
func unlinkedSnapshot(state bot.State, reason bot.Reason) bot.Snapshot {
	return bot.Snapshot{
		ClientID: "wa-finance-render", State: state, Reason: reason, QRRequired: true, UserAction: bot.ActionScanQR,
		LastModified: bot.At(testStart), Size: 4096, Path: testPath, WebVersion: "2.3000.1031080782",
		ChangedAt: bot.At(testStart), Revision: 7, Instance: "pod-1",
	}
}

func newFake(snap bot.Snapshot) *fakeSession {
	return &fakeSession{snap: snap, changed: make(chan struct{})}
}

// become publishes a snapshot derived from the last one.
func (f *fakeSession) become(change func(*bot.Snapshot)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.becomeLocked(change)
}

func (f *fakeSession) becomeLocked(change func(*bot.Snapshot)) {
	change(&f.snap)
	f.snap.Revision++
	f.snap.ChangedAt = bot.At(time.Now())
	close(f.changed)
	f.changed = make(chan struct{})
}

// show makes text the current code for that long.
func (f *fakeSession) show(text string, life time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.showLocked(text, life)
}

func (f *fakeSession) showLocked(text string, life time.Duration) {
	f.code = bot.Code{Code: text, ExpiresAt: bot.At(time.Now().Add(life)), PairingCode: f.code.PairingCode}
	f.becomeLocked(func(s *bot.Snapshot) {
		s.State, s.Reason, s.QRRequired, s.QRExpiresAt = bot.StatePairing, bot.ReasonQRAvailable, true, f.code.ExpiresAt
	})
	f.code.Revision = f.snap.Revision
}

// forget makes the session as it was at first: not linked, without a code or a passkey.
func (f *fakeSession) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.code, f.passkey = bot.Code{}, bot.Passkey{}
	f.becomeLocked(func(s *bot.Snapshot) {
		revision := s.Revision
		*s = unlinkedSnapshot(bot.StateConnecting, bot.ReasonNotLinked)
		s.Revision = revision
	})
}

// link makes the session linked and connected.
func (f *fakeSession) link() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.code = bot.Code{}
	f.becomeLocked(func(s *bot.Snapshot) {
		revision := s.Revision
		*s = connectedSnapshot()
		s.Revision, s.ConnectedAt = revision, bot.At(time.Now())
	})
}

func (f *fakeSession) Fresh() *bot.Snapshot {
	snap, _ := f.Watch()
	return snap
}

func (f *fakeSession) Watch() (*bot.Snapshot, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	snap := f.snap
	return &snap, f.changed
}

func (f *fakeSession) Look(context.Context) (bot.Code, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	if f.onLook != nil {
		f.onLook(f)
	}
	switch {
	case f.err != nil:
		return bot.Code{}, f.err
	case f.snap.Exists:
		return bot.Code{}, &session.Refusal{Kind: session.RefusedLinked, Reason: f.snap.Reason, Detail: "The session is linked."}
	case f.code.Code == "":
		return bot.Code{}, &session.Refusal{Kind: session.RefusedNoCode, Reason: f.snap.Reason, Detail: "No code is live."}
	}
	return f.code, nil
}

func (f *fakeSession) Pair(_ context.Context, phone string) (bot.Code, error) {
	if err := f.did("pair"); err != nil {
		return bot.Code{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phone = phone
	f.code.PairingCode, f.code.PairingExpiresAt = "ABCD-EFGH", bot.At(f.code.ExpiresAt.Add(100*time.Second))
	return f.code, nil
}

func (f *fakeSession) Passkey() (bot.Passkey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.passkey.Step == "" {
		return bot.Passkey{}, &session.Refusal{Kind: session.RefusedNoPasskey, Reason: f.snap.Reason, Detail: "WhatsApp does not ask for a passkey now."}
	}
	info := f.passkey
	info.Revision = f.snap.Revision
	return info, nil
}

func (f *fakeSession) SignPasskey(_ context.Context, signature []byte) error {
	f.mu.Lock()
	f.signature = string(signature)
	f.mu.Unlock()
	return f.did("sign")
}

func (f *fakeSession) ConfirmPasskey(context.Context) error { return f.did("confirm") }

// askPasskey makes a linking wait for a step with a passkey.
func (f *fakeSession) askPasskey(info bot.Passkey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.code, f.passkey = bot.Code{}, info
	f.becomeLocked(func(s *bot.Snapshot) {
		s.State, s.Reason, s.QRRequired, s.QRExpiresAt = bot.StatePairing, bot.ReasonPasskeyConfirmation, false, bot.Time{}
		s.UserAction = bot.ActionNone
		if info.Step == bot.PasskeySign {
			s.Reason = bot.ReasonPasskeyRequired
		}
		if info.Step != bot.PasskeyWait {
			s.UserAction = bot.ActionSignPasskey
		}
	})
}

func (f *fakeSession) Restart(context.Context) error { return f.did("restart") }
func (f *fakeSession) Stop(context.Context) error    { return f.did("stop") }
func (f *fakeSession) Resume(context.Context) error  { return f.did("resume") }

func (f *fakeSession) Logout(context.Context) (bool, error) {
	err := f.did("logout")
	return err == nil && !f.untold, err
}

func (f *fakeSession) Clear(_ context.Context, force bool) (bool, error) {
	f.forced = force
	err := f.did("clear")
	return err == nil && !f.untold, err
}

func (f *fakeSession) Backup(ctx context.Context, w io.Writer) error {
	if err := f.did("backup"); err != nil {
		return err
	}
	if f.backup != nil {
		return f.backup(ctx, w)
	}
	_, err := io.WriteString(w, "a copy of the store")
	return err
}

func (f *fakeSession) did(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, what)
	return f.err
}

// done returns the calls to the session, and forgets them.
func (f *fakeSession) done() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

func (f *fakeSession) lookCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.looks
}

const (
	testToken = "t0ken-of-the-bot"
	// patience bounds every wait; none of these tests measures time.
	patience = 2 * time.Minute
)

// testConfig configures an API over a fake session.
func testConfig(f *fakeSession) Config {
	return Config{Session: f, Identity: bot.Identity{ClientID: "wa-finance-render", AuthPath: "./.wwebjs_auth"},
		Token: func() string { return testToken }}
}

// serve runs a server for the length of a test and returns it.
func serve(t testing.TB, api *API, at Addresses) *Server {
	t.Helper()
	s, err := Listen(api, at)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		// Chromium opens connections before it needs them; at shutdown a server gives such a connection 5 s.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

// open serves an API on loopback as in a pod, without a token, and returns its address.
func open(t testing.TB, api *API) string {
	return "http://" + serve(t, api, Addresses{Plain: "127.0.0.1:0", OpenLoopback: true}).PlainAddr().String()
}

// local serves an API on loopback and returns its address ("http://127.0.0.1:1234").
func local(t testing.TB, api *API) string {
	return "http://" + serve(t, api, Addresses{Plain: "127.0.0.1:0"}).PlainAddr().String()
}

// answer is a response that was read completely.
type answer struct {
	*http.Response
	body string
}

// send sends one request on its own connection; headers are name, value, name, value.
func send(t testing.TB, method, url, body string, headers ...string) answer {
	t.Helper()
	return sendOver(t, newConnections(t, true), method, url, body, headers...)
}

// newConnections is a client with connections of its own, each for one request or for many.
func newConnections(t testing.TB, one bool) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: one, TLSClientConfig: testTLS(t)}
	if !one {
		t.Cleanup(transport.CloseIdleConnections)
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}
}

// sendOver is send with the connections of a client.
func sendOver(t testing.TB, client *http.Client, method, url, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(data)}
}

// problem decodes a problem and checks what all problems have in common.
func (a answer) problem(t testing.TB) bot.Problem {
	t.Helper()
	var p bot.Problem
	if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" {
		t.Fatalf("content type %q, body %s; want a problem", kind, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatal(err)
	}
	if p.Status != a.StatusCode || p.Title == "" || p.Detail == "" || !strings.HasPrefix(p.Type, "urn:sesi:problem:") {
		t.Errorf("incomplete problem %s with status %d", a.body, a.StatusCode)
	}
	return p
}

// waitUntil waits until a condition holds.
func waitUntil(t testing.TB, what string, holds func() bool) {
	t.Helper()
	if !poll.Until(holds, patience, nil) {
		t.Fatalf("waited in vain: %s", what)
	}
}

// dial opens a raw connection to a server, and dialTLS one with TLS.
func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func dialTLS(t testing.TB, address string) *tls.Conn {
	t.Helper()
	conn := tls.Client(dial(t, address), testTLS(t))
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn
}

// lockedBuffer is a log that tests can read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
