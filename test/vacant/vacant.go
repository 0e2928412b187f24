// Package vacant knows addresses of loopback that nobody listens on.
package vacant

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
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

// given are the ports that this process got. Each is a lock on one byte of a file that all processes share, so that two
// that start their programs at the same time do not find the same port.
var given = struct {
	sync.Mutex
	ports map[int]bool
	file  *os.File
}{ports: map[int]bool{}}

// Find is Port for what is no test.
func Find() (int, error) {
	given.Lock()
	defer given.Unlock()
	if given.file == nil {
		file, err := os.OpenFile(filepath.Join(os.TempDir(), "sesi-ports"), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return 0, fmt.Errorf("keep ports for this process: %w", err)
		}
		given.file = file
	}
	for range 100 {
		port := firstPort + rand.IntN(endOfPorts-firstPort)
		lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: int64(port), Len: 1}
		if given.ports[port] || syscall.FcntlFlock(given.file.Fd(), syscall.F_SETLK, &lock) != nil {
			continue // it is another's
		}
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // something listens on it
		}
		given.ports[port] = true
		return port, listener.Close()
	}
	return 0, errors.New("no port of 127.0.0.1 is vacant")
}

// Address is 127.0.0.1 with a vacant port.
func Address(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t)))
}
