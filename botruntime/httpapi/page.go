package httpapi

import (
	"context"
	"crypto/rand"
	_ "embed"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// The page's parts stay in the binary's read-only memory: a page is written part by part and never assembled.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/token.html
	tokenHTML string
	//go:embed page/style.css
	pageStyle string
	//go:embed page/script.js
	pageScript string
	//go:embed page/texts.json
	pageTexts string
	//go:embed page/logo.svg
	pageLogo string
)

// pageIcon is the tab's icon. It is inline so that a browser requests no other file.
const pageIcon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E" +
	"%3Crect width='32' height='32' rx='9' fill='%230a6b4f'/%3E%3Cg fill='none' stroke='%23fff' stroke-width='2.400'%3E" +
	"%3Crect x='7' y='7' width='7' height='7' rx='2'/%3E%3Crect x='18' y='7' width='7' height='7' rx='2'/%3E" +
	"%3Crect x='7' y='18' width='7' height='7' rx='2'/%3E%3Cpath d='m18.200 22.200 2.600 2.600 4.800-5.800'/%3E%3C/g%3E%3C/svg%3E"

// home sends people to the page and tells a monitor whether the bot is healthy.
func (c *call) home() error {
	if negotiate(c.r.Header.Get("Accept"), "application/json", "text/html") == 1 {
		return c.toPage()
	}
	h := bot.Home{Status: "OK", Page: c.prefix() + bot.PathPage, Health: c.prefix() + bot.PathHealth, OpenAPI: c.prefix() + bot.PathOpenAPI}
	status := http.StatusOK
	if len(c.broken()) > 0 {
		h.Status, status = "ERROR", http.StatusServiceUnavailable
	}
	return c.json(status, h)
}

// toPage redirects to the page. The address is relative if no proxy reports a path prefix: then it works from "/" and
// from the page under any path.
func (c *call) toPage() error {
	to := strings.TrimPrefix(bot.PathPage, "/")
	if prefix := c.prefix(); prefix != "" {
		to = prefix + bot.PathPage
	}
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// page answers with the page for linking a phone. A token in the address becomes a cookie and is removed from the
// address, so that it stays in no history. A browser with neither gets the token form.
func (c *call) page() error {
	if c.slash {
		// Below /qr/ the page's relative addresses would be wrong.
		c.w.Header().Set("Location", ".."+bot.PathPage)
		c.w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	if given := c.r.URL.Query().Get("token"); given != "" {
		return c.admitToPage(given)
	}
	if !c.mayOpenPage() {
		return c.askForToken(nil)
	}
	c.wake()
	return c.html(http.StatusOK, pageHTML, nil)
}

// mayOpenPage reports whether the page would work for this caller.
func (c *call) mayOpenPage() bool {
	return !c.token || c.holdsCookie(c.Token()) ||
		presentedToken(c.r) != "" && c.checkToken(presentedToken(c.r), c.Token()) == nil
}

// enter takes the token from the submitted form.
func (c *call) enter() error {
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return faultMediaType.about(text{"Kirim formulir: application/x-www-form-urlencoded dengan token.",
			"Send a form: application/x-www-form-urlencoded with token."})
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		return bodyFault(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return faultBody
	}
	return c.admitToPage(form.Get("token"))
}

// admitToPage exchanges a token for the page's cookie.
func (c *call) admitToPage(given string) error {
	if c.token {
		token := c.Token()
		if err := c.checkToken(given, token); err != nil {
			return c.askForToken(err)
		}
		c.setCookie(token)
	}
	return c.toPage()
}

// wake counts opening the page as looking, which wakes an idle session. It does not wait: the page gets the code over
// the event stream.
func (c *call) wake() {
	if c.snapshot().Reason != bot.ReasonQRIdle {
		return
	}
	select {
	case c.waking <- struct{}{}:
	default:
		return // it is already waking up
	}
	go func() {
		defer func() { <-c.waking }()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := c.Session.Look(ctx); err != nil {
			c.Log.Debug("the session could not be woken", "error", err)
		}
	}()
}

// askForToken answers browsers with the token form and programs with a problem document.
func (c *call) askForToken(why error) error {
	if negotiate(c.r.Header.Get("Accept"), "application/json", "text/html") != 1 {
		if why == nil {
			why = faultNoToken
		}
		return why
	}
	status, said := http.StatusUnauthorized, ""
	if why != nil {
		f := classifyError(why)
		status, said = f.status, f.detail.in(c.lang)
		for name, values := range f.header {
			c.w.Header()[name] = values
		}
	}
	words := map[string]text{
		"title":  {"Token diperlukan", "Token needed"},
		"lead":   {"Halaman ini menautkan WhatsApp ke bot, jadi hanya untuk pemegang token.", "This page links WhatsApp to a bot, so it needs the bot's token."},
		"label":  {"Token API", "API token"},
		"button": {"Buka", "Open"},
		"error":  {said, said},
	}
	return c.html(status, tokenHTML, words)
}

// html writes a page: its text, with each {{name}} replaced. The words are the bot's own, so nothing is escaped.
func (c *call) html(status int, page string, words map[string]text) error {
	nonce := rand.Text()
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", c.lang.tag())
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with none, a browser would send the form without its origin
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; style-src 'nonce-"+nonce+
		"'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.w.WriteHeader(status)
	for page != "" {
		before, after, found := strings.Cut(page, "{{")
		_, _ = io.WriteString(c.w, before)
		if !found {
			return nil
		}
		name, rest, _ := strings.Cut(after, "}}")
		page = rest
		_, _ = io.WriteString(c.w, c.part(name, nonce, words))
	}
	return nil
}

// part returns the text for a name in a page.
func (c *call) part(name, nonce string, words map[string]text) string {
	switch name {
	case "nonce":
		return nonce
	case "lang":
		return c.lang.tag()
	case "style":
		return pageStyle
	case "script":
		return pageScript
	case "texts":
		return pageTexts
	case "logo":
		return pageLogo
	case "icon":
		return pageIcon
	}
	return words[name].in(c.lang)
}
