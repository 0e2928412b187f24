package sim_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

// web asks the control API; it never waits for an answer that does not come.
var web = &http.Client{Timeout: patience}

// call asks the control API and returns the status and the decoded answer.
func call[Answer any](t testing.TB, s *simtest.Sim, method, path, body string) (int, Answer) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.ControlURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer Answer
	if err = json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, answer
}

// do is a call that must succeed.
func do[Answer any](t testing.TB, s *simtest.Sim, method, path, body string) Answer {
	t.Helper()
	status, raw := call[json.RawMessage](t, s, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, status, raw)
	}
	var answer Answer
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

func quote(text string) string { return fmt.Sprintf("%q", text) }

func TestControlRunsASession(t *testing.T) {
	s := simtest.Start(t, sim.Config{StateFile: t.TempDir() + "/state"})
	b := memoryBot(t, s)
	code := b.code()
	if waiting := do[[]sim.Waiting](t, s, "GET", "/waiting", ""); len(waiting) != 1 {
		t.Errorf("waiting: %+v", waiting)
	}
	linked := do[struct{ JID string }](t, s, "POST", "/scan", `{"qr":`+quote(code)+`,"phone":"+5511911112222"}`)
	wait[*events.Connected](b, 0)
	devices := do[[]sim.DevInfo](t, s, "GET", "/devices", "")
	if len(devices) != 1 || !devices[0].Online || devices[0].JID != linked.JID {
		t.Fatalf("devices: %+v", devices)
	}
	do[struct{ ID string }](t, s, "POST", "/say", `{"jid":`+quote(linked.JID)+`,"from":"4915112345678","text":"hello","name":"Anna"}`)
	b.send(wait[*events.Message](b, 0).Info.Chat, "answer")
	if out := do[[]sim.OutMsg](t, s, "GET", "/outbox?since=0", ""); len(out) == 0 {
		t.Error("the outbox is empty")
	}
	if stats := do[map[string]int64](t, s, "GET", "/stats", ""); stats["pairings"] != 1 || stats["msgIn"] != 1 {
		t.Errorf("stats: %v", stats)
	}
	do[map[string]bool](t, s, "POST", "/save", "")
	mark := b.mark()
	if kicked := do[map[string]int](t, s, "POST", "/kick", `{"all":true,"kind":"drop"}`); kicked["kicked"] != 1 {
		t.Errorf("kicked: %v", kicked)
	}
	wait[*events.Disconnected](b, mark)
	do[map[string]bool](t, s, "POST", "/fault", `{"kind":"failure","code":402,"seconds":60,"count":1,"jid":"5511911112222","attrs":{"code":"101","expire":"60"}}`)
	b.connect()
	if ban := wait[*events.TemporaryBan](b, mark); ban.Expire != time.Minute {
		t.Errorf("ban: %+v", ban)
	}
	do[[]sim.Fault](t, s, "DELETE", "/fault", "")
	eventually(t, "the server closes", func() bool { return !b.client.IsConnected() })
	b.connect()
	wait[*events.Connected](b, mark)
	mark = b.mark()
	do[map[string]bool](t, s, "POST", "/unlink", `{"jid":"5511911112222"}`)
	wait[*events.LoggedOut](b, mark)
	kinds := map[string]bool{}
	for _, event := range do[[]sim.Event](t, s, "GET", "/events?since=0", "") {
		kinds[event.Kind] = true
	}
	for _, kind := range []string{sim.EventWaiting, sim.EventPaired, sim.EventLogin, sim.EventToBot, sim.EventFromBot, sim.EventKicked, sim.EventOffline, sim.EventFault, sim.EventRefused, sim.EventUnlinked} {
		if !kinds[kind] {
			t.Errorf("no %s event", kind)
		}
	}
}

