package gateway

import (
	"net/url"
	"strings"
	"testing"
)

// A path that a proxy in front, the gateway and a bot could read differently is refused, in whatever way it is written.
func TestCleanPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/api/messages":                    "/api/messages",
		"/api/chats/62%40c.us/a%20b/":      "/api/chats/62@c.us/a b/",
		"/api/toko%20saya/%F0%9F%98%80":    "/api/toko saya/\U0001f600",
		"/" + strings.Repeat("a", 2047):    "/" + strings.Repeat("a", 2047),
		"/" + strings.Repeat("a", 2048):    "",
		"/api/session%2Fbackup":            "",
		"/api/session%2fbackup":            "",
		"/api/session%5Cbackup":            "",
		"/api/session%5cbackup":            "",
		`/api/session\backup`:              "",
		"/api/session/%2e%2E/backup":       "",
		"/api/a%2Eb":                       "",
		"/api/messages%00":                 "",
		"/api/messages%0d%0ax":             "",
		"/api/messages%7f":                 "",
		"/api//session":                    "",
		"/api/./session":                   "",
		"/api/../session":                  "",
		"/api/..":                          "",
		"messages":                         "",
		"/api/session;x/b..c/...":          "/api/session;x/b..c/...",
		"/api/" + strings.Repeat("%41", 9): "/api/AAAAAAAAA",
	} {
		address, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := cleanPath(address); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %t; want %q", path, got, ok, want)
		}
	}
}
