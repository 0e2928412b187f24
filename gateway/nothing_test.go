package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/apiserver"
)

// A user whose rights show no session is told which right is missing, by a list and by a stream alike: an empty answer would
// say that there is none. The desk says so too, and lets them make the first one. Who names a namespace and may list it gets
// what is there, which may be nothing yet; so does who asks for their own.
func TestAUserWhoMaySeeNothingIsToldSo(t *testing.T) {
	full, own, empty := newNamespace(t), newNamespace(t), newNamespace(t)
	newSession(t, full, "shop", nil)
	g := newGateway(t)
	key := newKey(t, full, "read")
	g.eventually(http.StatusOK, "GET", bot.GatewayPath(full, "shop"), key, "")

	stranger, member := newToken(t, own, "stranger"), newToken(t, own, "member", rule("list", ""), rule("watch", ""), rule("get", "messages"))
	guest, blank := newToken(t, own, "guest"), newKey(t, empty, "read")
	rights := []rbacv1.PolicyRule{rule("list", ""), rule("watch", ""), rule("get", "messages")}
	must(t, admin.Create(t.Context(), &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: empty, Name: "guest"}, Rules: rights}))
	must(t, admin.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: empty, Name: "guest"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "guest"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: own, Name: "guest"}},
	}))
	apiserver.UntilAllowed(t, admin, "system:serviceaccount:"+own+":guest", empty, rights...)

	for _, path := range []string{bot.PathGatewaySessions, bot.PathWAHASessions, bot.PathGatewayEvents, bot.PathGatewayEvents + "?messages=true"} {
		named := path + "?namespace=" + empty
		if strings.Contains(path, "?") {
			named = path + "&namespace=" + empty
		}
		for who, c := range map[string]struct {
			credential, path string
			refused          bool
		}{
			"a stranger":                     {stranger, path, true},
			"a stranger of a named place":    {stranger, named, true},
			"a guest who names nothing":      {guest, path, true},
			"a guest who names the place":    {guest, named, false},
			"a member of an empty namespace": {member, path, false},
			"a key without sessions":         {blank, path, false},
		} {
			if strings.HasPrefix(path, bot.PathGatewayEvents) && !c.refused {
				g.read(c.credential, strings.TrimPrefix(c.path, bot.PathGatewayEvents), "")
				continue
			}
			got := g.do("GET", c.path, c.credential, "")
			switch told := got.problem(); {
			case !c.refused && got.status != http.StatusOK:
				t.Errorf("%s, %s: %d %s", who, c.path, got.status, got.body)
			case c.refused && (got.status != http.StatusForbidden || !strings.Contains(told.Detail, "?namespace=")):
				t.Errorf("%s, %s: %d %s", who, c.path, got.status, got.body)
			}
		}
	}
	page := g.do("GET", bot.PathDesk, stranger, "")
	if page.status != http.StatusOK || !strings.Contains(page.body, "?namespace=") || !strings.Contains(page.body, "/new") {
		t.Errorf("the desk: %d %s", page.status, page.body)
	}
}
