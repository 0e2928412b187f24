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
	r.Body = &guardedBody{ReadCloser: http.MaxBytesReader(w.ResponseWriter, r.Body, limit), control: w.control}
}

type guardedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *guardedBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(readTime))
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		// The server goes on to watch for the client's end, which may take as long as the answer does.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
