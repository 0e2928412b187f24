package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/waha"
)

// post sends one event and reads the answer. In WAHA's format it can be several, and the first that is not taken ends
// it: all of them come again.
func (w *worker) post(ctx context.Context, e journal.Event) (a answer) {
	if e.Unreadable {
		return answer{unreadable: true}
	}
	if w.target.WAHA == nil {
		return w.postBody(ctx, e.ID, e.JSON(w.Journal.Session()))
	}
	told, err := w.told(e)
	if err != nil {
		return answer{unreadable: true}
	}
	if e.Type == bot.EventWebhookTest {
		told = []waha.Told{{ID: e.ID, Body: w.Teller().Envelope(string(e.Type), e.ID, bot.At(e.At), struct{}{})}}
	}
	a = answer{status: http.StatusNoContent}
	for _, one := range told {
		if a = w.postBody(ctx, one.ID, one.Body); classify(a) != taken {
			return a
		}
	}
	return a
}

// told are the events of WAHA's that an event becomes for the target.
func (w *worker) told(e journal.Event) ([]waha.Told, error) {
	if w.Teller == nil {
		return nil, nil
	}
	event := bot.Event{ID: e.ID, Type: e.Type, Timestamp: bot.At(e.At)}
	if err := json.Unmarshal(e.Data, &event.Data); err != nil {
		return nil, err
	}
	return w.Teller().Event(event, w.target.WAHA, func(name string) string { return journal.KeyOf(e.ID, name).ID() }), nil
}

// postBody sends one body.
func (w *worker) postBody(ctx context.Context, id string, body []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
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
	sign(request.Header, w.target.Secrets, id, rand.Text(), w.Now(), body)
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
	case a.unreadable:
		return "the journal cannot read the event"
	case a.err != nil:
		return a.err.Error()
	case a.status >= 300 && a.status < 400:
		return fmt.Sprintf("the receiver answered %d, and redirects are not followed", a.status)
	}
	return fmt.Sprintf("the receiver answered %d %s", a.status, http.StatusText(a.status))
}
