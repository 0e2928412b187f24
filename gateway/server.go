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
	// requestTime bounds a body that no handler reads: that of a stranger, who could announce one and send none.
	requestTime = headerTime + readTime
)

// Configure sets a server's limits of header and time. It allows HTTP/1.1 only: HTTP/2 has no WebSockets here, and
// costs each idle stream more.
func Configure(server *http.Server) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server.Protocols = protocols
	server.MaxHeaderBytes, server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout = maxHeader, headerTime, requestTime, idleTime
	// It does not end a stream, because each piece of an answer sets its own deadline.
	server.WriteTimeout = answerTime + writeTime
}
