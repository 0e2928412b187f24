package session

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// outage says why WhatsApp cannot be reached. The zero value means that it can, or that nobody has tried.
type outage struct {
	// words say what is wrong and what to check.
	words string
	// since is when the first failed dial of this outage began.
	since time.Time
	// lasting is true once a person should look: at once when waiting does not help, else after outagePatience.
	lasting bool
}

func (o outage) yes() bool { return o.words != "" }

// outagePatience is how long WhatsApp may be out of reach before a person should look at the network.
const outagePatience = 15 * time.Second

// server is the host that a bot connects to, for its messages.
const server = "web.whatsapp.com"

// proxyError is a proxy that answered a request for a tunnel with anything but 200.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy answered %d %s", e.status, http.StatusText(e.status))
}

// classifyDial explains why a dial failed. permanent means that waiting does not help.
func classifyDial(err error) (words string, permanent bool) {
	var proxy *proxyError
	var op *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &proxy) && proxy.status == http.StatusProxyAuthRequired:
		return "The proxy asks for a user name and a password (407). Check PROXY_URL or HTTPS_PROXY.", true
	case errors.As(err, &proxy):
		return fmt.Sprintf("The proxy refuses the connection to %s (%d). Check the proxy.", server, proxy.status), proxy.status < 500
	case errors.As(err, &op) && strings.HasPrefix(op.Op, "socks"):
		if strings.Contains(err.Error(), "auth") {
			return "The SOCKS proxy refuses the user name or the password. Check PROXY_URL.", true
		}
		return fmt.Sprintf("The SOCKS proxy cannot connect to %s. Check the proxy.", server), false
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "Cannot connect to the proxy: " + classifyConnection(op.Err) + ". Check PROXY_URL or HTTPS_PROXY, and that the proxy runs.", false
	case errors.As(err, &name):
		return fmt.Sprintf("Cannot reach %s: the DNS lookup of %s failed. Check DNS and egress (TCP 443).", server, name.Name), false
	case isCertificate(err):
		return fmt.Sprintf("Cannot trust %s: its TLS certificate is not valid here. Check the clock, a proxy that inspects TLS, and SSL_CERT_FILE.", server), true
	}
	return fmt.Sprintf("Cannot reach %s: %s. Check the network and egress (TCP 443).", server, classifyConnection(err)), false
}

// classifyConnection names what happened to a connection.
func classifyConnection(err error) string {
	var timeout net.Error
	var name *net.DNSError
	status := handshakeStatus.FindStringSubmatch(err.Error())
	switch {
	case errors.As(err, &name):
		return "the DNS lookup of " + name.Name + " failed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "there is no route to it"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case errors.Is(err, errNoAnswer), errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer"
	case isCertificate(err):
		return "its TLS certificate is not valid here"
	case len(status) == 2:
		return "it answered with HTTP status " + status[1]
	}
	return "the connection failed"
}

// handshakeStatus finds the HTTP status in the text of a WebSocket handshake that failed.
var handshakeStatus = regexp.MustCompile(`expected handshake response status code 101 but got (\d{3})`)

func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

// plain is an error's text without what must not leave the process: the XML of a protocol node, and phone numbers.
func plain(err error) string {
	text, _, _ := strings.Cut(err.Error(), "<")
	return longNumber.ReplaceAllString(strings.TrimSpace(text), "…")
}

// longNumber is a number long enough to be a phone's.
var longNumber = regexp.MustCompile(`\d{7,}`)
