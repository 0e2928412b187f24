package sim

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"sesi.dev/sesi/test/wasim/mediahost"
)

// Limits of what comes before a websocket.
const (
	handshakeWait = 30 * time.Second
	maxRequest    = 64 << 10
)

// serve handles one TCP connection from its TLS handshake to its end. What a client sends can end its own
// connection only.
func (s *Server) serve(raw net.Conn) {
	if !s.enter(raw) {
		reset(raw)
		return
	}
	defer s.leave(raw)
	defer raw.Close()
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("connection broke the server", "panic", p, "stack", string(debug.Stack()))
			reset(raw)
		}
	}()
	s.Stats.TCP.Add(1)
	if s.hit(FaultRefuse, "") != nil {
		s.Stats.Refused.Add(1)
		reset(raw)
		return
	}
	if f := s.hit(FaultSlow, ""); f != nil && !s.pause(time.Duration(f.MS)*time.Millisecond) {
		return
	}
	if f := s.hit(FaultHangTCP, ""); f != nil {
		hold(raw, f.until)
		return
	}
	secure := tls.Server(raw, s.tls)
	_ = raw.SetDeadline(time.Now().Add(handshakeWait))
	if err := secure.Handshake(); err != nil {
		s.log.Debug("tls handshake", "error", err)
		return
	}
	if host := secure.ConnectionState().ServerName; mediahost.Serves(host) {
		if s.mediaHostDown(host) {
			reset(raw)
			return
		}
		_ = raw.SetDeadline(time.Time{})
		s.media.Serve(secure)
		return
	}
	s.serveRequests(raw, secure)
}

// serveRequests answers HTTP requests until one becomes a websocket.
func (s *Server) serveRequests(raw net.Conn, secure *tls.Conn) {
	defer secure.Close()
	limited := &io.LimitedReader{R: secure}
	in := bufio.NewReaderSize(limited, 1024)
	for {
		limited.N = maxRequest
		_ = raw.SetDeadline(time.Now().Add(handshakeWait))
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if request.URL.Path == "/ws/chat" {
			limited.N = math.MaxInt64
			s.serveWebsocket(raw, secure, in, request)
			return
		}
		if _, err = io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		if !s.servePage(raw, secure, request) || request.Close {
			return
		}
	}
}

func (s *Server) serveWebsocket(raw net.Conn, secure *tls.Conn, in *bufio.Reader, request *http.Request) {
	if f := s.hit(FaultHangHTTP, ""); f != nil {
		hold(raw, f.until)
		return
	}
	if f := s.hit(FaultHTTP, ""); f != nil {
		s.Stats.Refused.Add(1)
		_ = respond(secure, f.Code, "", true)
		return
	}
	c := &conn{server: s, log: s.log}
	ws, err := upgrade(secure, in, request, &c.frozen)
	if err != nil {
		_ = respond(secure, http.StatusBadRequest, err.Error(), true)
		return
	}
	c.ws = ws
	s.Stats.Connects.Add(1)
	s.Stats.Current.Add(1)
	defer s.Stats.Current.Add(-1)
	defer c.cleanup()
	_ = raw.SetDeadline(time.Time{})
	c.serve(raw)
}

// respond writes a whole HTTP response.
func respond(w io.Writer, code int, body string, last bool) error {
	connection := "keep-alive"
	if last {
		connection = "close"
	}
	_, err := fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s",
		code, http.StatusText(code), len(body), connection, body)
	return err
}

// hold keeps a connection open and silent until the time comes or the other side gives up.
func hold(raw net.Conn, until time.Time) {
	_ = raw.SetDeadline(until)
	_, _ = io.Copy(io.Discard, raw)
	reset(raw)
}
