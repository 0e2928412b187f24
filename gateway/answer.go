package gateway

import (
	"io"
	"net/http"
	"time"
)

const (
	// writeTime is how long a client may take for one piece of an answer, readTime for one piece of a body. A slower
	// client loses its connection, and delays nobody else.
	writeTime = 30 * time.Second
	readTime  = 20 * time.Second
	// A client may be slow for bodyTime in all, and gets it back by what it sends: a body that comes more slowly than slowest
	// ends. Otherwise a few bytes a minute would hold a place for days.
	bodyTime = time.Minute
	slowest  = 4 << 10 // bytes a second
)

// answer is a response that remembers its status, and that a slow client cannot hold open.
type answer struct {
	http.ResponseWriter
	control *http.ResponseController
	status  int
}

func newAnswer(w http.ResponseWriter) *answer {
	return &answer{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter. It passes no informational answer on: a bot's 103 could bring headers
// that were not checked.
func (a *answer) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	_ = a.control.SetWriteDeadline(time.Now().Add(writeTime))
	return a.ResponseWriter.Write(p)
}

// guardBody bounds a request's body in size and in time.
func guardBody(r *http.Request, w *answer, limit int64) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	r.Body = &guardedBody{ReadCloser: http.MaxBytesReader(w.ResponseWriter, r.Body, limit), control: w.control, left: bodyTime}
}

type guardedBody struct {
	io.ReadCloser
	control *http.ResponseController
	// left is how long the gateway still waits for the client. What the gateway or a bot takes does not count.
	left time.Duration
}

func (b *guardedBody) Read(p []byte) (int, error) {
	began := time.Now()
	_ = b.control.SetReadDeadline(began.Add(min(readTime, b.left)))
	n, err := b.ReadCloser.Read(p)
	b.left = min(bodyTime, b.left-time.Since(began)+time.Duration(n)*time.Second/slowest)
	switch {
	case timedOut(err):
		return n, problemSlowBody.about(problemSlowBody.detail)
	case err != nil:
		// The server goes on to watch for the client's end, which may take as long as the answer does.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
