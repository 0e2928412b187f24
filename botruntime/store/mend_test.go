package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mau.fi/whatsmeow/store/sqlstore/upgrades"

	"sesi.dev/sesi/api/bot"
)

// killedRun leaves the session as a bot that was killed does: with a log, which holds more than the database.
func killedRun(t *testing.T, auth string) {
	t.Helper()
	p := start(t, "keep storing messages", auth)
	for said := ""; said != "open"; said = p.read() {
	}
	for range 20 {
		p.read()
	}
	p.kill()
	if !observeLog(layout{dir: sessionDir(auth)}) {
		t.Fatal("a killed bot leaves no log")
	}
}

// copyOver copies a folder over another, as cp -r does: what is only in the second stays.
func copyOver(t *testing.T, from, to string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	check(t, err)
	for _, entry := range entries {
		if len(names) > 0 && !strings.Contains(strings.Join(names, " "), entry.Name()) {
			continue
		}
		copyFile(t, filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name()))
	}
}

// A person copies a session directory while the bot is stopped, and later over what a killed bot left. The copy
// runs, and not its mixture with the log, nor an automatic backup.
func TestACopyPutOverAKilledBotRuns(t *testing.T) {
	cases := map[string]struct {
		names   []string
		backups bool
	}{
		"the whole folder":                {nil, false},
		"the whole folder, with backups":  {nil, true},
		"the database":                    {[]string{databaseName}, false},
		"the database, with backups":      {[]string{databaseName}, true},
		"database and facts, and backups": {[]string{databaseName, factsName}, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			auth, id := linkedFolder(t)
			saved := filepath.Join(t.TempDir(), "saved")
			copyTree(t, sessionDir(auth), saved)

			s := open(t, auth)
			device, err := s.Device(t.Context())
			check(t, err)
			for n := range 300 { // so that pages move
				check(t, device.Sessions.PutSession(t.Context(), fmt.Sprint(n), bytes.Repeat([]byte{1}, 1500)))
			}
			_, err = s.db.ExecContext(t.Context(), `DELETE FROM whatsmeow_pre_keys`)
			check(t, err)
			if tc.backups {
				backUp(t, s)
			}
			closeStore(t, s)
			killedRun(t, auth)
			copyOver(t, saved, sessionDir(auth), tc.names...)

			var log bytes.Buffer
			o := options(auth)
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			s, err = Open(t.Context(), o)
			check(t, err)
			defer s.Close()
			got, err := observeDevice(t.Context(), s.db)
			opening := s.Opening()
			if err != nil || got != id || opening.Restored != nil || !opening.WithoutLog || opening.Notice != bot.NoticeStoreRestored {
				t.Fatalf("device %q, %v; opening %+v", got, err, opening)
			}
			if n := rows(t, s.db)["whatsmeow_pre_keys"]; n != preKeys {
				t.Errorf("%d prekeys, want the %d of the copy", n, preKeys)
			}
			if !strings.Contains(log.String(), databaseName) || !strings.Contains(log.String(), "log") {
				t.Errorf("the log does not say which database runs: %s", log.String())
			}
			logs := 0
			for _, path := range opening.SetAside {
				if strings.HasSuffix(path, "-wal") {
					logs++
				}
			}
			if logs != 1 {
				t.Errorf("set aside %v, want the foreign log among it", opening.SetAside)
			}
		})
	}
}

// A start that is stopped after it has set a foreign log aside leaves the notice to the next one.
func TestAStoppedStartKeepsTheNoticeOfAForeignLog(t *testing.T) {
	auth, id := linkedFolder(t)
	saved := filepath.Join(t.TempDir(), "saved")
	copyTree(t, sessionDir(auth), saved)
	killedRun(t, auth)
	copyOver(t, saved, sessionDir(auth))
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Open(stopped, options(auth)); !errors.Is(err, context.Canceled) {
		t.Fatalf("open = %v", err)
	}
	s := open(t, auth)
	if got, err := observeDevice(t.Context(), s.db); err != nil || got != id || s.Facts().Notice != bot.NoticeStoreRestored {
		t.Errorf("device %q, %v; notice %q", got, err, s.Facts().Notice)
	}
}

