package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	// deskTime bounds a request to a bot while a person waits for a page. orderTime bounds one that changes something,
	// which may take longer.
	deskTime, orderTime = 2 * time.Second, 45 * time.Second
	// maxBotAnswer bounds a bot's answer.
	maxBotAnswer = 1 << 20
)

// order is a POST that the gateway sends to a bot for a caller.
type order struct {
	right       action
	path, query string
	body        []byte
	header      http.Header
	// into gets the answer; nil where only the success matters.
	into any
}

// order sends it, if the caller has the right, and returns what the bot refuses.
func (c *call) order(who *caller, key sessionKey, o order) error {
	return c.account(who, o.right, key, false, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, orderTime)
		defer cancel()
		answer, err := c.askBot(ctx, key, http.MethodPost, o.path, o.query, o.body, o.header)
		if err != nil {
			return c.classify(err, key)
		}
		defer answer.Body.Close()
		said := json.NewDecoder(io.LimitReader(answer.Body, maxBotAnswer))
		if answer.StatusCode >= 300 {
			var refused bot.Problem
			_ = said.Decode(&refused) // without a text, the status says it
			return &problem{status: http.StatusConflict, kind: refused.Kind(), title: text{refused.Title, refused.Title}, detail: text{refused.Detail, refused.Detail}}
		}
		if o.into != nil && said.Decode(o.into) != nil {
			return problemStrange.about(problemStrange.detail)
		}
		return nil
	})
}

// askBot asks a session's bot for the gateway itself.
func (c *call) askBot(ctx context.Context, key sessionKey, method, path, query string, body []byte, header http.Header) (*http.Response, error) {
	ctx = context.WithValue(ctx, routedContext{}, &routed{key: key})
	request, err := http.NewRequestWithContext(ctx, method, "https://bot"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.URL.RawQuery = query
	request.Header = http.Header{"User-Agent": {"sesi-gateway"}, "Accept": {"application/json"}, "Content-Type": {"application/json"}, "Accept-Language": {c.deskLanguage()}}
	for name, values := range header {
		request.Header[name] = values
	}
	return c.proxy.Transport.RoundTrip(request)
}
