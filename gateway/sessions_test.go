package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/gateway"
	"sesi.dev/sesi/test/odd"
)

// Code that creates sessions in WAHA creates resources here.
func TestSessionsAreMadeChangedAndDeleted(t *testing.T) {
	namespace := newNamespace(t)
	g := newGateway(t)
	key := newKey(t, namespace, "read,manage,control")
	g.eventually(http.StatusOK, "GET", bot.PathWAHASessions, key, "")
	stored := func() *v1alpha1.WhatsAppSession {
		t.Helper()
		s := &v1alpha1.WhatsAppSession{}
		must(t, admin.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "shop"}, s))
		return s
	}

	got := g.do("POST", bot.PathWAHASessions, key, `{"name":"shop","config":{"debug":false,"metadata":{"customer":"42","note":"two words, no label","sesi.dev/session":"x"}}}`)
	if got.status != http.StatusCreated || !strings.Contains(got.body, `"name":"shop","status":"STARTING"`) {
		t.Fatalf("create: %d %s", got.status, got.body)
	}
	if s := stored(); s.Labels["customer"] != "42" || s.Labels["note"] != "" || s.Labels["sesi.dev/session"] != "" || s.Spec.Template != nil || *s.Spec.Suspended {
		t.Errorf("made %v %+v", s.Labels, s.Spec)
	}
	var shown struct {
		Config struct{ Metadata map[string]string }
	}
	got = g.do("GET", "/api/sessions/shop", key, "") // at once
	must(t, json.Unmarshal([]byte(got.body), &shown))
	if got.status != http.StatusOK || shown.Config.Metadata["note"] != "two words, no label" {
		t.Errorf("get: %d %s", got.status, got.body)
	}
	if got := g.do("POST", bot.PathWAHASessions, key, `{"name":"shop"}`); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Session 'shop' already exists. Use PUT to update it.") {
		t.Errorf("twice: %d %s", got.status, got.body)
	}
	if got := g.do("PUT", "/api/sessions/shop", key, `{"config":{"metadata":{"customer":"43"}}}`); got.status != http.StatusOK || stored().Labels["customer"] != "43" {
		t.Errorf("change: %d %s, labels %v", got.status, got.body, stored().Labels)
	}
	if got := g.do("POST", "/api/sessions/shop/stop", key, ""); got.status != http.StatusCreated || !*stored().Spec.Suspended || !strings.Contains(got.body, "STOPPED") {
		t.Errorf("stop: %d %s", got.status, got.body)
	}
	if list := g.do("GET", bot.PathWAHASessions, key, "").body; strings.Contains(list, "shop") {
		t.Errorf("the list shows a stopped session: %s", list)
	}
	if list := g.do("GET", bot.PathWAHASessions+"?all=true", key, "").body; !strings.Contains(list, `"name":"shop"`) {
		t.Errorf("?all=true lists %s", list)
	}
	if got := g.do("POST", "/api/sessions/shop/start", key, ""); got.status != http.StatusCreated || *stored().Spec.Suspended {
		t.Errorf("start: %d %s", got.status, got.body)
	}
	if got := g.do("GET", "/api/sessions/shop/me", key, ""); got.status != http.StatusOK || strings.TrimSpace(got.body) != "null" {
		t.Errorf("me: %d %s", got.status, got.body)
	}
	if got := g.do("DELETE", "/api/sessions/shop", key, ""); got.status != http.StatusOK {
		t.Errorf("delete: %d %s", got.status, got.body)
	}
	if err := admin.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "shop"}, &v1alpha1.WhatsAppSession{}); !apierrors.IsNotFound(err) {
		t.Errorf("after the delete: %v", err)
	}
	if got := g.do("GET", "/api/sessions/shop", key, ""); got.status != http.StatusNotFound {
		t.Errorf("after the delete: %d", got.status)
	}
	got = g.do("POST", bot.PathWAHASessions, key, `{"start":false}`)
	if got.status != http.StatusCreated || !strings.Contains(got.body, `"name":"session-`) || !strings.Contains(got.body, "STOPPED") {
		t.Errorf("without a name: %d %s", got.status, got.body)
	}
	wait(t, "the line of the last call", func() bool { return strings.Count(g.log.String(), `"action":"create"`) >= 3 }, g.log.String)
	if strings.Count(g.log.String(), `"action":"create"`) != 3 || strings.Count(g.log.String(), `"action":"delete"`) != 1 {
		t.Errorf("audit:\n%s", g.log)
	}
}