// A first start that is cut off leaves a database without tables, and a log that was begun. Nothing is lost with it.
func TestAFirstStartThatWasCutOffIsNotDamage(t *testing.T) {
	auth := t.TempDir()
	closeStore(t, open(t, auth))
	path := filepath.Join(sessionDir(auth), databaseName)
	for _, name := range []string{path, filepath.Join(sessionDir(auth), factsName)} {
		check(t, os.Remove(name))
	}
	db, err := sql.Open("sqlite", dsn(path, liveParams()))
	check(t, err)
	check(t, db.Ping())
	check(t, db.Close())
	check(t, os.WriteFile(path+"-wal", make([]byte, 4096), 0o600))
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatalf("the database: %v, %v", info, err)
	}
	if s := open(t, auth); s.Opening().Damage != "" || s.Opening().SetAside != nil || s.Facts().Notice != "" {
		t.Errorf("opening = %+v", s.Opening())
	}
}

// A kill in the middle of a transaction with a rollback journal, as the first one of a new database is, loses nothing.
func TestATransactionThatWasCutOffIsUndone(t *testing.T) {
	auth, id := linkedFolder(t)
	s := open(t, auth)
	copied := unpacked(t, streamed(t, s))
	closeStore(t, s)
	for name, tc := range map[string]struct {
		before []byte
		want   string
	}{"of a new database": {nil, ""}, "of a session": {copied, id}} {
		t.Run(name, func(t *testing.T) {
			work, auth := filepath.Join(t.TempDir(), "work.db"), t.TempDir()
			check(t, os.WriteFile(work, tc.before, 0o600))
			db, err := sql.Open("sqlite", dsn(work, url.Values{"_pragma": {"journal_mode(DELETE)", "cache_size(1)"}}))
			check(t, err)
			db.SetMaxOpenConns(1)
			defer db.Close()
			_, err = db.Exec(`BEGIN; CREATE TABLE half (made); INSERT INTO half SELECT randomblob(100000) FROM (VALUES (1), (2), (3))`)
			check(t, err)
			check(t, os.Mkdir(sessionDir(auth), 0o700))
			path := filepath.Join(sessionDir(auth), databaseName)
			copyFile(t, work, path)
			copyFile(t, work+"-journal", path+"-journal")
			s := open(t, auth)
			got, err := observeDevice(t.Context(), s.db)
			if err != nil || got != tc.want || s.Opening().Damage != "" || s.Opening().SetAside != nil {
				t.Errorf("device %q, %v; opening %+v", got, err, s.Opening())
			}
		})
	}
}

// A log that a killed bot left belongs to its database, however often the start after it is killed too.
func TestAKilledBotsOwnLogIsUsed(t *testing.T) {
	auth, _ := linkedFolder(t)
	for range 3 {
		killedRun(t, auth)
	}
	s := open(t, auth)
	if o := s.Opening(); o.WithoutLog || o.Damage != "" || o.SetAside != nil {
		t.Fatalf("opening = %+v", o)
	}
	var stored []byte
	check(t, s.db.QueryRow(`SELECT session FROM whatsmeow_sessions WHERE their_id = 'peer'`).Scan(&stored))
	if string(stored[:8]) < "00000019" {
		t.Errorf("the newest message in the database is %s", stored[:8])
	}
	closeStore(t, s)
	if _, err := os.Stat(filepath.Join(sessionDir(auth), lifeName)); err == nil {
		t.Error("a closed session still has a life")
	}
}

// A failed upgrade of a sound database is a fault of this build: the database stays, and so does its device.
func TestAFailedUpgradeIsNotDamage(t *testing.T) {
	auth, id := linkedFolder(t)
	s := open(t, auth)
	backUp(t, s)
	closeStore(t, s)
	path := filepath.Join(sessionDir(auth), databaseName)
	data, err := os.ReadFile(path)
	check(t, err)
	version := len(upgrades.Table)
	older := edited(t, data, fmt.Sprintf(`UPDATE whatsmeow_version SET version = %d, compat = 8`, version-1))
	check(t, os.WriteFile(path, older, 0o600))
	for range 2 {
		_, err = Open(t.Context(), options(auth))
		if got := classifyError(err); got != NotUpgradable || !strings.Contains(err.Error(), path) {
			t.Fatalf("open = %v, want %s", err, NotUpgradable)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, older) {
			t.Fatal("the database was changed")
		}
	}
	check(t, os.WriteFile(path, data, 0o600)) // the version before this one
	s = open(t, auth)
	if got, err := observeDevice(t.Context(), s.db); err != nil || got != id || s.Opening().Damage != "" {
		t.Errorf("device %q, %v; opening %+v", got, err, s.Opening())
	}
}

