package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection of a boundedListener. Its writes can be told never to wait.
type conn struct {
	*net.TCPConn
	prompt atomic.Bool
	known  atomic.Bool  // its caller has the token, or needs none
	idle   atomic.Int64 // Unix nanoseconds since which it waits for its next request; 0 while it serves one
	since  time.Time
	once   sync.Once
	leave  func()
}

// errSlow ends a connection whose client does not take what it is sent.
var errSlow = errors.New("the client does not read")

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if !c.prompt.Load() {
		return c.TCPConn.Write(p)
	}
	n, err := writeNow(c.TCPConn, p)
	if err == nil && n < len(p) {
		err = errSlow
	}
	return n, err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.once.Do(c.leave)
	return c.TCPConn.Close()
}

// neverWait makes every later write to a connection of a boundedListener, with TLS or without, take what the
// socket takes at once or fail; and makes the kernel end the connection when its peer is dead. Such a connection
// costs little, and gives its place back.
func neverWait(over net.Conn) error {
	c := connOf(over)
	if c == nil {
		return fmt.Errorf("a %T cannot carry an event stream", over)
	}
	c.prompt.Store(true)
	c.once.Do(c.leave)
	return endWhenSilent(c.TCPConn, streamSilence)
}

// connOf is what is under a connection, nil when it is of no boundedListener.
func connOf(over net.Conn) *conn {
	if secure, ok := over.(*tls.Conn); ok {
		over = secure.NetConn()
	}
	c, _ := over.(*conn)
	return c
}

type connKey struct{}

// withConn lets a request find its connection.
func withConn(ctx context.Context, over net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, connOf(over))
}

// trust marks the connection of a caller who may be here.
func trust(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*conn); ok && c != nil {
		c.known.Store(true)
	}
}

// noteIdle keeps track of connections that wait for their next request.
func noteIdle(over net.Conn, state http.ConnState) {
	c := connOf(over)
	if c == nil {
		return
	}
	if state == http.StateIdle {
		c.idle.Store(time.Now().UnixNano())
		return
	}
	c.idle.Store(0)
}

// boundedListener has at most so many connections open; further callers wait in the kernel's queue. While they
// do, two kinds of connection must go, the oldest first: one whose caller has not shown the token, and one that waits
// between two requests. Otherwise slow strangers, or clients that keep idle connections, would shut the others out.
type boundedListener struct {
	*net.TCPListener
	places   chan struct{}
	patience time.Duration // that a stranger may count on
	stop     chan struct{}
	once     sync.Once

	mu   sync.Mutex
	open map[*conn]struct{} // that hold a place
}

func newBoundedListener(l *net.TCPListener, lim limits) *boundedListener {
	return &boundedListener{TCPListener: l, places: make(chan struct{}, lim.connections), patience: lim.strangerTime,
		stop: make(chan struct{}), open: make(map[*conn]struct{})}
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	accepted, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	if err := l.place(); err != nil {
		return nil, errors.Join(err, accepted.Close())
	}
	c := &conn{TCPConn: accepted, since: time.Now()}
	c.leave = func() { l.left(c) }
	l.mu.Lock()
	l.open[c] = struct{}{}
	l.mu.Unlock()
	return c, nil
}

// place waits for a place.
func (l *boundedListener) place() error {
	for {
		select {
		case l.places <- struct{}{}:
			return nil
		case <-l.stop:
			return net.ErrClosed
		default:
		}
		wait := time.NewTimer(l.dismiss(time.Now()))
		select {
		case l.places <- struct{}{}:
			wait.Stop()
			return nil
		case <-l.stop:
			wait.Stop()
			return net.ErrClosed
		case <-wait.C:
		}
	}
}

// dismiss ends the connection that may go and is the oldest, if it had its time, and returns when to look again.
func (l *boundedListener) dismiss(now time.Time) time.Duration {
	l.mu.Lock()
	var oldest *conn
	var from time.Time
	for c := range l.open {
		since := c.since
		if c.known.Load() {
			idle := c.idle.Load()
			if idle == 0 {
				continue
			}
			since = time.Unix(0, idle)
		}
		if oldest == nil || since.Before(from) {
			oldest, from = c, since
		}
	}
	l.mu.Unlock()
	if oldest == nil {
		return l.patience
	}
	if left := l.patience - now.Sub(from); left > 0 {
		return left
	}
	_ = oldest.Close()
	return 0
}

func (l *boundedListener) left(c *conn) {
	l.mu.Lock()
	delete(l.open, c)
	l.mu.Unlock()
	<-l.places
}

// Close implements net.Listener.
func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.stop) })
	return l.TCPListener.Close()
}