// What WAHA's clients set of a session is in the resource, its secrets in Secrets that go with it, and no answer shows them.
func TestSettingsOfASession(t *testing.T) {
	namespace := newNamespace(t)
	g := newGateway(t)
	key := newKey(t, namespace, "read,manage")
	g.eventually(http.StatusOK, "GET", bot.PathWAHASessions, key, "")
	stored := func() *v1alpha1.WhatsAppSession {
		t.Helper()
		s := &v1alpha1.WhatsAppSession{}
		must(t, admin.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: "shop"}, s))
		return s
	}
	secret := func(name string) (*corev1.Secret, error) {
		s := &corev1.Secret{}
		return s, admin.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, s)
	}
	const hook = `{"url":"https://crm.example/hook?x=1","events":["session.status","message"],"hmac":{"key":"a-key-of-the-crm-1"},
		"retries":{"policy":"constant","delaySeconds":60,"attempts":30},"customHeaders":[{"name":"X-Team","value":"sales"}]}`
	got := g.do("POST", bot.PathWAHASessions, key, `{"name":"shop","config":{"webhooks":[`+hook+`],"ignore":{"groups":true},
		"proxy":{"server":"proxy.example:3128","username":"u","password":"p@ss$"},"messages":{"retention":"24h","pace":{"perMinute":20}}}}`)
	if got.status != http.StatusCreated {
		t.Fatalf("create: %d %s", got.status, got.body)
	}
	s := stored()
	if len(s.Spec.Webhooks) != 1 {
		t.Fatalf("webhooks %+v", s.Spec.Webhooks)
	}
	w := s.Spec.Webhooks[0]
	if w.URL != "https://crm.example/hook?x=1" || w.Format != v1alpha1.WebhookFormatWAHA || fmt.Sprint(w.Events) != "[message session.status]" ||
		w.Patience.Duration != 30*time.Minute || *w.Filters.Groups || s.Spec.Messages.Retention.Duration != 24*time.Hour || *s.Spec.Messages.Pace.PerMinute != 20 {
		t.Errorf("made %+v and %+v", w, s.Spec.Messages)
	}
	signs, err := secret(w.SecretRef.Name)
	must(t, err)
	if string(signs.Data["secret"]) != "a-key-of-the-crm-1" || signs.Labels[naming.LabelWebhooks] != "true" || len(signs.OwnerReferences) != 1 || signs.OwnerReferences[0].UID != s.UID {
		t.Errorf("the key's Secret: %+v", signs)
	}
	headers, err := secret(w.HeadersSecretRef.Name)
	must(t, err)
	if string(headers.Data["X-Team"]) != "sales" {
		t.Errorf("headers %v", headers.Data)
	}
	proxy, err := secret(s.Spec.ProxySecretRef.Name)
	must(t, err)
	if at := string(proxy.Data[s.Spec.ProxySecretRef.Key]); at != "http://u:p%40ss%24@proxy.example:3128" || s.Spec.ProxySecretRef.Port != 3128 {
		t.Errorf("proxy %q, %+v", at, s.Spec.ProxySecretRef)
	}

	// What is shown can be sent back, and changes nothing.
	shown := g.do("GET", "/api/sessions/shop", key, "").body
	for _, hidden := range []string{"a-key-of-the-crm", "X-Team", "proxy.example"} {
		if strings.Contains(shown, hidden) || strings.Contains(g.log.String(), hidden) {
			t.Errorf("%s is shown: %s", hidden, shown)
		}
	}
	if got := g.do("PUT", "/api/sessions/shop", key, shown); got.status != http.StatusOK || stored().Generation != s.Generation {
		t.Errorf("sent back: %d %s\n%+v", got.status, got.body, stored().Spec)
	}
	if got := g.do("PUT", "/api/sessions/shop", key, `{}`); got.status != http.StatusOK || stored().Generation != s.Generation {
		t.Errorf("without a configuration: %d %s", got.status, got.body)
	}

	// A new key of a webhook is for the same webhook; one that the resource has besides is not touched.
	s = stored()
	own := []string{"shop.own", "crm-key"}
	for _, name := range own {
		must(t, admin.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}))
	}
	s.Spec.Webhooks = append(s.Spec.Webhooks, v1alpha1.Webhook{Name: "own", URL: "https://own.example/", SecretRef: &v1alpha1.WebhookSecretRef{Name: "shop.own"}},
		v1alpha1.Webhook{Name: "waha-own", URL: "https://own.example/", SecretRef: &v1alpha1.WebhookSecretRef{Name: "crm-key"}})
	must(t, admin.Update(t.Context(), s))
	got = g.do("PUT", "/api/sessions/shop", key, `{"config":{"webhooks":[`+strings.Replace(hook, "crm-1", "crm-2", 1)+`,{"url":"https://two.example","events":["*"]}]}}`)
	after := stored().Spec
	if got.status != http.StatusOK || len(after.Webhooks) != 3 || after.Webhooks[0].Name != "own" || after.Webhooks[1].Name != w.Name || len(after.Webhooks[2].Events) != 0 || after.ProxySecretRef != nil {
		t.Errorf("change: %d %s\n%+v", got.status, got.body, after)
	}
	if signs, err = secret(w.SecretRef.Name); err != nil || string(signs.Data["secret"]) != "a-key-of-the-crm-2" {
		t.Errorf("the new key: %v %v", signs.Data, err)
	}
	if _, err := secret(proxy.Name); !apierrors.IsNotFound(err) {
		t.Errorf("the old proxy's Secret: %v", err)
	}
	got = g.do("PUT", "/api/sessions/shop", key, `{"config":{}}`)
	if _, err := secret(headers.Name); got.status != http.StatusOK || !apierrors.IsNotFound(err) || len(stored().Spec.Webhooks) != 1 {
		t.Errorf("take all away: %d %s, %v", got.status, got.body, err)
	}
	s = stored()
	s.Spec.Webhooks = nil
	must(t, admin.Update(t.Context(), s))
	if got := g.do("PUT", "/api/sessions/shop", key, `{"config":{}}`); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
	for _, name := range own {
		if _, err := secret(name); err != nil {
			t.Errorf("a Secret that somebody else made: %v", err)
		}
	}
}

