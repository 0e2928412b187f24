package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"sesi.dev/sesi/botruntime/journal"
)

// post sends one event and reads the answer.
func (w *worker) post(ctx context.Context, e journal.Event) answer {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	body := e.JSON(w.Journal.Session())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.target.URL, bytes.NewReader(body))
	if err != nil {
		return answer{err: errors.New("the address cannot be called")}
	}
	for name, value := range w.target.Headers {
		request.Header.Set(name, value)
	}
	if request.Header.Get("User-Agent") == "" {
		request.Header.Set("User-Agent", w.Agent)
	}
	request.Header.Set("Content-Type", "application/json")
	sign(request.Header, w.target.Secrets, e.ID, rand.Text(), w.Now(), body)
	got, err := w.clients[w.target.Private].Do(request)
	if err != nil {
		return answer{err: withoutAddress(err)}
	}
	// A connection whose answer was not read to its end is closed.
	_, _ = io.CopyN(io.Discard, got.Body, maxAnswer)
	_ = got.Body.Close()
	return answer{status: got.StatusCode, asked: retryAfter(got.Header.Get("Retry-After"), w.Now())}
}

// withoutAddress returns an error without its URL, which may hold a secret.
func withoutAddress(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("no answer within %s", answerTime)
	}
	return err
}

// why explains to a person why an event was not accepted.
func (w *worker) why(a answer) string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case a.status >= 300 && a.status < 400:
		return fmt.Sprintf("the receiver answered %d, and redirects are not followed", a.status)
	}
	return fmt.Sprintf("the receiver answered %d %s", a.status, http.StatusText(a.status))
}
