package gateway

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// call is one request.
type call struct {
	*Gateway
	w     *answer
	r     *http.Request
	began time.Time
	// path is the request's, cleaned.
	path string
}

// serve answers the call, or returns why not.
func (c *call) serve() error {
	path, ok := cleanPath(c.r.URL)
	if !ok {
		return problemBadPath.about(problemBadPath.detail)
	}
	c.path = path
	if upgrade := c.r.Header.Get("Upgrade"); upgrade != "" && (!strings.EqualFold(upgrade, "websocket") || c.r.Method != http.MethodGet) {
		c.r.Header.Del("Upgrade") // no other protocol is supported
	}
	segments := segmentsOf(path)
	switch {
	case len(segments) == 0 || segments[0] == strings.Trim(bot.PathDesk, "/"):
		return c.serveDesk(segments)
	case path == bot.PathWAHAPing:
		writeJSON(c.w, http.StatusOK, "application/json", bot.WAHAPing{Message: "pong"})
		return nil
	case path == bot.PathWAHAHealth:
		return c.serveHealth()
	case path == bot.PathOpenAPI:
		return c.serveOpenAPI()
	case path == pathWAHATools:
		return problemUnserved.about(problemUnserved.detail)
	case segments[0] == "v1":
		return c.serveV1(segments[1:])
	case segments[0] == "api" || path == bot.PathWebSocket:
		return c.serveWAHA(segments)
	}
	return problemNotFound.about(problemNotFound.detail)
}

// serveV1 serves the gateway's own paths.
func (c *call) serveV1(segments []string) error {
	switch {
	case c.path == bot.PathGatewaySessions:
		return c.serveList()
	case c.path == bot.PathGatewayEvents:
		return c.serveEvents()
	case len(segments) < 4 || segments[0] != "namespaces" || segments[2] != "sessions":
		return problemNotFound.about(problemNotFound.detail)
	}
	key := sessionKey{segments[1], segments[3]}
	if !namespacePattern.MatchString(key.namespace) || !namePattern.MatchString(key.name) {
		return problemNoSession.about(problemNoSession.detail)
	}
	who, failure := c.identify(c.r)
	if failure != nil {
		return failure
	}
	if len(segments) == 4 {
		return c.serveOne(who, key)
	}
	rest := strings.TrimPrefix(c.path, "/v1/namespaces/"+key.namespace+"/sessions/"+key.name)
	switch {
	case segments[4] == "api", rest == bot.PathOpenAPI, rest == bot.PathWebSocket, rest == bot.PathPasskeyExtension:
	default:
		rest = "/api" + rest
	}
	return c.pass(who, key, rest, c.r.URL.RawQuery)
}

// pass passes the request on to a session's bot, if the caller has the right.
func (c *call) pass(who *caller, key sessionKey, path, query string) error {
	what, known := classifyBot(c.r.Method, path)
	if !known {
		return problemNotFound.about(problemNotFound.detail)
	}
	return c.passAs(who, what, key, path, query)
}

// passAs passes the request on as an action.
func (c *call) passAs(who *caller, what action, key sessionKey, path, query string) error {
	stream := isStream(c.r, path)
	return c.account(who, what, key, stream, func(ctx context.Context) error {
		if stream {
			var end context.CancelFunc
			ctx, end = context.WithCancel(ctx)
			defer end()
			go c.reviewPassed(ctx, end, what, key)
		}
		ctx = context.WithValue(ctx, routedContext{}, &routed{key: key, path: path, query: withoutKey(query)})
		c.proxy.ServeHTTP(c.w, c.r.WithContext(ctx))
		return nil
	})
}

// reviewPassed ends a bot's stream when its caller's credential or right has ended.
func (c *call) reviewPassed(ctx context.Context, end func(), what action, key sessionKey) {
	again := time.NewTicker(c.reviewEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if who, failure := c.identify(c.r); failure != nil || c.permit(ctx, who, what, key) != nil {
				end()
				return
			}
		}
	}
}

// withoutKey removes an API key from a query: no bot may learn it.
func withoutKey(query string) string {
	values, _ := url.ParseQuery(query) // what cannot be read is no key
	if !values.Has(queryKey) {
		return query
	}
	values.Del(queryKey)
	return values.Encode()
}

// account does something to a session for a caller. It checks their rights and limits, writes the audit log, and counts
// the call.
func (c *call) account(who *caller, what action, key sessionKey, stream bool, do func(context.Context) error) error {
	failure := c.paced(who)
	if failure == nil {
		failure = c.permit(c.r.Context(), who, what, key)
	}
	return c.counted(who, what, key, stream, failure, do)
}

// paced refuses a caller who asks too fast. It comes before the API server is asked what they may do, or what they may not
// would cost it most.
func (c *call) paced(who *caller) *problem { return c.ledger.pace(who.name, c.began) }

// counted is account for rights that were checked before; failure is the result of that check.
func (c *call) counted(who *caller, what action, key sessionKey, stream bool, failure *problem, do func(context.Context) error) (err error) {
	var done func()
	if failure == nil {
		done, failure = c.ledger.admit(who.name, key, stream, c.began)
	}
	defer func() {
		status := c.w.status
		if status == 0 && err == nil {
			status = http.StatusOK // it is answered after this
		}
		if known, ok := err.(*problem); ok && known != nil { //nolint:errorlint // the problem itself is what is answered
			status = known.status
		}
		c.note(who, what, key, stream, status)
	}()
	if failure != nil {
		return failure
	}
	defer done()
	ctx := c.r.Context()
	if stream {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(c.stopping, cancel)()
	}
	return do(ctx)
}

// note writes the call's line in the audit log, and counts it. The path is not in it: a chat's id is a phone number.
func (c *call) note(who *caller, what action, key sessionKey, stream bool, status int) {
	took := c.now().Sub(c.began)
	c.metrics.request(what, status, took, stream)
	if !what.audited() {
		return
	}
	c.log.Info("audit", "who", who.name, "from", c.address(c.r).String(), "action", string(what), "method", c.r.Method,
		"namespace", key.namespace, "session", key.name, "status", status, "milliseconds", took.Milliseconds())
}
