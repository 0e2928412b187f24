package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waWa6"
	"go.mau.fi/whatsmeow/store"
)

// Limits for making a connection: a server that accepts it and stays silent must not block the bot.
const (
	dialTimeout    = 9 * time.Second // two tries of a DNS server, and three of a connection
	tlsTimeout     = 15 * time.Second
	headerTimeout  = 20 * time.Second
	answerLimit    = 90 * time.Second // for all of it, and for what has no limit otherwise, such as a SOCKS proxy's greeting
	versionTimeout = 20 * time.Second
	versionPageMax = 8 << 20
)

// newTransports returns the HTTP clients for all traffic to WhatsApp. They honour HTTPS_PROXY and SSL_CERT_FILE, or
// use via in place of the first. A large file may take its time and its size: only the making of its connection is
// bounded.
func newTransports(via *url.URL) transports {
	proxy := http.ProxyFromEnvironment
	if via != nil {
		proxy = http.ProxyURL(via)
	}
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	base := &http.Transport{
		Proxy: proxy, DialContext: dialer.DialContext,
		TLSHandshakeTimeout: tlsTimeout, ResponseHeaderTimeout: headerTimeout,
		IdleConnTimeout: time.Second, MaxIdleConnsPerHost: 1,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode != http.StatusOK {
				return &proxyError{answer.StatusCode}
			}
			return nil
		},
	}
	return transports{
		socket:  &http.Client{Transport: &bounded{next: base, patience: answerLimit}},
		media:   &http.Client{Transport: &bounded{next: base, patience: answerLimit, connectOnly: true}},
		version: &http.Client{Transport: &bounded{next: base, patience: answerLimit, bodyMax: versionPageMax}},
	}
}

// bounded keeps a silent peer from blocking the bot, and a long page from filling its memory: whatsmeow gives its
// dials no deadline, and reads the version page whole.
type bounded struct {
	next        http.RoundTripper
	patience    time.Duration // until the head of the answer has come
	connectOnly bool          // patience lasts only until the connection is made
	bodyMax     int64         // 0 = no limit
}

var errNoAnswer = errors.New("no answer in time")

func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	// The socket keeps this context, so only the parent ends it once the answer is here.
	ctx, cancel := context.WithCancelCause(r.Context())
	late := time.AfterFunc(b.patience, func() { cancel(errNoAnswer) })
	if b.connectOnly {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { late.Stop() }})
	}
	resp, err := b.next.RoundTrip(r.WithContext(ctx))
	late.Stop()
	if err != nil {
		if errors.Is(context.Cause(ctx), errNoAnswer) {
			err = fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		cancel(err)
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil // the body of a socket must stay a writer
	}
	body := io.Reader(resp.Body)
	if b.bodyMax > 0 {
		body = io.LimitReader(body, b.bodyMax)
	}
	resp.Body = &boundedBody{body, resp.Body, cancel}
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

// presentVersion makes the next connection of a client present v. whatsmeow's own version is one for the whole process,
// which an older client may still read, so it stays as it is.
func presentVersion(client *whatsmeow.Client, v store.WAVersionContainer) {
	client.GetClientPayload = func() *waWa6.ClientPayload {
		payload := client.Store.GetClientPayload() // a copy
		payload.UserAgent.AppVersion = v.ProtoAppVersion()
		if pairing := payload.DevicePairingData; pairing != nil {
			hash := v.Hash()
			pairing.BuildHash = hash[:]
		}
		return payload
	}
}
