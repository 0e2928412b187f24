package httpapi

import (
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A stream's connection ends at the first event that its client has no room for: after half an event the next one would
// be read as its rest. The kernel ends it when the client's machine is gone.
func TestAStreamsConnectionNeverWaits(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() // it reads nothing
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := &conn{TCPConn: accepted.(*net.TCPConn), leave: func() {}}
	defer c.Close()
	if err := neverWait(c); err != nil {
		t.Fatal(err)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var silence int
	var failed error
	if err := raw.Control(func(fd uintptr) {
		silence, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	if want := int(streamSilence / time.Millisecond); silence != want {
		t.Errorf("a client that is gone keeps its place for %d ms, want %d", silence, want)
	}
	event := make([]byte, 64<<20)
	if n, err := c.Write(event); n >= len(event) || !errors.Is(err, errSlow) {
		t.Errorf("%d of %d bytes were written, %v; want %v", n, len(event), err, errSlow)
	}
}
