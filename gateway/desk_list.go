package gateway

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
)

// deskPage is how many sessions a page of the desk has, deskNeedy how many of those that need a person.
const deskPage, deskNeedy = 100, 25

// deskEvents tells an open page that something changed that its reader may see.
func (c *call) deskEvents() error {
	if c.r.Method != http.MethodGet {
		return methods(http.MethodGet)
	}
	who, failure := c.identify(c.r)
	if failure != nil {
		return failure
	}
	s := &stream{call: c, who: who, tell: tellChanged(c.fleet)}
	return s.serve()
}

// tellChanged writes one event when a session changed that the reader may see, or that the reader could see before.
func tellChanged(fleet *fleet) teller {
	shown := map[sessionKey]bool{}
	return func(keys []sessionKey, seen sight) (told string) {
		for _, key := range keys {
			s := fleet.session(key)
			visible := s != nil && seen(s)
			if visible || shown[key] {
				told = "event: changed\ndata: {}\n\n"
			}
			if visible {
				shown[key] = true
			} else {
				delete(shown, key)
			}
		}
		return told
	}
}

// deskHome is the list: first those that need a person, the longest waiting at the top.
func (c *call) deskHome(who *caller, page *desk, name string) error {
	return c.listed(who, func(seen sight, none *problem) error {
		f, failure := parseFilter(c.r)
		if failure != nil {
			return failure
		}
		if none != nil { // who may see none may still make the first
			page.Failure = none.detail.in(page.Lang)
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
		for _, state := range allStates {
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

// deskHook adds the webhook that a form asks for, and returns the Secret that it needs.
func deskHook(session *v1alpha1.WhatsAppSession, form url.Values) (secrets, error) {
	address, key, needed := strings.TrimSpace(form.Get("webhook")), strings.TrimSpace(form.Get("secret")), secrets{}
	if address == "" {
		return needed, nil
	}
	hook := v1alpha1.Webhook{Name: freeName(prefixDesk, address, nil), URL: address, Format: v1alpha1.WebhookFormat(form.Get("format"))}
	if key != "" {
		if err := signHook(session, &hook, key, "webhook", needed); err != nil {
			return nil, err
		}
	}
	session.Spec.Webhooks = []v1alpha1.Webhook{hook}
	return needed, nil
}

// deskNew creates a session.
func (c *call) deskNew(who *caller, page *desk, read bool) error {
	page.Form = url.Values{}
	page.Title, page.Namespace, page.Fixed = page.T("new"), who.namespace, who.key != nil
	if read {
		return c.render(http.StatusOK, "new", page)
	}
	form, err := c.form()
	if err != nil {
		return err
	}
	key := sessionKey{form.Get("namespace"), form.Get("name")}
	page.Namespace, page.Form = key.namespace, form
	failed := error(unprocessable(deskTexts["nameHint"]))
	if namespacePattern.MatchString(key.namespace) && namePattern.MatchString(key.name) {
		session := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: key.namespace, Name: key.name}}
		needed, wrong := deskHook(session, form)
		if wrong != nil {
			return c.sayOr(wrong, page, "new")
		}
		failed = c.create(who, key, session, needed, func(s *v1alpha1.WhatsAppSession) {
			_ = c.redirect(page.Link(bot.GatewaySession{Namespace: s.Namespace, Name: s.Name}))
		})
	}
	return c.sayOr(failed, page, "new")
}