func TestControlPairsByCode(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	b.code()
	code, err := b.client.PairPhone(t.Context(), "5511988887777", true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	if err != nil {
		t.Fatal(err)
	}
	do[map[string]any](t, s, "POST", "/paircode", `{"phone":"+5511988887777","code":`+quote(code)+`}`)
	wait[*events.Connected](b, 0)
}

func TestControlErrors(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"not json":         {"POST", "/scan", "hello", 400, "body"},
		"unknown field":    {"POST", "/scan", `{"qrcode":"x"}`, 400, "qrcode"},
		"too large":        {"POST", "/scan", `{"qr":"` + strings.Repeat("a", 1<<17) + `"}`, 413, "too large"},
		"bad QR":           {"POST", "/scan", `{"qr":"x"}`, 400, "QR text"},
		"no client waits":  {"POST", "/paircode", `{"phone":"5511988887777","code":"ABCD-EFGH"}`, 404, "asked for a code"},
		"no such device":   {"POST", "/unlink", `{"jid":"5511988887777"}`, 404, "5511988887777"},
		"not an address":   {"POST", "/kick", `{"jid":"hello","kind":"drop"}`, 400, "phone number"},
		"unknown kick":     {"POST", "/kick", `{"all":true,"kind":"tickle"}`, 400, "tickle"},
		"unknown fault":    {"POST", "/fault", `{"kind":"earthquake"}`, 400, "earthquake"},
		"bad version":      {"PUT", "/version", `{"min":"new"}`, 400, "three numbers"},
		"no delay":         {"PUT", "/close-delay", `{}`, 400, "ms"},
		"negative delay":   {"PUT", "/close-delay", `{"ms":-1}`, 400, "ms"},
		"bad since":        {"GET", "/events?since=yesterday", "", 400, "since"},
		"bad outbox since": {"GET", "/outbox?since=yesterday", "", 400, "since"},
		"no such bot":      {"POST", "/say", `{"jid":"5511988887777","from":"4915112345678","text":"hi"}`, 404, "5511988887777"},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := call[struct{ Error string }](t, s, c.method, c.path, c.body)
			if status != c.status || !strings.Contains(answer.Error, c.says) {
				t.Errorf("%d %q, want %d with %q", status, answer.Error, c.status, c.says)
			}
		})
	}
}

