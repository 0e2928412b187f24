package gateway

import (
	"crypto/x509"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	x509request "k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/authentication/user"
)

// AuthProxy is a proxy in front that signs people in. It proves itself with a client certificate, and tells in headers
// who they are.
type AuthProxy struct {
	// Roots sign its certificate.
	Roots *x509.CertPool
	// Names are the common names that its certificate may have.
	Names []string
	// UserHeader and GroupHeader are the headers with the user's name and groups.
	UserHeader, GroupHeader string
}

// reader returns what recognizes the people whom the proxy signed in; nil for no proxy.
func (p *AuthProxy) reader() authenticator.Request {
	if p == nil {
		return nil
	}
	options := x509request.DefaultVerifyOptions()
	options.Roots = p.Roots
	return headerrequest.NewDynamicVerifyOptionsSecure(func() (x509.VerifyOptions, bool) { return options, true },
		headerrequest.StaticStringSlice(p.Names), headerrequest.StaticStringSlice{p.UserHeader}, headerrequest.StaticStringSlice{},
		headerrequest.StaticStringSlice{p.GroupHeader}, headerrequest.StaticStringSlice{})
}

// proxied returns the person whom the proxy in front signed in; nil for a request that it did not send.
func (g *Gateway) proxied(r *http.Request) (*caller, *problem) {
	proxy := g.options.AuthProxy
	if proxy == nil || r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil
	}
	if len(r.Header.Values(proxy.UserHeader)) > 1 {
		return nil, problemWrongCredential.about(problemWrongCredential.detail) // one is the person's own
	}
	answer, ok, err := g.people.AuthenticateRequest(r)
	if known := ok && err == nil; !known {
		return nil, nil // a certificate of someone else, who may still have a key
	}
	name := answer.User.GetName()
	if isSystem(name) {
		return nil, problemWrongCredential.about(problemWrongCredential.detail)
	}
	groups := slices.DeleteFunc(slices.Clone(answer.User.GetGroups()), isSystem)
	return &caller{name: name, proxied: true, user: &user.DefaultInfo{Name: name, Groups: append(groups, user.AllAuthenticated)}}, nil
}

// isSystem reports whether a name is one of the cluster's own users or groups, which no person is.
func isSystem(name string) bool { return strings.HasPrefix(name, "system:") }
