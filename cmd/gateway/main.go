// Command gateway serves the bots of all WhatsAppSessions at one address: it reads its flags, wires the package gateway
// to its listeners, and never decides anything about a request.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/gateway"
)

const (
	// startTime bounds the first reading of all sessions; after it the pod is started again.
	startTime = 5 * time.Minute
	// stopTime is how long open requests may take after the gateway was told to stop.
	stopTime = 20 * time.Second
	// garbage is the GOGC value: nearly all memory belongs to idle sessions, which Go's default would double.
	garbage = 50
	// maxConnections bounds the open connections of callers.
	maxConnections = 20_000
)

// version is the release; the linker sets it.
var version = "dev"

func main() {
	options, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(2)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: options.logLevel}))
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	klog.SetLogger(logr.FromSlogHandler(log.Handler()))
	// A signal that comes twice must not kill it in the last moment of a stop.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err := run(ctx, options, log); err != nil {
		log.Error("gateway ends", "error", err.Error())
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, o options, log *slog.Logger) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	g, err := newGateway(o, registry, log)
	if err != nil {
		return err
	}
	// The watches outlive ctx, so that requests are answered to the end.
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	defer g.Close()
	defer stopWatching()

	var ready atomic.Bool
	probes, err := listen(o.probes, probeHandler(registry, &ready), nil, log)
	if err != nil {
		return err
	}
	defer probes.Close()

	if err := readSessions(ctx, watching, stopWatching, g, &ready); err != nil {
		if ctx.Err() != nil {
			return nil // it was stopped while it read
		}
		return err
	}
	certificate, err := watchCertificate(watching, o)
	if err != nil {
		return err
	}
	server, err := listen(o.address, g, serving(o, certificate), log)
	if err != nil {
		return err
	}
	log.Info("gateway serves", "address", o.address, "tls", certificate != nil)
	select {
	case <-ctx.Done():
	case err := <-server.failed:
		return err
	}
	ready.Store(false)
	drain(o.drain, g, server, log)
	return nil
}

// newGateway wires the gateway to the cluster of the environment.
func newGateway(o options, registry *prometheus.Registry, log *slog.Logger) (*gateway.Gateway, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster: %w", err)
	}
	config.QPS, config.Burst, config.UserAgent = 200, 400, "sesi-gateway"
	people, err := readAuthProxy(o)
	if err != nil {
		return nil, err
	}
	return gateway.New(gateway.Options{
		Config: config, Namespaces: o.namespaces, TrustedProxies: o.trusted, AuthProxy: people, Version: version, Locale: o.locale, Log: log, Metrics: registry,
		Limits: gateway.Limits{Rate: o.rate, Body: o.body},
	})
}

// readAuthProxy reads who the proxy in front is; nil for none.
func readAuthProxy(o options) (*gateway.AuthProxy, error) {
	if o.proxyRoots == "" {
		return nil, nil //nolint:nilnil // none is wanted
	}
	data, err := os.ReadFile(o.proxyRoots)
	if err != nil {
		return nil, fmt.Errorf("read -auth-proxy-ca-file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("read -auth-proxy-ca-file: %s has no certificate in PEM", o.proxyRoots)
	}
	return &gateway.AuthProxy{Roots: roots, Names: o.proxyNames, UserHeader: o.userHeader, GroupHeader: o.groupHeader}, nil
}

// readSessions starts the gateway's watches on watching, and sets ready when all sessions have been read. It stops the
// watches, and returns why, when ctx ends or startTime passes before that.
func readSessions(ctx, watching context.Context, stopWatching func(), g *gateway.Gateway, ready *atomic.Bool) error {
	starting, started := context.WithTimeout(watching, startTime)
	defer started()
	giveUp := func() {
		if !ready.Load() {
			stopWatching() // Start then returns why
		}
	}
	defer context.AfterFunc(starting, giveUp)()
	defer context.AfterFunc(ctx, giveUp)()
	if err := g.Start(watching); err != nil {
		return err
	}
	ready.Store(true)
	return nil
}

// drain ends the service: it waits for wait, because endpoints and load balancers need a moment to stop sending requests
// here. Then it lets the open requests finish, for at most stopTime.
func drain(wait time.Duration, g *gateway.Gateway, server *server, log *slog.Logger) {
	pause := time.NewTimer(wait)
	defer pause.Stop()
	<-pause.C
	g.Drain()
	ending, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		log.Warn("requests were cut off", "error", err.Error())
	}
}

// server is an http.Server that says why it ended.
type server struct {
	*http.Server
	failed chan error
}

func listen(address string, handler http.Handler, encrypted *tls.Config, log *slog.Logger) (*server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	listener = netutil.LimitListener(listener, maxConnections)
	if encrypted != nil {
		listener = tls.NewListener(listener, encrypted)
	}
	s := &server{Server: &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}, failed: make(chan error, 1)}
	gateway.Configure(s.Server)
	go func() { s.failed <- s.Serve(listener) }()
	return s, nil
}

// serving returns how the API is encrypted; nil for not at all. The certificate of a proxy that signs people in is asked
// for here and checked by the gateway, because everyone else has none.
func serving(o options, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	if certificate == nil {
		return nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate, NextProtos: []string{"http/1.1"}}
	if o.proxyRoots != "" {
		config.ClientAuth = tls.RequestClientCert
	}
	return config
}

// watchCertificate reads the serving certificate, and reads it again when it is renewed; nil for none.
func watchCertificate(ctx context.Context, o options) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	if o.certificate == "" {
		return nil, nil //nolint:nilnil // none is wanted
	}
	watcher, err := certwatcher.New(o.certificate, o.key)
	if err != nil {
		return nil, fmt.Errorf("read -tls-cert-file and -tls-key-file: %w", err)
	}
	go func() { _ = watcher.Start(ctx) }() // it ends with ctx, and reads by the clock where a watch fails
	return watcher.GetCertificate, nil
}

// probeHandler serves the probes and the metrics.
func probeHandler(registry *prometheus.Registry, ready *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+bot.PathLive, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET "+bot.PathReady, func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			http.Error(w, "the gateway has not read the sessions yet, or stops", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET "+bot.PathMetrics, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}
