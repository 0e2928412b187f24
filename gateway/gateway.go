// Package gateway serves the bots of all sessions at one address, and the desk for the people who look after them. It
// decides who may do what, and passes the rest on to the bots. It stores nothing, so any number of gateways may run
// side by side. It never reads a session's keys, and sends no request through the operator.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
)

// Options say what a gateway serves.
type Options struct {
	// Config is the cluster.
	Config *rest.Config
	// Namespaces are those that it serves; none means the whole cluster.
	Namespaces []string
	// TrustedProxies are the addresses of proxies whose X-Forwarded-For is trusted.
	TrustedProxies []netip.Prefix
	// AuthProxy is a proxy in front that signs people in; nil for none.
	AuthProxy *AuthProxy
	// Version is the gateway's.
	Version string
	// Locale is the language for requests that ask for none: id or en.
	Locale string
	Limits Limits
	Log    *slog.Logger
	// Metrics gets the gateway's metrics; nil for none.
	Metrics prometheus.Registerer
}

// Gateway is an HTTP handler. Start must have returned before it serves.
type Gateway struct {
	options   Options
	log       *slog.Logger
	fleet     *fleet
	reviews   *reviewer
	people    authenticator.Request
	writer    client.Client
	ledger    *ledger
	throttle  throttle
	welcome   welcome
	metrics   *stats
	proxy     *httputil.ReverseProxy
	transport *http.Transport
	now       func() time.Time
	// reviewEvery is reviewTime, but for tests.
	reviewEvery time.Duration
	// stopping ends the streams before the listeners close.
	stopping context.Context
	stop     context.CancelFunc
	watches  <-chan struct{}
	started  time.Time
}

// New prepares a gateway.
func New(options Options) (*Gateway, error) {
	options.Limits = options.Limits.withDefaults()
	setDefault(&options.Locale, "id")
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	g := &Gateway{options: options, log: options.Log, ledger: newLedger(options.Limits), now: time.Now, reviewEvery: reviewTime, started: time.Now(), transport: newTransport(), people: options.AuthProxy.reader()}
	httpClient, err := rest.HTTPClientFor(options.Config)
	if err != nil {
		return nil, fmt.Errorf("reach the cluster: %w", err)
	}
	if g.fleet, err = newFleet(options.Config, options.Namespaces, options.Log); err != nil {
		return nil, err
	}
	if g.reviews, err = newReviewer(options.Config, httpClient); err != nil {
		return nil, fmt.Errorf("prepare the reviews of tokens: %w", err)
	}
	if g.writer, err = newWriter(options.Config, httpClient); err != nil {
		return nil, err
	}
	g.metrics = newStats(g)
	g.proxy = newProxy(&botTrip{fleet: g.fleet, base: g.transport, patience: patience, retried: g.metrics.retries.Inc}, g)
	g.stopping, g.stop = context.WithCancel(context.Background())
	if options.Metrics != nil {
		for _, collector := range g.metrics.all {
			if err := options.Metrics.Register(collector); err != nil {
				return nil, fmt.Errorf("register the metrics: %w", err)
			}
		}
	}
	return g, nil
}

// Start watches the sessions until ctx ends; it returns when all have been read.
func (g *Gateway) Start(ctx context.Context) (err error) {
	g.watches, err = g.fleet.start(ctx)
	return err
}

// Drain ends all streams, so that their clients connect to another gateway. Requests are answered as before.
func (g *Gateway) Drain() { g.stop() }

// Close closes the idle connections to bots and waits for the watches, whose context must have ended.
func (g *Gateway) Close() {
	g.stop()
	g.transport.CloseIdleConnections()
	if g.watches != nil {
		<-g.watches
	}
}

func (g *Gateway) language(r *http.Request) string { return languageOf(r, g.options.Locale) }

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Gateway: g, w: newAnswer(w), r: r, began: g.now()}
	guardBody(r, c.w, g.options.Limits.Body)
	if failure := c.serve(); failure != nil {
		var known *problem
		if !errors.As(failure, &known) {
			g.log.Error("serve a request", "error", failure.Error())
			known = &problem{status: http.StatusInternalServerError, kind: bot.ProblemInternal,
				title: text{"Kesalahan gateway", "The gateway failed"}, detail: text{"Lihat log gateway.", "See the gateway's log."}}
		}
		if known.status == http.StatusUnauthorized || known.kind == bot.ProblemTooManyAttempts {
			c.w.Header().Set("Connection", "close")
		}
		known.write(c.w, g.language(r))
	}
}
