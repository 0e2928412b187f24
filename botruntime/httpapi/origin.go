package httpapi

import (
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// localHost reports whether a Host header names this machine. Only the literal names count: a web page's own name can
// resolve to this machine (DNS rebinding), an address cannot. A browser always sends a Host, so a request without one,
// as HTTP/1.0 allows, comes from a program.
func localHost(r *http.Request) bool {
	if r.Host == "" {
		return !r.ProtoAtLeast(1, 1)
	}
	name := r.Host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// forwardingHeaders begin the names of headers that proxies, CDNs and tunnels add to the requests they forward, in small
// letters.
var forwardingHeaders = []string{
	"forwarded", "via", "x-forward", "x-original-", "x-real-", "x-client-ip", "client-ip", "x-cluster-client-ip", "x-remote-", "x-proxy", "proxy-", "wl-proxy-",
	"true-client-ip", "cf-", "cdn-", "fastly-", "fly-", "x-envoy-", "x-azure-", "x-amz-cf-", "x-amzn-trace-id", "x-appengine-", "x-vercel-", "x-nf-", "x-arr-",
	"x-cloud-trace-context", "akamai-", "ali-", "tailscale-", "x-coming-from", "x-host", "x-bluecoat-via", "x-varnish", "x-traefik-", "x-kong-", "x-ngrok-",
}

// forwarded reports whether a proxy passed the request on. Such a request can come from anywhere, although its
// connection comes from this machine.
func forwarded(r *http.Request) bool {
	for name := range r.Header {
		name = strings.ReplaceAll(strings.ToLower(name), "_", "-") // CGI and some proxies write underscores
		if slices.ContainsFunc(forwardingHeaders, func(begin string) bool { return strings.HasPrefix(name, begin) }) {
			return true
		}
	}
	return false
}

// crossOrigin compares Origin with Host, for browsers that send no Sec-Fetch-Site: old ones, and all browsers on a
// page without TLS.
var crossOrigin = http.NewCrossOriginProtection()

// pageHeader is sent by the page's own script. A page of another origin cannot send it: its browser first asks for
// permission (CORS), and the bot grants none.
const pageHeader = "X-Sesi-Page"

// fromOtherSite reports whether a page of another origin made the browser send r. Such a page may link to this one. It
// may not embed, read or change anything.
func fromOtherSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		// Behind a proxy that rewrites Host, Origin and Host differ even for the bot's own page.
		return r.Header.Get(pageHeader) == "" && crossOrigin.Check(throughProxy(r)) != nil
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	opened := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !read || !opened
}

// throughProxy returns r with the Host that the browser asked for, if a proxy reports it. A foreign page cannot set
// X-Forwarded-Host, for the reason given at pageHeader.
func throughProxy(r *http.Request) *http.Request {
	host := firstOf(r.Header.Get("X-Forwarded-Host"))
	if host == "" {
		return r
	}
	out := new(http.Request)
	*out = *r
	out.Host = host
	return out
}

// overTLS reports whether the browser's connection is encrypted, up to a proxy or up to the bot. It decides only about
// the cookie's Secure attribute, so a false header harms only its sender.
func (c *call) overTLS() bool {
	if c.secure || strings.EqualFold(firstOf(c.r.Header.Get("X-Forwarded-Proto")), "https") {
		return true
	}
	for pair := range strings.FieldsFuncSeq(c.r.Header.Get("Forwarded"), func(r rune) bool { return r == ';' || r == ',' }) {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "proto") {
			return strings.EqualFold(strings.Trim(value, `"`), "https")
		}
	}
	return false
}

// prefixPattern matches a path that is safe in a redirect and in a cookie. It has no "//", which would name another
// host.
var prefixPattern = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// prefix returns the path under which a proxy serves the bot, or "".
func (c *call) prefix() string {
	given := strings.TrimSuffix(firstOf(c.r.Header.Get("X-Forwarded-Prefix")), "/")
	if len(given) > 200 || !prefixPattern.MatchString(given) {
		return ""
	}
	return given
}

// firstOf returns the first of a header's comma-separated values, which the outermost proxy set.
func firstOf(header string) string {
	first, _, _ := strings.Cut(header, ",")
	return strings.TrimSpace(first)
}
