package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// smallDisk mounts a file system of the given size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a full disk is made by a small mount, which only root can make")
	}
	dir := t.TempDir()
	if err := syscall.Mount("sesi-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill uses all free space on the disk of dir.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	_ = file.Close()
	return path
}

func TestAFullDiskAtStart(t *testing.T) {
	dir := smallDisk(t, "1m")
	fill(t, dir)
	p := launch(t, settings(nil, dir), nil)
	if code := p.end(); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	p.wrote("no space left", "free some space", dir)
}

func TestADiskThatFillsUpLosesNoSession(t *testing.T) {
	wa, dir := whatsapp(t), smallDisk(t, "8m")
	p := start(t, settings(wa, dir))
	linked := p.pair(wa)
	ballast := fill(t, dir)
	if status, body := p.call(http.MethodGet, "/api/session/status"); status != http.StatusOK {
		t.Errorf("status on a full disk: %d %s", status, body)
	}
	if status, _ := p.call(http.MethodGet, "/api/session/backup", "Authorization", "Bearer none"); status == http.StatusOK {
		t.Error("a backup was given without a token")
	}
	p.terminate() // it may report that it could not clean up
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	again := start(t, settings(wa, dir))
	if got := again.untilConnected(); got.JID != linked.JID || got.Notice != bot.NoticeNone {
		t.Errorf("after the disk was full: %+v", got)
	}
}

func TestPairingOnADiskThatIsFullSaysSoAndTriesAgain(t *testing.T) {
	wa, dir := whatsapp(t), smallDisk(t, "16m")
	p := start(t, settings(wa, dir))
	code := p.code()
	ballast := fill(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := wa.Scan(ctx, code, phone); err == nil {
		t.Log("the pairing found room all the same")
	}
	got := p.until("an end of the pairing", func(s bot.Snapshot) bool {
		return s.Reason != bot.ReasonQRAvailable && s.Reason != bot.ReasonPaired
	})
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if !got.Connected {
		got = p.until("a connection, or a code for one", func(s bot.Snapshot) bool { return s.Connected || s.Reason == bot.ReasonQRAvailable })
	}
	if !got.Connected {
		p.pair(wa)
	}
	p.stop()
	again := start(t, settings(wa, dir))
	again.untilConnected()
}
