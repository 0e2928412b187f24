package gateway

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

//go:embed desk
var deskFiles embed.FS

var deskPages = template.Must(template.ParseFS(deskFiles, "desk/desk.html"))

const (
	// cookieSecure and cookiePlain hold the credential of whoever signed in at the desk. A browser refuses the first from
	// another host or without TLS.
	cookieSecure = "__Host-sesi-desk"
	cookiePlain  = "sesi-desk"
	cookieLang   = "sesi-language"
	cookieLife   = 12 * time.Hour
	// deskPage is how many sessions a page of the desk has, deskNeedy how many of those that need a person.
	deskPage, deskNeedy = 100, 25
	// maxForm bounds a form; maxMessages is how many messages are shown, in an answer of at most maxBotAnswer.
	maxForm      = 16 << 10
	maxMessages  = 10
	maxBotAnswer = 1 << 20
	// deskTime bounds what the desk asks of a bot while a person waits; what a bot is told to do may take longer.
	deskTime, deskActTime = 2 * time.Second, 45 * time.Second
)

// desk is one page for a person.
type desk struct {
	Lang  string
	Title string
	Who   string
	// Failure and Done are said at the page's top.
	Failure, Done string

	MayCreate  bool
	Filter     struct{ Search string }
	Namespaces []option
	// StateOptions are for the filter, Counts for the chips.
	StateOptions, Counts []option
	Needy, Page          bot.GatewaySessions
	Next                 template.URL

	S                         bot.GatewaySession
	Bot                       string
	Facts, Conditions         []fact
	MayLink, MaySend, MayRead bool
	Actions                   []deskAction
	Messages                  []deskMessage
	Webhooks                  []bot.Webhook
	Key                       string

	Namespace string
	Fixed     bool
}

type option struct {
	Value, Label, Tone string
	Count              int
	Selected           bool
}

type fact struct{ Label, Value string }

type deskAction struct{ Name, Label, Question, Yes, Tone string }

type deskMessage struct {
	FromMe          bool
	Who, When, Text string
}

// T returns a text of the page.
func (d *desk) T(name string) string { return deskTexts[name].in(d.Lang) }

// StateWord says a state.
func (d *desk) StateWord(s bot.GatewaySession) string { return stateWord(s.State, d.Lang) }

func stateWord(state bot.State, language string) string {
	if word, known := stateTexts[state]; known {
		return word.in(language)
	}
	return string(state)
}

// Ask says what a person should do; empty for nothing.
func (d *desk) Ask(s bot.GatewaySession) string { return actionTexts[s.UserAction][0].in(d.Lang) }

// Act names the button that leads there.
func (d *desk) Act(s bot.GatewaySession) string {
	if word := actionTexts[s.UserAction][1].in(d.Lang); word != "" {
		return word
	}
	return d.T("open")
}

// Tone is the colour of a state; its word says the same.
func (d *desk) Tone(s bot.GatewaySession) string { return toneOf(s.State) }

func toneOf(state bot.State) string {
	switch state {
	case bot.StateConnected:
		return "ok"
	case bot.StatePairing, bot.StateReconnecting, bot.StateConnecting, bot.StateRestricted, bot.StateOutdated:
		return "warn"
	case bot.StateLoggedOut, bot.StateConflict, bot.StateFailed, v1alpha1.StateUnknown:
		return "bad"
	}
	return ""
}

// Link is the page of a session.
func (d *desk) Link(s bot.GatewaySession) string {
	return bot.PathDesk + "/sessions/" + s.Namespace + "/" + s.Name
}

// Since is how long a session has been as it is.
func (d *desk) Since(s bot.GatewaySession) string { return ago(time.Since(s.Since.Time), d.Lang) }

// Waiting is how long a session has waited for a person.
func (d *desk) Waiting(s bot.GatewaySession) string { return d.T("waits") + " " + d.Since(s) }

func ago(past time.Duration, language string) string {
	amount, unit := int(past/time.Minute), text{"menit", "min"}
	switch {
	case past >= 48*time.Hour:
		amount, unit = int(past/(24*time.Hour)), text{"hari", "days"}
	case past >= 2*time.Hour:
		amount, unit = int(past/time.Hour), text{"jam", "h"}
	case past < time.Minute:
		return text{"baru saja", "just now"}.in(language)
	}
	return strconv.Itoa(amount) + " " + unit.in(language)
}

