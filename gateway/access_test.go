package gateway_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/apikey"
	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/gateway"
)

// TestWhoMayDoWhat tries each kind of request with each right: 0 means that the bot answered.
func TestWhoMayDoWhat(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	newBot(t, mine, "shop", echo)
	newBot(t, other, "shop", echo)
	g := newGateway(t)

	sales, err := labels.Parse("team=sales")
	must(t, err)
	credentials := map[string]string{
		"nobody":   "",
		"stranger": newToken(t, other, "stranger"),
		"viewer":   newToken(t, mine, "viewer", rule("get", "", "messages"), rule("list", "")),
		"states":   newToken(t, mine, "states", rule("get", "")),
		"sender":   newToken(t, mine, "sender", rule("get", ""), rule("create", "messages")),
		"linker":   newToken(t, mine, "linker", rule("get", ""), rule("create", "link")),
		"operator": newToken(t, mine, "operator", rule("get", ""), rule("update", "control")),
		"backuper": newToken(t, mine, "backuper", rule("get", ""), rule("get", "backup")),
		"blind":    newToken(t, mine, "blind", rule("create", "messages")),
		"one": newToken(t, mine, "one", rbacv1.PolicyRule{APIGroups: []string{"sesi.dev"}, Resources: []string{"whatsappsessions"},
			Verbs: []string{"get"}, ResourceNames: []string{"shop"}}),
		"read":      newKey(t, mine, "read"),
		"send":      newKey(t, mine, "send"),
		"link":      newKey(t, mine, "link"),
		"control":   newKey(t, mine, "control"),
		"manage":    newKey(t, mine, "manage"),
		"named":     newKey(t, mine, "read,send", func(k *apikey.Key) { k.Sessions = []string{"bank"} }),
		"selected":  newKey(t, mine, "read,send", func(k *apikey.Key) { k.Selector = sales }),
		"expired":   newKey(t, mine, "read,send", func(k *apikey.Key) { k.Expires = time.Now().Add(-time.Minute) }),
		"elsewhere": newKey(t, other, "read,send,link,control,manage"),
		"invented":  apikey.New(),
	}
	base, foreign := bot.GatewayPath(mine, "shop"), bot.GatewayPath(other, "shop")
	g.eventually(http.StatusOK, "GET", base, credentials["read"], "")
	g.eventually(http.StatusOK, "GET", foreign, credentials["elsewhere"], "")
	g.eventually(http.StatusNotFound, "GET", base, credentials["elsewhere"], "")
	g.eventually(http.StatusOK, "GET", base, credentials["viewer"], "")

	status, messages := base+bot.PathStatus, base+bot.PathMessages
	rows := []struct {
		who, method, path string
		want              int
	}{
		{"nobody", "GET", status, 401},
		{"nobody", "GET", status + "?x-api-key=" + credentials["read"], 401}, // where a log would show it
		{"invented", "GET", status, 401},
		{"expired", "GET", status, 401},
		{"stranger", "GET", status, 404},
		{"stranger", "POST", messages, 404},
		{"elsewhere", "GET", status, 404},
		{"elsewhere", "GET", foreign + bot.PathStatus, 0},
		{"elsewhere", "DELETE", base, 404},
		{"viewer", "GET", status, 0},
		{"viewer", "GET", messages, 0},
		{"viewer", "POST", messages, 403},
		{"viewer", "GET", base + bot.PathCode, 403},
		{"viewer", "GET", base + bot.PathBackup, 403},
		{"viewer", "POST", base + bot.PathRestart, 403},
		{"viewer", "GET", foreign + bot.PathStatus, 404},
		{"states", "GET", base + bot.PathSessionEvents, 0},
		{"states", "GET", messages, 403},
		{"states", "GET", base + bot.PathEvents, 403},
		{"states", "GET", base + "/something-new", 403},
		{"viewer", "GET", base + bot.PathPasskeyExtension, 403},
		{"sender", "POST", messages, 0},
		{"sender", "POST", "/api/sendText?session=shop", 0},
		{"sender", "DELETE", "/api/shop/chats/1/messages", 403},
		{"sender", "PUT", base + "/something-new", 0},
		{"sender", "GET", messages, 403},
		{"sender", "DELETE", base + "/chats/1/messages", 403},
		{"sender", "PUT", base + "/webhooks/crm", 403},
		{"linker", "GET", base + bot.PathCode, 0},
		{"linker", "POST", base + bot.PathPair, 0},
		{"linker", "POST", base + "/session/passkey", 0},
		{"linker", "GET", base + bot.PathPasskeyExtension, 0},
		{"linker", "POST", base + bot.PathLogout, 403},
		{"operator", "POST", base + bot.PathLogout, 0},
		{"operator", "DELETE", base + bot.PathClear, 0},
		{"operator", "GET", base + bot.PathBackup, 403},
		{"operator", "POST", base + bot.PathPair, 403},
		{"backuper", "GET", base + bot.PathBackup, 0},
		{"blind", "POST", messages, 0},
		{"blind", "GET", status, 404},
		{"one", "GET", status, 0},
		{"one", "GET", "/v1/sessions", 403},
		{"read", "GET", messages, 0},
		{"read", "POST", messages, 403},
		{"read", "GET", "/api/shop/auth/qr", 403},
		{"read", "GET", "/api/sendText?session=shop&text=x", 403},
		{"send", "POST", "/api/sendText?session=shop", 0},
		{"send", "GET", status, 403},
		{"send", "GET", "/v1/sessions", 403},
		{"link", "GET", "/api/shop/auth/qr", 0},
		{"link", "GET", "/api/screenshot?session=shop", 0},
		{"link", "POST", messages, 403},
		{"control", "POST", "/api/sessions/shop/restart", 0},
		{"control", "DELETE", "/api/shop/chats/1/messages", 0},
		{"control", "GET", base + bot.PathBackup, 403},
		{"control", "DELETE", base, 403},
		{"manage", "GET", base + bot.PathBackup, 0},
		{"manage", "POST", messages, 403},
		{"named", "GET", status, 404},
		{"selected", "GET", status, 404},
		{"selected", "POST", messages, 404},
	}
	for _, row := range rows {
		t.Run(fmt.Sprintf("%s %s %s", row.who, row.method, strings.TrimPrefix(row.path, "/v1/namespaces/")), func(t *testing.T) {
			got := g.do(row.method, row.path, credentials[row.who], "")
			if row.want == 0 && (got.status != http.StatusOK || !strings.HasPrefix(got.body, row.method+" /")) || row.want != 0 && got.status != row.want {
				t.Errorf("answered %d %s, want %d", got.status, got.body, row.want)
			}
		})
	}
	if strings.Contains(g.log.String(), credentials["read"]) || strings.Contains(g.log.String(), credentials["viewer"]) {
		t.Error("the log holds a credential")
	}
}

