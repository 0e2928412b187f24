package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/reach"
)

const (
	// fetchTime bounds the fetch of a file from an address, headTime the wait for its answer.
	fetchTime, headTime = 2 * time.Minute, 20 * time.Second
	maxRedirects        = 5
	maxHead             = 64 << 10
)

// FetchError says why a file could not be fetched from an address.
type FetchError struct {
	// Refused is true for an address that the bot may not reach.
	Refused bool
	Reason  string
}

// Error implements error.
func (e *FetchError) Error() string { return e.Reason }

// Fetcher gets files from addresses that somebody else chose.
type Fetcher struct {
	client *http.Client
	agent  string
}

// NewFetcher returns a fetcher that reaches what the guard lets it. Each redirect is dialed by the guard, too.
func NewFetcher(guard *reach.Guard, agent string) *Fetcher {
	return &Fetcher{agent: agent, client: &http.Client{
		// No proxy: the guard checks the address that is dialed, which must be the file's.
		Transport: &http.Transport{
			DialContext: guard.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second,
			ResponseHeaderTimeout: headTime, MaxResponseHeaderBytes: maxHead, DisableCompression: true,
		},
		CheckRedirect: func(next *http.Request, earlier []*http.Request) error {
			if len(earlier) > maxRedirects {
				return errors.New("too many redirects")
			}
			next.Header.Del("Referer") // it names the address before, whose query may be a permission
			return checkAddress(next.URL)
		},
	}}
}

func checkAddress(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("only http and https addresses can be fetched")
	}
	return nil
}

// Fetched is a file from an address.
type Fetched struct {
	*Held
	// Name and Mimetype are what the server or the address says; both may be empty.
	Name, Mimetype string
}

// Fetch gets a file from an address. An error that the caller can mend is a *FetchError or a *TooLargeError.
func (s *Store) Fetch(ctx context.Context, address string) (got Fetched, err error) {
	defer func() {
		size := int64(0)
		if got.Held != nil {
			size = got.Size
		}
		s.count("fetch", err, size)
	}()
	u, err := url.Parse(address)
	if err != nil || len(address) > bot.MaxURL {
		return Fetched{}, &FetchError{Reason: "the address cannot be read"}
	}
	if err := checkAddress(u); err != nil {
		return Fetched{}, &FetchError{Reason: err.Error()}
	}
	done, err := s.move(ctx)
	if err != nil {
		return Fetched{}, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Fetched{}, &FetchError{Reason: "the address cannot be read"}
	}
	request.Header.Set("User-Agent", s.Fetcher.agent)
	answer, err := s.Fetcher.client.Do(request)
	if err != nil {
		return Fetched{}, fetchError(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return Fetched{}, &FetchError{Reason: "the server answered " + answer.Status}
	}
	if most := s.Bounds().File; answer.ContentLength > most {
		return Fetched{}, &TooLargeError{most}
	}
	body := &remembered{Reader: answer.Body}
	held, err := s.Stage(ctx, body)
	if err != nil {
		if body.err != nil {
			err = fetchError(body.err)
		}
		return Fetched{}, err
	}
	return Fetched{held, nameOf(answer), served(answer.Header.Get("Content-Type"))}, nil
}

// remembered tells an error of the reader from one of the disk.
type remembered struct {
	io.Reader
	err error
}

func (r *remembered) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// fetchError hides what an error says of addresses, but for those that the bot refused.
func fetchError(err error) error {
	var refused *reach.RefusedError
	var wrapped *url.Error
	switch {
	case errors.As(err, &refused):
		return &FetchError{Refused: true, Reason: refused.Error()}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &FetchError{Reason: "the server did not send the file in time"}
	case errors.As(err, &wrapped):
		return &FetchError{Reason: wrapped.Err.Error()}
	}
	return &FetchError{Reason: fmt.Sprintf("the server did not send the whole file: %v", err)}
}

// nameOf is the name of a file as its server says it, else as its address ends.
func nameOf(answer *http.Response) string {
	if _, params, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition")); err == nil && params["filename"] != "" {
		return CleanName(params["filename"])
	}
	return CleanName(path.Base(answer.Request.URL.Path))
}

// CleanName is the last part of a file's name, short and without what a screen does not show.
func CleanName(name string) string {
	name = strings.TrimSpace(path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/")))
	if name == "." || name == "/" || name == ".." {
		return ""
	}
	return bot.Printable(name, bot.MaxFilename)
}

// served is the type that a server names, "" when it names none of use.
func served(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil || kind == typeUnknown || !IsType(header) {
		return ""
	}
	return header
}
