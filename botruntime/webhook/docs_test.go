package webhook

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// snippets are the languages of the page about webhooks: what runs them, and the lines around a snippet that ask it
// about the deliveries on the standard input.
var snippets = map[string]struct {
	program, file, before, after string
}{
	"js": {"node", "verify.mjs", "", `
import { readFileSync } from 'node:fs'
for (const d of JSON.parse(readFileSync(0, 'utf8')))
  console.log(verify(d.secret, d.headers, Buffer.from(d.body)) ? 'yes' : 'no')`},
	"python": {"python3", "verify.py", "", `
import json, sys
for d in json.load(sys.stdin):
    print("yes" if verify(d["secret"], d["headers"], d["body"].encode()) else "no")`},
	"php": {"php", "verify.php", "<?php\n", `
foreach (json_decode(file_get_contents('php://stdin'), true) as $d)
    echo verify($d['secret'], $d['headers'], $d['body']) ? "yes\n" : "no\n";`},
}

// The page's snippets accept a delivery of the bot and reject a changed one, in every language that the machine has.
func TestSnippetsOfThePageVerify(t *testing.T) {
	page, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for language, s := range snippets {
		t.Run(language, func(t *testing.T) {
			program, err := exec.LookPath(s.program)
			if err != nil {
				t.Skipf("%s is not installed, so the snippet in %s cannot run; hack/deps.sh test installs php", s.program, language)
			}
			_, code, found := strings.Cut(string(page), "\n```"+language+"\n")
			code, _, closed := strings.Cut(code, "\n```")
			if !found || !closed {
				t.Fatal("the page has no such snippet")
			}
			file := filepath.Join(t.TempDir(), s.file)
			if err := os.WriteFile(file, []byte(s.before+code+s.after), 0o600); err != nil {
				t.Fatal(err)
			}
			const body = `{"text":"keluar 25rb kopi ☕"}`
			now := time.Now()
			cases := []struct {
				name         string
				secrets      []string
				secret, body string
				at           time.Time
				want         string
			}{
				{"ours", []string{secret}, secret, body, now, "yes"},
				{"a plain secret", []string{oldSecret}, oldSecret, body, now, "yes"},
				{"while it changes", []string{secret, oldSecret}, oldSecret, body, now, "yes"},
				{"another secret", []string{secret}, oldSecret, body, now, "no"},
				{"another body", []string{secret}, secret, body + " ", now, "no"},
				{"an hour old", []string{secret}, secret, body, now.Add(-time.Hour), "no"},
				{"no signature", nil, secret, body, now, "no"},
			}
			var deliveries []map[string]any
			for _, c := range cases {
				h, headers := http.Header{}, map[string]string{}
				sign(h, c.secrets, "evt_1", "r", c.at, []byte(body))
				for name := range h {
					headers[strings.ToLower(name)] = h.Get(name)
				}
				deliveries = append(deliveries, map[string]any{"secret": c.secret, "headers": headers, "body": c.body})
			}
			in, err := json.Marshal(deliveries)
			if err != nil {
				t.Fatal(err)
			}
			run := exec.CommandContext(t.Context(), program, file)
			run.Stdin = strings.NewReader(string(in))
			out, err := run.CombinedOutput()
			said := strings.Fields(string(out))
			if err != nil || len(said) != len(cases) {
				t.Fatalf("%v: %s", err, out)
			}
			for i, c := range cases {
				if said[i] != c.want {
					t.Errorf("%s: %s, want %s", c.name, said[i], c.want)
				}
			}
		})
	}
}
