// Package client calls the HTTP API of a bot: it sends requests, decodes problems, reads event streams and pins
// the bot's certificate. It keeps no state between requests and writes no log.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

const (
	// maxAnswer bounds the JSON of an answer that is kept in memory.
	maxAnswer = 1 << 20
	// maxProblem bounds the body of an error.
	maxProblem = 64 << 10
	// maxHeader bounds an answer's header, so that a hostile bot cannot fill its caller's memory.
	maxHeader = 16 << 10
)

// Client calls one bot. Its methods may be called at the same time.
type Client struct {
	// BaseURL is the bot's address, such as http://127.0.0.1:3000; behind a proxy it may end in a path.
	BaseURL string
	// Token is the API token, "" where the bot asks for none.
	Token string
	// Language is the language of messages, such as "en"; "" leaves it to the bot.
	Language string
	// UserAgent names the caller in the bot's log.
	UserAgent string
	// Transport sends the requests. Nil means http.DefaultTransport.
	Transport http.RoundTripper
}

// Transport returns a transport for a bot that proves one of the pinned keys. It uses no proxy, because a bot is
// called inside its cluster, and opens a connection for each request.
func Transport(pins Pins) *http.Transport {
	return &http.Transport{TLSClientConfig: pins.ClientConfig(), DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader}
}

// Error is an answer that is not a success.
type Error struct {
	// Problem is what the bot said. Its Type is empty if the answer was not a problem document, as a proxy's is not.
	Problem bot.Problem
	// RetryAfter is how long the bot asks to wait before the next try; 0 if it does not say.
	RetryAfter time.Duration
	// OldestCursor is the cursor that still works when the one of the request is too old (410).
	OldestCursor uint64
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.Problem.Detail != "":
		return e.Problem.Detail
	case e.Problem.Title != "":
		return e.Problem.Title
	}
	return fmt.Sprintf("the bot answered %d %s", e.Problem.Status, http.StatusText(e.Problem.Status))
}

// IsProblem reports whether err is a bot's problem of that kind.
func IsProblem(err error, kind bot.ProblemKind) bool {
	var failed *Error
	return errors.As(err, &failed) && failed.Problem.Kind() == kind
}

// Request sends a request and returns an answer of success; the caller closes its body. body is sent as JSON, an
// io.Reader as it is, and nil sends none. header may hold more headers, or be nil. Any other answer becomes an *Error.
func (c *Client) Request(ctx context.Context, method, path string, body any, header http.Header) (*http.Response, error) {
	sent, raw := body.(io.Reader)
	if body != nil && !raw {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		sent = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.BaseURL, "/")+path, sent)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	c.setHeaders(request, body != nil, header)
	transport := c.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	// A bot never redirects a call of its API, and a redirect must not carry the token elsewhere.
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("call the bot: %w", err)
	}
	if answer.StatusCode >= 200 && answer.StatusCode < 300 {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, readError(answer)
}

func (c *Client) setHeaders(request *http.Request, hasBody bool, header http.Header) {
	for name, value := range map[string]string{"Accept-Language": c.Language, "User-Agent": c.UserAgent} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if hasBody {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
}

// readError reads the problem of an answer that is not a success.
func readError(answer *http.Response) *Error {
	failed := &Error{}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxProblem))
	if err != nil || json.Unmarshal(data, &failed.Problem) != nil {
		failed.Problem = bot.Problem{}
	}
	failed.Problem.Status = answer.StatusCode
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
		failed.RetryAfter = time.Duration(min(seconds, int(time.Hour/time.Second))) * time.Second
	}
	if oldest, err := strconv.ParseUint(answer.Header.Get(bot.HeaderOldestCursor), 10, 64); err == nil {
		failed.OldestCursor = oldest
	}
	return failed
}

// Do sends a request and decodes the answer's JSON into out; a nil out discards it.
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	return c.do(ctx, method, path, body, out, nil, maxAnswer)
}

