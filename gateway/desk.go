package gateway

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxForm bounds a form.
const maxForm = 16 << 10

//go:embed desk
var deskFiles embed.FS

var deskPages = template.Must(template.ParseFS(deskFiles, "desk/desk.html"))

// serveDesk serves the pages for people.
func (c *call) serveDesk(segments []string) error {
	read := c.r.Method == http.MethodGet || c.r.Method == http.MethodHead
	if !read && c.r.Method != http.MethodPost {
		return methods("GET, POST")
	}
	if !read && fromOtherSite(c.r) {
		return problemCrossSite.about(problemCrossSite.detail)
	}
	if len(segments) > 0 {
		segments = segments[1:]
	}
	at := strings.Join(segments, "/")
	switch {
	case at == "style.css" && read:
		return c.asset("desk/style.css", "text/css; charset=utf-8")
	case at == "script.js" && read:
		return c.asset("desk/script.js", "text/javascript; charset=utf-8")
	case at == "events" && read:
		return c.deskEvents()
	case at == "login" && !read:
		return c.deskLogin()
	case at == "logout" && !read:
		c.setCookie("", -1)
		return c.redirect("/")
	}
	page := &desk{Lang: c.deskLanguage()}
	who, failure := c.identify(c.r)
	if failure != nil {
		if failure.status != http.StatusUnauthorized && failure.status != http.StatusTooManyRequests || at != "" {
			return failure
		}
		if credential, _ := credentialOf(c.r); credential != "" {
			page.Failure = failure.detail.in(page.Lang)
			if failure.status == http.StatusUnauthorized { // after too many attempts, of anyone at this address, it may be right
				c.setCookie("", -1)
			}
		}
		page.Title = page.T("signIn")
		return c.render(http.StatusOK, "login", page)
	}
	page.Who, page.Proxied = who.name, who.proxied
	switch {
	case at == "" && read:
		return c.deskHome(who, page, "home")
	case at == "list" && read:
		return c.deskHome(who, page, "list")
	case at == "new":
		return c.deskNew(who, page, read)
	case len(segments) >= 3 && len(segments) <= 4 && segments[0] == "sessions":
		key := sessionKey{segments[1], segments[2]}
		what := ""
		if len(segments) == 4 {
			what = segments[3]
		}
		if read && (what == "" || what == "panel") {
			return c.deskSession(who, page, key, what == "panel")
		}
		if !read {
			return c.deskAct(who, page, key, what)
		}
	}
	return problemNotFound.about(problemNotFound.detail)
}

func (c *call) asset(name, kind string) error {
	data, err := deskFiles.ReadFile(name)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(c.w, c.r, "", time.Time{}, bytes.NewReader(data))
	return nil
}

// render sends a page. Its policy lets nothing run or load but the gateway's own files.
func (c *call) render(status int, name string, page *desk) error {
	var out bytes.Buffer
	if err := deskPages.ExecuteTemplate(&out, name, page); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", page.Lang)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(out.Bytes())
	return nil
}

// sayOr shows a problem on a page for people.
func (c *call) sayOr(failed error, page *desk, name string) error {
	known, ok := failed.(*problem) //nolint:errorlint // problems are returned as they are
	if !ok || known == nil {
		return failed
	}
	page.Failure = known.detail.in(page.Lang)
	return c.render(known.status, name, page)
}

func (c *call) redirect(to string) error {
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (c *call) form() (url.Values, error) {
	data, err := io.ReadAll(io.LimitReader(c.r.Body, maxForm+1))
	if err != nil || len(data) > maxForm {
		return nil, problemTooLarge.about(problemTooLarge.detail)
	}
	values, err := url.ParseQuery(string(data))
	if err != nil {
		return nil, problemBadRequest.about(problemBadRequest.detail)
	}
	return values, nil
}
