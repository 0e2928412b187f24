package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	// DefaultSilence is three heartbeats of a bot: a stream that sends nothing for so long is dead.
	DefaultSilence = 45 * time.Second
)

// ErrSilent ends a stream on which nothing came in time, not even a heartbeat.
var ErrSilent = errors.New("the event stream is silent; the bot or the network is gone")

// Event is one event of a stream.
type Event struct {
	// ID is the position in the stream; give it to Stream to continue after it.
	ID string
	// Name is the event's type, "" for a snapshot.
	Name string
	// Data is the event's JSON.
	Data []byte
}

// Stream is an open event stream. Next must not be called at the same time as itself.
type Stream struct {
	body    io.ReadCloser
	lines   *bufio.Scanner
	cancel  context.CancelCauseFunc
	ctx     context.Context
	silence time.Duration
	last    string
}

// Stream opens an event stream. last is the ID of the last event that the caller has, "" for none. It ends when
// ctx ends, when the caller closes it, or when nothing comes for silence (0 means DefaultSilence).
func (c *Client) Stream(ctx context.Context, path, last string, silence time.Duration) (*Stream, error) {
	if silence <= 0 {
		silence = DefaultSilence
	}
	ctx, cancel := context.WithCancelCause(ctx)
	header := http.Header{"Accept": {"text/event-stream"}}
	if last != "" {
		header.Set("Last-Event-ID", last)
	}
	opening := time.AfterFunc(silence, func() { cancel(ErrSilent) })
	answer, err := c.Request(ctx, http.MethodGet, path, nil, header) //nolint:bodyclose // the stream closes it
	opening.Stop()
	if err != nil {
		err = causeOf(ctx, err)
		cancel(nil)
		return nil, err
	}
	s := &Stream{body: answer.Body, lines: bufio.NewScanner(answer.Body), cancel: cancel, ctx: ctx, silence: silence, last: last}
	s.lines.Buffer(make([]byte, 0, 512), bot.MaxEvent)
	return s, nil
}

// Next returns the next event. io.EOF says that the bot ended the stream: it stops, or this client read too
// slowly. Open another one with Last.
func (s *Stream) Next() (Event, error) {
	var event Event
	id := s.last
	for {
		watchdog := time.AfterFunc(s.silence, func() { s.cancel(ErrSilent) })
		more := s.lines.Scan()
		watchdog.Stop()
		if !more {
			err := s.lines.Err()
			if err == nil {
				err = io.EOF
			}
			return Event{}, causeOf(s.ctx, err)
		}
		line := s.lines.Text()
		if line == "" {
			s.last = id // only now: a frame that is cut off was not read
			if event.Data == nil {
				event = Event{}
				continue
			}
			event.ID = id
			return event, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			id = value
		case "event":
			event.Name = value
		case "data":
			if len(event.Data)+len(value) > bot.MaxEvent {
				return Event{}, fmt.Errorf("an event is longer than %d bytes", bot.MaxEvent)
			}
			if event.Data != nil {
				event.Data = append(event.Data, '\n')
			}
			event.Data = append(event.Data, value...)
		}
	}
}

// Last is the position behind the last event, and behind those that the stream left out since.
func (s *Stream) Last() string { return s.last }

// Close ends the stream.
func (s *Stream) Close() error {
	s.cancel(nil)
	return s.body.Close()
}

// causeOf returns why ctx ended, which says more than the error of the read that it broke off.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// Watch calls see with the current snapshot and with each later one, until see returns false or an error, ctx
// ends, or the stream does. The end of ctx is not an error.
func (c *Client) Watch(ctx context.Context, see func(bot.Snapshot) (more bool, err error)) error {
	stream, err := c.Stream(ctx, bot.PathSessionEvents, "", 0)
	if err != nil {
		return err
	}
	defer stream.Close()
	for {
		event, err := stream.Next()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("the bot ended its event stream; it may be restarting")
		case err != nil:
			return err
		}
		var snap bot.Snapshot
		if err := json.Unmarshal(event.Data, &snap); err != nil {
			return fmt.Errorf("decode the bot's event: %w", err)
		}
		if more, err := see(snap); err != nil || !more {
			return err
		}
	}
}
