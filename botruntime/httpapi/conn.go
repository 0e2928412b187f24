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

// conn is a connection of a boundedListener. neverWait makes its writes fail instead of waiting.
type conn struct {
	*net.TCPConn
	prompt atomic.Bool
	known  atomic.Bool  // its caller has the token, or needs none
	idle   atomic.Int64 // Unix nanoseconds since when it waits for its next request; 0 while it serves one
	since  time.Time
	once   sync.Once
	leave  func()
}

// errSlow ends a connection whose client does not read fast enough.
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

// neverWait makes every later write to a connection of a boundedListener, with or without TLS, either take what the
// socket accepts at once or fail. It also makes the kernel close the connection when the peer is dead. Without both,
// one dead client would hold memory and a place.
func neverWait(over net.Conn) error {
	c := connOf(over)
	if c == nil {
		return fmt.Errorf("a %T cannot carry an event stream", over)
	}
	c.prompt.Store(true)
	c.once.Do(c.leave)
	return endWhenSilent(c.TCPConn, streamSilence)
}

// connOf returns the conn under a connection, or nil if it does not come from a boundedListener.
func connOf(over net.Conn) *conn {
	if secure, ok := over.(*tls.Conn); ok {
		over = secure.NetConn()
	}
	c, _ := over.(*conn)
	return c
}

type connKey struct{}

// withConn stores the connection in the context of its requests.
func withConn(ctx context.Context, over net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, connOf(over))
}

// trust marks the connection of an authorized caller.
func trust(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*conn); ok && c != nil {
		c.known.Store(true)
	}
}

// noteIdle records when a connection starts to wait for its next request.
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

// boundedListener limits the number of open connections; further callers wait in the kernel's queue. While they wait,
// it closes the oldest connection of two kinds: one whose caller has not shown the token, and one that is idle between
// two requests. Otherwise slow strangers or idle keep-alive clients could lock everyone else out.
type boundedListener struct {
	*net.TCPListener
	places   chan struct{}
	patience time.Duration // time that a stranger is guaranteed
	stop     chan struct{}
	once     sync.Once

	mu   sync.Mutex
	open map[*conn]struct{} // connections that hold a place
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

// place waits until there is room for one more connection.
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

// dismiss closes the oldest connection that may be closed, if its time is over, and returns when to check again.
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
