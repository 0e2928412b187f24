package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// smallDisk mounts a file system of its own, of so many KiB.
func smallDisk(t *testing.T, kib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=0700", kib)); err != nil {
		if errors.Is(err, syscall.EPERM) {
			t.Skip("this process may not mount, and only a real full disk shows what happens on one")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill leaves so many KiB free on the disk.
func fill(t *testing.T, disk string, leave int) {
	t.Helper()
	free(t, disk)
	var stat syscall.Statfs_t
	if err := syscall.Statfs(disk, &stat); err != nil {
		t.Fatal(err)
	}
	size := int(stat.Bavail)*int(stat.Bsize) - leave<<10
	if size < 0 {
		t.Fatalf("the disk has only %d KiB left, not %d", int(stat.Bavail)*int(stat.Bsize)>>10, leave)
	}
	if err := os.WriteFile(filepath.Join(disk, "filler"), make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
}

func free(t *testing.T, disk string) {
	t.Helper()
	if err := os.Remove(filepath.Join(disk, "filler")); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func wantFull(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || classifyError(err) != DiskFull || classifyDamage(err) != "" {
		t.Errorf("%s on a full disk = %v, want one that says so", what, err)
	}
}

func TestStartOnFullDisk(t *testing.T) {
	disk := smallDisk(t, 2048)
	fill(t, disk, 0)
	_, err := Open(t.Context(), options(disk))
	var path *PathError
	if !errors.As(err, &path) || path.Problem != DiskFull {
		t.Fatalf("open = %v, want disk full", err)
	}
	free(t, disk)

	s := open(t, disk)
	link(t, s, "6281200000001")
	backUp(t, s)
	closeStore(t, s)
	fill(t, disk, 0)
	before := tree(t, disk)
	if _, err := Open(t.Context(), options(disk)); !errors.As(err, &path) || path.Problem != DiskFull {
		t.Fatalf("open = %v, want disk full", err)
	}
	if after := tree(t, disk); !maps.Equal(before, exceptLock(before, after)) {
		t.Error("a start on a full disk changed something")
	}
	free(t, disk)
	if s = open(t, disk); !exists(t, s) || s.Opening().Damage != "" {
		t.Errorf("once there was room: %+v", s.Opening())
	}
}

// exceptLock is after with the lock file of before: it says who looked last.
func exceptLock(before, after map[string]string) map[string]string {
	after = maps.Clone(after)
	name := filepath.Join("session-toko", lockName)
	after[name] = before[name]
	return after
}

// Facts that do not fit leave the former ones, also for the next start.
func TestFactsThatDoNotFitReplaceNothing(t *testing.T) {
	dir := smallDisk(t, 4096)
	s := open(t, dir)
	link(t, s, "6281200000001")
	before, err := os.ReadFile(s.layout.facts())
	check(t, err)
	fill(t, dir, 0)
	if err := s.UpdateFacts(func(f *Facts) { f.Stopped = true }); classifyError(err) != DiskFull {
		t.Errorf("update = %v, want %s", err, DiskFull)
	}
	if after, err := os.ReadFile(s.layout.facts()); err != nil || string(after) != string(before) {
		t.Errorf("the facts became %q, %v", after, err)
	}
	if left := temps(t, dir); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestDiskFillsUpWhileRunning(t *testing.T) {
	disk := smallDisk(t, 2048)
	s := open(t, disk)
	link(t, s, "6281200000001")
	good := backUp(t, s)
	device, err := s.Device(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fill(t, disk, 0)

	err = nil
	for n := 0; n < 100 && err == nil; n++ {
		err = device.Sessions.PutSession(t.Context(), fmt.Sprint(n), make([]byte, 20_000))
	}
	wantFull(t, "a session", err)
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	wantFull(t, "facts", s.UpdateFacts(func(f *Facts) { f.ConnectedAt = at }))
	if !s.Facts().ConnectedAt.Equal(at) {
		t.Error("what could not be written is forgotten")
	}
	_, _, err = s.Backup(t.Context(), "test")
	wantFull(t, "a backup", err)
	wantFull(t, "a streamed backup", s.WriteBackup(t.Context(), new(bytes.Buffer)))
	wantFull(t, "a clear", s.Clear(t.Context()))
	if !exists(t, s) {
		t.Fatal("the session is gone")
	}
	if backups, err := listBackups(s.layout); err != nil || len(backups) != 1 || backups[0] != good {
		t.Errorf("backups = %v, %v", backups, err)
	}
	if left := temps(t, disk); left != nil {
		t.Errorf("left behind: %v", left)
	}

	free(t, disk)
	if err := device.Sessions.PutSession(t.Context(), "later", []byte("works")); err != nil {
		t.Errorf("once there was room: %v", err)
	}
	if err := s.UpdateFacts(func(*Facts) {}); err != nil {
		t.Errorf("once there was room: %v", err)
	}
	backUp(t, s)
	closeStore(t, s)
	s = open(t, disk)
	if o := s.Opening(); !exists(t, s) || o.Damage != "" || !s.Facts().ConnectedAt.Equal(at) {
		t.Errorf("after a restart: %+v, %+v", o, s.Facts())
	}
}

func TestRestoreOnFullDisk(t *testing.T) {
	s := open(t, t.TempDir())
	link(t, s, "6281200000001")
	backup := streamed(t, s)
	disk := smallDisk(t, 2048)
	s = open(t, disk)
	link(t, s, "6281200000002")
	closeStore(t, s)
	// Room enough to begin with, and not enough to end.
	fill(t, disk, 100)
	before := tree(t, disk)
	_, err := Restore(t.Context(), options(disk), bytes.NewReader(backup))
	wantFull(t, "a restore", err)
	if after := tree(t, disk); !maps.Equal(before, exceptLock(before, after)) {
		t.Error("a restore without room changed something")
	}
}

// A damaged database on a full disk waits for space; it must not start an empty session because no backup fits.
func TestDamageOnFullDisk(t *testing.T) {
	disk := smallDisk(t, 2048)
	s := open(t, disk)
	link(t, s, "6281200000001")
	backUp(t, s)
	closeStore(t, s)
	truncate(t, s.layout.database(), 6000)
	fill(t, disk, 100)
	_, err := Open(t.Context(), options(disk))
	wantFull(t, "a start", err)
	free(t, disk)
	if s = open(t, disk); !exists(t, s) || s.Opening().Notice != bot.NoticeStoreRestored {
		t.Errorf("once there was room: %+v", s.Opening())
	}
}

// With any amount of free space each step succeeds or fails cleanly, and the session is there once there is space.
func TestEveryAmountOfFreeSpace(t *testing.T) {
	disk := smallDisk(t, 3072)
	s := open(t, disk)
	link(t, s, "6281200000001")
	backup := streamed(t, s)
	backUp(t, s)
	closeStore(t, s)
	for leave := 0; leave <= 700; leave += 28 {
		fill(t, disk, leave)
		s, err := Open(t.Context(), options(disk))
		if err != nil {
			wantFull(t, "a start", err)
			free(t, disk)
			s = open(t, disk)
		}
		if device, err := s.Device(t.Context()); err != nil {
			t.Errorf("%d KiB: device: %v", leave, err)
		} else {
			for n := range 8 {
				if err := device.Sessions.PutSession(t.Context(), fmt.Sprint(n), make([]byte, 10_000)); err != nil {
					wantFull(t, "a session", err)
				}
			}
		}
		if _, _, err := s.Backup(t.Context(), "test"); err != nil {
			wantFull(t, "a backup", err)
		}
		if err := s.Clear(t.Context()); err != nil {
			wantFull(t, "a clear", err)
			if !exists(t, s) {
				t.Errorf("%d KiB: a clear failed half-way", leave)
			}
		} else if exists(t, s) {
			t.Errorf("%d KiB: a clear did nothing", leave)
		}
		if err := s.Close(); err != nil {
			wantFull(t, "a close", err)
		}
		if _, err := Restore(t.Context(), options(disk), bytes.NewReader(backup)); err != nil {
			wantFull(t, "a restore", err)
		}
		free(t, disk)
		s = open(t, disk)
		if o := s.Opening(); o.Damage != "" {
			t.Fatalf("%d KiB: damage: %+v", leave, o)
		}
		if !exists(t, s) {
			link(t, s, "6281200000001")
		}
		closeStore(t, s)
		for name := range tree(t, sessionDir(disk)) {
			if m, _ := filepath.Match("session.db.replaced-*", name); m {
				if err := os.Remove(filepath.Join(sessionDir(disk), name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
