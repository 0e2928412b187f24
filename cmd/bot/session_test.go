package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

func TestASessionSurvivesARestart(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	before := p.snapshot()
	if before.Exists || !before.QRRequired {
		t.Errorf("before the scan: %+v", before)
	}
	linked := p.pair(wa)
	p.wrote(`"event":"qr"`, `"event":"authenticated"`, `"event":"ready"`, `"event":"change_state"`)
	p.stop()
	p.emptiedLog(dir)
	entries, err := os.ReadDir(filepath.Join(dir, "session-default"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}

	again := start(t, settings(wa, dir))
	back := again.untilConnected()
	if back.JID != linked.JID || back.QRRequired {
		t.Errorf("after the restart: %+v", back)
	}
	if strings.Contains(again.out.String(), `"event":"qr"`) {
		t.Error("a restart showed a QR code")
	}
	again.kill()
	third := start(t, settings(wa, dir))
	if got := third.untilConnected(); got.JID != linked.JID {
		t.Errorf("after kill -9: %+v", got)
	}
}

func TestAnExpiredSessionMakesItsOwnQR(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	first := p.pair(wa)
	jid, err := types.ParseJID(first.JID)
	if err != nil {
		t.Fatal(err)
	}
	if err := wa.Unlink(jid); err != nil {
		t.Fatal(err)
	}
	gone := p.until("expired, with a code", func(s bot.Snapshot) bool { return s.Reason == bot.ReasonQRAvailable })
	if !gone.Expired || gone.Exists || !gone.QRRequired {
		t.Errorf("after the unlink: %+v", gone)
	}
	p.wrote(`"event":"auth_failure"`)
	if second := p.pair(wa); second.Expired || second.JID == first.JID {
		t.Errorf("after the second scan: %+v", second)
	}
}

func TestSeveralSessionsShareAnAuthPath(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	for i := range 3 {
		p := start(t, settings(wa, dir, fmt.Sprintf("CLIENT_ID=shop-%d", i)))
		p.scan(wa, p.code(), fmt.Sprintf("62811%d", i))
		p.untilConnected()
		if got := p.snapshot(); got.Path != fmt.Sprintf("%s/session-shop-%d", dir, i) {
			t.Errorf("path %s", got.Path)
		}
	}
}

func TestASecondBotOnOneSessionNamesTheFirst(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	first := start(t, settings(wa, dir))
	linked := first.pair(wa)
	second := launch(t, settings(wa, dir), nil)
	if code := second.end(); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	second.wrote(fmt.Sprintf("process %d", first.cmd.Process.Pid))
	if got := first.snapshot(); !got.Connected {
		t.Errorf("the second bot disturbed the first: %+v", got)
	}
	first.kill()
	third := start(t, settings(wa, dir))
	if got := third.untilConnected(); got.JID != linked.JID {
		t.Errorf("after the holder's death: %+v", got)
	}
}

func TestClearThenBackupComesBack(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	p.pair(wa)
	if status, body := p.call(http.MethodDelete, "/api/session/clear"); status != http.StatusOK || string(bytes.TrimSpace(body)) != `{"success":true,"message":"Session berhasil dihapus"}` {
		t.Errorf("clear: %d %s", status, body)
	}
	p.until("cleared", func(s bot.Snapshot) bool { return !s.Exists })
	kept, err := filepath.Glob(filepath.Join(dir, "backups", "session-default", "*.db.zst"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("backups before the clear: %v, %v", kept, err)
	}
	if devices := wa.Devices(); len(devices) != 0 {
		t.Errorf("the phone still lists %v", devices)
	}

	refused := launch(t, settings(wa, dir), nil, "restore", kept[0])
	if code := refused.end(); code != exitFailed {
		t.Errorf("restore beside a running bot: exit code %d", code)
	}
	p.stop()
	done := launch(t, settings(wa, dir), nil, "restore", kept[0])
	if code := done.end(); code != exitOK {
		t.Fatalf("restore: exit code %d\n%s", code, done.out)
	}
	done.wrote("warning:")
	// WhatsApp has forgotten these keys: the bot must detect and report that.
	again := start(t, settings(wa, dir))
	again.until("expired", func(s bot.Snapshot) bool { return s.Expired && s.QRRequired })
	again.pair(wa)
}

func TestBackupCommandAndRestoreOnAnotherMachine(t *testing.T) {
	wa, dir, other := whatsapp(t), t.TempDir(), t.TempDir()
	p := start(t, settings(wa, dir))
	linked := p.pair(wa)
	p.stop()
	file := filepath.Join(t.TempDir(), "kept.db.zst")
	if out := launch(t, settings(wa, dir), nil, "backup", file); out.end() != exitOK {
		t.Fatal(out.out)
	}
	for _, args := range [][]string{{"backup"}, {"backup", filepath.Join(t.TempDir(), "none.db.zst")}} {
		unset := launch(t, settings(wa, dir, "CLIENT_ID=toko"), nil, args...)
		if code := unset.end(); code != exitFailed {
			t.Errorf("a backup of a session that is not linked: exit code %d", code)
		}
		unset.wrote("no linked device in session toko of " + dir + "; set CLIENT_ID and AUTH_PATH as for the bot")
	}
	sent, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer sent.Close()
	if out := launch(t, settings(wa, other), func(c *exec.Cmd) { c.Stdin = sent }, "restore", "-"); out.end() != exitOK {
		t.Fatal(out.out)
	}
	moved := start(t, settings(wa, other))
	if got := moved.untilConnected(); got.JID != linked.JID || got.Notice != bot.NoticeStoreRestored {
		t.Errorf("on the other machine: %+v", got)
	}
}

func TestADamagedStoreIsSetAsideAndRestored(t *testing.T) {
	wa, dir := whatsapp(t), t.TempDir()
	p := start(t, settings(wa, dir))
	linked := p.pair(wa)
	p.stop()
	if out := launch(t, settings(wa, dir), nil, "backup"); out.end() != exitOK {
		t.Fatal(out.out)
	}
	database := filepath.Join(dir, "session-default", "session.db")
	if err := os.WriteFile(database, bytes.Repeat([]byte("not a database "), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, settings(wa, dir))
	if got := again.untilConnected(); got.JID != linked.JID || got.Notice != bot.NoticeStoreRestored {
		t.Errorf("after the damage: %+v", got)
	}
	again.wrote("the session store was damaged")
	if aside, err := filepath.Glob(database + "*damaged*"); err != nil || len(aside) == 0 {
		t.Errorf("the damaged file is not beside: %v %v", aside, err)
	}
}

func TestStartErrorsSayWhatToDo(t *testing.T) {
	needsRoot := func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("another user is needed, and only root can become one")
		}
	}
	cases := map[string]struct {
		prepare func(t *testing.T, dir string) (more []string, tune func(*exec.Cmd))
		code    int
		want    []string
	}{
		"AUTH_PATH is a file": {
			func(t *testing.T, dir string) ([]string, func(*exec.Cmd)) {
				write(t, filepath.Join(dir, "file"), "x")
				return []string{"AUTH_PATH=" + filepath.Join(dir, "file")}, nil
			}, exitFailed, []string{"file", "directory"},
		},
		"AUTH_PATH not writable": {
			func(t *testing.T, dir string) ([]string, func(*exec.Cmd)) {
				needsRoot(t)
				return []string{"AUTH_PATH=" + readOnly(t)}, asNobody(t)
			}, exitFailed, []string{"uid 65532", "drwxr-xr-x"},
		},
		"not a setting": {
			func(t *testing.T, dir string) ([]string, func(*exec.Cmd)) { return []string{"PORT=http"}, nil },
			exitSettings, []string{"PORT", `"http"`},
		},
		"open to all without a token": {
			func(t *testing.T, dir string) ([]string, func(*exec.Cmd)) { return []string{"HOST=0.0.0.0"}, nil },
			exitSettings, []string{"HOST", "API_TOKEN"},
		},
		"token file missing": {
			func(t *testing.T, dir string) ([]string, func(*exec.Cmd)) {
				return []string{"API_TOKEN_FILE=" + filepath.Join(dir, "key")}, nil
			}, exitSettings, []string{"API_TOKEN_FILE", "no such file"},
		},
		"proxy is no URL": {
			func(t *testing.T, dir string) ([]string, func(*exec.Cmd)) { return []string{"PROXY_URL=:::"}, nil },
			exitSettings, []string{"PROXY_URL"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			more, tune := c.prepare(t, dir)
			p := launch(t, settings(nil, dir, more...), tune)
			if code := p.end(); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, p.out)
			}
			p.wrote(c.want...)
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A file that is no backup is named as the person named it, and nothing of the attempt stays.
func TestAFileThatIsNoBackupIsNamed(t *testing.T) {
	t.Parallel()
	auth, given := t.TempDir(), t.TempDir()
	for name, content := range map[string]string{
		"noise.zst": strings.Repeat("noise", 1000), "broken.zst": "\x28\xb5\x2f\xfd" + strings.Repeat("noise", 1000), "empty.db": "",
		"short.db": "SQLite format 3\x00",
	} {
		path := filepath.Join(given, name)
		must(t, os.WriteFile(path, []byte(content), 0o600))
		p := launch(t, settings(nil, auth), nil, "restore", path)
		if code := p.end(); code != exitFailed {
			t.Errorf("%s: exit code %d", name, code)
		}
		p.wrote(path + ": not a usable backup: ")
		if out := p.out.String(); strings.Contains(out, auth) {
			t.Errorf("%s: the error names a file of the bot: %s", name, out)
		}
		if left := leftovers(auth); len(left) > 0 {
			t.Errorf("%s: left are %v", name, left)
		}
	}
}
