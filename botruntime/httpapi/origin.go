package httpapi

import (
	"net"
	"net/http"
	"regexp"
	"strings"
)

// localHost reports whether a Host header names this machine. A name that only resolves to it is how a foreign web
// page would reach in (DNS rebinding); an address cannot be rebound. A browser always sends a Host, so a request
// without one, as HTTP/1.0 allows, comes from a program.
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

// forwardingHeaders are the headers, besides X-Forwarded-*, by which proxies and CDNs say that a request is not
// their own.
var forwardingHeaders = []string{
	"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Host", "X-Original-For",
	"True-Client-Ip", "Cf-Connecting-Ip", "Cf-Ray", "Fastly-Client-Ip", "Fly-Client-Ip", "X-Envoy-External-Address", "Cdn-Loop",
}

// forwarded reports whether a proxy passed the request on. Such a request comes from anywhere, though its
// connection comes from this machine.
func forwarded(r *http.Request) bool {
	for _, name := range forwardingHeaders {
		if _, found := r.Header[name]; found {
			return true
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

// crossOrigin compares Origin with Host, for browsers that send no Sec-Fetch-Site: old ones, and every one on a page
// without TLS.
var crossOrigin = http.NewCrossOriginProtection()

// pageHeader is sent by the page's own script. A page of another origin cannot send it: its browser would ask for
// permission first, and the bot gives none.
const pageHeader = "X-Sesi-Page"

// fromOtherSite reports whether a browser sent r for a page of another origin. To open the page by a link is
// allowed; to embed, read or change anything is not.
func fromOtherSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		// Behind a proxy that rewrites Host, Origin and Host differ for the bot's own page too.
		return r.Header.Get(pageHeader) == "" && crossOrigin.Check(throughProxy(r)) != nil
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	opened := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !read || !opened
}

// throughProxy returns r with the Host that the browser asked for, if a proxy says so. A foreign page cannot set
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

// overTLS reports whether the browser's connection is encrypted, up to a proxy if not up to the bot. It decides only
// about the cookie's Secure attribute, so that a false header harms its sender alone.
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

// prefixPattern is a path that is safe in a redirect and in a cookie. It has no "//", which would name another host.
var prefixPattern = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// prefix is the path under which a proxy serves the bot, "" for the root or if no proxy says so.
func (c *call) prefix() string {
	given := strings.TrimSuffix(firstOf(c.r.Header.Get("X-Forwarded-Prefix")), "/")
	if len(given) > 200 || !prefixPattern.MatchString(given) {
		return ""
	}
	return given
}

// firstOf is the first of a header's comma-separated values, which the outermost proxy set.
func firstOf(header string) string {
	first, _, _ := strings.Cut(header, ",")
	return strings.TrimSpace(first)
}
