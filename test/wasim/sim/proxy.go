package sim

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// proxy answers CONNECT: whatever host is asked for, the simulator is what the client gets. During an outage
// of it, or of a media host, it is 502, as a proxy says that cannot reach a host.
func (s *Server) proxy(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if !s.Listening() || err == nil && s.mediaHostDown(host) {
		http.Error(w, "the host is down", http.StatusBadGateway)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = conn.SetDeadline(time.Now().Add(handshakeWait))
	if _, err = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	go s.serve(unbuffer(conn, buffered.Reader))
}

// unbuffer gives a client that did not wait for the answer to CONNECT back what it has sent already.
func unbuffer(conn net.Conn, in *bufio.Reader) net.Conn {
	early, _ := in.Peek(in.Buffered())
	if len(early) == 0 {
		return conn
	}
	return &earlyConn{Conn: conn, early: append([]byte(nil), early...)}
}

// earlyConn is a connection of which the first bytes were read already.
type earlyConn struct {
	net.Conn
	early []byte
}

func (c *earlyConn) Read(b []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.early)
	c.early = c.early[n:]
	return n, nil
}

// NetConn lets reset find the TCP connection.
func (c *earlyConn) NetConn() net.Conn { return c.Conn }