// With no usable backup the session starts empty, and takes up the backup as soon as one is usable.
func TestABackupThatIsPutBackIsUsed(t *testing.T) {
	auth, id := linkedFolder(t)
	s := open(t, auth)
	backup := backUp(t, s)
	closeStore(t, s)
	good, err := os.ReadFile(backup.Path)
	check(t, err)
	check(t, os.WriteFile(backup.Path, good[:100], 0o600))
	truncate(t, filepath.Join(sessionDir(auth), databaseName), 5000)
	for range 3 {
		s = open(t, auth)
		if exists(t, s) || s.record.Device != id {
			t.Fatalf("device %q, opening %+v", s.record.Device, s.Opening())
		}
		closeStore(t, s)
	}
	if asides := asideDatabases(t, auth); len(asides) != 1 {
		t.Errorf("set aside %v, want the damaged one", asides)
	}
	check(t, os.WriteFile(backup.Path, good, 0o600))
	s = open(t, auth)
	if o := s.Opening(); !exists(t, s) || o.Restored == nil || s.record.Lost {
		t.Errorf("opening = %+v", o)
	}
}

// A device that is linked after a loss counts, and the old one's backups no longer do.
func TestALinkAfterALossEndsIt(t *testing.T) {
	auth, _ := linkedFolder(t)
	s := open(t, auth)
	backup := backUp(t, s)
	closeStore(t, s)
	hidden := backup.Path + ".hidden"
	check(t, os.Rename(backup.Path, hidden))
	truncate(t, filepath.Join(sessionDir(auth), databaseName), 5000)
	s = open(t, auth)
	id := link(t, s, "6281200000002")
	closeStore(t, s)
	check(t, os.Rename(hidden, backup.Path))
	s = open(t, auth)
	if got, err := observeDevice(t.Context(), s.db); err != nil || got != id || s.Opening().Damage != "" || s.record.Lost {
		t.Errorf("device %q, %v; opening %+v", got, err, s.Opening())
	}
}

// A disk that fails to read is not damage: what is on it must be kept.
func TestADiskThatFailsToReadIsNotDamage(t *testing.T) {
	d := disks["failing"](t)
	s := open(t, d.dir)
	link(t, s, "6281200000001")
	d.fail()
	if err := confirmReadable(s.layout); classifyError(err) != Failing {
		t.Errorf("a database on a disk that fails = %v, want %s", err, Failing)
	}
	_ = s.Close()
	d.remount()
}

// The log warns of a place that will lose the session, or has lost it.
func TestTheLogWarnsOfAPlaceThatLosesTheSession(t *testing.T) {
	opened := func(t *testing.T, auth string) string {
		t.Helper()
		var log bytes.Buffer
		o := options(auth)
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		s, err := Open(t.Context(), o)
		check(t, err)
		closeStore(t, s)
		return log.String()
	}
	t.Run("memory", func(t *testing.T) {
		if got := opened(t, smallDisk(t, 4096)); !strings.Contains(got, "in memory") {
			t.Errorf("log: %s", got)
		}
	})
	t.Run("a disk", func(t *testing.T) {
		dir, _ := ext4(t)
		if got := opened(t, dir); got != "" {
			t.Errorf("log: %s", got)
		}
	})
	t.Run("a lost device", func(t *testing.T) {
		auth, _ := linkedFolder(t)
		check(t, os.Remove(filepath.Join(sessionDir(auth), databaseName)))
		for range 2 {
			if got := opened(t, auth); !strings.Contains(got, "holds no device, though one was linked") {
				t.Errorf("log: %s", got)
			}
		}
	})
	t.Run("another folder", func(t *testing.T) {
		auth, _ := linkedFolder(t)
		s := open(t, auth)
		backup := backUp(t, s)
		closeStore(t, s)
		check(t, os.RemoveAll(sessionDir(auth)))
		if got := opened(t, auth); !strings.Contains(got, backup.Path) {
			t.Errorf("log: %s", got)
		}
	})
}
