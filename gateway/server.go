package gateway

import (
	"net/http"
	"time"
)

const (
	// maxHeader bounds a request's header; a Kubernetes token and a cookie with one fit.
	maxHeader  = 32 << 10
	headerTime = 5 * time.Second
	idleTime   = 90 * time.Second
)

// Configure sets a server's limits of header and time. It speaks HTTP/1.1 alone: HTTP/2 has no WebSockets here, and
// costs each idle stream more.
func Configure(server *http.Server) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server.Protocols = protocols
	server.MaxHeaderBytes, server.ReadHeaderTimeout, server.IdleTimeout = maxHeader, headerTime, idleTime
	// A stream goes on beyond it, because each piece of an answer has a deadline of its own.
	server.WriteTimeout = answerTime + writeTime
}
