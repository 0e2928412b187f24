package gateway_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// While the API server cannot say what a caller may do, the answer says that, and asks to come again: a 404 would say that the
// session is gone, and a 403 that somebody took the right away.
func TestARightThatCannotBeReviewed(t *testing.T) {
	namespace := newNamespace(t)
	newBot(t, namespace, "shop", echo)
	var away atomic.Bool
	g := newGateway(t, unanswered("/subjectaccessreviews", &away))
	path := bot.GatewayPath(namespace, "shop")
	token := newToken(t, namespace, "viewer", rule("get", ""), rule("list", ""), rule("watch", ""))
	away.Store(true)
	for _, path := range []string{path, path + "/messages", bot.PathGatewaySessions, bot.PathGatewayEvents, bot.PathWAHASessions} {
		if got := g.do("GET", path, token, ""); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	away.Store(false)
	g.eventually(http.StatusOK, "GET", path, token, "")
}

// A browser sends the desk's cookie for a page of a sibling's too. Such a page reads and changes nothing with it; a link to
// the desk still opens it.
func TestTheCookieIsForTheDesksOwnPages(t *testing.T) {
	namespace := newNamespace(t)
	f := newBot(t, namespace, "shop", echo)
	g := newGateway(t)
	key := newKey(t, namespace, "read,send,link")
	base := bot.GatewayPath(namespace, "shop")
	g.eventually(http.StatusOK, "GET", base, key, "")
	with := func(header ...string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Cookie", "sesi-desk="+key)
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
		}
	}
	own := with("Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty")
	for _, site := range []string{"same-site", "cross-site"} {
		asked := f.asked.Load()
		for _, c := range []struct{ method, path string }{
			{"GET", base + bot.PathCode}, {"GET", base + "/messages"}, {"POST", base + "/messages"}, {"GET", bot.PathGatewaySessions}, {"GET", "/api/shop/auth/qr"},
		} {
			if got := g.do(c.method, c.path, "", "", with("Sec-Fetch-Site", site, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty")); got.problem().Kind() != bot.ProblemCrossSite {
				t.Errorf("%s %s for a page of a %s: %d %s", c.method, c.path, site, got.status, got.body)
			}
		}
		if more := f.asked.Load() - asked; more > 0 {
			t.Errorf("for a page of a %s the bot was asked %d times", site, more)
		}
		if got := g.do("GET", bot.PathDesk, "", "", with("Sec-Fetch-Site", site, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")); got.status != http.StatusOK {
			t.Errorf("a link of a %s: %d", site, got.status)
		}
	}
	if got := g.do("GET", base+bot.PathCode, "", "", own); got.status != http.StatusOK {
		t.Errorf("the desk's own page: %d %s", got.status, got.body)
	}
}
