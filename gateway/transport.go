package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"sesi.dev/sesi/api/naming"
)

const (
	// dialTime bounds a connection and its handshake, answerTime the wait for a bot's answer. A bot waits for WhatsApp
	// up to a minute.
	dialTime   = 5 * time.Second
	answerTime = 75 * time.Second
	// patience is how long a request waits for a bot whose pod is being replaced; retryPause is the pause between two
	// attempts.
	patience   = 10 * time.Second
	retryPause = 200 * time.Millisecond
	// maxRepeated is the largest body that is kept in memory to be sent again.
	maxRepeated = 1 << 20
	// maxBotHeader bounds the header of a bot's answer.
	maxBotHeader = 32 << 10
)

// botAddress is the bot's TLS listener in its pod.
func botAddress(ip string) string { return net.JoinHostPort(ip, strconv.Itoa(int(naming.PortTLS))) }

type targetContext struct{}

// errDial wraps the failure of a connection: nothing was sent.
type errDial struct{ err error }

func (e *errDial) Error() string { return "reach the bot: " + e.err.Error() }
func (e *errDial) Unwrap() error { return e.err }

// newTransport returns the connections to all bots. A connection belongs to one address and one set of pinned keys,
// because the host of its URL is the target's.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: dialTime, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 10 * time.Second, Count: 3}}
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			to, ok := ctx.Value(targetContext{}).(*target)
			if !ok {
				return nil, &errDial{errors.New("no target")}
			}
			ctx, cancel := context.WithTimeout(ctx, dialTime)
			defer cancel()
			raw, err := dialer.DialContext(ctx, "tcp", to.address)
			if err != nil {
				return nil, &errDial{err}
			}
			conn := tls.Client(raw, to.pins.ClientConfig())
			if err := conn.HandshakeContext(ctx); err != nil {
				raw.Close()
				return nil, &errDial{err}
			}
			return conn, nil
		},
		MaxIdleConns: 4096, MaxIdleConnsPerHost: 32, IdleConnTimeout: 60 * time.Second,
		ResponseHeaderTimeout: answerTime, ExpectContinueTimeout: time.Second,
		MaxResponseHeaderBytes: maxBotHeader, DisableCompression: true, WriteBufferSize: 4 << 10, ReadBufferSize: 4 << 10,
	}
}

// routed is what a request that is passed on carries to the connections.
type routed struct {
	key sessionKey
	// path is the bot's.
	path string
	// query is the bot's, "" for none.
	query string
}

type routedContext struct{}

// botTrip sends requests to bots. It tries again while a bot's pod is being replaced. A request that was not sent is
// always tried again, one that was sent only if it may be repeated.
type botTrip struct {
	fleet *fleet
	base  http.RoundTripper
	// patience is the constant of that name, but for tests.
	patience time.Duration
	// retried counts the repeated attempts.
	retried func()
}

// RoundTrip implements http.RoundTripper.
func (b *botTrip) RoundTrip(request *http.Request) (*http.Response, error) {
	to := request.Context().Value(routedContext{}).(*routed)
	repeatable, err := makeRepeatable(request)
	if err != nil {
		return nil, err
	}
	if !repeatable && request.Body != nil {
		request.Body = io.NopCloser(request.Body) // a failed connection closes it, and the server does when the request ends
	}
	waiting, cancel := context.WithTimeout(request.Context(), b.patience)
	defer cancel()
	for first := true; ; first = false {
		at, err := b.await(waiting, to.key)
		if err != nil {
			return nil, err
		}
		if !first {
			b.retried()
		}
		answer, err := b.base.RoundTrip(b.aim(request, at))
		if err == nil {
			untrailed := *answer // the end of the body adds a bot's trailers to the answer, but not to a copy
			return &untrailed, nil
		}
		var dial *errDial
		if unsent := errors.As(err, &dial); waiting.Err() != nil || !unsent && !repeatable {
			return nil, err
		}
		// The watch may soon report the new pod, or the same pod may listen again.
		pause, stop := context.WithTimeout(waiting, retryPause)
		b.fleet.awaitTarget(pause, to.key, at)
		stop()
		if waiting.Err() != nil {
			return nil, err
		}
	}
}

// await returns the session's target, and waits for one where it is expected soon.
func (b *botTrip) await(ctx context.Context, key sessionKey) (*target, error) {
	for {
		if at := b.fleet.target(key); at != nil {
			return at, nil
		}
		session := b.fleet.session(key)
		if session == nil {
			return nil, problemNoSession.about(problemNoSession.detail)
		}
		away, soon := classifyAway(session, time.Now())
		if !soon || ctx.Err() != nil {
			return nil, away
		}
		pause, stop := context.WithTimeout(ctx, time.Second) // the status may say meanwhile that it takes longer
		b.fleet.awaitTarget(pause, key, nil)
		stop()
	}
}

// aim returns the request with the target's address and token.
func (b *botTrip) aim(request *http.Request, at *target) *http.Request {
	aimed := request.WithContext(context.WithValue(request.Context(), targetContext{}, at))
	url := *request.URL
	url.Scheme, url.Host = "https", at.host
	aimed.URL, aimed.Host = &url, at.host
	aimed.Header["Authorization"] = []string{at.authorization}
	if request.GetBody != nil {
		aimed.Body, _ = request.GetBody() // it is in memory: this does not fail
	}
	return aimed
}

// makeRepeatable reports whether a request may be sent again after it was sent, and keeps its body for that.
func makeRepeatable(request *http.Request) (bool, error) {
	read := request.Method == http.MethodGet || request.Method == http.MethodHead
	if !read && request.Header.Get("Idempotency-Key") == "" {
		return false, nil
	}
	if request.Body == nil || request.Body == http.NoBody {
		return true, nil
	}
	if request.ContentLength < 0 || request.ContentLength > maxRepeated {
		return false, nil
	}
	data, err := io.ReadAll(io.LimitReader(request.Body, maxRepeated+1))
	if err != nil {
		return false, fmt.Errorf("read the body: %w", err)
	}
	request.ContentLength = int64(len(data))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
	return true, nil
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
