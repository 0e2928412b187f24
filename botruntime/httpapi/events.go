package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
)

// noAddress is the zero address.
var noAddress = types.EmptyJID

const (
	// maxWait bounds a long poll, in seconds; the listener aborts an answer after a minute.
	maxWait = 50
	// readerLimit bounds the event streams and long polls that wait at the same time.
	readerLimit = 64
	// readerSilence is how long a stream's client may take to read one batch of events.
	readerSilence = 30 * time.Second
)

// faultGone means that events after the cursor were deleted.
func faultGone(oldest uint64) fault {
	from := strconv.FormatUint(oldest, 10)
	f := fault{status: http.StatusGone, kind: "cursor-gone",
		title: text{"Event lama sudah dihapus", "Older events were deleted"},
		detail: text{"Lanjutkan dengan after=" + from + "; event sebelum itu sudah dihapus.",
			"Continue with after=" + from + "; the events before it were deleted."}}
	f.header = http.Header{bot.HeaderOldestCursor: {from}}
	return f
}

// eventQuery reads the query that selects events.
func (c *call) eventQuery(book *journal.Journal) (q journal.Query, err error) {
	params := c.r.URL.Query()
	limit, err := c.number("limit", 100, 1, maxPage)
	if err != nil {
		return q, err
	}
	q.Limit = int(limit)
	chat, err := c.chat(params.Get("chat"))
	if err != nil {
		return q, err
	}
	q.Chats = c.formsOf(chat)
	for name := range strings.SplitSeq(params.Get("types"), ",") {
		if name == "" {
			continue
		}
		if !slices.Contains(bot.EventTypes, bot.EventType(name)) {
			return q, badParameter("types", "a list of event types with commas")
		}
		q.Types = append(q.Types, bot.EventType(name))
	}
	floor, last := book.Range()
	after := c.r.Header.Get("Last-Event-ID")
	if after == "" {
		after = params.Get("after")
	}
	switch after {
	case "", "oldest":
		q.After = floor
	case "latest":
		q.After = last
	default:
		if q.After, err = strconv.ParseUint(after, 10, 64); err != nil {
			return q, badParameter("after", "oldest, latest, or the cursor of an event")
		}
		if q.After > last { // the cursor is from a journal that was lost; this one is new
			return q, faultGone(floor)
		}
	}
	return q, nil
}

// journalEvents answers with the events after a cursor: at once, after a wait, or as a stream.
func (c *call) journalEvents() error {
	book, err := c.journal()
	if err != nil {
		return err
	}
	q, err := c.eventQuery(book)
	if err != nil {
		return err
	}
	wait, err := c.number("wait", 0, 0, maxWait)
	if err != nil {
		return err
	}
	streaming := negotiate(c.r.Header.Get("Accept"), "application/json", "text/event-stream") == 1
	if c.r.Method == http.MethodHead { // it has no body to wait for
		if streaming {
			return c.bytes(http.StatusOK, "text/event-stream", nil)
		}
		wait = 0
	}
	if wait > 0 || streaming {
		select {
		case c.readers <- struct{}{}:
			defer func() { <-c.readers }()
		default:
			return faultStreams.retryAfter(5)
		}
	}
	if streaming {
		return c.streamEvents(book, q)
	}
	deadline := time.NewTimer(time.Duration(wait) * time.Second)
	defer deadline.Stop()
	for {
		_, changed := book.Changed()
		found, next, err := c.find(book, q)
		if err != nil {
			return err
		}
		if len(found) > 0 || wait == 0 {
			return c.answerEvents(book, found, next)
		}
		q.After = next
		select {
		case <-changed:
		case <-c.streams.stop:
			return c.answerEvents(book, nil, next)
		case <-c.r.Context().Done():
			return nil
		case <-deadline.C:
			return c.answerEvents(book, nil, next)
		}
	}
}

// find reads events, without those that cannot be read.
func (c *call) find(book *journal.Journal, q journal.Query) ([]journal.Event, uint64, error) {
	for {
		found, next, err := book.Events(c.r.Context(), q)
		var gone *journal.GoneError
		if errors.As(err, &gone) {
			return nil, 0, faultGone(gone.Oldest)
		}
		some := len(found) > 0
		found = slices.DeleteFunc(found, func(e journal.Event) bool { return e.Unreadable })
		if err != nil || !some || len(found) > 0 {
			return found, next, err
		}
		q.After = next
	}
}

func (c *call) answerEvents(book *journal.Journal, found []journal.Event, next uint64) error {
	_, last := book.Range()
	body := []byte(`{"events":[`)
	for i, e := range found {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, e.JSON(book.Session())...)
	}
	body = append(body, `],"next":`...)
	body = strconv.AppendUint(body, next, 10)
	body = append(body, `,"last":`...)
	body = strconv.AppendUint(body, last, 10)
	return c.bytes(http.StatusOK, "application/json", append(body, "}\n"...))
}

// streamEvents writes events as they happen, until the client disconnects, its token expires or the bot stops.
func (c *call) streamEvents(book *journal.Journal, q journal.Query) error {
	by, err := c.pass()
	if err != nil {
		return err
	}
	_, changed := book.Changed() // before it is looked, or what comes between is not told of
	found, next, err := c.find(book, q)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(c.w)
	cursor := q.After
	if len(found) == 0 {
		cursor = next
	}
	frame := appendCursor([]byte("retry: 2000\n"), cursor)
	beat := time.NewTicker(streamHeartbeat)
	defer beat.Stop()
	for {
		for len(found) > 0 {
			for _, e := range found {
				frame = appendFrame(frame, e, book.Session())
			}
			if !c.push(control, frame, by) {
				return nil
			}
			frame, q.After = nil, next
			if found, next, err = c.find(book, q); err != nil {
				return nil // the client reconnects with its last id and gets the answer then
			}
		}
		if frame != nil && !c.push(control, frame, by) {
			return nil
		}
		frame, q.After = nil, next
		select {
		case <-changed:
		case <-beat.C:
			frame = appendCursor([]byte(":\n"), next)
		case <-c.streams.stop:
			return nil
		case <-c.r.Context().Done():
			return nil
		}
		_, changed = book.Changed()
		if found, next, err = c.find(book, q); err != nil {
			return nil // likewise
		}
	}
}

// push writes to a stream within readerSilence and reports whether the client took it. It tells nothing to a client whose
// token or cookie has ended, however much there is to tell.
func (c *call) push(control *http.ResponseController, frame []byte, by *pass) bool {
	if c.ended(by) || control.SetWriteDeadline(time.Now().Add(readerSilence)) != nil {
		return false
	}
	if _, err := c.w.Write(frame); err != nil {
		return false
	}
	return control.Flush() == nil
}

// appendCursor formats a cursor without an event. A client keeps it as the id to resume from, and does not see it. A
// reader of few types would else come back with a cursor that is too old, although it has missed nothing.
func appendCursor(frame []byte, cursor uint64) []byte {
	frame = append(frame, "id: "...)
	return append(strconv.AppendUint(frame, cursor, 10), "\n\n"...)
}

// appendFrame formats an event as a server-sent event. Its id is the cursor to resume from.
func appendFrame(frame []byte, e journal.Event, session string) []byte {
	frame = append(frame, "id: "...)
	frame = strconv.AppendUint(frame, e.Seq, 10)
	frame = append(frame, "\nevent: "...)
	frame = append(frame, e.Type...)
	frame = append(frame, "\ndata: "...)
	frame = append(frame, e.JSON(session)...)
	return append(frame, "\n\n"...)
}
