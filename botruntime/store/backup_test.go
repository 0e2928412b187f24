package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// age sets the times of the database files to an hour ago.
func age(t *testing.T, s *Store) {
	t.Helper()
	long := time.Now().Add(-time.Hour)
	for _, path := range []string{s.layout.database(), s.layout.database() + "-wal"} {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackupOnlyWhatChanged(t *testing.T) {
	s := open(t, t.TempDir())
	if _, taken, err := s.Backup(t.Context(), "test"); !errors.Is(err, ErrNoDevice) || taken {
		t.Fatalf("backup of nothing = %v, %v", taken, err)
	}
	link(t, s, "6281200000001")
	age(t, s)
	first := backUpIfChanged(t, s)
	again, taken, err := s.Backup(t.Context(), "test")
	if err != nil || taken || again != first {
		t.Fatalf("unchanged: backup = %+v, %v, %v; want the first again", again, taken, err)
	}
	if _, err := s.db.ExecContext(t.Context(), `UPDATE whatsmeow_device SET push_name = 'x'`); err != nil {
		t.Fatal(err)
	}
	second := backUpIfChanged(t, s)
	if second.Path <= first.Path || second.Device != first.Device {
		t.Errorf("second backup %+v does not follow %+v", second, first)
	}
	// A change within the file system's tick must not be missed, so a fresh one is never taken for settled.
	backUp(t, s)
	// One that someone removed is taken again.
	age(t, s)
	gone := backUpIfChanged(t, s)
	if err := os.Remove(gone.Path); err != nil {
		t.Fatal(err)
	}
	backUpIfChanged(t, s)
}

func TestNewestBackupsAreKept(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	foreign := filepath.Join(backupDir(auth), "my-own-copy.db.zst")
	var taken []string
	for range 6 {
		taken = append(taken, backUp(t, s).Path)
		if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	backups, err := listBackups(s.layout)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, b := range backups {
		kept = append(kept, b.Path)
	}
	slices.Reverse(taken)
	kept = slices.DeleteFunc(kept, func(path string) bool { // more only when an hour ended meanwhile
		return !slices.Contains(taken[:3], path) && filepath.Base(path)[:11] != filepath.Base(taken[0])[:11]
	})
	if !slices.Equal(kept, taken[:3]) {
		t.Errorf("kept %v, want the newest three of %v", kept, taken)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a foreign file is gone: %v", err)
	}
	if left := temps(t, auth); left != nil {
		t.Errorf("left behind: %v", left)
	}
	s.options.BackupKeep = 0
	last := backUp(t, s)
	if backups, err := listBackups(s.layout); err != nil || len(backups) != 1 || backups[0] != last {
		t.Errorf("with nothing to keep there is %v, %v; want the newest good one", backups, err)
	}
	if got, found, err := s.LastBackup(); err != nil || !found || got != last {
		t.Errorf("the last backup is %v, %v, %v; want %v", got, found, err, last)
	}
}

// The newest backup is the newest by name even when the clock went back a little.
func TestTheClockMayGoBack(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	first := backUp(t, s)
	at := time.Now().Add(10 * time.Minute).UTC()
	check(t, os.Rename(first.Path, filepath.Join(backupDir(auth), backupFile(at, first.Device))))
	second := backUp(t, s)
	if want := backupFile(at.Add(time.Millisecond), first.Device); filepath.Base(second.Path) != want {
		t.Errorf("backup is %s, want %s", filepath.Base(second.Path), want)
	}
}

// Backups that a clock wrote which was years ahead do not look new until those years are over.
func TestAClockThatWasAhead(t *testing.T) {
	for name, early := range map[string]bool{"after good ones": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			auth := t.TempDir()
			s := open(t, auth)
			link(t, s, "6281200000001")
			var good Backup
			if early {
				good = backUp(t, s)
			}
			for year := 2098; year <= 2099; year++ {
				b := backUp(t, s)
				at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
				check(t, os.Rename(b.Path, filepath.Join(backupDir(auth), backupFile(at, b.Device))))
			}
			if last, found, err := s.LastBackup(); err != nil || !found || last.At.After(time.Now()) {
				t.Errorf("the last backup is of %v, %v, %v", last.At, found, err)
			}
			before := time.Now().Add(-time.Second)
			taken := backUp(t, s)
			if taken.At.Before(before) || taken.At.After(time.Now().Add(time.Second)) {
				t.Errorf("a backup of now is dated %v", taken.At)
			}
			backups, err := listBackups(s.layout)
			check(t, err)
			if backups[0] != taken || len(backups) < 3 || backups[1].At.After(before.Add(time.Minute)) ||
				early && !backups[2].At.After(good.At) {
				t.Errorf("backups = %v", backups)
			}
		})
	}
}

func TestDecideKept(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 30, 0, 0, time.UTC)
	every := func(step time.Duration, n int) (backups []Backup) {
		for i := range n {
			at := now.Add(-time.Duration(i) * step)
			backups = append(backups, Backup{Path: backupFile(at, "0a0b0c0d"), At: at})
		}
		return backups
	}
	cases := map[string]struct {
		backups []Backup
		newest  int
		want    int
		oldest  time.Duration
	}{
		"none":                      {nil, 5, 0, 0},
		"one an hour and one a day": {every(5*time.Minute, 12*24*30), 5, 5 + 5 + 6, 7 * 24 * time.Hour},
		"only the newest":           {every(5*time.Minute, 100), 1, 1, 0},
		"nothing to keep":           {every(5*time.Minute, 100), 0, 1, 0},
		"weeks apart":               {every(14*24*time.Hour, 50), 3, keepDays, 13 * 7 * 24 * time.Hour},
		"all in one hour":           {every(time.Second, 100), 5, 5, time.Minute},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			kept := decideKept(tc.backups, tc.newest)
			if len(kept) != tc.want {
				t.Errorf("%d are kept, want %d", len(kept), tc.want)
			}
			for _, b := range tc.backups {
				if kept[b.Path] && now.Sub(b.At) > tc.oldest {
					t.Errorf("%s is kept", b.Path)
				}
			}
			if len(tc.backups) > 0 && !kept[tc.backups[0].Path] {
				t.Error("the newest goes")
			}
		})
	}
}

