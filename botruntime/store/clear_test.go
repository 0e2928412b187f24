package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// rows counts what every table but the version's holds.
func rows(t testing.TB, db *sql.DB) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for table := range tables() {
		var n int
		if err := db.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if table != "whatsmeow_version" && n > 0 {
			counts[table] = n
		}
	}
	return counts
}

func TestClear(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	device, err := s.Device(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	contact := types.NewJID("6281200000009", types.DefaultUserServer)
	if err := device.PrivacyTokens.PutPrivacyTokens(t.Context(), wastore.PrivacyToken{User: contact, Token: []byte("token")}); err != nil {
		t.Fatal(err)
	}
	backup := backUp(t, s)
	foreign := filepath.Join(sessionDir(auth), "mine.txt")
	if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Clear(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := rows(t, s.db); exists(t, s) || len(got) > 0 {
			t.Fatalf("after the clear there is %v", got)
		}
	}
	// The next link starts from nothing, also in what whatsmeow keeps in memory.
	lid := types.NewJID("96281200000001", types.HiddenUserServer)
	if pn, err := s.Container().LIDMap.GetPNForLID(t.Context(), lid); err != nil || !pn.IsEmpty() {
		t.Errorf("the container remembers %v, %v", pn, err)
	}
	link(t, s, "6281200000001")
	if got := rows(t, s.db); got["whatsmeow_lid_map"] != 1 || got["whatsmeow_pre_keys"] != preKeys {
		t.Errorf("after linking again there is %v", got)
	}
	if backups, err := listBackups(s.layout); err != nil || len(backups) != 1 || backups[0] != backup {
		t.Errorf("backups = %v, %v; want the one from before", backups, err)
	}
	if _, found, err := s.LastBackup(); err != nil || found {
		t.Errorf("a backup of the link before is taken for one of this link (%v)", err)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.Context(), options(auth)); err == nil {
		t.Error("the clear freed the lock")
	}
}

// A cleared session must not come back from a backup, whatever happens to its database.
func TestClearedSessionStaysCleared(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	backUp(t, s)
	if err := s.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if err := os.WriteFile(s.layout.database(), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, auth)
	if o := s.Opening(); exists(t, s) || o.Restored != nil || o.Damage == "" {
		t.Fatalf("opening = %+v; want damage and no restore", o)
	}
}

// Killed after the facts forgot the device and before the database did, the session is as it was.
func TestInterruptedClearChangesNothing(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	id := link(t, s, "6281200000001")
	closeStore(t, s)
	r := s.record
	r.Device = ""
	if err := writeRecord(s.layout, r); err != nil {
		t.Fatal(err)
	}
	if s = open(t, auth); !exists(t, s) || s.record.Device != id {
		t.Fatalf("device %q, exists %v", s.record.Device, exists(t, s))
	}
}

// A replacement may be killed between any two of its steps; the next start completes it, and no file is lost.
func TestInterruptedReplacementIsCompleted(t *testing.T) {
	base := t.TempDir()
	s := open(t, base)
	link(t, s, "6281200000001")
	content := unpacked(t, streamed(t, s))
	if _, err := s.db.Exec(`UPDATE whatsmeow_device SET push_name = 'newer'`); err != nil {
		t.Fatal(err)
	}
	start(t, "copy", base).finish() // with its log, as a kill leaves it
	closeStore(t, s)
	killed := base + "-killed"
	defer os.RemoveAll(killed)

	for step := range 6 {
		for _, from := range []string{tempPrefix + "7-restore.db", ""} {
			t.Run(fmt.Sprintf("step %d from %q", step, from), func(t *testing.T) {
				auth := filepath.Join(t.TempDir(), "auth")
				copyTree(t, killed, auth)
				l, err := newLayout(auth, "toko")
				if err != nil {
					t.Fatal(err)
				}
				before := tree(t, sessionDir(auth))
				p := &replacement{Stamp: "20260101T000000.000Z", Cause: causeDamaged, From: from}
				if from != "" {
					if err := os.WriteFile(filepath.Join(l.dir, from), content, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				r, _, err := readRecord(l.facts())
				if err != nil {
					t.Fatal(err)
				}
				r.Replacing = p
				if from == "" {
					r.Device = ""
				}
				if err := writeRecord(l, r); err != nil {
					t.Fatal(err)
				}
				moves := [][2]string{
					{l.database() + "-wal", l.asideName(p.Cause, p.Stamp) + "-wal"},
					{l.database() + "-shm", l.asideName(p.Cause, p.Stamp) + "-shm"},
					{l.database(), l.asideName(p.Cause, p.Stamp)},
					{filepath.Join(l.dir, from), l.database()},
				}
				for n := range min(step, len(moves)) {
					if n == 3 && from == "" {
						continue
					}
					if err := os.Rename(moves[n][0], moves[n][1]); err != nil {
						t.Fatal(err)
					}
				}

				s := open(t, auth)
				if got := exists(t, s); got != (from != "") {
					t.Fatalf("exists = %v", got)
				}
				o := s.Opening()
				if !slices.Contains(o.SetAside, l.asideName(p.Cause, p.Stamp)) {
					t.Errorf("opening = %+v, want it to name what was set aside", o)
				}
				closeStore(t, s)
				after := tree(t, sessionDir(auth))
				for _, suffix := range []string{"", "-wal"} {
					name := filepath.Base(l.asideName(p.Cause, p.Stamp)) + suffix
					if after[name] != before[databaseName+suffix] {
						t.Errorf("%s is not what was there before", name)
					}
				}
				if left := temps(t, auth); left != nil {
					t.Errorf("left behind: %v", left)
				}
				if again := open(t, auth).Opening(); again.SetAside != nil || again.Damage != "" {
					t.Errorf("second opening = %+v, want nothing new", again)
				}
			})
		}
	}
}

func init() {
	// copy makes a copy of auth as it is, with the log of the process that has it open.
	helpers["copy"] = func(auth string, say func(string)) error {
		defer say("done")
		return os.CopyFS(auth+"-killed", os.DirFS(auth))
	}
}

func TestClearWithoutRoomIsUndone(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	want := rows(t, s.db)
	// Someone else holds the database, so that the clear runs out of time.
	blocker, err := sql.Open("sqlite", dsn(s.layout.database(), liveParams()))
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close()
	tx, err := blocker.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Clear(ctx) }()
	cancel()
	if err := <-done; err == nil {
		t.Fatal("clear succeeded beside a writer")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open(t, auth)
	if got := rows(t, s.db); !maps.Equal(got, want) {
		t.Errorf("after a failed clear and a restart there is %v, want %v", got, want)
	}
}
