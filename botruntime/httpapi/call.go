package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// call is one request and its answer.
type call struct {
	*gate
	w    http.ResponseWriter
	r    *http.Request
	lang lang
	waha bool
	// slash is true if the path was written with a slash at its end.
	slash bool
}

func (g *gate) call(w http.ResponseWriter, r *http.Request, waha bool) *call {
	return &call{gate: g, w: w, r: r, lang: negotiateLanguage(r.Header.Get("Accept-Language"), g.fallback), waha: waha,
		slash: r.Context().Value(slashKey{}) != nil}
}

// json answers with a value.
func (c *call) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.bytes(status, "application/json", append(body, '\n'))
}

// parts is a long array of an answer, between what begins and ends it. more returns its elements part by part, and none at
// the end: only one part is in memory at once.
type parts struct {
	begin, end string
	more       func() ([]any, error)
}

// inParts answers with a long array.
func (c *call) inParts(status int, p parts) error {
	some, err := p.more()
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	before := p.begin
	for len(some) > 0 && err == nil {
		var body []byte
		if body, err = json.Marshal(some); err != nil {
			break
		}
		_, _ = c.w.Write([]byte(before))
		if _, err := c.w.Write(body[1 : len(body)-1]); err != nil { // without the brackets of the part
			return nil //nolint:nilerr // the client is gone
		}
		before = ","
		some, err = p.more()
	}
	if err != nil {
		c.Log.Error("an answer was aborted", "error", err)
		panic(http.ErrAbortHandler) // the status is sent: only a broken connection says that the answer is incomplete
	}
	_, _ = c.w.Write([]byte(strings.TrimPrefix(before, ",") + p.end + "\n"))
	return nil
}

// bytes answers with a finished body. A client that is gone is not a failure of the bot.
func (c *call) bytes(status int, contentType string, body []byte) error {
	h := c.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
	return nil
}

// read decodes the request's JSON body into v.
func (c *call) read(v any) error {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return faultMediaType
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		return bodyFault(err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return faultJSON
	}
	return nil
}

// bodyFault returns the fault for a body that cannot be read.
func bodyFault(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return faultTooLarge
	}
	return faultBody
}

// sessionContext limits the time that the session has for this request.
func (c *call) sessionContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.r.Context(), c.limits.sessionTime)
}