func TestFailedBackupLeavesEverything(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	good := backUp(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Backup(ctx, "test"); err == nil {
		t.Fatal("a cancelled backup succeeds")
	}
	if backups, err := listBackups(s.layout); err != nil || len(backups) != 1 || backups[0] != good {
		t.Errorf("backups = %v, %v; want the good one", backups, err)
	}
	if left := temps(t, auth); left != nil {
		t.Errorf("left behind: %v", left)
	}
	backUp(t, s)
}

// slowWriter takes its first bytes and then nothing until it is released.
type slowWriter struct {
	began, release chan struct{}
	got            bytes.Buffer
	stuck          bool
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if !w.stuck {
		w.stuck = true
		close(w.began)
		<-w.release
	}
	return w.got.Write(p)
}

func TestWriteBackup(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	var nothing bytes.Buffer
	if err := s.WriteBackup(t.Context(), &nothing); !errors.Is(err, ErrNoDevice) || nothing.Len() > 0 {
		t.Fatalf("backup of nothing = %v, %d bytes", err, nothing.Len())
	}
	id := link(t, s, "6281200000001")

	w := &slowWriter{began: make(chan struct{}), release: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- s.WriteBackup(context.Background(), w) }()
	<-w.began
	// While someone reads slowly the bot goes on, backups included, and a crash would leave nothing behind.
	backUp(t, s)
	if left := temps(t, auth); left != nil {
		t.Errorf("while streaming there is %v", left)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.WriteBackup(ctx, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second stream beside a slow one = %v, want it to wait its turn", err)
	}
	close(w.release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	other := t.TempDir()
	restored, err := Restore(t.Context(), options(other), &w.got)
	if err != nil || restored.Device != id {
		t.Fatalf("restore = %+v, %v", restored, err)
	}
	if !exists(t, open(t, other)) {
		t.Error("the restored session is not there")
	}
}

func TestWriterThatFails(t *testing.T) {
	s := open(t, t.TempDir())
	link(t, s, "6281200000001")
	reader, writer := io.Pipe()
	reader.CloseWithError(errors.New("the client went away"))
	if err := s.WriteBackup(t.Context(), writer); err == nil || !strings.Contains(err.Error(), "went away") {
		t.Errorf("WriteBackup = %v", err)
	}
	backUp(t, s)
}

// A database that was damaged while it ran must not replace good backups by bad ones.
func TestDamagedStoreIsNotBackedUp(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	good := backUp(t, s)
	if _, err := s.db.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	// Another process writes, or this one would drop SQLite's locks when it closes the file.
	start(t, "scribble", auth).finish()
	for range 4 {
		if _, _, err := s.Backup(t.Context(), "test"); err == nil {
			t.Fatal("a damaged store was backed up")
		}
	}
	if backups, err := listBackups(s.layout); err != nil || len(backups) != 1 || backups[0] != good {
		t.Errorf("backups = %v, %v; want the good one", backups, err)
	}
	if left := temps(t, auth); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func init() {
	// scribble overwrites every page of the database but the first.
	helpers["scribble"] = func(auth string, say func(string)) error {
		path := filepath.Join(sessionDir(auth), databaseName)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if _, err := file.WriteAt(bytes.Repeat([]byte{0x5a}, int(info.Size())-4096), 4096); err != nil {
			return err
		}
		say("done")
		return file.Close()
	}
}
