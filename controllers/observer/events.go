package observer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

var errTooLong = errors.New("the bot's event stream holds a line or an event that is too long")

// lineBuffer is the read buffer of an open stream. Longer lines use a pooled buffer.
const lineBuffer = 512

var gathering = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// eventReader reads an event stream line by line. It holds lineBuffer bytes while it waits, and at most twice its limit
// more while an event arrives.
type eventReader struct {
	lines *bufio.Reader
	limit int
	// data is the data of the event that is being read; nil between events.
	data *bytes.Buffer
	// foreign is true while the event that is being read has a name that this operator does not use.
	foreign bool
}

func newEventReader(from io.Reader, limit int) *eventReader {
	return &eventReader{lines: bufio.NewReaderSize(from, lineBuffer), limit: limit}
}

// next reads one line and returns its length in the stream. If the line ends an event, handle gets the event's data.
func (r *eventReader) next(handle func(data []byte) error) (int, error) {
	line, long, err := r.line()
	if long != nil {
		defer gathering.Put(long)
	}
	size := len(line)
	if err != nil {
		return size, err
	}
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 {
		return size, r.dispatch(handle)
	}
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "data":
		return size, r.gather(value)
	case "event":
		r.foreign = string(value) != "snapshot" && string(value) != "message"
	}
	return size, nil
}

// line returns the next line with its line break, and the pooled buffer that holds it if it was long.
func (r *eventReader) line() ([]byte, *bytes.Buffer, error) {
	var long *bytes.Buffer
	for {
		part, err := r.lines.ReadSlice('\n')
		if err == nil && long == nil {
			return part, nil, nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				return nil, long, errors.New("the bot ended its event stream")
			}
			return nil, long, fmt.Errorf("read the bot's event stream: %w", withoutAddresses(err))
		}
		if long == nil {
			long = gathering.Get().(*bytes.Buffer)
			long.Reset()
		}
		long.Write(part)
		if long.Len() > r.limit {
			return nil, long, errTooLong
		}
		if err == nil {
			return long.Bytes(), long, nil
		}
	}
}

func (r *eventReader) gather(value []byte) error {
	if r.data == nil {
		r.data = gathering.Get().(*bytes.Buffer)
		r.data.Reset()
	} else {
		r.data.WriteByte('\n')
	}
	r.data.Write(value)
	if r.data.Len() > r.limit {
		return errTooLong
	}
	return nil
}

func (r *eventReader) dispatch(handle func([]byte) error) error {
	foreign := r.foreign
	r.foreign = false
	if r.data == nil {
		return nil
	}
	defer r.release()
	if foreign {
		return nil
	}
	return handle(r.data.Bytes())
}

// release returns the buffer of an unfinished event to the pool.
func (r *eventReader) release() {
	if r.data != nil {
		gathering.Put(r.data)
		r.data = nil
	}
}
