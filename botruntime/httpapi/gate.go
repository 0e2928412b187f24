package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// door says what a listener requires of its callers.
type door struct {
	// local: callers need no token, so only requests from this machine are answered.
	local bool
	// token: callers need the token.
	token bool
	// secure: the listener speaks TLS.
	secure bool
}

// gate serves the routes of one listener.
type gate struct {
	*API
	door
	mux mux
}

// newGate returns the handler of a listener.
func newGate(a *API, d door, routes mux) *gate { return &gate{API: a, door: d, mux: routes} }

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	watched := &statusWriter{ResponseWriter: w}
	secureHeaders(w.Header())
	r = withoutSlash(r)
	found := g.mux.find(r)
	c := g.call(watched, r, found != nil && found.waha)
	defer func() {
		p := recover()
		if err, ok := p.(error); p != nil && (!ok || !errors.Is(err, http.ErrAbortHandler)) {
			g.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			p = http.ErrAbortHandler
			if watched.status == 0 {
				c.fail(faultInternal)
				p = nil
			}
		}
		g.logRequest(r, watched.status, start)
		if p != nil {
			panic(p)
		}
	}()
	if err := g.admit(c, found); err != nil {
		c.fail(err)
		return
	}
	r.Body = http.MaxBytesReader(watched, r.Body, g.bodyLimit(found.route))
	c.answer(found)
}

// answer serves a call by its route.
func (c *call) answer(e *entry) {
	e.fill(c.r)
	if err := e.do(c); err != nil {
		c.fail(err)
	}
}

// admit decides whether a request may reach its route, nil for none.
func (g *gate) admit(c *call, found *entry) error {
	if g.local {
		if err := c.needsLocal(); err != nil {
			return err
		}
	}
	if fromOtherSite(c.r) && !c.sendsTokenForm() {
		return faultCrossSite
	}
	if found == nil && hasWAHA(c.r) {
		c.waha = true
		if err := c.authorize(withToken); err != nil {
			return err
		}
		return faultUnserved
	}
	needs := withToken // a stranger does not learn which paths there are
	if found != nil {
		needs = found.access
	}
	if err := c.authorize(needs); err != nil {
		return err
	}
	if g.local || g.token && (needs == withToken || needs == withTokenAlways) {
		trust(c.r.Context())
	}
	if found == nil {
		return g.missing(c.r)
	}
	return nil
}

// needsLocal refuses a request that may come from another machine, unless it carries the right token.
func (c *call) needsLocal() error {
	refusal := error(nil)
	switch {
	case forwarded(c.r):
		refusal = faultForwarded
	case !localHost(c.r):
		refusal = faultHost
	}
	if given := presentedToken(c.r); refusal != nil && given != "" && c.Token() != "" {
		return c.checkToken(given, c.Token())
	}
	return refusal
}

// sendsTokenForm reports whether an old browser, or one on a page without TLS, submits the token form. The token in
// the form proves more than the origin, which is unknown behind a proxy that rewrites Host.
func (c *call) sendsTokenForm() bool {
	return c.token && c.r.Method == http.MethodPost && c.r.URL.Path == bot.PathPage && c.r.Header.Get("Sec-Fetch-Site") == ""
}

// missing tells an unknown path from a known path with another method.
func (g *gate) missing(r *http.Request) error {
	allowed := g.mux.methods(r.URL.EscapedPath())
	if len(allowed) == 0 {
		return faultNotFound
	}
	f := faultMethod
	f.header = http.Header{"Allow": {strings.Join(allowed, ", ")}}
	return f
}

func (g *gate) logRequest(r *http.Request, status int, start time.Time) {
	if g.Log.Enabled(context.Background(), slog.LevelDebug) {
		g.Log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", status,
			"took", time.Since(start), "from", r.RemoteAddr)
	}
}

// secureHeaders keep answers out of caches, frames and other sites' pages.
func secureHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// slashKey marks a request whose path ended with a slash.
type slashKey struct{}

// withoutSlash accepts a path that ends with a slash, as many scripts write it.
func withoutSlash(r *http.Request) *http.Request {
	path := r.URL.Path
	if len(path) < 2 || !strings.HasSuffix(path, "/") {
		return r
	}
	out, url := new(http.Request), *r.URL
	*out = *r
	url.Path, url.RawPath = strings.TrimRight(path, "/"), ""
	out.URL = &url
	return out.WithContext(context.WithValue(r.Context(), slashKey{}, true))
}

// statusWriter remembers the status for the log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
