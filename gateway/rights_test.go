package gateway_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/gateway"
	"sesi.dev/sesi/test/apiserver"
)

// recorder records the requests to the API server.
type recorder struct {
	base http.RoundTripper
	mu   *sync.Mutex
	seen map[string]bool
}

func (r recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	group, rest := "", parts[min(len(parts), 2):]
	if parts[0] == "apis" && len(parts) > 1 {
		group, rest = parts[1], parts[min(len(parts), 3):]
	}
	if len(rest) > 2 && rest[0] == "namespaces" {
		rest = rest[2:]
	}
	if len(rest) > 0 {
		verb := map[string]string{"POST": "create", "PATCH": "patch", "DELETE": "delete", "PUT": "update", "GET": "list"}[request.Method]
		switch {
		case request.URL.Query().Get("watch") == "true" || request.URL.Query().Get("watch") == "1":
			verb = "watch"
		case request.Method == "GET" && len(rest) > 1:
			verb = "get"
		}
		r.mu.Lock()
		r.seen[fmt.Sprintf("%s %s/%s", verb, group, rest[0])] = true
		r.mu.Unlock()
	}
	return r.base.RoundTrip(request)
}

// TestTheRulesAreExactlyTheCalls runs the gateway as a user with only the chart's rules: everything that it does works,
// and each right is used.
func TestTheRulesAreExactlyTheCalls(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	var rules []rbacv1.PolicyRule
	text, err := os.ReadFile(filepath.Join("..", "charts", "sesi", "files", "gateway-rules.yaml"))
	must(t, err)
	must(t, yaml.Unmarshal(text, &rules))
	rules = append(rules,
		rbacv1.PolicyRule{APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"tokenreviews"}, Verbs: []string{"create"}},
		rbacv1.PolicyRule{APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"subjectaccessreviews"}, Verbs: []string{"create"}})
	name := "gateway-" + namespace
	must(t, admin.Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}))
	must(t, admin.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	}))
	apiserver.UntilAllowed(t, admin, name, "", rules...)
	user, err := environment.AddUser(envtest.User{Name: name}, &rest.Config{QPS: -1})
	must(t, err)
	var mu sync.Mutex
	seen := map[string]bool{}
	config := rest.CopyConfig(user.Config())
	config.Wrap(func(base http.RoundTripper) http.RoundTripper { return recorder{base, &mu, seen} })

	g := newGateway(t, func(o *gateway.Options) { o.Config = config })
	key := newKey(t, namespace, "read,send,manage,control")
	person := newToken(t, namespace, "person", rule("get", "", "messages"))
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop")+"/messages", key, "")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(namespace, "shop")+"/messages", person, "")
	for _, step := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", bot.PathWAHASessions, `{"name":"made","config":{"webhooks":[{"url":"https://crm.example","hmac":{"key":"a-key-of-the-crm-1"}}]}}`, 201}, {"PUT", "/api/sessions/made", `{"config":{"metadata":{"a":"b"}}}`, 200},
		{"POST", "/api/sessions/made/stop", "", 201}, {"DELETE", "/api/sessions/made", "", 200},
	} {
		if got := g.do(step.method, step.path, key, step.body); got.status != step.status {
			t.Errorf("%s %s: %d %s", step.method, step.path, got.status, got.body)
		}
	}
	var may, did []string
	for _, r := range rules {
		for _, verb := range r.Verbs {
			for _, resource := range r.Resources {
				may = append(may, fmt.Sprintf("%s %s/%s", verb, r.APIGroups[0], resource))
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for call := range seen {
		did = append(did, call)
	}
	slices.Sort(may)
	slices.Sort(did)
	// Where the API server streams its lists, a watch takes the place of a list, which older servers still need.
	did = slices.DeleteFunc(did, func(call string) bool { return strings.HasPrefix(call, "list ") })
	used := slices.DeleteFunc(slices.Clone(may), func(call string) bool { return strings.HasPrefix(call, "list ") })
	// A patch that makes a Secret needs the right to create it.
	used = slices.DeleteFunc(used, func(call string) bool { return call == "create /secrets" })
	if !slices.Equal(used, did) {
		t.Errorf("it may\n%s\nand did\n%s", strings.Join(used, "\n"), strings.Join(did, "\n"))
	}
}
