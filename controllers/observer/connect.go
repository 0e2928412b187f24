package observer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	eventsPath = bot.PathSessionEvents
	// answerBuffer holds the answer's header and the chunks' sizes while they are parsed. An open stream keeps it, so it
	// is small.
	answerBuffer = 512
	// receiveBuffer bounds what the kernel buffers for one stream. It also bounds how old a report can be when a bot
	// changes faster than the operator reads.
	receiveBuffer = 64 << 10
)

// connection is one opened stream: the socket, for its deadlines, and the body of the answer.
type connection struct {
	*tls.Conn
	meter *meter
	body  io.Reader
}

// Close closes the socket under TLS, so that it never waits for the peer.
func (c *connection) Close() error { return c.NetConn().Close() }

// connect opens the stream on a separate goroutine. A handshake needs twice the stack that reading lines does, and the
// stack of a running goroutine does not shrink while it is in use.
func connect(ctx context.Context, target Target, deadline time.Time, limit int) (*connection, error) {
	type outcome struct {
		conn *connection
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		conn, err := open(ctx, target, deadline, limit)
		done <- outcome{conn, err}
	}()
	got := <-done
	return got.conn, got.err
}

// open dials the bot, checks the pinned key, sends the token and reads the answer's header, all before the deadline.
// net/http's Transport needs two more goroutines and half as much memory again for each stream, and has no read deadline.
func open(ctx context.Context, target Target, deadline time.Time, limit int) (*connection, error) {
	dialer := net.Dialer{Deadline: deadline}
	raw, err := dialer.DialContext(ctx, "tcp", target.Address)
	if err != nil {
		return nil, fmt.Errorf("dial the bot: %w", withoutAddresses(err))
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		if err := tcp.SetReadBuffer(receiveBuffer); err != nil {
			raw.Close()
			return nil, fmt.Errorf("bound the receive buffer: %w", err)
		}
	}
	conn := tls.Client(raw, target.Pins.ClientConfig())
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	opened, err := request(conn, target, deadline, limit)
	if err != nil || !stop() {
		raw.Close()
		if err == nil {
			err = ctx.Err()
		}
		return nil, err
	}
	return opened, nil
}

// request makes the handshake and sends the request over a new connection.
func request(conn *tls.Conn, target Target, deadline time.Time, limit int) (*connection, error) {
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("set the deadline: %w", err)
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS with the bot: %w", withoutAddresses(err))
	}
	get, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+target.Address+eventsPath, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for the events: %w", err)
	}
	get.Header.Set("Authorization", "Bearer "+target.Token)
	get.Header.Set("Accept", "text/event-stream")
	get.Header.Set("User-Agent", "sesi-operator")
	if err := get.Write(conn); err != nil {
		return nil, fmt.Errorf("ask for the events: %w", withoutAddresses(err))
	}
	metered := &meter{from: conn, left: limit}
	read := bufio.NewReaderSize(metered, answerBuffer)
	//nolint:bodyclose // the stream is the body; it ends with the connection
	answer, err := http.ReadResponse(read, get)
	if err != nil {
		return nil, fmt.Errorf("read the bot's answer: %w", withoutAddresses(err))
	}
	if err := classifyAnswer(answer); err != nil {
		return nil, err
	}
	return &connection{Conn: conn, meter: metered, body: bodyOf(answer, read)}, nil
}

// bodyOf reads an answer's body from the connection. The answer's own Body would keep the answer and the request, with all
// their headers, for as long as the stream is open.
func bodyOf(answer *http.Response, from *bufio.Reader) io.Reader {
	if slices.Equal(answer.TransferEncoding, []string{"chunked"}) {
		return httputil.NewChunkedReader(from)
	}
	if answer.ContentLength >= 0 {
		return io.LimitReader(from, answer.ContentLength)
	}
	return from
}

// withoutAddresses removes the addresses from a socket's error. Their ports differ at each try, and an error that is shown
// in a status must not.
func withoutAddresses(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// classifyAnswer returns nil for an event stream, and else an error that says what the answer is.
func classifyAnswer(answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("the bot refuses the token in the session's Secret (%d)", answer.StatusCode)
	default:
		return fmt.Errorf("the bot answers %d to %s", answer.StatusCode, eventsPath)
	}
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || media != "text/event-stream" {
		return fmt.Errorf("the bot answers %s with something other than an event stream", eventsPath)
	}
	return nil
}

// meter fails after a number of bytes, so that neither a header nor a line can be endless.
type meter struct {
	from io.Reader
	left int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errTooLong
	}
	n, err := m.from.Read(p)
	m.left -= n
	return n, err
}
