package session

import (
	"context"
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
	return &http.Client{Transport: boundedBodies{&http.Transport{
		Proxy: proxy, DialContext: dialer.DialContext,
		TLSHandshakeTimeout: tlsTimeout, ResponseHeaderTimeout: headerTimeout,
		IdleConnTimeout: time.Second, MaxIdleConnsPerHost: 1,
	}}}
}

// boundedBodies keeps a peer from filling the bot's memory: whatsmeow reads the version page whole.
type boundedBodies struct{ next http.RoundTripper }

func (b boundedBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil || resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, err // a socket's body must stay the writer that it is
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, versionPageMax), resp.Body}
	return resp, nil
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
// store.SetWAVersion leaves as it was.
func useVersion(v store.WAVersionContainer) {
	store.SetWAVersion(v)
	store.BaseClientPayload.UserAgent.AppVersion = v.ProtoAppVersion()
}