// What others do to a session between the gateway's read and its write is not lost, and a session that cannot be made as it
// was asked for is not made.
func TestWritesBesideOthers(t *testing.T) {
	namespace := newNamespace(t)
	var meanwhile atomic.Pointer[func(*http.Request) error]
	g := newGateway(t, func(o *gateway.Options) {
		o.Config = rest.CopyConfig(o.Config)
		o.Config.Wrap(func(base http.RoundTripper) http.RoundTripper {
			return before(base, func(r *http.Request) error {
				if do := meanwhile.Load(); do != nil {
					return (*do)(r)
				}
				return nil
			})
		})
	})
	key := newKey(t, namespace, "read,manage")
	g.eventually(http.StatusOK, "GET", bot.PathWAHASessions, key, "")
	// during does something once, before the next request of a method for an object.
	during := func(method, object string, do func() error) {
		var once sync.Once
		hook := func(r *http.Request) (err error) {
			if r.Method == method && strings.Contains(r.URL.Path, "/namespaces/"+namespace+object) {
				once.Do(func() { err = do() })
			}
			return err
		}
		meanwhile.Store(&hook)
	}
	get := func(name string) (*v1alpha1.WhatsAppSession, error) {
		s := &v1alpha1.WhatsAppSession{}
		return s, admin.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, s)
	}
	const hooked = `{"webhooks":[{"url":"https://crm.example","hmac":{"key":"a-key-of-the-crm-1"}}]}`

	newSession(t, namespace, "changed", nil)
	g.eventually(http.StatusOK, "GET", "/api/sessions/changed", key, "")
	during("PATCH", "/whatsappsessions/changed", func() error {
		s, err := get("changed")
		if err == nil {
			s.Spec.Webhooks = []v1alpha1.Webhook{{Name: "own", URL: "https://own.example/"}}
			err = admin.Update(t.Context(), s)
		}
		return err
	})
	got := g.do("PUT", "/api/sessions/changed", key, `{"config":`+hooked+`}`)
	if s, err := get("changed"); got.status != http.StatusOK || err != nil || len(s.Spec.Webhooks) != 2 || s.Spec.Webhooks[0].Name != "own" {
		t.Errorf("changed meanwhile: %d %s; it has the webhooks %+v, %v", got.status, got.body, s.Spec.Webhooks, err)
	}

	f := newSession(t, namespace, "again", nil)
	g.eventually(http.StatusOK, "GET", "/api/sessions/again", key, "")
	during("DELETE", "/whatsappsessions/again", func() error {
		again := &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "again"}}
		return errors.Join(admin.Delete(t.Context(), f.session), admin.Create(t.Context(), again))
	})
	got = g.do("DELETE", "/api/sessions/again", key, "")
	if s, err := get("again"); got.status != http.StatusConflict || err != nil || s.DeletionTimestamp != nil {
		t.Errorf("made again meanwhile: %d %s; %v", got.status, got.body, err)
	}

	during("PATCH", "/secrets/half.", func() error { return errors.New("the API server is away") })
	got = g.do("POST", bot.PathWAHASessions, key, `{"name":"half","config":`+hooked+`}`)
	if _, err := get("half"); got.status != http.StatusServiceUnavailable || !apierrors.IsNotFound(err) {
		t.Errorf("without its Secret: %d %s; %v", got.status, got.body, err)
	}
}

