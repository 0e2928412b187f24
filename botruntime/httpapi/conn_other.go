//go:build !linux

package httpapi

import (
	"net"
	"time"
)

// writeNow gives the socket a moment, for there is no portable way to ask what it takes at once.
func writeNow(c *net.TCPConn, p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		return 0, err
	}
	return c.Write(p)
}

// endWhenSilent leaves it to TCP itself.
func endWhenSilent(*net.TCPConn, time.Duration) error { return nil }
