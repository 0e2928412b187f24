package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// timed is a connection that records the deadlines it is given.
type timed struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (c *timed) SetReadDeadline(at time.Time) error  { c.read = append(c.read, at); return nil }
func (c *timed) SetWriteDeadline(at time.Time) error { c.write = append(c.write, at); return nil }

// Each piece of an answer and of a body has a deadline of its own, so a slow client cannot hold a connection, and a long
// stream is not cut off. A body that has ended has none: the answer may take longer.
func TestEachPieceHasADeadline(t *testing.T) {
	t.Parallel()
	began := time.Now()
	soon := func(at time.Time, within time.Duration) bool {
		return at.After(began) && at.Before(time.Now().Add(within))
	}
	conn := &timed{ResponseRecorder: httptest.NewRecorder()}
	w := newAnswer(conn)
	for range 2 {
		if _, err := io.WriteString(w, "piece"); err != nil {
			t.Fatal(err)
		}
	}
	if len(conn.write) != 2 || !soon(conn.write[0], writeTime) || !conn.write[1].After(conn.write[0]) {
		t.Errorf("two pieces were written with the deadlines %v", conn.write)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a body"))
	guardBody(r, w, 1<<20)
	piece := make([]byte, 3)
	for range 2 {
		if _, err := io.ReadFull(r.Body, piece); err != nil {
			t.Fatal(err)
		}
	}
	if len(conn.read) < 2 || !soon(conn.read[0], readTime) || !conn.read[1].After(conn.read[0]) {
		t.Errorf("two pieces were read with the deadlines %v", conn.read)
	}
	if _, err := r.Body.Read(piece); err != io.EOF {
		t.Fatal(err)
	}
	if last := conn.read[len(conn.read)-1]; !last.IsZero() {
		t.Errorf("after the body the deadline is %v", last)
	}
}