// A request that cannot be served is refused with the remedy, and changes nothing.
func TestSessionsThatAreRefused(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	newSession(t, mine, "shop", map[string]string{"team": "sales"})
	g := newGateway(t)
	selector, err := labels.Parse("team=sales")
	must(t, err)
	credentials := map[string]string{
		"manage": newKey(t, mine, "read,manage,control"),
		"read":   newKey(t, mine, "read"),
		"named":  newKey(t, mine, "read,manage", func(k *apikey.Key) { k.Sessions = []string{"shop", "bank"} }),
		"sales":  newKey(t, mine, "read,manage", func(k *apikey.Key) { k.Selector = selector }),
		"user":   newToken(t, mine, "user", rule("create", ""), rule("get", "")),
	}
	for _, credential := range credentials {
		g.eventually(http.StatusOK, "GET", bot.GatewayPath(mine, "shop"), credential, "")
	}
	const path = bot.PathWAHASessions
	rows := []struct {
		who, method, path, body string
		status                  int
		says                    string
	}{
		{"read", "POST", path, `{"name":"x"}`, 403, "manage"},
		{"manage", "POST", path, `{"name":"Toko Saya"}`, 422, "a-z"},
		{"manage", "POST", path, `{"name":"a_b"}`, 422, "a-z"},
		{"manage", "POST", path, `{"name":"` + other + `.x"}`, 403, ""},
		{"manage", "POST", path, `{"name":"x","config":{"webhooks":[{"url":"ftp://x"}]}}`, 422, "spec.webhooks[0].url"},
		{"manage", "POST", path, `{"name":"x","config":{"webhooks":[{"url":"https://x.example","events":["nothing"]}]}}`, 422, "spec.webhooks[0].events"},
		{"manage", "POST", path, `{"name":"x","config":{"webhooks":[{"url":"https://x.example","hmac":{"key":"short"}}]}}`, 422, "config.webhooks[0].hmac.key"},
		{"manage", "POST", path, `{"name":"x","config":{"webhooks":[{"url":"https://x.example","customHeaders":[{"name":"Host","value":"y"}]}]}}`, 422, "config.webhooks[0].customHeaders"},
		{"manage", "POST", path, `{"name":"x","config":{"webhooks":[{"url":"https://x.example","customHeaders":[` + manyHeaders(33, 1) + `]}]}}`, 422, "too many headers"},
		{"manage", "POST", path, `{"name":"x","config":{"webhooks":[{"url":"https://x.example","customHeaders":[` + manyHeaders(3, 3000) + `]}]}}`, 422, "too many headers"},
		{"manage", "POST", path, `{"name":"x","config":{"proxy":{"server":"ftp://x:1"}}}`, 422, "config.proxy.server"},
		{"manage", "POST", path, `{"name":"x","config":{"proxy":{"server":"u:p@proxy.example:3128"}}}`, 422, "config.proxy.server"},
		{"manage", "POST", path, `{"name":"x","config":{"messages":{"paces":{}}}}`, 422, "config.messages"},
		{"manage", "POST", path, `{"name":"x","config":{"messages":{"retention":"1m"}}}`, 422, "spec.messages.retention"},
		{"manage", "POST", path, `{"name":"x","apps":[{}]}`, 422, "apps"},
		{"manage", "POST", path, `{"name":5}`, 400, "name"},
		{"manage", "POST", path, `{"name":"x","config":{"metadata":{"a":"` + strings.Repeat("x", 70<<10) + `"}}}`, 413, ""},
		{"manage", "PUT", path + "/shop", `{"name":"bank"}`, 422, "name"},
		{"manage", "PUT", path + "/nothing", `{}`, 404, ""},
		{"manage", "PATCH", path + "/shop", `{}`, 405, ""},
		{"manage", "PUT", path, `{}`, 405, ""},
		{"manage", "POST", path + "/shop/explode", ``, 404, ""},
		{"named", "POST", path, `{"name":"other"}`, 403, "does not open"},
		{"named", "POST", path, `{"name":"bank"}`, 201, ""},
		{"sales", "POST", path, `{"name":"free"}`, 403, "does not open"},
		{"sales", "POST", path, `{"name":"bound","config":{"metadata":{"team":"sales"}}}`, 201, ""},
		{"sales", "PUT", path + "/bound", `{"config":{"metadata":{"team":"bank"}}}`, 403, "no longer"},
		{"user", "POST", path, `{"name":"mine"}`, 201, ""},
		{"user", "POST", path, `{"name":"` + other + `.theirs"}`, 403, "create"},
		{"user", "DELETE", path + "/mine", ``, 403, "delete"},
		{"user", "POST", path + "/mine/stop", ``, 403, "control"},
	}
	for i, row := range rows {
		t.Run(fmt.Sprint(i, " ", row.who, " ", row.method, " ", row.status), func(t *testing.T) {
			got := g.do(row.method, row.path, credentials[row.who], row.body)
			if got.status != row.status || !strings.Contains(got.body, row.says) {
				t.Errorf("%s: answered %d %s, want %d and %q", row.body[:min(60, len(row.body))], got.status, got.body, row.status, row.says)
			}
		})
	}
	if n := list(t, other); n != 0 {
		t.Errorf("%d sessions were made in another namespace", n)
	}
}

