package httpapi

import (
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// writeNow writes what the socket accepts at once.
func writeNow(c *net.TCPConn, p []byte) (n int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		n, failed = syscall.Write(int(fd), p)
		for failed == syscall.EINTR {
			n, failed = syscall.Write(int(fd), p)
		}
		return true
	})
	switch n = max(n, 0); {
	case err != nil:
		return n, err
	case errors.Is(failed, syscall.EAGAIN):
		return n, errSlow
	}
	return n, failed
}

// endWhenSilent makes the kernel close the connection when sent bytes stay unacknowledged for that long. Otherwise a
// client that vanished keeps its place for about 15 minutes.
func endWhenSilent(c *net.TCPConn, silence time.Duration) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence/time.Millisecond))
	})
	return errors.Join(err, failed)
}
