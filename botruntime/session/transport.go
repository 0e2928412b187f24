package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store"
)

// Bounds of a connection's making: a server that accepts and stays silent must not hold the bot.
const (
	dialTimeout    = 15 * time.Second
	tlsTimeout     = 15 * time.Second
	headerTimeout  = 20 * time.Second
	answerLimit    = 90 * time.Second // for all of it, and for what has no limit of its own, as a SOCKS proxy's greeting
	versionTimeout = 20 * time.Second
	versionPageMax = 8 << 20
)

// newHTTPClient returns the client for all traffic to WhatsApp. It honours HTTPS_PROXY and SSL_CERT_FILE, or
// via in place of the first.
func newHTTPClient(via *url.URL) *http.Client {
	proxy := http.ProxyFromEnvironment
	if via != nil {
		proxy = http.ProxyURL(via)
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Client{Transport: &bounded{patience: answerLimit, next: &http.Transport{
		Proxy: proxy, DialContext: dialer.DialContext,
		TLSHandshakeTimeout: tlsTimeout, ResponseHeaderTimeout: headerTimeout,
		IdleConnTimeout: time.Second, MaxIdleConnsPerHost: 1,
	}}}
}

// bounded keeps a peer from holding the bot by silence, and from filling its memory: whatsmeow gives its dials
// no deadline, and reads the version page whole.
type bounded struct {
	next     http.RoundTripper
	patience time.Duration // until the answer's head
}

var errNoAnswer = errors.New("no answer in time")

func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	// The socket lives on with this context, so nothing but the parent ends it once the answer is here.
	ctx, cancel := context.WithCancelCause(r.Context())
	late := time.AfterFunc(b.patience, func() { cancel(errNoAnswer) })
	resp, err := b.next.RoundTrip(r.WithContext(ctx))
	if !late.Stop() && err != nil && r.Context().Err() == nil {
		err = fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	switch {
	case err != nil:
		cancel(err)
		return nil, err
	case resp.StatusCode == http.StatusSwitchingProtocols:
		return resp, nil // a socket's body must stay the writer that it is
	}
	resp.Body = &boundedBody{io.LimitReader(resp.Body, versionPageMax), resp.Body, cancel}
	return resp, nil
}

type boundedBody struct {
	io.Reader
	body io.Closer
	done context.CancelCauseFunc
}

func (b *boundedBody) Close() error {
	err := b.body.Close()
	b.done(nil)
	return err
}

// fetchVersion asks WhatsApp for its current web version.
func fetchVersion(ctx context.Context, client *http.Client) (store.WAVersionContainer, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	v, err := whatsmeow.GetLatestVersion(ctx, client)
	if err != nil {
		return store.WAVersionContainer{}, fmt.Errorf("ask WhatsApp for its web version: %w", err)
	}
	return *v, nil
}

// useVersion makes the next connection present v. The login payload holds a version of its own, which
// store.SetWAVersion leaves as it was. Nothing guards the two: they are written only when there is news, for the
// link before may still be reading them.
func useVersion(v store.WAVersionContainer) {
	if v == store.GetWAVersion() {
		return
	}
	store.SetWAVersion(v)
	store.BaseClientPayload.UserAgent.AppVersion = v.ProtoAppVersion()
}
