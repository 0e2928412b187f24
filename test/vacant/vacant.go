// Package vacant knows addresses of loopback that nobody listens on.
package vacant

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Nobody is an address that refuses connections: no program of today listens on this port (tcpmux, RFC 1078), and none
// that asks for any port gets it.
const Nobody = "127.0.0.1:1"

// A program that asks for any port gets none of these, neither on Linux (net.ipv4.ip_local_port_range) nor on macOS.
const firstPort, endOfPorts = 20_000, 30_000

// Port is a port of 127.0.0.1 for a program that the test starts.
func Port(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := firstPort + rand.IntN(endOfPorts-firstPort)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // something listens on it
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no port of 127.0.0.1 is vacant")
	return 0
}

// Address is 127.0.0.1 with a vacant port.
func Address(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t)))
}
