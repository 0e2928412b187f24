package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/campaign"
)

func TestDamagedDatabaseIsRestored(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	id := link(t, s, "6281200000001")
	backUp(t, s)
	newest := backUp(t, s)
	closeStore(t, s)
	damaged := []byte("this was a database once")
	if err := os.WriteFile(s.layout.database(), damaged, 0o600); err != nil {
		t.Fatal(err)
	}

	s = open(t, auth)
	o := s.Opening()
	if o.Damage == "" || o.Restored == nil || *o.Restored != newest || o.Notice != bot.NoticeStoreRestored || len(o.SetAside) != 1 {
		t.Fatalf("opening = %+v, want the newest backup restored", o)
	}
	if kept, err := os.ReadFile(o.SetAside[0]); err != nil || !bytes.Equal(kept, damaged) {
		t.Errorf("set aside = %q, %v", kept, err)
	}
	if !exists(t, s) || s.record.Device != id || s.Facts().Notice != bot.NoticeStoreRestored {
		t.Error("the session did not come back")
	}
	if left := temps(t, auth); left != nil {
		t.Errorf("left behind: %v", left)
	}
	// The next start finds nothing to do, and the notice stands until someone takes it away.
	closeStore(t, s)
	s = open(t, auth)
	if o := s.Opening(); o.Damage != "" || o.Notice != "" || s.Facts().Notice != bot.NoticeStoreRestored {
		t.Errorf("second opening = %+v", o)
	}
}

// A bad backup is skipped for an older good one, and stays.
func TestOlderBackupWhenTheNewestIsBad(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	good := backUp(t, s)
	cut, lie := backUp(t, s), backUp(t, s)
	closeStore(t, s)
	if err := os.Truncate(cut.Path, cut.Size/2); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lie.Path, packed(t, []byte("SQLite format 3\x00, it says")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.layout.database(), 4096); err != nil {
		t.Fatal(err)
	}
	s = open(t, auth)
	if o := s.Opening(); o.Restored == nil || *o.Restored != good {
		t.Fatalf("opening = %+v, want %s restored", o, good.Path)
	}
	for _, bad := range []Backup{cut, lie} {
		if _, err := os.Stat(bad.Path); err != nil {
			t.Errorf("a bad backup was removed: %v", err)
		}
	}
}

func TestDamagedWithoutBackupStartsEmpty(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	closeStore(t, s)
	if err := os.Truncate(s.layout.database(), 5000); err != nil {
		t.Fatal(err)
	}
	s = open(t, auth)
	o := s.Opening()
	if exists(t, s) || o.Restored != nil || o.Notice != bot.NoticeStoreDamaged || len(o.SetAside) == 0 {
		t.Fatalf("opening = %+v, want an empty session with a notice", o)
	}
	link(t, s, "6281200000002")
	closeStore(t, s)
	if s = open(t, auth); !exists(t, s) || s.Opening().Damage != "" {
		t.Error("the new session did not last")
	}
}

