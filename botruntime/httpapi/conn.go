package httpapi

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// conn is a connection of a boundedListener. Its writes can be told never to wait.
type conn struct {
	*net.TCPConn
	prompt atomic.Bool
	once   sync.Once
	gone   func()
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
	c.once.Do(c.gone)
	return c.TCPConn.Close()
}

// neverWait makes every later write to a connection of a boundedListener, with TLS or without, take what the
// socket takes at once or fail; and makes the kernel end the connection when its peer is dead.
func neverWait(over net.Conn) error {
	if secure, ok := over.(*tls.Conn); ok {
		over = secure.NetConn()
	}
	c, ok := over.(*conn)
	if !ok {
		return fmt.Errorf("a %T cannot carry an event stream", over)
	}
	c.prompt.Store(true)
	return endWhenSilent(c.TCPConn, streamSilence)
}

// boundedListener has at most so many connections open; further callers wait in the kernel's queue.
type boundedListener struct {
	*net.TCPListener
	places chan struct{}
	stop   chan struct{}
	once   sync.Once
}

func newBoundedListener(l *net.TCPListener, connections int) *boundedListener {
	return &boundedListener{TCPListener: l, places: make(chan struct{}, connections), stop: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.stop:
		return nil, net.ErrClosed
	}
	accepted, err := l.AcceptTCP()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &conn{TCPConn: accepted, gone: func() { <-l.places }}, nil
}

// Close implements net.Listener.
func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.stop) })
	return l.TCPListener.Close()
}
