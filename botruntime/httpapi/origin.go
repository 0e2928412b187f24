package httpapi

import (
	"net"
	"net/http"
	"strings"
)

// localHost tells whether a Host header names this machine by itself. A name that merely resolves to it is how
// a web page of someone else would reach in (DNS rebinding); an address cannot be rebound.
func localHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
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

// crossOrigin decides for browsers that are too old to say Sec-Fetch-Site.
var crossOrigin = http.NewCrossOriginProtection()

// fromOtherSite tells whether a browser sent r for a page of another origin. To open a page by a link is fine;
// to embed, read or change anything is not.
func fromOtherSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return false
	case "":
		return crossOrigin.Check(r) != nil
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	opened := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !read || !opened
}
