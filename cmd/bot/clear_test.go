package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// The only keys of a device that WhatsApp still knows are not removed without a backup, unless a person insists.
func TestAClearWithoutABackupAndWithoutWhatsAppNeedsForce(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir, "LOCALE=en"))
	linked := p.pair(wa)
	must(t, os.RemoveAll(filepath.Join(dir, "backups")))
	write(t, filepath.Join(dir, "backups"), "not a folder")
	if status, body := p.call(http.MethodPost, bot.PathStop); status != http.StatusOK {
		t.Fatalf("stop: %d %s", status, body)
	}
	for path, method := range map[string]string{bot.PathClear: http.MethodDelete, bot.PathLogout: http.MethodPost} {
		status, body := p.call(method, path)
		if status != http.StatusConflict || !strings.Contains(string(body), "backup-failed") || !strings.Contains(string(body), "?force=true") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if got := p.snapshot(); !got.Exists || got.JID != linked.JID || got.State != bot.StateStopped {
		t.Errorf("after the refusals: %+v", got)
	}
	status, body := p.call(http.MethodDelete, bot.PathClear+"?force=true")
	if status != http.StatusOK || !strings.Contains(string(body), "WhatsApp could not be told") {
		t.Errorf("with force: %d %s", status, body)
	}
	if got := p.snapshot(); got.Exists || len(wa.Devices()) != 1 {
		t.Errorf("after force: %+v, WhatsApp lists %v", got, wa.Devices())
	}
}
