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

// order sends a POST to a session's bot, if the caller has the right, and returns what the bot refuses.
func (c *call) order(who *caller, right action, key sessionKey, path string, body []byte, header http.Header) error {
	return c.account(who, right, key, false, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, orderTime)
		defer cancel()
		answer, err := c.askBot(ctx, key, http.MethodPost, path, "", body, header)
		if err != nil {
			return c.classify(err, key)
		}
		defer answer.Body.Close()
		if answer.StatusCode >= 300 {
			var refused bot.Problem
			_ = json.NewDecoder(io.LimitReader(answer.Body, maxBotAnswer)).Decode(&refused) // without a text, the status says it
			return &problem{status: http.StatusConflict, kind: refused.Kind(), title: text{refused.Title, refused.Title}, detail: text{refused.Detail, refused.Detail}}
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