// Each changing call leaves one line: who, what, which session, how it ended. Reading leaves none.
func TestAudit(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link,manage", func(k *apikey.Key) { k.Name = "crm" })
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, key, "")
	g.do("GET", base+"/chats/628123456789@c.us/messages", key, "")
	g.do("POST", base+"/messages", key, `{"to":"+628123456789","text":"a secret"}`)
	g.do("GET", base+bot.PathCode, key, "")
	g.do("POST", base+bot.PathLogout, key, "")
	g.do("GET", base+bot.PathBackup, key, "")
	wait(t, "four lines", func() bool { return strings.Count(g.log.String(), `"audit"`) >= 4 }, g.log.String) // the last may follow its answer
	log := g.log.String()
	for _, want := range []string{
		`"who":"key:` + namespace + `/crm","from":"127.0.0.1","action":"send","method":"POST","namespace":"` + namespace + `","session":"shop","status":200`,
		`"action":"link","method":"GET","namespace":"` + namespace + `","session":"shop","status":200`,
		`"action":"control","method":"POST","namespace":"` + namespace + `","session":"shop","status":403`,
		`"action":"backup","method":"GET","namespace":"` + namespace + `","session":"shop","status":200`,
	} {
		if strings.Count(log, want) != 1 {
			t.Errorf("want one line with %s in\n%s", want, log)
		}
	}
	if strings.Count(log, `"audit"`) != 4 {
		t.Errorf("want four lines:\n%s", log)
	}
	for _, never := range []string{"628123456789", "a secret", key} {
		if strings.Contains(log, never) {
			t.Errorf("the log holds %q", never)
		}
	}
}

