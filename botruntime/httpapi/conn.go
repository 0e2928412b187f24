package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// conn is a connection of a boundedListener. Its writes can be told never to wait.
type conn struct {
	*net.TCPConn
	prompt atomic.Bool
	known  atomic.Bool // its caller has the token, or needs none
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

// boundedListener has at most so many connections open; further callers wait in the kernel's queue. While they
// do, the oldest connection of a stranger must go: whoever has no token must not hold up those who have it, by
// however slow a request or however long a silence.
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

// dismiss ends the oldest connection of a stranger if it had its time, and returns when to look again.
func (l *boundedListener) dismiss(now time.Time) time.Duration {
	l.mu.Lock()
	var oldest *conn
	for c := range l.open {
		if !c.known.Load() && (oldest == nil || c.since.Before(oldest.since)) {
			oldest = c
		}
	}
	l.mu.Unlock()
	if oldest == nil {
		return l.patience
	}
	if left := l.patience - now.Sub(oldest.since); left > 0 {
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
