// Command forward carries TCP connections from a loopback address of the host to one inside another network
// namespace; it never listens anywhere else and never looks at what it carries.
//
//	forward LISTEN-ADDRESS NETNS-FILE TARGET-ADDRESS
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("forward: ")
	if len(os.Args) != 4 {
		log.Fatal("usage: forward LISTEN-ADDRESS NETNS-FILE TARGET-ADDRESS")
	}
	listen, netns, target := os.Args[1], os.Args[2], os.Args[3]
	address, err := netip.ParseAddrPort(listen)
	if err != nil || !address.Addr().IsLoopback() {
		log.Fatalf("%s is no loopback address with a port", listen)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		log.Fatal(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go carry(client, netns, target)
	}
}

// carry joins client to target until both directions have ended.
func carry(client net.Conn, netns, target string) {
	defer client.Close()
	server, err := dial(netns, target)
	if err != nil {
		log.Print(err)
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() { oneWay(server, client) })
	both.Go(func() { oneWay(client, server) })
	both.Wait()
}

// oneWay copies until from ends, and then closes to for writing, so that the other side sees the end.
func oneWay(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.(*net.TCPConn).CloseWrite()
}

// dial connects to target from inside the namespace. A socket belongs to the namespace its thread was in when it
// was made; that thread is never unlocked and so ends with its goroutine, or the namespace would leak into others.
func dial(netns, target string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		if err := enter(netns); err != nil {
			done <- result{err: err}
			return
		}
		conn, err := net.DialTimeout("tcp", target, 10*time.Second)
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

func enter(netns string) error {
	file, err := os.Open(netns)
	if err != nil {
		return fmt.Errorf("open network namespace: %w", err)
	}
	defer file.Close()
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", netns, err)
	}
	return nil
}
