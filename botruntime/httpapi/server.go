package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// Addresses says where a Server listens, each as host:port; "" turns a listener off.
type Addresses struct {
	// Plain serves the API without TLS. It requires the token, unless none is set and the address is loopback.
	Plain string
	// OpenLoopback lets a Plain address on loopback serve without the token even if one is set. A pod uses it: only
	// its own containers and port-forward reach its loopback.
	OpenLoopback bool
	// TLS serves the API with the certificate of CertFile and KeyFile. It always requires the token.
	TLS               string
	CertFile, KeyFile string
	// Metrics serves /livez, /readyz and /metrics, without a token.
	Metrics string
}

// Server is an API with its listeners. It speaks only HTTP/1.1: HTTP/2 would save a few handshakes, but cost each idle
// event stream its buffers and goroutines, because it does not hand out its connections.
type Server struct {
	api       *API
	endpoints []endpoint
	plain     net.Addr
	tls       net.Addr
	metrics   net.Addr
}

// endpoint is one listener and the server on it.
type endpoint struct {
	listener net.Listener
	server   *http.Server
}

// Listen opens every address, or none. It refuses an address other than loopback without a token.
func Listen(api *API, at Addresses) (*Server, error) {
	s := &Server{api: api}
	if err := s.open(at); err != nil {
		for _, e := range s.endpoints {
			err = errors.Join(err, e.listener.Close())
		}
		return nil, err
	}
	return s, nil
}

func (s *Server) open(at Addresses) error {
	if at.Plain != "" {
		l, err := s.listen("HOST and PORT", at.Plain)
		if err != nil {
			return err
		}
		s.plain = l.Addr()
		local := isLoopback(s.plain) && (s.api.Token() == "" || at.OpenLoopback)
		s.serve(l, newGate(s.api, door{local: local, token: !local}, apiRoutes()))
		if !isLoopback(s.plain) && s.api.Token() == "" {
			return fmt.Errorf("HOST: %s is not a loopback address, and API_TOKEN is not set: anyone who can reach it could "+
				"take over the WhatsApp account; set API_TOKEN or API_TOKEN_FILE, or HOST=127.0.0.1", at.Plain)
		}
	}
	if at.TLS != "" {
		if s.api.Token() == "" {
			return errors.New("TLS_CERT_FILE: the TLS listener needs a token: set API_TOKEN or API_TOKEN_FILE")
		}
		pair, err := newKeyPair(at.CertFile, at.KeyFile, s.api.Log)
		if err != nil {
			return err
		}
		l, err := s.listen("TLS_HOST and TLS_PORT", at.TLS)
		if err != nil {
			return err
		}
		s.tls = l.Addr()
		s.serve(tls.NewListener(l, pair.config()), newGate(s.api, door{token: true, secure: true}, apiRoutes()))
	}
	if at.Metrics != "" {
		l, err := s.listen("METRICS_HOST and METRICS_PORT", at.Metrics)
		if err != nil {
			return err
		}
		s.metrics = l.Addr()
		s.serve(l, newGate(s.api, door{local: isLoopback(s.metrics)}, probeRoutes()))
	}
	return nil
}

// listen opens an address. variables names the settings in its errors.
func (s *Server) listen(variables, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: listen on %s: %w", variables, address, err)
	}
	return newBoundedListener(l.(*net.TCPListener), s.api.limits), nil
}

func (s *Server) serve(l net.Listener, h http.Handler) {
	lim := s.api.limits
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.endpoints = append(s.endpoints, endpoint{l, &http.Server{
		Handler: h, Protocols: protocols, MaxHeaderBytes: lim.header,
		ReadHeaderTimeout: lim.headerTime, ReadTimeout: lim.requestTime,
		WriteTimeout: lim.responseTime, IdleTimeout: lim.idleTime, ConnContext: withConn, ConnState: noteIdle,
		ErrorLog: slog.NewLogLogger(s.api.Log.Handler(), slog.LevelDebug),
	}})
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// PlainAddr, TLSAddr and MetricsAddr return where the server listens; nil if that listener is off.
func (s *Server) PlainAddr() net.Addr { return s.plain }

// TLSAddr is described at PlainAddr.
func (s *Server) TLSAddr() net.Addr { return s.tls }

// MetricsAddr is described at PlainAddr.
func (s *Server) MetricsAddr() net.Addr { return s.metrics }

// Serve answers requests until Shutdown, or until a listener fails; then it closes the others too.
func (s *Server) Serve() error {
	failed := make(chan error, len(s.endpoints))
	for _, e := range s.endpoints {
		go func() {
			err := e.server.Serve(e.listener)
			if errors.Is(err, http.ErrServerClosed) {
				err = nil
			}
			failed <- err
		}()
	}
	var err error
	for range s.endpoints {
		if one := <-failed; one != nil && err == nil {
			err = fmt.Errorf("serve HTTP: %w", one)
			for _, e := range s.endpoints {
				_ = e.server.Close()
			}
		}
	}
	return err
}

// Shutdown ends the event streams at once, lets running requests finish until ctx ends, and then aborts them.
func (s *Server) Shutdown(ctx context.Context) error {
	s.api.Close()
	var wait sync.WaitGroup
	errs := make([]error, len(s.endpoints))
	for i, e := range s.endpoints {
		wait.Go(func() {
			if err := e.server.Shutdown(ctx); err != nil {
				errs[i] = errors.Join(err, e.server.Close())
			}
			_ = e.listener.Close() // needed if Serve was never called
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
