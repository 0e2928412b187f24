package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

func TestSessionOutlivesTheProcess(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	if exists(t, s) {
		t.Fatal("a new session exists before it is linked")
	}
	device, err := s.Device(t.Context())
	if err != nil || device.ID != nil {
		t.Fatalf("device = %v, %v; want a new one", device, err)
	}
	id := link(t, s, "6281200000001")
	closeStore(t, s)

	s = open(t, auth)
	if !exists(t, s) {
		t.Fatal("the session is gone after a restart")
	}
	if o := s.Opening(); o.Damage != "" || o.Notice != "" || o.SetAside != nil || o.FactsSetAside != "" {
		t.Errorf("opening = %+v, want nothing to report", o)
	}
	device, err = s.Device(t.Context())
	if err != nil || device.ID == nil || device.ID.User != "6281200000001" || device.PushName != "Toko 6281200000001" {
		t.Fatalf("device = %+v, %v", device, err)
	}
	if got, err := observeDevice(t.Context(), s.db); err != nil || got != id {
		t.Errorf("device id = %q, %v; want %q", got, err, id)
	}
	if s.Facts().LinkedAt.IsZero() {
		t.Error("linkedAt was forgotten")
	}
}

func TestTwoClientsShareAnAuthPath(t *testing.T) {
	auth := t.TempDir()
	one := open(t, auth)
	link(t, one, "6281200000001")
	second := options(auth)
	second.ClientID = "kantor"
	two, err := Open(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	if exists(t, two) {
		t.Fatal("one session's link shows in another")
	}
	link(t, two, "6281200000002")
	backUp(t, one)
	backups, err := listBackups(two.layout)
	if err != nil || len(backups) != 0 {
		t.Fatalf("backups of the other session = %v, %v; want none", backups, err)
	}
}

// Only the bot's user may read a key, with any umask, and after a volume changed the modes.
func TestOnlyTheOwnerMayRead(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o777} {
		t.Run(fmt.Sprintf("%04o", umask), func(t *testing.T) {
			auth := t.TempDir()
			old := syscall.Umask(umask)
			s, err := Open(t.Context(), options(auth))
			if err == nil {
				_, err = pair(s, "6281200000001")
			}
			if err == nil {
				_, _, err = s.Backup(t.Context(), "test")
			}
			syscall.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			checkModes(t, auth)
			closeStore(t, s)

			for name := range tree(t, auth) {
				if err := os.Chmod(filepath.Join(auth, name), 0o664); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(sessionDir(auth), 0o2775|fs.ModeSetgid); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(backupDir(auth)); err != nil {
				t.Fatal(err)
			}
			s = open(t, auth)
			if err := s.UpdateFacts(func(f *Facts) { f.Yielded = true }); err != nil {
				t.Fatal(err)
			}
			if !exists(t, s) {
				t.Fatal("session is gone")
			}
			checkModes(t, auth)
		})
	}
}

func checkModes(t *testing.T, auth string) {
	t.Helper()
	err := filepath.WalkDir(auth, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == auth {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(fileMode)
		if entry.IsDir() {
			want = dirMode
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %s, want %s", path, info.Mode(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	before := time.Now().Add(-2 * time.Second)
	s := open(t, "./.wwebjs_auth")
	if files := s.Files(); files.Path != "./.wwebjs_auth/session-toko" {
		t.Fatalf("files = %+v", files)
	}
	link(t, s, "6281200000001")
	if err := os.WriteFile(filepath.Join(".wwebjs_auth", "session-toko", "foreign"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if files := s.Files(); files.LastModified.Before(before) || files.Size < 4096 || files.Size >= 1<<20 {
		t.Fatalf("files = %+v", files)
	}
}

func TestSessionPath(t *testing.T) {
	cases := map[string]string{
		"./.wwebjs_auth":  "./.wwebjs_auth/session-x",
		"./.wwebjs_auth/": "./.wwebjs_auth/session-x",
		"/data":           "/data/session-x",
		"/":               "/session-x",
		"a b/../c":        "a b/../c/session-x",
	}
	for auth, want := range cases {
		if got := SessionPath(auth, "x"); got != want {
			t.Errorf("SessionPath(%q) = %q, want %q", auth, got, want)
		}
	}
}

// A path may contain characters that have a meaning in a database URL.
func TestOddPath(t *testing.T) {
	auth := filepath.Join(t.TempDir(), "a?mode=ro#b %41&c=d'e\"f")
	s := open(t, auth)
	link(t, s, "6281200000001")
	backup := backUp(t, s)
	if filepath.Dir(backup.Path) != backupDir(auth) {
		t.Errorf("backup went to %s", backup.Path)
	}
	if _, err := os.Stat(filepath.Join(sessionDir(auth), databaseName)); err != nil {
		t.Error(err)
	}
}

func TestRemovedDirectoryIsNoticed(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	if err := os.Rename(sessionDir(auth), sessionDir(auth)+"-moved"); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err == nil {
		t.Error("the directory is gone and the check passes")
	}
	if files := s.Files(); files.Size != 0 || files.Path == "" {
		t.Errorf("files = %+v", files)
	}
	if _, _, err := s.Backup(t.Context(), "test"); err == nil {
		t.Error("backup of a directory that is gone")
	}
}

func TestCloseEndsEverything(t *testing.T) {
	s := open(t, t.TempDir())
	link(t, s, "6281200000001")
	wal := s.layout.database() + "-wal"
	closeStore(t, s)
	closeStore(t, s)
	if info, err := os.Stat(wal); err == nil && info.Size() > 0 {
		t.Errorf("a log of %d bytes stays behind", info.Size())
	}
	if err := s.UpdateFacts(func(*Facts) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("UpdateFacts = %v", err)
	}
	if err := s.Clear(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Clear = %v", err)
	}
	if _, _, err := s.Backup(t.Context(), "test"); !errors.Is(err, ErrClosed) {
		t.Errorf("Backup = %v", err)
	}
	if err := s.WriteBackup(t.Context(), new(bytes.Buffer)); !errors.Is(err, ErrClosed) {
		t.Errorf("WriteBackup = %v", err)
	}
	if err := s.Sync(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Sync = %v", err)
	}
}

// TestAClosingThatTakesTooLong: a log that cannot be emptied in time is no fault of the bot. The next start reads it.
func TestAClosingThatTakesTooLong(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	want := link(t, s, "6281200000001")
	reader, err := sql.Open("sqlite", dsn(s.layout.database(), nil))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	tx, err := reader.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var devices int
	if err := tx.QueryRowContext(t.Context(), `SELECT count(*) FROM whatsmeow_device`).Scan(&devices); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if info, err := os.Stat(s.layout.database() + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("the log is %v, %v: the reader did not keep it", info, err)
	}
	if err := errors.Join(tx.Rollback(), reader.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, auth)
	if got, err := observeDevice(t.Context(), s.db); err != nil || got != want {
		t.Errorf("after a slow end the device is %q, %v, want %q", got, err, want)
	}
}

func TestOpeningContextMayEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Open(ctx, options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cancel()
	link(t, s, "6281200000001")
	backUp(t, s)
}

func TestFacts(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	want := Facts{
		Expired: true, ExpiredReason: bot.ReasonLoggedOut, LinkedAt: now, ConnectedAt: now.Add(time.Hour),
		ExpiredJID: "6281200000001:7@s.whatsapp.net", Takeovers: []time.Time{now, now.Add(time.Minute)}, Yielded: true,
		OutdatedAt: now, RestrictedUntil: now.Add(24 * time.Hour), Notice: bot.NoticeStoreRestored,
	}
	if err := s.UpdateFacts(func(f *Facts) { *f = want }); err != nil {
		t.Fatal(err)
	}
	// What the caller does with its copy changes nothing.
	s.Facts().Takeovers[0] = time.Time{}
	closeStore(t, s)
	if got := open(t, auth).Facts(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("facts = %+v, want %+v", got, want)
	}
}

func TestFactsAreBounded(t *testing.T) {
	s := open(t, t.TempDir())
	start := time.Now().UTC().Truncate(time.Second)
	for n := range 3 * MaxTakeovers {
		if err := s.UpdateFacts(func(f *Facts) { f.Takeovers = append(f.Takeovers, start.Add(time.Duration(n)*time.Second)) }); err != nil {
			t.Fatal(err)
		}
	}
	got := s.Facts().Takeovers
	if len(got) != MaxTakeovers || !got[MaxTakeovers-1].Equal(start.Add((3*MaxTakeovers-1)*time.Second)) {
		t.Errorf("takeovers = %v, want the newest %d", got, MaxTakeovers)
	}
}

func TestCorruptFactsAreSetAside(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "garbage": "\x00\x01", "cut": `{"facts":{"expired":tr`, "other type": `{"facts":[1]}`, "large": string(make([]byte, maxFacts+1)),
		"path in a replacement":       `{"replacing":{"stamp":"20260101T000000.000Z","cause":"damaged","from":"../../etc/passwd"}}`,
		"replacement of another":      `{"replacing":{"stamp":"20260101T000000.000Z","cause":"damaged","from":"mine.db"}}`,
		"replacement without a cause": `{"replacing":{"stamp":"20260101T000000.000Z"}}`,
		"replacement without a stamp": `{"replacing":{"stamp":"../x","cause":"damaged"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			auth := t.TempDir()
			s := open(t, auth)
			link(t, s, "6281200000001")
			closeStore(t, s)
			if err := os.WriteFile(s.layout.facts(), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			s = open(t, auth)
			if !exists(t, s) {
				t.Fatal("the session is gone with its facts")
			}
			aside := s.Opening().FactsSetAside
			if data, err := os.ReadFile(aside); err != nil || string(data) != content {
				t.Errorf("set aside %q = %q, %v", aside, data, err)
			}
			if got := s.Facts(); fmt.Sprint(got) != fmt.Sprint(Facts{}) {
				t.Errorf("facts = %+v, want the defaults", got)
			}
			closeStore(t, s)
			if o := open(t, auth).Opening(); o.FactsSetAside != "" {
				t.Errorf("set aside again: %+v", o)
			}
		})
	}
}

func FuzzFacts(f *testing.F) {
	f.Add([]byte(`{"facts":{"expired":true,"takeovers":["2026-01-01T00:00:00Z"]},"device":"0a0b0c0d"}`))
	f.Add([]byte(`{"replacing":{"stamp":"20260101T000000.000Z","cause":"damaged","from":".sesi-tmp-1-restore.db"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRecord(data)
		if err != nil {
			return
		}
		if len(r.Facts.Takeovers) > MaxTakeovers {
			t.Fatalf("%d takeovers", len(r.Facts.Takeovers))
		}
		if p := r.Replacing; p != nil && p.From != "" && p.From != filepath.Base(p.From) {
			t.Fatalf("a replacement reaches %q", p.From)
		}
		if !r.equal(r) {
			t.Fatal("facts that cannot be written again")
		}
	})
}

// Many goroutines use the store at once, as whatsmeow does, with backups, checks and facts. A deadlock would end at the
// deadline.
func TestManyUsersAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	link(t, s, "6281200000001")
	device, err := s.Device(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var group sync.WaitGroup
	work := func(name string, f func(n int) error) {
		group.Go(func() {
			for n := range 10 {
				if err := f(n); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	for worker := range 4 {
		work("messages", func(n int) error {
			address := fmt.Sprintf("%d:0", n%5)
			return device.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) error {
				if _, err := device.Sessions.GetSession(ctx, address); err != nil {
					return err
				}
				if err := device.Sessions.PutSession(ctx, address, bytes.Repeat([]byte{byte(worker)}, 500)); err != nil {
					return err
				}
				return device.EventBuffer.PutBufferedEvent(ctx, [32]byte{byte(worker), byte(n)}, []byte("text"), time.Now())
			})
		})
		work("contacts", func(n int) error {
			_, _, err := device.Contacts.PutPushName(ctx, types.NewJID(fmt.Sprint(worker*100+n), types.DefaultUserServer), "name")
			return err
		})
		work("lids", func(n int) error {
			return device.LIDs.PutManyLIDMappings(ctx, []wastore.LIDMapping{{
				LID: types.NewJID(fmt.Sprint(1000+worker*100+n), types.HiddenUserServer),
				PN:  types.NewJID(fmt.Sprint(2000+worker*100+n), types.DefaultUserServer),
			}})
		})
		work("prekeys", func(int) error {
			_, err := device.PreKeys.GenOnePreKey(ctx)
			return err
		})
	}
	work("backup", func(int) error { _, _, err := s.Backup(ctx, "test"); return err })
	work("stream", func(int) error { return s.WriteBackup(ctx, new(bytes.Buffer)) })
	work("check", func(int) error { _ = s.Files(); return s.Check(ctx) })
	work("facts", func(n int) error { return s.UpdateFacts(func(f *Facts) { f.OutdatedAt = time.Unix(int64(n), 0) }) })
	work("sync", func(int) error { return s.Sync(ctx) })
	group.Wait()
}

func TestWebVersion(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	if _, err := ReadWebVersion(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("read = %v, want not exist", err)
	}
	want := WebVersion{Version: wastore.WAVersionContainer{2, 3000, 1031716404}, FetchedAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	if err := WriteWebVersion(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadWebVersion(dir); err != nil || got != want {
		t.Fatalf("read = %+v, %v; want %+v", got, err, want)
	}
	for _, garbage := range []string{
		"", "{", "[]", `{"version":"2.3000"}`, `{"version":"0.0.0","fetchedAt":"2026-03-01T00:00:00Z"}`,
		`{"version":"2.-1.5","fetchedAt":"2026-03-01T00:00:00Z"}`, `{"version":"2.3.99999999999","fetchedAt":"2026-03-01T00:00:00Z"}`,
		`{"version":"2.3000.1","fetchedAt":"gestern"}`, `{"version":"2.3000.1"}`, string(make([]byte, maxWebVersion+1)),
	} {
		if err := os.WriteFile(filepath.Join(dir, webVersionName), []byte(garbage), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadWebVersion(dir); err == nil {
			t.Errorf("%q reads as %+v", garbage, got)
		}
	}
	if err := WriteWebVersion(dir, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadWebVersion(dir); err != nil || got != want {
		t.Fatalf("after garbage: read = %+v, %v", got, err)
	}
}

// Open checks the columns against this list, so it must match the tables that whatsmeow makes.
func TestTablesMatchWhatsmeow(t *testing.T) {
	s := open(t, t.TempDir())
	rows, err := s.db.QueryContext(t.Context(), `SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		got[table] = append(got[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	known := tables()
	if len(got) != len(known) {
		t.Errorf("whatsmeow makes %d tables, the list has %d", len(got), len(known))
	}
	for table, columns := range got {
		want := known[table]
		slices.Sort(columns)
		slices.Sort(want)
		if !slices.Equal(columns, want) {
			t.Errorf("%s has columns %v, the list says %v", table, columns, want)
		}
	}
}