func TestControlRefusesOtherWebPages(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	request, err := http.NewRequestWithContext(t.Context(), "POST", s.ControlURL+"/kick", strings.NewReader(`{"all":true,"kind":"drop"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://evil.example")
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestControlVersionAndCloseDelay(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	type versions struct{ Min, Served string }
	if got := do[versions](t, s, "PUT", "/version", `{"min":"2.3000.5","served":"2.3000.7"}`); got != (versions{"2.3000.5", "2.3000.7"}) {
		t.Errorf("versions: %+v", got)
	}
	if got := do[versions](t, s, "PUT", "/version", `{"served":"2.3000.9"}`); got != (versions{"2.3000.5", "2.3000.9"}) {
		t.Errorf("versions: %+v", got)
	}
	for _, ms := range []int64{0, 250} {
		do[map[string]int64](t, s, "PUT", "/close-delay", fmt.Sprintf(`{"ms":%d}`, ms))
		if got := do[map[string]int64](t, s, "GET", "/close-delay", ""); got["ms"] != ms {
			t.Errorf("close delay: %v", got)
		}
	}
}

func TestHealthFollowsTheListener(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	if status, _ := call[map[string]string](t, s, "GET", "/healthz", ""); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	fault(t, s, sim.Fault{Kind: sim.FaultDown, Seconds: 60})
	if status, _ := call[map[string]string](t, s, "GET", "/healthz", ""); status != http.StatusServiceUnavailable {
		t.Errorf("status %d during an outage", status)
	}
}

func TestEventStream(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	fault(t, s, sim.Fault{Kind: sim.FaultPage, Code: 503})
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.ControlURL+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	response, err := web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	next := func(prefix string) string {
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				return rest
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	next(": alive")
	for i, minimum := range []string{"2.3000.1", "2.3000.2"} {
		do[map[string]string](t, s, "PUT", "/version", `{"min":"`+minimum+`"}`)
		if id := next("id: "); id != fmt.Sprint(i+1) {
			t.Errorf("id %s", id)
		}
		var event sim.Event
		if err = json.Unmarshal([]byte(next("data: ")), &event); err != nil || event.Kind != sim.EventVersion || !strings.Contains(event.What, minimum) {
			t.Errorf("event %+v: %v", event, err)
		}
	}
	s.Close()
	if _, err = io.Copy(io.Discard, response.Body); err != nil {
		t.Errorf("the stream did not end well with the simulator: %v", err)
	}
}

// A bot process is given no more than Env says; the same here, with whatever host it asks for.
func TestProxyLeadsEveryHostToTheSimulator(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	b := memoryBot(t, s)
	env := map[string]string{}
	for _, entry := range s.Env() {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	if root := s.NoiseRootPub(); env["WHATSAPP_NOISE_ROOT"] != hex.EncodeToString(root[:]) {
		t.Errorf("noise root %s", env["WHATSAPP_NOISE_ROOT"])
	}
	proxy, err := url.Parse(env["HTTPS_PROXY"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(t, env["SSL_CERT_FILE"]))
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}}
	b.client.SetPreLoginHTTPClient(client)
	b.client.SetWebsocketHTTPClient(client)
	if version, err := whatsmeow.GetLatestVersion(t.Context(), client); err != nil || version.IsZero() {
		t.Errorf("latest version %v: %v", version, err)
	}
	if response, err := client.Get("https://media.whatsapp.net:8443/nothing"); err != nil {
		t.Errorf("another host: %v", err)
	} else if _ = response.Body.Close(); response.StatusCode != http.StatusNotFound {
		t.Errorf("another host: status %d", response.StatusCode)
	}
	b.pair("5511911112222")
	mark := b.mark()
	fault(t, s, sim.Fault{Kind: sim.FaultDown, Seconds: 60})
	wait[*events.Disconnected](b, mark)
	if err = b.client.Connect(); err == nil {
		t.Error("connected during an outage")
	}
}

// A client may send its TLS hello before the proxy answered.
func TestProxyTakesEarlyData(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.ControlURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err = conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	early := &earlyConn{Conn: conn, head: []byte("CONNECT web.whatsapp.com:443 HTTP/1.1\r\nHost: web.whatsapp.com:443\r\n\r\n")}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CAPEM)
	if err = tls.Client(early, &tls.Config{ServerName: "web.whatsapp.com", RootCAs: roots}).Handshake(); err != nil {
		t.Errorf("handshake: %v", err)
	}
}

// earlyConn sends a head in one piece with the first bytes, and cuts the head of the answer off.
type earlyConn struct {
	net.Conn
	head []byte
	in   *bufio.Reader
}

func (c *earlyConn) Write(b []byte) (int, error) {
	if c.head == nil {
		return c.Conn.Write(b)
	}
	head := c.head
	c.head = nil
	if _, err := c.Conn.Write(append(bytes.Clone(head), b...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *earlyConn) Read(b []byte) (int, error) {
	if c.in == nil {
		c.in = bufio.NewReader(c.Conn)
		response, err := http.ReadResponse(c.in, &http.Request{Method: http.MethodConnect})
		if err != nil {
			return 0, err
		}
		if response.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("proxy answered %s", response.Status)
		}
	}
	return c.in.Read(b)
}

func TestWhatBotsNeedIsServed(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	root := s.NoiseRootPub()
	for path, want := range map[string]string{"/ca.pem": string(s.CAPEM), "/noise-root": hex.EncodeToString(root[:]) + "\n", "/": "<!doctype html>"} {
		response, err := web.Get(s.ControlURL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), want) {
			t.Errorf("%s: %d %q %v", path, response.StatusCode, body, err)
		}
	}
}