// deskLanguage is the language that a person chose, or their browser asks for.
func (c *call) deskLanguage() string {
	chosen := c.r.URL.Query().Get("lang")
	if chosen == "id" || chosen == "en" {
		http.SetCookie(c.w, &http.Cookie{Name: cookieLang, Value: chosen, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteStrictMode, HttpOnly: true, Secure: c.overTLS()})
		return chosen
	}
	if cookie, err := c.r.Cookie(cookieLang); err == nil && (cookie.Value == "id" || cookie.Value == "en") {
		return cookie.Value
	}
	return c.language(c.r)
}

// overTLS reports whether the browser's connection is encrypted, as far as a proxy in front says. It decides only about
// the cookie, so that a false header harms its sender alone.
func (c *call) overTLS() bool {
	proto, _, _ := strings.Cut(c.r.Header.Get("X-Forwarded-Proto"), ",")
	return c.r.TLS != nil || strings.EqualFold(strings.TrimSpace(proto), "https")
}

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
			c.setCookie("", -1)
		}
		page.Title = page.T("signIn")
		return c.render(http.StatusOK, "login", page)
	}
	page.Who = who.name
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

func (c *call) redirect(to string) error {
	c.w.Header().Set("Location", to)
	c.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// setCookie keeps a credential in the browser, where no script reads it; a negative life removes it.
func (c *call) setCookie(credential string, life int) {
	name := cookiePlain
	if c.overTLS() {
		name = cookieSecure
	}
	http.SetCookie(c.w, &http.Cookie{Name: name, Value: credential, Path: "/", MaxAge: life, HttpOnly: true, Secure: c.overTLS(), SameSite: http.SameSiteStrictMode})
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

// deskEvents tells an open page that something changed that its reader may see.
func (c *call) deskEvents() error {
	return c.stream(false, func(keys []sessionKey, seen func(*v1alpha1.WhatsAppSession) bool) string {
		for _, key := range keys {
			if s := c.fleet.session(key); s == nil || seen(s) {
				return "event: changed\ndata: {}\n\n"
			}
		}
		return ""
	})
}

// deskHome is the list: first those that need a person, the longest waiting at the top.
func (c *call) deskHome(who *caller, page *desk, name string) error {
	return c.listed(who, func(seen func(*v1alpha1.WhatsAppSession) bool) error {
		f, failure := parseFilter(c.r)
		if failure != nil {
			return failure
		}
		f.limit = deskPage
		page.Title = page.T("desk")
		page.Page = c.page(f, seen)
		page.Needy = c.page(filter{namespace: f.namespace, attention: true, oldest: true, limit: deskNeedy}, seen)
		page.Filter.Search = f.search
		if page.Page.Next != "" {
			query := c.r.URL.Query()
			query.Set("continue", page.Page.Next)
			query.Del("lang")
			page.Next = template.URL(query.Encode()) //nolint:gosec // encoded just now
		}
		for state, count := range page.Page.States {
			page.Counts = append(page.Counts, option{Value: string(state), Label: stateWord(state, page.Lang), Count: count, Tone: toneOf(state)})
		}
		slices.SortFunc(page.Counts, func(a, b option) int { return b.Count - a.Count })
		for _, state := range append(slices.Clone(bot.States), v1alpha1.StatePending, v1alpha1.StateSuspended, v1alpha1.StateUnknown) {
			page.StateOptions = append(page.StateOptions, option{Value: string(state), Label: stateWord(state, page.Lang), Selected: slices.Contains(f.states, state)})
		}
		if name == "home" {
			visible := map[string]bool{}
			c.fleet.sessions(func(s *v1alpha1.WhatsAppSession) bool {
				if seen(s) {
					visible[s.Namespace] = true
				}
				return false
			})
			for namespace := range visible {
				page.Namespaces = append(page.Namespaces, option{Value: namespace, Label: namespace, Selected: namespace == f.namespace})
			}
			slices.SortFunc(page.Namespaces, func(a, b option) int { return strings.Compare(a.Value, b.Value) })
			page.MayCreate = who.key == nil || who.key.Allows(rights[actCreate].key)
		}
		return c.render(http.StatusOK, name, page)
	})
}

// deskNew makes a session.
func (c *call) deskNew(who *caller, page *desk, read bool) error {
	page.Title, page.Namespace, page.Fixed = page.T("new"), who.namespace, who.key != nil
	if read {
		return c.render(http.StatusOK, "new", page)
	}
	form, err := c.form()
	if err != nil {
		return err
	}
	key := sessionKey{form.Get("namespace"), form.Get("name")}
	failed := error(unprocessable(deskTexts["nameHint"]))
	if namespacePattern.MatchString(key.namespace) && namePattern.MatchString(key.name) {
		session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: key.namespace, Name: key.name}}
		failed = c.create(who, key, session, func(s *v1alpha1.WhatsAppSession) {
			_ = c.redirect(page.Link(bot.GatewaySession{Namespace: s.Namespace, Name: s.Name}))
		})
	}
	return c.sayOr(failed, page, "new")
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

// deskSession is the page of one session.
func (c *call) deskSession(who *caller, page *desk, key sessionKey, panel bool) error {
	return c.account(who, actSee, key, false, func(ctx context.Context) error {
		session := c.fleet.session(key)
		if session == nil {
			return problemNoSession.about(problemNoSession.detail)
		}
		c.describeSession(page, session)
		if panel {
			return c.render(http.StatusOK, "panel", page)
		}
		if said := deskTexts["done."+c.r.URL.Query().Get("done")].in(page.Lang); said != "" {
			page.Done = said
		}
		return c.renderSession(ctx, who, page, session, http.StatusOK)
	})
}

// renderSession adds what the reader may do, and what the bot tells them.
func (c *call) renderSession(ctx context.Context, who *caller, page *desk, session *v1alpha1.WhatsAppSession, status int) error {
	key := sessionKey{session.Namespace, session.Name}
	can := func(what action) bool {
		allowed, failure := c.may(ctx, who, what, key, session)
		return allowed && failure == nil
	}
	reachable := c.fleet.target(key) != nil
	page.Bot = bot.GatewayPath(key.namespace, key.name)
	page.MayLink, page.MaySend, page.MayRead = reachable && can(actLink), reachable && can(actSend), reachable && can(actRead)
	page.Key = newIdempotencyKey()
	add := func(name, tone string) {
		page.Actions = append(page.Actions, deskAction{Name: name, Tone: tone, Label: page.T("act." + name), Question: page.T("ask." + name), Yes: page.T("act." + name)})
	}
	if can(actControl) {
		if suspended(session) {
			add("start", "")
		} else {
			if reachable {
				add("restart", "")
				add("logout", "bad")
			}
			add("stop", "")
		}
	}
	if can(actDelete) {
		add("delete", "bad")
	}
	if page.MayRead {
		c.readMessages(ctx, page, key)
	}
	return c.render(status, "session", page)
}

// describeSession fills in what the resource says.
func (c *call) describeSession(page *desk, session *v1alpha1.WhatsAppSession) {
	page.S = show(session)
	page.Title = page.S.Name
	status := &session.Status
	addTime := func(label string, at *metav1.Time) {
		if at != nil && !at.IsZero() {
			page.Facts = append(page.Facts, fact{page.T(label), at.UTC().Format("2006-01-02 15:04 UTC")})
		}
	}
	if facts := status.Session; facts != nil {
		addTime("linkedAt", facts.LinkedAt)
		addTime("connectedAt", facts.LastConnectedAt)
	}
	addTime("restrictedUntil", status.RestrictedUntil)
	for label, value := range map[string]string{"node": status.NodeName, "version": status.WebVersion, "notice": status.Notice} {
		if value != "" {
			page.Facts = append(page.Facts, fact{page.T(label), value})
		}
	}
	slices.SortStableFunc(page.Facts, func(a, b fact) int { return strings.Compare(a.Label, b.Label) })
	for _, condition := range status.Conditions {
		page.Conditions = append(page.Conditions, fact{condition.Type + ": " + string(condition.Status), condition.Reason + ". " + condition.Message})
	}
}

// askBot asks a session's bot for the desk.
func (c *call) askBot(ctx context.Context, key sessionKey, method, path, query string, body []byte, header http.Header) (*http.Response, error) {
	ctx = context.WithValue(ctx, routedContext{}, &routed{key: key})
	request, err := http.NewRequestWithContext(ctx, method, "https://bot"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.URL.RawQuery = query
	request.Header = http.Header{"User-Agent": {"sesi-desk"}, "Accept": {"application/json"}, "Content-Type": {"application/json"}, "Accept-Language": {c.deskLanguage()}}
	for name, values := range header {
		request.Header[name] = values
	}
	return c.proxy.Transport.RoundTrip(request)
}

// readMessages shows the newest messages and the webhooks. A bot that does not answer at once is not waited for.
func (c *call) readMessages(ctx context.Context, page *desk, key sessionKey) {
	ctx, cancel := context.WithTimeout(ctx, deskTime)
	defer cancel()
	get := func(path, query string, out any) bool {
		answer, err := c.askBot(ctx, key, http.MethodGet, path, query, nil, nil)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK && json.NewDecoder(io.LimitReader(answer.Body, maxBotAnswer)).Decode(out) == nil
	}
	var messages bot.Messages
	if get(bot.PathMessages, "limit=10", &messages) {
		for _, m := range messages.Messages[:min(len(messages.Messages), maxMessages)] {
			said := m.Text
			if said == "" {
				said = "[" + string(m.Kind) + "]"
			}
			who := m.From.Name
			if who == "" {
				who = m.From.Phone
			}
			if m.FromMe {
				who = page.T("me")
			}
			page.Messages = append(page.Messages, deskMessage{FromMe: m.FromMe, Who: who, Text: said, When: m.Timestamp.UTC().Format("2006-01-02 15:04")})
		}
	}
	var webhooks bot.Webhooks
	if get(bot.PathWebhooks, "", &webhooks) {
		page.Webhooks = webhooks.Webhooks[:min(len(webhooks.Webhooks), maxMessages)]
	}
}

// deskAct does what a form asks for.
func (c *call) deskAct(who *caller, page *desk, key sessionKey, what string) error {
	form, err := c.form()
	if err != nil {
		return err
	}
	toBot := func(right action, path string, body []byte, header http.Header) error {
		return c.account(who, right, key, false, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, deskActTime)
			defer cancel()
			answer, err := c.askBot(ctx, key, http.MethodPost, path, "", body, header)
			if err != nil {
				return c.classify(err, key)
			}
			defer answer.Body.Close()
			if answer.StatusCode >= 300 {
				var refused bot.Problem
				_ = json.NewDecoder(io.LimitReader(answer.Body, maxBotAnswer)).Decode(&refused) // without a text, the status says it
				return &problem{status: http.StatusConflict, kind: refused.Kind(), title: text{refused.Title, refused.Title}, detail: text{refused.Detail, refused.Detail}}
			}
			return nil
		})
	}
	back := page.Link(bot.GatewaySession{Namespace: key.namespace, Name: key.name})
	switch what {
	case "restart":
		err = toBot(actControl, bot.PathRestart, nil, nil)
	case "logout":
		err = toBot(actControl, bot.PathLogout, nil, nil)
	case "start", "stop":
		err = c.suspendAs(who, key, what == "stop", func(*v1alpha1.WhatsAppSession) {})
	case "delete":
		if err = c.remove(who, key); err == nil {
			back = "/"
		}
	case "send":
		body, _ := json.Marshal(map[string]string{"to": form.Get("to"), "text": form.Get("text")}) // of strings: it does not fail
		err = toBot(actSend, bot.PathMessages, body, http.Header{"Idempotency-Key": {form.Get("key")}})
	default:
		return problemNotFound.about(problemNotFound.detail)
	}
	if err == nil {
		if back != "/" {
			back += "?done=" + what
		}
		return c.redirect(back)
	}
	session := c.fleet.session(key)
	known, ok := err.(*problem) //nolint:errorlint // problems are returned as they are
	if session == nil || !ok || c.permit(c.r.Context(), who, actSee, key) != nil {
		return err
	}
	c.describeSession(page, session)
	page.Failure = known.detail.in(page.Lang)
	return c.renderSession(c.r.Context(), who, page, session, known.status)
}
