package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	// deskTime bounds a request of the desk to a bot while a person waits for a page. deskActTime bounds one that
	// changes something, which may take longer.
	deskTime, deskActTime = 2 * time.Second, 45 * time.Second
	// maxBotAnswer bounds a bot's answer.
	maxBotAnswer = 1 << 20
)

// deskAct does what a form asks for.
func (c *call) deskAct(who *caller, page *desk, key sessionKey, what string) error {
	form, err := c.form()
	if err != nil {
		return err
	}
	toBot := func(right action, path string, body []byte, header http.Header) error {
		return c.account(who, right, key, false, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, deskActTime)
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
	back := page.Link(bot.GatewaySession{Namespace: key.namespace, Name: key.name})
	switch what {
	case "restart":
		err = toBot(actControl, bot.PathRestart, nil, nil)
	case "logout":
		err = toBot(actControl, bot.PathLogout, nil, nil)
	case "start", "stop":
		err = c.suspendAs(who, key, what == "stop", func(*v1alpha1.WhatsAppSession) {})
	case "delete":
		if err = c.remove(who, key); err == nil {
			back = "/"
		}
	case "send":
		body, _ := json.Marshal(map[string]string{"to": form.Get("to"), "text": form.Get("text")}) // of strings: it does not fail
		err = toBot(actSend, bot.PathMessages, body, http.Header{"Idempotency-Key": {form.Get("key")}})
	default:
		return problemNotFound.about(problemNotFound.detail)
	}
	if err == nil {
		if back != "/" {
			back += "?done=" + what
		}
		return c.redirect(back)
	}
	session := c.fleet.session(key)
	known, ok := err.(*problem) //nolint:errorlint // problems are returned as they are
	if session == nil || !ok || c.permit(c.r.Context(), who, actSee, key) != nil {
		return err
	}
	c.describeSession(page, session)
	page.Failure = known.detail.in(page.Lang)
	return c.renderSession(c.r.Context(), who, page, session, known.status)
}

// askBot asks a session's bot for the desk.
func (c *call) askBot(ctx context.Context, key sessionKey, method, path, query string, body []byte, header http.Header) (*http.Response, error) {
	ctx = context.WithValue(ctx, routedContext{}, &routed{key: key})
	request, err := http.NewRequestWithContext(ctx, method, "https://bot"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.URL.RawQuery = query
	request.Header = http.Header{"User-Agent": {"sesi-desk"}, "Accept": {"application/json"}, "Content-Type": {"application/json"}, "Accept-Language": {c.deskLanguage()}}
	for name, values := range header {
		request.Header[name] = values
	}
	return c.proxy.Transport.RoundTrip(request)
}
