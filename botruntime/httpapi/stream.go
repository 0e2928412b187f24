package httpapi

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	// streamLimit bounds the open event streams of all listeners. streamLimitPerDoor bounds those of one listener, so
	// that local programs cannot use up the operator's places.
	streamLimit        = 2500
	streamLimitPerDoor = 2400
	// streamHeartbeat is how often a quiet stream gets a comment, which tells a client that the bot is alive.
	streamHeartbeat = 15 * time.Second
	// streamSilence is how long a client's machine may leave bytes unacknowledged before it counts as dead.
	streamSilence = 40 * time.Second
)

// streamHead starts a stream. The stream ends with the connection, so it needs no length and no chunks.
const streamHead = "HTTP/1.1 200 OK\r\n" +
	"Content-Type: text/event-stream\r\n" +
	"Cache-Control: no-store\r\n" +
	"Cross-Origin-Resource-Policy: same-origin\r\n" +
	"X-Content-Type-Options: nosniff\r\n" +
	"X-Accel-Buffering: no\r\n" +
	"Connection: close\r\n\r\n" +
	"retry: 2000\n\n"

// hub writes snapshots to every event stream. It takes their connections over from net/http, whose buffers and
// goroutines would cost 20 kB for each idle client, and writes to them from one goroutine, which runs only while there
// are streams.
//
// No write waits: if a client's socket does not take everything at once, the stream ends, and the client reconnects
// for a whole snapshot. A stream ends with the token or the cookie that opened it: it gets no snapshot after that, and
// the next heartbeat closes its connection.
type hub struct {
	watch     func() (*bot.Snapshot, <-chan struct{})
	token     func() string
	limit     int
	perDoor   int
	heartbeat time.Duration
	stop      chan struct{}

	mu      sync.Mutex
	streams map[*stream]struct{}
	pending int           // admitted, but not yet started
	held    map[*gate]int // places taken at each listener
	running bool
	closed  bool
}

// stream is one client of the hub.
type stream struct {
	conn net.Conn
	door *gate
	pass *pass  // nil if no token is needed
	sent uint64 // the revision it has
}

func newHub(watch func() (*bot.Snapshot, <-chan struct{}), token func() string) *hub {
	return &hub{watch: watch, token: token, limit: streamLimit, perDoor: streamLimitPerDoor, held: make(map[*gate]int), heartbeat: streamHeartbeat,
		stop: make(chan struct{}), streams: make(map[*stream]struct{})}
}

// events answers with the event stream.
func (c *call) events() error {
	if c.r.Method == http.MethodHead {
		return c.bytes(http.StatusOK, "text/event-stream", nil)
	}
	by, err := c.pass()
	if err != nil {
		return err
	}
	if !c.streams.reserve(c.gate) {
		return faultStreams.retryAfter(5)
	}
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		c.streams.release(c.gate)
		return err
	}
	if neverWait(conn) != nil {
		c.streams.release(c.gate)
		_ = conn.Close()
		return nil //nolint:nilerr // the connection is gone, and with it the client that could get an error
	}
	c.streams.start(conn, c.gate, by)
	return nil
}

// reserve takes a place for a stream of a listener; release returns it.
func (h *hub) reserve(door *gate) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.streams)+h.pending >= h.limit || h.held[door] >= h.perDoor {
		return false
	}
	h.pending++
	h.held[door]++
	return true
}

func (h *hub) release(door *gate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending--
	h.held[door]--
}

// drop ends a stream and releases its place.
func (h *hub) drop(s *stream) {
	delete(h.streams, s)
	h.held[s.door]--
	_ = s.conn.Close()
}

// start turns a connection into a stream: it sends the whole snapshot at once, then each change.
func (h *hub) start(conn net.Conn, door *gate, by *pass) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending--
	if h.closed {
		h.held[door]--
		_ = conn.Close()
		return
	}
	snap, _ := h.watch()
	s := &stream{conn: conn, door: door, pass: by, sent: snap.Revision}
	h.streams[s] = struct{}{}
	h.write(s, append([]byte(streamHead), event(snap)...))
	if !h.running && len(h.streams) > 0 {
		h.running = true
		go h.run()
	}
}

// run publishes until the last stream has ended or the hub is closed.
func (h *hub) run() {
	beat := time.NewTicker(h.heartbeat)
	defer beat.Stop()
	for {
		snap, changed := h.watch()
		h.expel(sumOf(h.token()), time.Now())
		if !h.publish(snap) {
			return
		}
		select {
		case <-changed:
		case <-beat.C:
			h.beat()
		case <-h.stop:
			return
		}
	}
}

// expel ends every stream whose client would not be let in again.
func (h *hub) expel(token tokenSum, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		if s.pass != nil && !s.pass.holds(token, now) {
			h.drop(s)
		}
	}
}

// publish sends snap to every stream that does not have it. It returns false if no stream is left.
func (h *hub) publish(snap *bot.Snapshot) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	var frame []byte
	for s := range h.streams {
		if s.sent >= snap.Revision {
			continue
		}
		if frame == nil {
			frame = event(snap)
		}
		s.sent = snap.Revision
		h.write(s, frame)
	}
	h.running = len(h.streams) > 0
	return h.running
}

// beat sends a comment to every stream. This also detects clients that are gone.
func (h *hub) beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.streams {
		h.write(s, []byte(":\n\n"))
	}
}

// write ends a stream that does not take all of p at once.
func (h *hub) write(s *stream, p []byte) {
	if _, err := s.conn.Write(p); err != nil {
		h.drop(s)
	}
}

// close ends every stream and prevents new ones.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	close(h.stop)
	for s := range h.streams {
		h.drop(s)
	}
}

func (h *hub) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// event formats a snapshot as a server-sent event.
func event(snap *bot.Snapshot) []byte {
	data, err := json.Marshal(snap)
	if err != nil {
		return nil // a Snapshot can always be marshalled
	}
	out := make([]byte, 0, len(data)+48)
	out = append(out, "id: "...)
	out = strconv.AppendUint(out, snap.Revision, 10)
	out = append(out, "\ndata: "...)
	out = append(out, data...)
	return append(out, "\n\n"...)
}
