package gateway

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"

	"sesi.dev/sesi/api/bot"
)

// passedHeaders are the request headers that a bot gets. All others are dropped: the caller's credential and cookies,
// headers that say where a request came from, and headers that would make a bot treat it as another one.
var passedHeaders = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Encoding", "Content-Language", "Content-Type",
	"Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Last-Event-Id",
	"Prefer", "Range", "Traceparent", "Tracestate", "User-Agent", "X-Request-Id",
}

// socketHeaders are passed with them when a WebSocket is opened.
var socketHeaders = []string{"Connection", "Upgrade", "Sec-Websocket-Extensions", "Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version"}

// answeredHeaders are the headers of a bot's answer that the caller gets. All others are dropped: a browser, or a proxy in
// front, would apply many of them to the gateway's whole address.
var answeredHeaders = []string{
	"Accept-Ranges", "Allow", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range",
	"Content-Type", "Date", "Etag", "Expires", "Last-Modified", "Retry-After", "Vary", bot.HeaderOldestCursor,
}

// openedHeaders are those of the answer that opens a WebSocket.
var openedHeaders = []string{"Connection", "Upgrade", "Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol"}

// keptByCaller lets a browser keep a file, and ask each time whether it is still the same.
const keptByCaller = "private, no-cache"

// newProxy returns what passes requests on to the bots.
func newProxy(trip http.RoundTripper, g *Gateway) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			to := p.In.Context().Value(routedContext{}).(*routed)
			p.Out.URL = &url.URL{Scheme: "https", Host: "bot", Path: to.path, RawQuery: to.query}
			passed := make(http.Header, len(passedHeaders))
			copyHeaders(passed, p.Out.Header, passedHeaders)
			if p.Out.Header.Get("Upgrade") != "" {
				copyHeaders(passed, p.Out.Header, socketHeaders)
			}
			if passed["User-Agent"] == nil {
				passed["User-Agent"] = []string{"sesi-gateway"}
			}
			p.Out.Header, p.Out.Trailer = passed, nil
		},
		Transport:      trip,
		ModifyResponse: cleanAnswer,
		ErrorHandler:   g.failed,
		ErrorLog:       log.New(io.Discard, "", 0), // failed counts and answers them
		BufferPool:     &buffers{},
	}
}

func copyHeaders(to, from http.Header, names []string) {
	for _, name := range names {
		if values, found := from[name]; found {
			to[name] = values
		}
	}
}

// cleanAnswer removes from a bot's answer what only the gateway may set. A bot can be anyone's code, and the desk of
// the people who look after all bots has the same address: a page from a bot must not act as a page of the desk.
func cleanAnswer(answer *http.Response) error {
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		// The bot refuses the token of the session's Secret, which is not the caller's.
		return problemAway.about(text{"Bot belum mengenali token barunya.", "The bot does not accept the token in the session's Secret yet."}).after(5)
	case answer.StatusCode >= 300 && answer.StatusCode < 400 && answer.StatusCode != http.StatusNotModified,
		answer.StatusCode < 200 && answer.StatusCode != http.StatusSwitchingProtocols:
		return problemStrange.about(problemStrange.detail)
	}
	names, h := answeredHeaders, make(http.Header, len(answeredHeaders))
	if answer.StatusCode == http.StatusSwitchingProtocols {
		names = openedHeaders
	}
	copyHeaders(h, answer.Header, names)
	answer.Header, answer.Trailer = h, nil
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	if h.Get("Cache-Control") != keptByCaller {
		h["Cache-Control"] = []string{"no-store"} // in WAHA's form an address is another session for another caller
	}
	h["Content-Security-Policy"] = []string{"default-src 'none'; sandbox; frame-ancestors 'none'"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Cross-Origin-Resource-Policy"] = []string{"same-origin"}
	if strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		h["X-Accel-Buffering"] = []string{"no"} // nginx in front of the gateway would buffer events
	}
	return nil
}

// failed answers a caller whose bot did not.
func (g *Gateway) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && !errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		panic(http.ErrAbortHandler) // the caller has gone
	}
	known := g.classify(err, r.Context().Value(routedContext{}).(*routed).key)
	g.metrics.problem(known.kind)
	known.write(w, g.language(r))
}

// classify says why a bot did not answer.
func (g *Gateway) classify(err error, key sessionKey) *problem {
	var known *problem
	var dial *errDial
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &large):
		return problemTooLarge.about(problemTooLarge.detail)
	case errors.As(err, &dial):
		if session := g.fleet.session(key); session != nil {
			known, _ = classifyAway(session, g.now())
			return known
		}
		return problemAway.after(5)
	case timedOut(err):
		return problemSlow.about(problemSlow.detail)
	}
	return problemBroke.about(problemBroke.detail)
}

// buffers are for copying bodies.
type buffers struct{ pool sync.Pool }

const copyBuffer = 16 << 10

// Get implements httputil.BufferPool.
func (b *buffers) Get() []byte {
	if buffer, ok := b.pool.Get().(*[]byte); ok {
		return *buffer
	}
	return make([]byte, copyBuffer)
}

// Put implements httputil.BufferPool.
func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }

// isStream reports whether an answer is likely to stay open. Such requests are limited apart from the others, because
// each lasts for hours. The answer to a HEAD has no body that could.
func isStream(r *http.Request, path string) bool {
	if r.Method == http.MethodHead {
		return false
	}
	return r.Header.Get("Upgrade") != "" || path == bot.PathSessionEvents ||
		slices.ContainsFunc(r.Header.Values("Accept"), func(accept string) bool { return strings.Contains(accept, "text/event-stream") })
}
