//go:build !linux

package httpapi

import (
	"net"
	"time"
)

// writeNow waits briefly, because there is no portable way to ask what the socket accepts at once.
func writeNow(c *net.TCPConn, p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return 0, err
	}
	return c.Write(p)
}

// endWhenSilent leaves this to TCP's own timeouts.
func endWhenSilent(*net.TCPConn, time.Duration) error { return nil }
