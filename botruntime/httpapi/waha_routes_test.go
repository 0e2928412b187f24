package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/golden"
)

// wahaPaths and wahaOperations are how many WAHA's API has, in its version 2026.7.1. Its document has 136 paths, one of
// them under two names.
const wahaPaths, wahaOperations = 135, 162

// beside are paths that WAHA serves and its document does not have, or that the bot serves in place of WAHA's.
var beside = []string{bot.PathWAHAFile, bot.PathWebSocket}

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// Each of WAHA's paths is either served or answers 501, and none does both.
func TestWAHAPathsAreAllKnown(t *testing.T) {
	paths, operations := map[string]bool{}, map[string]bool{}
	add := func(method, path string) {
		if slices.Contains(beside, path) {
			return
		}
		path = placeholder.ReplaceAllString(path, "{}")
		if operations[method+" "+path] {
			t.Errorf("%s %s stands twice", method, path)
		}
		paths[path], operations[method+" "+path] = true, true
	}
	for _, r := range wahaRoutes() {
		add(r.method, r.path)
	}
	add(http.MethodGet, bot.PathMessages) // with chatId it is WAHA's
	add(http.MethodGet, bot.PathContacts) // with contactId it is WAHA's
	for _, missing := range bot.WAHAUnserved {
		method, path, _ := strings.Cut(missing.Operation, " ")
		add(method, path)
	}
	if len(paths) != wahaPaths || len(operations) != wahaOperations {
		t.Errorf("%d paths with %d operations, want %d with %d", len(paths), len(operations), wahaPaths, wahaOperations)
	}
	// The page says the same numbers.
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "from-waha.md"))
	says := fmt.Sprintf("with %d operations. A bot serves %d of them", wahaOperations, wahaOperations-len(bot.WAHAUnserved))
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(page)), " "), says) {
		t.Errorf("docs/from-waha.md does not say %q: %v", says, err)
	}
}

// What WAHA has and the bot has not is answered in WAHA's form, for a caller who has the token.
func TestUnservedAnswers501(t *testing.T) {
	f := newFake(connectedSnapshot())
	url := local(t, New(testConfig(f)))
	for _, missing := range bot.WAHAUnserved {
		operation := missing.Operation
		method, path, _ := strings.Cut(operation, " ")
		path = placeholder.ReplaceAllString(path, "x")
		if got := send(t, method, url+path, ""); got.StatusCode != http.StatusUnauthorized || got.problem(t).Message != "Unauthorized" {
			t.Errorf("%s without a token: %d %s", operation, got.StatusCode, got.body)
		}
		got := send(t, method, url+path, "", "X-Api-Key", testToken)
		if p := got.problem(t); p.StatusCode != http.StatusNotImplemented || p.Error != "Not Implemented" || p.Message == "" {
			t.Errorf("%s: %s", operation, got.body)
		}
	}
	if f.done() != nil {
		t.Error("the session was changed")
	}
}

// A path that nobody has stays unknown, and a session's name can be that of one of the bot's own paths.
func TestWAHALeavesTheBotsPathsAlone(t *testing.T) {
	url := open(t, New(testConfig(newFake(connectedSnapshot()))))
	for path, want := range map[string]int{
		"/api/default/nothing":              http.StatusNotFound,
		"/api/default/labels/1/chats/2":     http.StatusNotFound,
		"/api/other/lids/count":             http.StatusNotFound,
		"/api/wa-finance-render/lids/count": http.StatusOK,
		"/api/default/new-message-id":       http.StatusOK,
		bot.PathHealth:                      http.StatusOK,
	} {
		if got := send(t, "GET", url+path, ""); got.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, got.StatusCode, want)
		}
	}
	if got := send(t, "DELETE", url+"/api/default/new-message-id", ""); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET" {
		t.Errorf("another method: %d, Allow %q", got.StatusCode, got.Header.Get("Allow"))
	}
}

// The page of all of WAHA's operations says which the bot has. go test -update writes it.
func TestThePageOfWAHAsPaths(t *testing.T) {
	all := map[string]string{}
	for _, r := range wahaRoutes() {
		all[strings.ReplaceAll(r.path, "{name}", "{session}")+" "+r.method] = "yes"
	}
	for _, missing := range bot.WAHAUnserved {
		method, path, _ := strings.Cut(missing.Operation, " ")
		all[strings.ReplaceAll(path, "{name}", "{session}")+" "+method] = "501: " + missing.Why
	}
	all[bot.PathMessages+" GET"] = "yes, with chatId"
	all[bot.PathContacts+" GET"] = "yes, with contactId"
	var page strings.Builder
	page.WriteString("# WAHA's paths\n\nEach path of WAHA's API (version 2026.7.1), and whether a bot has it. A path that it has not answers 501, in WAHA's\n" +
		"form. [Moving from WAHA](../from-waha.md) says what differs.\n\n| path | method | here |\n| --- | --- | --- |\n")
	for _, key := range slices.Sorted(maps.Keys(all)) {
		path, method, _ := strings.Cut(key, " ")
		fmt.Fprintf(&page, "| `%s` | %s | %s |\n", path, method, all[key])
	}
	golden.Check(t, filepath.Join("..", "..", "docs", "reference", "waha.md"), []byte(page.String()))
}
