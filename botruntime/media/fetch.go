package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
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
	guard  atomic.Pointer[reach.Guard]
}

// NewFetcher returns a fetcher that reaches what the guard lets it. Each redirect is dialed by the guard, too.
func NewFetcher(guard *reach.Guard, agent string) *Fetcher {
	f := &Fetcher{agent: agent}
	f.SetGuard(guard)
	f.client = &http.Client{
		// No proxy: the guard checks the address that is dialed, which must be the file's.
		Transport: &http.Transport{
			DialContext: f.dial, DisableKeepAlives: true, TLSHandshakeTimeout: 10 * time.Second,
			ResponseHeaderTimeout: headTime, MaxResponseHeaderBytes: maxHead, DisableCompression: true,
		},
		CheckRedirect: func(next *http.Request, earlier []*http.Request) error {
			if len(earlier) > maxRedirects {
				return errors.New("too many redirects")
			}
			next.Header.Del("Referer") // it names the address before, whose query may be a permission
			return checkAddress(next.URL)
		},
	}
	return f
}

// SetGuard changes what may be reached, from the next connection on.
func (f *Fetcher) SetGuard(guard *reach.Guard) { f.guard.Store(guard) }

func (f *Fetcher) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return f.guard.Load().DialContext(ctx, network, address)
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

// Fetch gets a file from an address and keeps it. An error that the caller can resolve is a *FetchError or a *TooLargeError.
func (s *Store) Fetch(ctx context.Context, address string) (got Fetched, err error) {
	err = s.fetch(ctx, address, s.Bounds().File, func(ctx context.Context, answer *http.Response) (int64, error) {
		body := &remembered{Reader: answer.Body}
		held, err := s.Stage(ctx, body)
		if err != nil {
			if body.err != nil {
				err = fetchError(body.err)
			}
			return 0, err
		}
		got = Fetched{held, nameOf(answer), served(answer.Header.Get("Content-Type"))}
		return held.Size, nil
	})
	return got, err
}

// FetchSmall gets a file of at most most bytes from an address, and keeps nothing. Its errors are those of Fetch.
func (s *Store) FetchSmall(ctx context.Context, address string, most int64) (content []byte, err error) {
	err = s.fetch(ctx, address, most, func(_ context.Context, answer *http.Response) (int64, error) {
		content, err = io.ReadAll(io.LimitReader(answer.Body, most+1))
		if err != nil {
			return 0, fetchError(err)
		}
		if int64(len(content)) > most {
			return 0, &TooLargeError{most}
		}
		return int64(len(content)), nil
	})
	return content, err
}

// fetch asks an address for a file of at most most bytes, and has its answer read.
func (s *Store) fetch(ctx context.Context, address string, most int64, read func(context.Context, *http.Response) (int64, error)) (err error) {
	size := int64(0)
	defer func() { s.count("fetch", err, size) }()
	u, err := url.Parse(address)
	if err != nil || len(address) > bot.MaxURL {
		return &FetchError{Reason: "the address cannot be read"}
	}
	if err := checkAddress(u); err != nil {
		return &FetchError{Reason: err.Error()}
	}
	done, err := s.move(ctx)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return &FetchError{Reason: "the address cannot be read"}
	}
	request.Header.Set("User-Agent", s.Fetcher.agent)
	answer, err := s.Fetcher.client.Do(request)
	if err != nil {
		return fetchError(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return &FetchError{Reason: "the server answered " + answer.Status}
	}
	if answer.ContentLength > most {
		return &TooLargeError{most}
	}
	size, err = read(ctx, answer)
	return err
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
	case errors.Is(err, context.Canceled): // nobody waits for it
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
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
