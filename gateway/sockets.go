package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// allSessions asks WAHA's WebSocket for every session.
	allSessions = "*"
	// socketPing is how often WAHA pings its clients.
	socketPing = 10 * time.Second
	// socketRefused is the code with which WAHA closes a WebSocket whose parameters are wrong.
	socketRefused websocket.StatusCode = 4001
	// maxFrame bounds one event of a bot; maxReason is how long the reason of a close may be.
	maxFrame, maxReason = 1 << 20, 123
)

// socket is WAHA's WebSocket: the events of one session or of all that the caller may read, as each bot's own WebSocket
// sends them. It has no cursor, as WAHA's has none.
type socket struct {
	*call
	who   *caller
	asked *asked
	query url.Values
	conn  *websocket.Conn
}

// serveSocket serves WAHA's WebSocket.
func (c *call) serveSocket(who *caller) error {
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil || len(query[fieldSession]) > 1 {
		return badParameter(fieldSession, "shop")
	}
	if c.r.Header.Get("Upgrade") == "" {
		return problemBadRequest.about(text{"Alamat ini adalah WebSocket.", "This path is a WebSocket."})
	}
	s := &socket{call: c, who: who, asked: &asked{}, query: query}
	counted := sessionKey{}
	if name := query.Get(fieldSession); name != allSessions {
		key, failure := c.named(who, name)
		if failure != nil {
			return failure
		}
		s.asked.names, counted = []sessionKey{key}, key
	}
	query.Del(queryKey)
	query.Set(fieldSession, botName)
	failure := c.paced(who)
	if failure == nil {
		failure = s.review(c.r.Context(), who)
	}
	return c.counted(who, actRead, counted, true, failure, func(ctx context.Context) error {
		changed, stop := c.fleet.follow()
		defer stop()
		all := newFollowers(ctx, c, who, s.asked, s.read)
		defer all.end()
		if failure := all.follow(c.fleet.sessions(s.asked.readable)); failure != nil {
			return failure
		}
		// Who may read is decided by the key, and a cookie only counts for the desk's own pages.
		conn, err := websocket.Accept(c.w, c.r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return nil // it has answered
		}
		defer conn.CloseNow()
		s.conn = conn
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		conn.SetReadLimit(maxFrame)
		go func() { // what a client sends means nothing; reading answers its pings and sees its end
			defer cancel()
			for {
				if _, _, err := conn.Read(ctx); err != nil {
					return
				}
			}
		}()
		s.loop(ctx, all, changed)
		return nil
	})
}

// review asks whose messages the caller may read.
func (s *socket) review(ctx context.Context, who *caller) *problem {
	return s.asked.review(ctx, s.call, who, func(*v1alpha1.WhatsAppSession) bool { return true })
}

func (s *socket) loop(ctx context.Context, all *followers, changed *changes) {
	ping, review := time.NewTicker(socketPing), time.NewTicker(s.reviewEvery)
	defer ping.Stop()
	defer review.Stop()
	for open := true; open; {
		select {
		case <-ctx.Done():
			_ = s.conn.Close(websocket.StatusGoingAway, "") // it is over in any case
			return
		case <-ping.C:
			open = s.write(ctx, func(ctx context.Context) error { return s.conn.Ping(ctx) })
		case <-review.C:
			who, failure := s.identify(s.r)
			open = failure == nil && s.review(ctx, who) == nil && all.follow(s.fleet.sessions(s.asked.readable)) == nil
		case <-changed.wake:
			var keys []sessionKey
			for key := range changed.take() {
				keys = append(keys, key)
			}
			open = all.update(keys, s.asked.readable) == nil
		case one := <-all.out:
			switch {
			case !all.take(one):
			case one.refusal != "":
				_ = s.conn.Close(socketRefused, one.refusal)
				return
			default:
				open = s.write(ctx, func(ctx context.Context) error { return s.conn.Write(ctx, websocket.MessageText, one.event) })
			}
		}
	}
	_ = s.conn.Close(websocket.StatusPolicyViolation, "") // a client that does not read, or may not any more
}

// write does something that a client must take in time.
func (s *socket) write(ctx context.Context, do func(context.Context) error) bool {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	return do(ctx) == nil
}

// read reads one bot's WebSocket until it ends.
func (s *socket) read(ctx context.Context, one *follower) time.Duration {
	ctx = context.WithValue(ctx, routedContext{}, &routed{key: one.key})
	dialing, cancel := context.WithTimeout(ctx, patience+dialTime)
	conn, answer, err := websocket.Dial(dialing, "https://bot"+bot.PathWebSocket+"?"+s.query.Encode(), &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient: &http.Client{Transport: s.proxy.Transport}, HTTPHeader: http.Header{"User-Agent": {"sesi-gateway"}}})
	cancel()
	if err != nil {
		if answer != nil && answer.StatusCode >= http.StatusBadRequest && answer.StatusCode < http.StatusInternalServerError && answer.StatusCode != http.StatusTooManyRequests && answer.StatusCode != http.StatusUnauthorized {
			return followLong
		}
		return followPause
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxFrame)
	for {
		kind, data, err := conn.Read(ctx)
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed) && closed.Code == socketRefused:
			one.hand(ctx, &followed{from: one, refusal: bot.Printable(closed.Reason, maxReason)})
			return followLong
		case err != nil:
			return followPause
		case kind != websocket.MessageText:
			continue
		}
		if event, ok := s.rename(one.session, data); ok && !one.hand(ctx, &followed{from: one, event: event}) {
			return followPause
		}
	}
}

// rename puts the session's name at the gateway into an event, where the bot says its own. It is false for what is no
// event.
func (s *socket) rename(session *v1alpha1.WhatsAppSession, event []byte) (json.RawMessage, bool) {
	var scan nameScan
	if !json.Valid(event) || scan.feed(event) != nil || scan.finish() != nil {
		return nil, false
	}
	if !scan.found {
		return event, true
	}
	name, err := json.Marshal(wahaName(s.who, session))
	if err != nil {
		return nil, false
	}
	return bytes.Join([][]byte{event[:scan.begin], name, event[scan.end:]}, nil), true
}
