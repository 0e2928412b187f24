package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sesi.dev/sesi/test/vacant"
)

// The program of docs/from-waha.md does the finance bot's job by WAHA's paths and webhook.
func TestTheFinanceBotByWAHAsPaths(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "from-waha.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```js\n")
	program, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("the page has no program")
	}
	file := filepath.Join(t.TempDir(), "finance.mjs")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	port := vacant.Port(t)
	wa := whatsapp(t)
	p := start(t, settings(wa, t.TempDir(), fmt.Sprintf("WHATSAPP_HOOK_URL=http://127.0.0.1:%d/", port)))
	own := jid(t, p.pair(wa).JID)
	finance := exec.CommandContext(t.Context(), "node", file)
	finance.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", port), "BOT=http://"+p.plain)
	if err := finance.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = finance.Process.Kill()
		_ = finance.Wait()
	})
	for _, said := range []string{"kopi 15000", "makan 25000", "halo"} {
		id, err := wa.Person("6289900000001").Write(own, said)
		mustSend(t, id, err)
	}
	p.waitFor("the total", func() bool {
		for _, m := range onPhones(wa) {
			if m.Text == "makan: 25000. Total: 40000" {
				return true
			}
		}
		return false
	})
}
