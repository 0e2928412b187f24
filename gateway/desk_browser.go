package gateway

import (
	"net/http"
	"strings"
	"time"
)

const (
	// cookieSecure and cookiePlain hold the credential of the person who signed in at the desk. A browser refuses the first
	// from another host or without TLS.
	cookieSecure = "__Host-sesi-desk"
	cookiePlain  = "sesi-desk"
	cookieLang   = "sesi-language"
	cookieLife   = 12 * time.Hour
)

// deskLanguage is the language that a person chose, or their browser asks for.
func (c *call) deskLanguage() string {
	chosen := c.r.URL.Query().Get("lang")
	if chosen == "id" || chosen == "en" {
		http.SetCookie(c.w, &http.Cookie{Name: cookieLang, Value: chosen, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteStrictMode, HttpOnly: true, Secure: overTLS(c.r)})
		return chosen
	}
	if cookie, err := c.r.Cookie(cookieLang); err == nil && (cookie.Value == "id" || cookie.Value == "en") {
		return cookie.Value
	}
	return c.language(c.r)
}

// overTLS reports whether the browser's connection is encrypted, as far as a proxy in front says. It decides only about
// the cookie, so that a false header harms its sender alone.
func overTLS(r *http.Request) bool {
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(proto), "https")
}

// cookieName is the name of the cookie that counts. Over TLS the other does not: a sibling of this host could set it, and
// a person would link their phone as someone else.
func cookieName(r *http.Request) string {
	if overTLS(r) {
		return cookieSecure
	}
	return cookiePlain
}

// setCookie keeps a credential in the browser, where no script reads it; a negative life removes it.
func (c *call) setCookie(credential string, life int) {
	http.SetCookie(c.w, &http.Cookie{Name: cookieName(c.r), Value: credential, Path: "/", MaxAge: life, HttpOnly: true, Secure: overTLS(c.r), SameSite: http.SameSiteStrictMode})
}

// deskLogin turns a key or a token into the desk's cookie.
func (c *call) deskLogin() error {
	form, err := c.form()
	if err != nil {
		return err
	}
	credential := strings.TrimSpace(form.Get("credential"))
	page := &desk{Lang: c.deskLanguage()}
	if _, failure := c.recognize(c.r.Context(), credential, c.address(c.r)); failure != nil || len(credential) > 3500 {
		if failure == nil {
			failure = problemWrongCredential.about(problemWrongCredential.detail) // no browser keeps a cookie as long
		}
		page.Title, page.Failure = page.T("signIn"), failure.detail.in(page.Lang)
		return c.render(failure.status, "login", page)
	}
	c.setCookie(credential, int(cookieLife/time.Second))
	return c.redirect("/")
}