// do is Do with more headers, and with a bound of the answer.
func (c *Client) do(ctx context.Context, method, path string, body, out any, header http.Header, most int64) error {
	all := http.Header{"Accept": {"application/json"}}
	maps.Copy(all, header)
	answer, err := c.Request(ctx, method, path, body, all)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, most)).Decode(out); err != nil {
		return fmt.Errorf("decode the bot's answer: %w", err)
	}
	return nil
}

// Status returns the session's status.
func (c *Client) Status(ctx context.Context) (status bot.Status, err error) {
	return status, c.Do(ctx, http.MethodGet, bot.PathStatus, nil, &status)
}

// Code returns the current code; ok is false if the bot shows no code. The call wakes a session that idles without one.
func (c *Client) Code(ctx context.Context) (code bot.LiveCode, ok bool, err error) {
	err = c.Do(ctx, http.MethodGet, bot.PathCode, nil, &code)
	if IsProblem(err, bot.ProblemNoCode) || IsProblem(err, bot.ProblemAlreadyLinked) || IsProblem(err, bot.ProblemNotReady) {
		return bot.LiveCode{}, false, nil
	}
	return code, err == nil, err
}

// Pair asks for a code to type on the phone with that number.
func (c *Client) Pair(ctx context.Context, phone string) (code bot.PairingCode, err error) {
	return code, c.Do(ctx, http.MethodPost, bot.PathPair, bot.PairRequest{PhoneNumber: phone}, &code)
}

// Passkey says what a linking with a passkey waits for; ok is false when none is under way.
func (c *Client) Passkey(ctx context.Context) (info bot.Passkey, ok bool, err error) {
	err = c.Do(ctx, http.MethodGet, bot.PathPasskey, nil, &info)
	if IsProblem(err, bot.ProblemNoPasskey) {
		return bot.Passkey{}, false, nil
	}
	return info, err == nil, err
}

// SignPasskey gives WhatsApp a signature with the account's passkey: the JSON of a PublicKeyCredential.
func (c *Client) SignPasskey(ctx context.Context, signature json.RawMessage) error {
	return c.Do(ctx, http.MethodPost, bot.PathPasskey, signature, nil)
}

// ConfirmPasskey says that a person has seen the same code on the phone.
func (c *Client) ConfirmPasskey(ctx context.Context) error {
	return c.Do(ctx, http.MethodPost, bot.PathPasskeyConfirm, nil, nil)
}

// Health says whether the bot's storage and its loop work; a broken one is an *Error with the status 503.
func (c *Client) Health(ctx context.Context) (health bot.Health, err error) {
	return health, c.Do(ctx, http.MethodGet, bot.PathHealth, nil, &health)
}

// Restart closes the connection to WhatsApp and makes a new one. A stopped session is started.
func (c *Client) Restart(ctx context.Context) error {
	return c.Do(ctx, http.MethodPost, bot.PathRestart, nil, nil)
}

// Stop disconnects until Restart; the session stays linked.
func (c *Client) Stop(ctx context.Context) error {
	return c.Do(ctx, http.MethodPost, bot.PathStop, nil, nil)
}

// Backup returns a compressed copy of the session's database, a zstd file; the caller closes it. It holds the session's
// keys.
func (c *Client) Backup(ctx context.Context) (backup io.ReadCloser, err error) {
	answer, err := c.Request(ctx, http.MethodGet, bot.PathBackup, nil, nil)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// Clear takes a backup, unlinks the session at WhatsApp and deletes it. If both the backup and the unlinking fail, nothing
// is deleted, unless force is set. If WhatsApp could not be reached, remove the device on the phone.
func (c *Client) Clear(ctx context.Context, force bool) error {
	path := bot.PathClear
	if force {
		path += "?force=true"
	}
	return c.Do(ctx, http.MethodDelete, path, nil, nil)
}

// Logout unlinks the session at WhatsApp.
func (c *Client) Logout(ctx context.Context) error {
	return c.Do(ctx, http.MethodPost, bot.PathLogout, nil, nil)
}
