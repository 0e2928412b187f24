package httpapi

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/poll"
)

// pageText is the part of a language's texts that follows the contract.
type pageText struct {
	States   map[string][2]string `json:"states"`
	Reasons  map[string][2]string `json:"reasons"`
	Unlinked map[string][2]string `json:"unlinked"` // instead of the reason's text, if no phone is linked
	Notices  map[string]string    `json:"notices"`
}

// words reads the values of a type of api/bot from its source, so that no new one can be forgotten.
func words(t *testing.T, kind string) []string {
	t.Helper()
	var out []string
	files, err := filepath.Glob("../../api/bot/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of api/bot: %v", err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); ok && id.Name == kind && len(spec.Values) == 1 {
				if value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value); err == nil && value != "" {
					out = append(out, value)
				}
			}
			return true
		})
	}
	if len(out) == 0 {
		t.Fatalf("no %s in api/bot", kind)
	}
	return out
}

// The page has a text for every state, reason and notice, in both languages, and a look for every reason.
func TestPageKnowsTheContract(t *testing.T) {
	var texts map[string]json.RawMessage
	if err := json.Unmarshal([]byte(pageTexts), &texts); err != nil {
		t.Fatal(err)
	}
	keys := map[string][]string{}
	for _, language := range []string{"id", "en"} {
		var page pageText
		var all map[string]json.RawMessage
		if err := json.Unmarshal(texts[language], &page); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(texts[language], &all); err != nil {
			t.Fatal(err)
		}
		for key := range all {
			keys[language] = append(keys[language], key)
		}
		slices.Sort(keys[language])
		for _, state := range words(t, "State") {
			if said := page.States[state]; said[0] == "" || said[1] == "" {
				t.Errorf("%s: no words for the state %s", language, state)
			}
		}
		for _, reason := range words(t, "Reason") {
			if said := page.Reasons[reason]; said[0] == "" || said[1] == "" {
				t.Errorf("%s: no words for the reason %s", language, reason)
			}
			if !strings.Contains(pageScript, reason+": ['") {
				t.Errorf("no look for the reason %s", reason)
			}
		}
		for _, notice := range words(t, "Notice") {
			if page.Notices[notice] == "" {
				t.Errorf("%s: no words for the notice %s", language, notice)
			}
		}
	}
	if !slices.Equal(keys["id"], keys["en"]) {
		t.Errorf("the languages differ: %v and %v", keys["id"], keys["en"])
	}
}

// The page loads nothing from outside, and lets nothing in.
func TestPageStandsAlone(t *testing.T) {
	url := open(t, New(testConfig(newFake(connectedSnapshot())))) + "/qr"
	first, second := send(t, "GET", url, ""), send(t, "GET", url, "")
	for _, got := range []answer{first, second} {
		policy := got.Header.Get("Content-Security-Policy")
		_, after, _ := strings.Cut(policy, "script-src 'nonce-")
		nonce, _, _ := strings.Cut(after, "'")
		if len(nonce) < 22 || !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
		if n := strings.Count(got.body, `nonce="`+nonce+`"`); n != 2 {
			t.Errorf("the nonce stands %d times, want 2: style and script", n)
		}
		for _, header := range []string{"X-Frame-Options", "X-Content-Type-Options", "Cross-Origin-Resource-Policy"} {
			if got.Header.Get(header) == "" {
				t.Errorf("no %s", header)
			}
		}
		if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("headers %v", got.Header)
		}
		body := strings.ReplaceAll(got.body, "http://www.w3.org/2000/svg", "")
		body = strings.ReplaceAll(body, "window.open(url, '_blank', 'noopener')", "") // a person opens it
		body = strings.ReplaceAll(body, "https://web.whatsapp.com/#", "")
		for _, outside := range []string{"http://", "https://", "//cdn", "@import", "{{", " style=\"", "onclick", "javascript:"} {
			if strings.Contains(body, outside) {
				t.Errorf("the page holds %q", outside)
			}
		}
	}
	if first.Header.Get("Content-Security-Policy") == second.Header.Get("Content-Security-Policy") {
		t.Error("two answers share a nonce")
	}
}

func TestPageSpeaksTheCallersLanguage(t *testing.T) {
	url := open(t, New(testConfig(newFake(connectedSnapshot())))) + "/qr"
	for accept, want := range map[string]string{"": "id", "en-US,en;q=0.9": "en", "id": "id"} {
		got := send(t, "GET", url, "", "Accept-Language", accept)
		if !strings.Contains(got.body, `<html lang="`+want+`">`) || got.Header.Get("Content-Language") != want {
			t.Errorf("%q: %s", accept, got.Header.Get("Content-Language"))
		}
	}
}

// Opening the page wakes an idle session, and leaves any other alone.
func TestOpeningThePageWakesAnIdleSession(t *testing.T) {
	for _, reason := range words(t, "Reason") {
		f := newFake(unlinkedSnapshot(bot.StatePairing, bot.Reason(reason)))
		looked := make(chan struct{}, 1)
		f.onLook = func(*fakeSession) { looked <- struct{}{} }
		send(t, "GET", open(t, New(testConfig(f)))+"/qr", "")
		if bot.Reason(reason) != bot.ReasonQRIdle {
			if f.lookCount() > 0 {
				t.Errorf("%s: looked", reason)
			}
			continue
		}
		poll.Receive(t, reason+" to be looked at", looked, patience)
	}
}

// The page's parts are small, and every part is used.
func TestPageIsSmall(t *testing.T) {
	got := send(t, "GET", open(t, New(testConfig(newFake(connectedSnapshot()))))+"/qr", "")
	if len(got.body) > 68<<10 {
		t.Errorf("the page has %d bytes", len(got.body))
	}
	err := filepath.WalkDir("page", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(" page.html token.html style.css script.js texts.json logo.svg ", " "+d.Name()+" ") {
			t.Errorf("%s is no part of the page", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
