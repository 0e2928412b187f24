package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	// maxPage bounds the JSON of a page of events or messages.
	maxPage = 64 << 20
	// firstPause and lastPause bound the wait before a stream is opened again.
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

// The cursors that are no number.
const (
	// Oldest is the cursor before everything that the bot keeps, Latest the one behind it.
	Oldest = "oldest"
	Latest = "latest"
)

// EventQuery chooses events. The zero value chooses everything that the bot keeps.
type EventQuery struct {
	// After is Oldest, Latest, or a cursor: the Seq of the last event that the caller has, or the Next of an answer.
	// "" means Oldest.
	After string
	// Types are the types to read; all when empty.
	Types []bot.EventType
	// Chat is a number or an address of WhatsApp; all chats when empty.
	Chat string
	// Limit is the most events of one answer, 1 to 500; 0 means 100.
	Limit int
	// Wait is how long the bot holds the answer back while there is no event: whole seconds, 50 at most.
	Wait time.Duration
}

// Cursor writes the number of an event as a cursor.
func Cursor(seq uint64) string { return strconv.FormatUint(seq, 10) }

func (q EventQuery) path() string {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			v.Set(name, value)
		}
	}
	types := make([]string, len(q.Types))
	for i, kind := range q.Types {
		types[i] = string(kind)
	}
	v.Set("after", q.After)
	if q.After == "" {
		v.Set("after", Oldest)
	}
	set("types", strings.Join(types, ","))
	set("chat", q.Chat)
	set("limit", strconv.Itoa(q.Limit))
	set("wait", strconv.Itoa(int(q.Wait/time.Second)))
	return bot.PathEvents + "?" + v.Encode()
}

// Events returns the next events behind a cursor. An *Error with an OldestCursor says that the cursor is too old.
func (c *Client) Events(ctx context.Context, q EventQuery) (page bot.Events, err error) {
	return page, c.do(ctx, http.MethodGet, q.path(), nil, &page, nil, maxPage)
}

// Follow calls see with every event behind a cursor, in order, and goes on as they come. When the connection ends it
// opens another one behind the last event, after a pause of 10 seconds at most. It returns when ctx ends (nil), when
// see returns an error, or when the bot refuses: a wrong token, or a cursor that is too old (an *Error with an
// OldestCursor).
//
// Events come at least once. A caller that keeps the event's Seq in the same transaction as what it does about the
// event, and begins behind it, handles each one once.
func (c *Client) Follow(ctx context.Context, q EventQuery, see func(bot.Event) error) error {
	q.Wait, q.Limit = 0, 0
	pause := firstPause
	for {
		last, err := c.follow(ctx, q, see)
		if last != "" && last != q.After {
			q.After, pause = last, firstPause
		}
		var failed *Error
		var stop *stopError
		switch {
		case errors.As(err, &stop):
			return stop.error
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end that the caller asked for
		case errors.As(err, &failed) && final(failed.Problem.Status):
			return err
		}
		wait := pause
		if failed != nil {
			wait = max(wait, failed.RetryAfter)
		}
		select {
		case <-time.After(min(wait, lastPause)):
		case <-ctx.Done():
			return nil
		}
		pause = min(2*pause, lastPause)
	}
}

// final reports whether another try would get the same answer. 404 is not final: a proxy in front says it while the
// bot is away.
func final(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

// stopError carries the caller's own error.
type stopError struct{ error }

// follow reads one stream to its end, and returns the cursor to go on from, "" where it got none.
func (c *Client) follow(ctx context.Context, q EventQuery, see func(bot.Event) error) (last string, err error) {
	stream, err := c.Stream(ctx, q.path(), "", 0)
	if err != nil {
		return "", err
	}
	defer stream.Close()
	for {
		frame, err := stream.Next()
		if err != nil {
			return stream.Last(), err
		}
		var event bot.Event
		if err := json.Unmarshal(frame.Data, &event); err != nil {
			return "", &stopError{fmt.Errorf("decode the bot's event %s: %w", frame.ID, err)}
		}
		if err := see(event); err != nil {
			return "", &stopError{err}
		}
	}
}