// manyHeaders are headers of a webhook, with values of a length.
func manyHeaders(count, length int) string {
	all := make([]string, count)
	for i := range all {
		all[i] = fmt.Sprintf(`{"name":"X-%d","value":%q}`, i, strings.Repeat("x", length))
	}
	return strings.Join(all, ",")
}

// No odd address, key or header becomes a session's setting: the bot would not start with it, or would go elsewhere.
func TestOddSettingsAreRefused(t *testing.T) {
	ns := newNamespace(t)
	g := newGateway(t, func(o *gateway.Options) { o.Limits.Rate = 1e4 })
	key := newKey(t, ns, "read,manage,control")
	g.eventually(http.StatusOK, "GET", bot.PathWAHASessions, key, "")
	// A number that takes hours to compute is refused before anything reads it.
	for _, size := range []string{"0e100000000", "99999999999999999999e999999999", "1E-999999999"} {
		body := `{"name":"x","config":{"messages":{"maxSize":"` + size + `"}}}`
		if got := g.do("POST", bot.PathWAHASessions, key, body); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "exponent") {
			t.Errorf("maxSize %q: answered %d %s", size, got.status, got.body)
		}
	}
	web := odd.Web()
	for field, c := range map[string]struct {
		odd    []string
		config func(value string) any
	}{
		"config.proxy.server":  {odd.Proxies(), func(v string) any { return map[string]any{"proxy": map[string]any{"server": v}} }},
		"spec.webhooks[0].url": {web, func(v string) any { return map[string]any{"webhooks": []any{map[string]any{"url": v}}} }},
		"config.webhooks[0].hmac.key": {odd.Secrets(), func(v string) any {
			return map[string]any{"webhooks": []any{map[string]any{"url": "https://x.example", "hmac": map[string]any{"key": v}}}}
		}},
		"config.webhooks[0].customHeaders": {odd.Headers(), func(v string) any {
			return map[string]any{"webhooks": []any{map[string]any{"url": "https://x.example", "customHeaders": []any{map[string]any{"name": "X-A", "value": v}}}}}
		}},
	} {
		t.Run(field, func(t *testing.T) {
			for _, value := range c.odd {
				body, err := json.Marshal(map[string]any{"name": "x", "config": c.config(value)})
				must(t, err)
				if got := g.do("POST", bot.PathWAHASessions, key, string(body)); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, field) {
					t.Errorf("%s %q: answered %d %s", field, value, got.status, got.body)
				}
			}
		})
	}
	if n := list(t, ns); n != 0 {
		t.Errorf("%d sessions were made", n)
	}
}
