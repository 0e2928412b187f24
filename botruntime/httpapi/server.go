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

// Addresses are where a Server listens, each as host:port; "" leaves a listener out.
type Addresses struct {
	// Plain serves the API without TLS. It wants the token, unless there is none and the address is loopback.
	Plain string
	// OpenLoopback lets a Plain address on loopback serve without the token although there is one. A pod asks for it:
	// there only its own containers and port-forward reach loopback.
	OpenLoopback bool
	// TLS serves the API with the certificate of CertFile and KeyFile, and always wants the token.
	TLS               string
	CertFile, KeyFile string
	// Metrics serves /livez, /readyz and /metrics, without a token.
	Metrics string
}

// Server is an API with its listeners. It speaks HTTP/1.1 alone: HTTP/2 would spare a few handshakes, and cost
// each idle event stream its buffers and goroutines, since it does not give its connections away.
type Server struct {
	api       *API
	endpoints []endpoint
	plain     net.Addr
	tls       net.Addr
	metrics   net.Addr
}

// endpoint is one listener and what serves it.
type endpoint struct {
	listener net.Listener
	server   *http.Server
}

// Listen opens every address, or none. An address that is not loopback is refused when there is no token.
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
			return fmt.Errorf("HOST: %s is not a loopback address, and there is no API_TOKEN: whoever reached it could "+
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
		s.serve(l, newGate(s.api, door{}, probeRoutes()))
	}
	return nil
}

// listen opens an address; variables are what set it.
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

// PlainAddr, TLSAddr and MetricsAddr are where the server listens; nil where it does not.
func (s *Server) PlainAddr() net.Addr { return s.plain }

// TLSAddr is explained at PlainAddr.
func (s *Server) TLSAddr() net.Addr { return s.tls }

// MetricsAddr is explained at PlainAddr.
func (s *Server) MetricsAddr() net.Addr { return s.metrics }

// Serve answers requests until Shutdown, or until a listener fails; then it ends the others too.
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

// Shutdown ends the event streams at once, lets requests in progress finish until ctx ends, and then breaks
// them off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.api.Close()
	var wait sync.WaitGroup
	errs := make([]error, len(s.endpoints))
	for i, e := range s.endpoints {
		wait.Go(func() {
			if err := e.server.Shutdown(ctx); err != nil {
				errs[i] = errors.Join(err, e.server.Close())
			}
			_ = e.listener.Close() // of a server that never served
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
