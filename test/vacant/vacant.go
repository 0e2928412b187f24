// Package vacant knows addresses of loopback that nobody listens on.
package vacant

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Nobody is an address that refuses connections: no program of today listens on this port (tcpmux, RFC 1078), and none
// that asks for any port gets it.
const Nobody = "127.0.0.1:1"

// A program that asks for any port gets none of these, neither on Linux (net.ipv4.ip_local_port_range) nor on macOS.
const firstPort, endOfPorts = 20_000, 30_000

// Port is a port of 127.0.0.1 for a program that the test starts. No other test gets it while this process runs.
func Port(t testing.TB) int {
	t.Helper()
	port, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// given are what reserves the ports that this process got: the UDP ports of the same numbers, which nobody uses otherwise.
// Two processes that start their programs at the same time do not find the same port, and nothing is left behind.
var given struct {
	sync.Mutex
	reserved []net.PacketConn
}

// Find is Port for what is no test.
func Find() (int, error) {
	for range 100 {
		port := firstPort + rand.IntN(endOfPorts-firstPort)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		reserved, err := net.ListenPacket("udp4", address)
		if err != nil {
			continue // it is another's
		}
		listener, err := net.Listen("tcp4", address)
		if err != nil {
			_ = reserved.Close()
			continue // something listens on it
		}
		given.Lock()
		given.reserved = append(given.reserved, reserved)
		given.Unlock()
		return port, listener.Close()
	}
	return 0, errors.New("no port of 127.0.0.1 is vacant")
}

// Address is 127.0.0.1 with a vacant port.
func Address(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t)))
}