// A deleted key stops working, and a key whose Secret is changed works as the new Secret says.
func TestRevocation(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := apikey.New()
	secret := makeKey(t, key, apikey.Key{Namespace: namespace, Name: "crm", Verbs: []apikey.Verb{apikey.VerbRead}})
	path := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", path, key, "")
	patch := client.MergeFrom(secret.DeepCopy())
	secret.Data[apikey.FieldVerbs] = []byte("link")
	must(t, admin.Patch(t.Context(), secret, patch))
	g.eventually(http.StatusForbidden, "GET", path, key, "")
	patch = client.MergeFrom(secret.DeepCopy())
	secret.Data[apikey.FieldVerbs] = []byte("everything")
	must(t, admin.Patch(t.Context(), secret, patch))
	g.eventually(http.StatusUnauthorized, "GET", path, key, "")
}

// A Secret that repeats another's hash opens nothing. It would lead the key's bearer to the sessions of another namespace.
func TestASecretThatRepeatsAKeyOpensNothing(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	newBot(t, mine, "shop", echo)
	thief := newBot(t, other, "shop", echo)
	g := newGateway(t)
	key := newKey(t, mine, "read,send")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(mine, "shop"), key, "")
	repeated, err := apikey.Build(apikey.Key{Namespace: other, Name: "repeated", Sum: apikey.SumOf(key), Verbs: []apikey.Verb{apikey.VerbRead, apikey.VerbSend}})
	must(t, err)
	must(t, admin.Create(t.Context(), repeated))
	later := newKey(t, other, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(other, "shop"), later, "") // made after it, and known
	if got := g.do("POST", "/api/sendText", key, `{"session":"shop","text":"hi"}`); got.status != http.StatusOK || thief.asked.Load() != 0 {
		t.Errorf("sent with %d; the other namespace's bot was asked %d times", got.status, thief.asked.Load())
	}
	if got := g.do("GET", bot.GatewayPath(other, "shop"), key, ""); got.status != http.StatusNotFound {
		t.Errorf("the other namespace's session: %d", got.status)
	}
}

// Wrong credentials of one address are slowed down, and the API server is not asked about them; a right key from the same
// address still works.
func TestWrongCredentialsAreSlowedDown(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	var mu sync.Mutex
	seen := map[string]bool{}
	g := newGateway(t, func(o *gateway.Options) {
		o.Config = rest.CopyConfig(o.Config)
		o.Config.Wrap(func(base http.RoundTripper) http.RoundTripper { return recorder{base, &mu, seen} })
	})
	g.gateway.StopClock()
	key := newKey(t, namespace, "read")
	path := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", path, key, "")
	statuses := map[int]int{}
	for range 15 {
		statuses[g.do("GET", path, apikey.New(), "").status]++
	}
	if refused, slowed := statuses[http.StatusUnauthorized], statuses[http.StatusTooManyRequests]; refused != 10 || slowed != 5 {
		t.Errorf("15 wrong keys were answered with %v", statuses)
	}
	if got := g.do("GET", path, strings.Repeat("long", 3<<10), ""); got.status != http.StatusUnauthorized {
		t.Errorf("a token that is too long: %d %s", got.status, got.body)
	}
	if got := g.do("GET", path, "a.kubernetes.token", ""); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("a token after them: %d", got.status)
	}
	if answer := g.wire(t, "GET "+path+" HTTP/1.1\r\nHost: x\r\nX-Api-Key: "+apikey.New()+"\r\n\r\n"); !strings.Contains(answer, "Connection: close") {
		t.Errorf("the connection goes on: %s", answer)
	}
	mu.Lock()
	defer mu.Unlock()
	if seen["create authentication.k8s.io/tokenreviews"] {
		t.Error("the API server was asked about a token")
	}
	if got := g.do("GET", path, key, ""); got.status != http.StatusOK {
		t.Errorf("the right key: %d", got.status)
	}
}

