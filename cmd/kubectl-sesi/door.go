package main

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"

	"sesi.dev/sesi/api/bot"
)

// doorCookie is the name of the cookie that opens the door.
const doorCookie = "kubectl-sesi"

// door forwards one browser's requests to the bot. Every user of this machine can connect to its port, and the bot's API
// behind it asks for no token. So the door wants a cookie, which only the first visitor of a secret path gets. The path
// works once, because it shows in the list of processes while the browser starts.
type door struct {
	path, secret string
	used         atomic.Bool
	proxy        http.Handler
}

func newDoor(to http.RoundTripper) *door {
	return &door{
		path: "/" + rand.Text(), secret: rand.Text(),
		proxy: &httputil.ReverseProxy{
			Transport:     to,
			FlushInterval: -1,
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(&url.URL{Scheme: "http", Host: "localhost"})
				r.Out.Host = r.In.Host // the bot compares it with the Origin of the page
				// A request that says it was forwarded is not local to the bot, which then asks for the token. Rewrite
				// strips the other headers of the kind.
				r.Out.Header.Del("Via")
				r.Out.Header.Del("X-Real-Ip")
			},
		},
	}
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if equal(r.URL.Path, d.path) && d.used.CompareAndSwap(false, true) {
		http.SetCookie(w, &http.Cookie{Name: doorCookie, Value: d.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, bot.PathPage, http.StatusSeeOther)
		return
	}
	if cookie, err := r.Cookie(doorCookie); err != nil || !equal(cookie.Value, d.secret) {
		http.Error(w, "This page belongs to the browser that kubectl sesi opened. Run the command again for a new link.", http.StatusForbidden)
		return
	}
	d.proxy.ServeHTTP(w, r)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
