package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// tunnel carries connections to one port of a pod through the API server, as kubectl port-forward does. It opens no port on
// this machine, so other users of the machine cannot connect to it.
type tunnel struct {
	stream httpstream.Connection
	port   string

	mu   sync.Mutex
	next int
}

// openTunnel opens a tunnel to a pod's port; close ends every connection in it.
func openTunnel(config *rest.Config, pod *corev1.Pod, port int32) (*tunnel, error) {
	address, err := url.Parse(config.Host)
	if err != nil {
		return nil, err
	}
	if address.Scheme == "" {
		address = &url.URL{Scheme: "https", Host: config.Host}
	}
	address = address.JoinPath("api", "v1", "namespaces", pod.Namespace, "pods", pod.Name, "portforward")
	dialer, err := newDialer(config, address)
	if err != nil {
		return nil, err
	}
	stream, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, fmt.Errorf("forward to the pod %s: %w", pod.Name, err)
	}
	return &tunnel{stream: stream, port: strconv.Itoa(int(port))}, nil
}

// newDialer prefers websockets, and uses SPDY where a proxy or an old API server does not support them.
func newDialer(config *rest.Config, address *url.URL) (httpstream.Dialer, error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	old := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, address)
	websocket, err := portforward.NewSPDYOverWebsocketDialerForStreaming(address, config)
	if err != nil {
		return nil, err
	}
	return portforward.NewFallbackDialerForStreaming(websocket, old, knowsNoWebsocket), nil
}

// knowsNoWebsocket reports whether the API server, or a proxy before it, refused the websocket.
func knowsNoWebsocket(err error) bool {
	return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
}

func (t *tunnel) close() { _ = t.stream.Close() }

// dial opens one connection. The kubelet reports on a separate stream if it could not connect.
func (t *tunnel) dial(context.Context, string, string) (net.Conn, error) {
	t.mu.Lock()
	t.next++
	id := strconv.Itoa(t.next)
	t.mu.Unlock()
	open := func(kind string) (httpstream.Stream, error) {
		headers := http.Header{}
		headers.Set(corev1.StreamType, kind)
		headers.Set(corev1.PortHeader, t.port)
		headers.Set(corev1.PortForwardRequestIDHeader, id)
		return t.stream.CreateStream(headers)
	}
	failures, err := open(corev1.StreamTypeError)
	if err != nil {
		return nil, err
	}
	if err := failures.Close(); err != nil { // nothing is written to it
		return nil, err
	}
	data, err := open(corev1.StreamTypeData)
	if err != nil {
		return nil, err
	}
	conn := &tunnelConn{Stream: data, release: func() { t.stream.RemoveStreams(failures, data) }}
	go conn.watch(failures)
	return conn, nil
}

// tunnelConn makes a stream a net.Conn. It has no deadlines; requests are bounded by their contexts.
type tunnelConn struct {
	httpstream.Stream
	release func()

	mu     sync.Mutex
	failed error
}

// watch ends the connection when the kubelet reports a failure.
func (c *tunnelConn) watch(failures io.Reader) {
	message, err := io.ReadAll(io.LimitReader(failures, 4096))
	if err != nil || len(message) == 0 {
		return
	}
	c.mu.Lock()
	c.failed = errors.New(printable(strings.TrimSpace(string(message))))
	c.mu.Unlock()
	_ = c.Stream.Reset()
}

// Read implements net.Conn.
func (c *tunnelConn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.failed != nil {
		err = c.failed
	}
	return n, err
}

// Close implements net.Conn.
func (c *tunnelConn) Close() error {
	defer c.release()
	return c.Stream.Reset()
}

type nowhere struct{}

func (nowhere) Network() string { return "tunnel" }
func (nowhere) String() string  { return "the pod" }

func (c *tunnelConn) LocalAddr() net.Addr              { return nowhere{} }
func (c *tunnelConn) RemoteAddr() net.Addr             { return nowhere{} }
func (c *tunnelConn) SetDeadline(time.Time) error      { return nil }
func (c *tunnelConn) SetReadDeadline(time.Time) error  { return nil }
func (c *tunnelConn) SetWriteDeadline(time.Time) error { return nil }