// An API server that cannot be asked about a token does not make the token a wrong one.
func TestATokenThatCannotBeReviewed(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	var away atomic.Bool
	g := newGateway(t, unanswered("/tokenreviews", &away))
	path := bot.GatewayPath(namespace, "shop")
	away.Store(true)
	token := newToken(t, namespace, "viewer", rule("get", ""))
	if got := g.do("GET", path, token, ""); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	away.Store(false)
	g.eventually(http.StatusOK, "GET", path, token, "")
}

// A gateway of some namespaces knows nothing of the others: neither their sessions nor their keys.
func TestNamespaces(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	newBot(t, mine, "shop", echo)
	newBot(t, other, "shop", echo)
	g := newGateway(t, func(o *gateway.Options) { o.Namespaces = []string{mine} })
	foreign, key := newKey(t, other, "read"), newKey(t, mine, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(mine, "shop"), key, "") // made after the other one
	if got := g.do("GET", bot.GatewayPath(other, "shop"), foreign, ""); got.status != http.StatusUnauthorized {
		t.Errorf("a key of another namespace: %d %s", got.status, got.body)
	}
	token := newToken(t, other, "viewer", rule("get", ""))
	if got := g.do("GET", bot.GatewayPath(other, "shop"), token, ""); got.status != http.StatusNotFound {
		t.Errorf("a session of another namespace: %d %s", got.status, got.body)
	}
}

// The list shows what the caller may list, by page and by filter, and counts by state.
func TestList(t *testing.T) {
	mine, other := newNamespace(t), newNamespace(t)
	for i, state := range []bot.State{bot.StateConnected, bot.StatePairing, bot.StateConnected} {
		f := newSession(t, mine, fmt.Sprintf("s-%d", i), map[string]string{"n": fmt.Sprint(i)})
		f.setState(state, v1alpha1.ReasonPodRunning)
	}
	newSession(t, other, "hidden", nil)
	g := newGateway(t)
	key := newKey(t, mine, "read")
	var last reply
	list := func(query string) string {
		last = g.do("GET", bot.PathGatewaySessions+query, key, "")
		var names []string
		for part := range strings.SplitSeq(last.body, `"name":"`) {
			name, _, _ := strings.Cut(part, `"`)
			names = append(names, name)
		}
		return strings.Join(names[1:], " ")
	}
	wait(t, "the list", func() bool { return list("?state=Connected") == "s-0 s-2" })
	for query, want := range map[string]string{
		"": "s-0 s-1 s-2", "?state=Pairing": "s-1", "?selector=n+in+(1,2)": "s-1 s-2", "?search=S-2": "s-2", "?namespace=" + other: "",
		"?state=Connected,Pairing&limit=2": "s-0 s-1",
	} {
		if got := list(query); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	if !strings.Contains(last.body, `"total":`) {
		t.Errorf("got %s", last.body)
	}
	list("?limit=2")
	_, token, _ := strings.Cut(last.body, `"continue":"`)
	token, _, _ = strings.Cut(token, `"`)
	if got := list("?limit=2&continue=" + token); got != "s-2" || strings.Contains(last.body, `"continue"`) || !strings.Contains(last.body, `"Connected":2`) {
		t.Errorf("the second page: %q %s", got, last.body)
	}
	if got := list("?sort=since&limit=2&continue=" + token); got != "s-2" {
		t.Errorf("the second page by age: %q", got)
	}
	if got := list("?continue=" + base64.RawURLEncoding.EncodeToString([]byte(mine+"/z"))); got != "" {
		t.Errorf("behind the last one: %q", got)
	}
	for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?selector=((", "?continue=%25"} {
		if list(query); last.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, last.status)
		}
	}
	team := newToken(t, mine, "team", rule("list", ""))
	got := g.eventually(http.StatusOK, "GET", bot.PathGatewaySessions, team, "")
	if strings.Contains(got.body, "hidden") || !strings.Contains(got.body, `"total":3`) {
		t.Errorf("a role of one namespace lists %s", got.body)
	}
}