func TestWhatALogoutLeavesIsNotDamage(t *testing.T) {
	for name, expired := range map[string]bool{"said": true, "killed before it was said": false} {
		t.Run(name, func(t *testing.T) {
			auth := t.TempDir()
			s := open(t, auth)
			link(t, s, "6281200000001")
			device, err := s.Device(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := device.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.UpdateFacts(func(f *Facts) { f.Expired = expired }); err != nil {
				t.Fatal(err)
			}
			closeStore(t, s)
			s = open(t, auth)
			if o := s.Opening(); exists(t, s) || o.Damage != "" || o.SetAside != nil || o.Notice != "" {
				t.Errorf("opening = %+v, want nothing to report", o)
			}
		})
	}
}

// The keys of a device that was logged out are dead; damage must not bring them back.
func TestLoggedOutSessionIsNotRestored(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	backUp(t, s)
	if err := s.UpdateFacts(func(f *Facts) { f.Expired = true }); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if err := os.Truncate(s.layout.database(), 5000); err != nil {
		t.Fatal(err)
	}
	s = open(t, auth)
	if o := s.Opening(); exists(t, s) || o.Restored != nil || o.Notice != bot.NoticeStoreDamaged {
		t.Errorf("opening = %+v, want no restore", o)
	}
	if !s.Facts().Expired {
		t.Error("the session is not expired any more")
	}
}

func TestABackupOfAnotherDeviceIsNotRestored(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	old := backUp(t, s)
	if err := s.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	link(t, s, "6281200000001") // the same phone again is another link
	closeStore(t, s)
	if err := os.Truncate(s.layout.database(), 5000); err != nil {
		t.Fatal(err)
	}
	s = open(t, auth)
	if o := s.Opening(); exists(t, s) || o.Restored != nil {
		t.Errorf("opening = %+v, want %s left alone", o, old.Path)
	}
}

// The facts know the lost device; without facts the newest backup is tried.
func TestLostDatabase(t *testing.T) {
	remove := func(names ...string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			for _, name := range names {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	cases := map[string]struct {
		lose func(t *testing.T, dir string)
		want bool
	}{
		"the database": {remove(databaseName), true},
		"its content":  {func(t *testing.T, dir string) { truncate(t, filepath.Join(dir, databaseName), 0) }, true},
		"its device":   {deleteDevice, true},
		"everything":   {func(t *testing.T, dir string) { remove(databaseName, factsName, lockName)(t, dir) }, false},
		"everything but a mess": {func(t *testing.T, dir string) {
			remove(factsName)(t, dir)
			truncate(t, filepath.Join(dir, databaseName), 300)
		}, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			auth := t.TempDir()
			s := open(t, auth)
			link(t, s, "6281200000001")
			backUp(t, s)
			closeStore(t, s)
			tc.lose(t, sessionDir(auth))
			s = open(t, auth)
			if o := s.Opening(); exists(t, s) != tc.want || (o.Restored != nil) != tc.want {
				t.Errorf("opening = %+v, want restored %v", o, tc.want)
			}
		})
	}
}

// A lost database of a linked session is told, also where nothing can be restored. That of a session that was logged out
// held nothing any more.
func TestALostDatabaseIsToldWhereADeviceWasLinked(t *testing.T) {
	for name, tc := range map[string]struct {
		expired bool
		want    bot.Notice
	}{"linked": {false, bot.NoticeStoreDamaged}, "logged out": {true, bot.NoticeNone}} {
		t.Run(name, func(t *testing.T) {
			auth, _ := linkedFolder(t)
			s := open(t, auth)
			check(t, s.UpdateFacts(func(f *Facts) { f.Expired = tc.expired }))
			closeStore(t, s)
			check(t, os.Remove(filepath.Join(sessionDir(auth), databaseName)))
			s = open(t, auth)
			if o := s.Opening(); (o.Damage != "") != (tc.want != bot.NoticeNone) || s.Facts().Notice != tc.want {
				t.Errorf("opening = %+v, notice %q", o, s.Facts().Notice)
			}
		})
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func deleteDevice(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, databaseName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, edited(t, data, `DELETE FROM whatsmeow_device`), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A log without its database is part of a session and must be kept.
func TestLogWithoutDatabaseIsKept(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	start(t, "copy", auth).finish()
	killed := auth + "-killed"
	defer os.RemoveAll(killed)
	wal, err := os.ReadFile(filepath.Join(sessionDir(killed), databaseName+"-wal"))
	if err != nil || len(wal) == 0 {
		t.Fatalf("log = %d bytes, %v", len(wal), err)
	}
	for _, name := range []string{databaseName, factsName} {
		if err := os.Remove(filepath.Join(sessionDir(killed), name)); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, killed)
	kept := false
	for _, path := range s.Opening().SetAside {
		data, err := os.ReadFile(path)
		kept = kept || err == nil && bytes.Equal(data, wal)
	}
	if !kept {
		t.Errorf("opening = %+v, want the log among what was set aside", s.Opening())
	}
}

func TestNotDamaged(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	backUp(t, s)
	closeStore(t, s)
	data, err := os.ReadFile(s.layout.database())
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		content []byte
		want    Problem
		say     string
	}{
		"newer version":   {edited(t, data, `UPDATE whatsmeow_version SET version = 50, compat = 40`), NewerDatabase, "schema version 50 (usable from 40), this build knows up to 11"},
		"another program": {edited(t, nil, `CREATE TABLE notes (text)`), ForeignDatabase, "another program"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			auth := filepath.Join(t.TempDir(), "auth")
			copyTree(t, s.layout.authPath, auth)
			path := filepath.Join(sessionDir(auth), databaseName)
			if err := os.WriteFile(path, tc.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), options(auth))
			var problem *PathError
			if !errors.As(err, &problem) || problem.Problem != tc.want || !strings.Contains(err.Error(), tc.say) || problem.Path != path {
				t.Fatalf("open = %v, want %s", err, tc.want)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, tc.content) {
				t.Error("the database was changed")
			}
		})
	}
	// A newer schema that says it still works with this build is used as it is.
	compatible := edited(t, data, `UPDATE whatsmeow_version SET version = 50, compat = 8`, `ALTER TABLE whatsmeow_device ADD COLUMN new TEXT`)
	if err := os.WriteFile(s.layout.database(), compatible, 0o600); err != nil {
		t.Fatal(err)
	}
	if s = open(t, auth); !exists(t, s) || s.Opening().Damage != "" {
		t.Errorf("opening = %+v", s.Opening())
	}
}

func TestClassifyDamage(t *testing.T) {
	for name, err := range map[string]error{
		"full": syscall.ENOSPC, "quota": syscall.EDQUOT, "rights": syscall.EACCES, "read only": syscall.EROFS, "disk": syscall.EIO,
		"stale": syscall.ESTALE, "cancelled": context.Canceled, "late": context.DeadlineExceeded, "unknown": errors.New("what"), "none": nil,
		"missing": fs.ErrNotExist, "path": problem(NewerDatabase, "/x", nil),
	} {
		if got := classifyDamage(fmt.Errorf("x: %w", err)); got != "" {
			t.Errorf("%s counts as damage: %q", name, got)
		}
	}
}

// A database that another program has open is not damaged.
func TestBusyIsNotDamage(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	backUp(t, s)
	closeStore(t, s)
	other := start(t, "lock database", auth)
	if got := other.read(); got != "locked" {
		t.Fatal(got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		s, err := Open(ctx, options(auth))
		if err == nil {
			err = errors.Join(errors.New("opened"), s.Close())
		}
		done <- err
	}()
	cancel()
	if err := <-done; err == nil || classifyDamage(err) != "" {
		t.Errorf("open beside another program = %v", err)
	}
	other.kill()
	if s = open(t, auth); !exists(t, s) || s.Opening().Damage != "" {
		t.Errorf("opening = %+v", s.Opening())
	}
}

func init() {
	// lock database locks it until it is killed, as a database tool may.
	helpers["lock database"] = func(auth string, say func(string)) error {
		db, err := openExclusive(filepath.Join(sessionDir(auth), databaseName))
		if err != nil {
			return err
		}
		told, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		say("locked")
		<-told.Done()
		return db.Close()
	}
}

// A changed letter of the schema shows only when the database is opened for writing. The database and its log are set
// aside as they were all the same.
func TestDamageThatOnlyWritingFinds(t *testing.T) {
	auth, _ := linkedFolder(t)
	s := open(t, auth)
	backUp(t, s)
	closeStore(t, s)
	killedRun(t, auth)
	path := filepath.Join(sessionDir(auth), databaseName)
	data, err := os.ReadFile(path)
	check(t, err)
	changed := bytes.ReplaceAll(data, []byte("AND registration_id <"), []byte("AND registra|ion_id <"))
	if bytes.Equal(changed, data) {
		t.Fatal("the schema is not in the database")
	}
	check(t, os.WriteFile(path, changed, 0o600))
	if found, err := inspect(t.Context(), path); err != nil || found.condition != conditionSound {
		t.Fatalf("reading finds it already: %+v, %v", found, err)
	}
	if outcome := checkDamaged(t, auth, "a letter of the schema"); outcome != "restored" {
		t.Error(outcome)
	}
}

// With any damage to the bytes of a database, a start uses it, or replaces it and keeps it; it never crashes and never
// loses a file.
func TestRandomDamage(t *testing.T) {
	base := t.TempDir()
	s := open(t, base)
	link(t, s, "6281200000001")
	device, err := s.Device(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		if err := device.Sessions.PutSession(t.Context(), fmt.Sprintf("%d:0", n), bytes.Repeat([]byte{byte(n)}, 700)); err != nil {
			t.Fatal(err)
		}
	}
	backUp(t, s)
	start(t, "copy", base).finish()
	killed := base + "-killed" // as a kill leaves it: with a log
	defer os.RemoveAll(killed)
	closeStore(t, s)

	random := rand.New(rand.NewPCG(campaign.Seed(t), 0))
	outcomes := map[string]int{}
	for round := range campaign.Rounds(t, 15) {
		for _, from := range []string{base, killed} {
			auth := filepath.Join(t.TempDir(), "auth")
			copyTree(t, from, auth)
			path := filepath.Join(sessionDir(auth), databaseName)
			if from == killed && round%2 == 0 {
				path += "-wal"
			}
			what := damage(t, random, path, round)
			outcomes[checkDamaged(t, auth, what)]++
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("outcomes: %v", outcomes)
}

// damage changes a file: bits, a page, its length, or its header.
func damage(t *testing.T, random *rand.Rand, path string, round int) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		t.Fatalf("%s: %d bytes, %v", path, len(data), err)
	}
	at := random.IntN(len(data))
	if round%3 == 0 {
		at = random.IntN(min(100, len(data))) // the header, where it hurts most
	}
	what := fmt.Sprintf("%s at %d of %d", filepath.Base(path), at, len(data))
	switch random.IntN(6) {
	case 0, 1, 2:
		data[at] ^= 1 << random.IntN(8)
		what = "bit in " + what
	case 3:
		for n := range 16 {
			data[(at+n)%len(data)] = byte(random.Uint32())
		}
		what = "16 bytes in " + what
	case 4:
		data = data[:at]
		what = "cut of " + what
	case 5:
		copy(data[at/4096*4096:min(len(data), at/4096*4096+4096)], make([]byte, 4096))
		what = "page of zeros in " + what
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return what
}

func checkDamaged(t *testing.T, auth, what string) (outcome string) {
	t.Helper()
	before := tree(t, sessionDir(auth))
	backups := tree(t, backupDir(auth))
	s, err := Open(t.Context(), options(auth))
	var path *PathError
	if errors.As(err, &path) && (path.Problem == NewerDatabase || path.Problem == ForeignDatabase || path.Problem == NotUpgradable) {
		after := tree(t, sessionDir(auth))
		if after[databaseName] != before[databaseName] {
			t.Errorf("%s: refused (%v), and the database was changed", what, err)
		}
		return string(path.Problem)
	}
	if err != nil {
		t.Errorf("%s: open = %v", what, err)
		return "error"
	}
	o := s.Opening()
	if !exists(t, s) {
		t.Errorf("%s: no session, though a backup was there: %+v", what, o)
	}
	if _, _, err := s.Backup(t.Context(), "test"); err != nil {
		t.Errorf("%s: backup of what was opened (%+v): %v", what, o, err)
	}
	closeStore(t, s)
	for name, content := range backups {
		if tree(t, backupDir(auth))[name] != content {
			t.Errorf("%s: backup %s was changed", what, name)
		}
	}
	if o.Damage == "" {
		return "works"
	}
	kept := map[string]bool{}
	for _, aside := range o.SetAside {
		data, err := os.ReadFile(aside)
		if err != nil {
			t.Error(err)
		}
		kept[string(data)] = true
	}
	for _, name := range []string{databaseName, databaseName + "-wal"} {
		if content, was := before[name]; was && content != "" && !kept[content] {
			t.Errorf("%s: %s was lost (%+v)", what, name, o)
		}
	}
	if o.WithoutLog {
		return "without its log"
	}
	if o.Restored == nil {
		t.Errorf("%s: not restored: %+v", what, o)
	}
	return "restored"
}
