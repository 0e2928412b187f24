package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"sesi.dev/sesi/api/bot"
)

func streamed(t testing.TB, s *Store) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := s.WriteBackup(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := compress(context.Background(), &out, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpacked(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := unpack(context.Background(), &out, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// edited runs statements on a database that is given and returned as bytes.
func edited(t testing.TB, data []byte, statements ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edit.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(path, nil))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRestoreKeepsWhatItReplaces(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	old := link(t, s, "6281200000001")
	backup := streamed(t, s)
	if err := s.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	link(t, s, "6281200000002")
	if err := s.UpdateFacts(func(f *Facts) { f.Expired, f.ExpiredReason, f.ExpiredJID = true, bot.ReasonLoggedOut, "x" }); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	replaced, err := os.ReadFile(s.layout.database())
	if err != nil {
		t.Fatal(err)
	}

	restored, err := Restore(t.Context(), options(auth), bytes.NewReader(backup))
	if err != nil || restored.Device != old || !strings.Contains(restored.Warning, "may not decrypt") {
		t.Fatalf("restore = %+v, %v", restored, err)
	}
	if len(restored.SetAside) != 1 || !strings.Contains(restored.SetAside[0], "session.db.replaced-") {
		t.Fatalf("set aside %v", restored.SetAside)
	}
	if kept, err := os.ReadFile(restored.SetAside[0]); err != nil || !bytes.Equal(kept, replaced) {
		t.Errorf("what was replaced is not what is kept: %v", err)
	}
	s = open(t, auth)
	device, err := s.Device(t.Context())
	if err != nil || device.ID == nil || device.ID.User != "6281200000001" {
		t.Fatalf("device = %v, %v; want the restored one", device, err)
	}
	if f := s.Facts(); f.Expired || f.ExpiredJID != "" || f.Notice != bot.NoticeStoreRestored {
		t.Errorf("facts = %+v, want a live session with a notice", f)
	}
	if left := temps(t, auth); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

// Facts about one account must not apply to another that is restored in its place.
func TestRestoreOfAnotherDeviceResetsTheFacts(t *testing.T) {
	for name, same := range map[string]bool{"the same link": true, "another link": false} {
		t.Run(name, func(t *testing.T) {
			auth := t.TempDir()
			s := open(t, auth)
			link(t, s, "6281200000001")
			backup := streamed(t, s)
			if !same {
				if err := s.Clear(t.Context()); err != nil {
					t.Fatal(err)
				}
				link(t, s, "6281200000002")
			}
			until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
			if err := s.UpdateFacts(func(f *Facts) {
				f.RestrictedUntil, f.LinkedAt, f.ConnectedAt, f.Takeovers, f.Yielded = until, until, until, []time.Time{until}, true
				f.Revision, f.Stopped = 7, true
			}); err != nil {
				t.Fatal(err)
			}
			closeStore(t, s)
			if _, err := Restore(t.Context(), options(auth), bytes.NewReader(backup)); err != nil {
				t.Fatal(err)
			}
			f := open(t, auth).Facts()
			if kept := f.RestrictedUntil.Equal(until) && f.LinkedAt.Equal(until) && f.ConnectedAt.Equal(until) && len(f.Takeovers) == 1 && f.Yielded; kept != same {
				t.Errorf("facts = %+v", f)
			}
			if f.Revision != 7 || !f.Stopped || f.Notice != bot.NoticeStoreRestored {
				t.Errorf("what is the bot's own is lost: %+v", f)
			}
		})
	}
}

// Two sessions with one link disconnect each other, and their keys diverge.
func TestRestoreRefusesALinkThatAnotherSessionHolds(t *testing.T) {
	auth := t.TempDir()
	other := options(auth)
	other.ClientID = "other"
	s, err := Open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	link(t, s, "6281200000001")
	if err := s.UpdateFacts(func(f *Facts) { f.LinkedAt = time.Now() }); err != nil {
		t.Fatal(err)
	}
	backup := streamed(t, s)
	mine := open(t, auth)
	link(t, mine, "6281200000002")
	closeStore(t, mine)
	before := tree(t, sessionDir(auth))

	var refused *BackupError
	if _, err := Restore(t.Context(), options(auth), bytes.NewReader(backup)); !errors.As(err, &refused) || !strings.Contains(err.Error(), "session-other") {
		t.Fatalf("restore = %v", err)
	}
	after := tree(t, sessionDir(auth))
	delete(before, lockName) // which names its last holder
	delete(after, lockName)
	if !maps.Equal(before, after) {
		t.Errorf("the refused restore changed the session: %v, then %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
	if err := s.UpdateFacts(func(f *Facts) { f.Expired = true }); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if _, err := Restore(t.Context(), options(auth), bytes.NewReader(backup)); err != nil {
		t.Errorf("once the other's link has expired: %v", err)
	}
}

func TestRestoreIntoNothing(t *testing.T) {
	s := open(t, t.TempDir())
	id := link(t, s, "6281200000001")
	for name, input := range map[string][]byte{"compressed": streamed(t, s), "plain": unpacked(t, streamed(t, s))} {
		t.Run(name, func(t *testing.T) {
			auth := filepath.Join(t.TempDir(), "not", "there")
			restored, err := Restore(t.Context(), options(auth), bytes.NewReader(input))
			if err != nil || restored.Device != id || restored.SetAside != nil {
				t.Fatalf("restore = %+v, %v", restored, err)
			}
			if !exists(t, open(t, auth)) {
				t.Error("no session")
			}
			checkModes(t, auth)
		})
	}
}

// A database of an older whatsmeow is brought up to date, as a start would.
func TestRestoreOldSchema(t *testing.T) {
	s := open(t, t.TempDir())
	id := link(t, s, "6281200000001")
	old := edited(t, unpacked(t, streamed(t, s)),
		`ALTER TABLE whatsmeow_contacts DROP COLUMN redacted_phone`, `UPDATE whatsmeow_version SET version = 10, compat = 8`)
	auth := t.TempDir()
	if restored, err := Restore(t.Context(), options(auth), bytes.NewReader(old)); err != nil || restored.Device != id {
		t.Fatalf("restore = %+v, %v", restored, err)
	}
	if !exists(t, open(t, auth)) {
		t.Error("no session")
	}
}

func TestRestoreRefusesWhatIsNoBackup(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	good := streamed(t, s)
	plain := unpacked(t, good)
	closeStore(t, s)

	// A bomb: a few kilobytes that unpack to more than any store.
	var bomb bytes.Buffer
	encoder, err := zstd.NewWriter(&bomb, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encoder.Write(plain); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range maxUnpacked>>20 + 1 {
		if _, err := encoder.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}

	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 0x10
	page := bytes.Clone(plain)
	copy(page[8192:], bytes.Repeat([]byte{0xee}, 4096))
	other := edited(t, nil, `CREATE TABLE notes (text)`)
	cases := map[string]struct {
		input []byte
		want  string
	}{
		"nothing":          {nil, "neither a zstd file nor a SQLite database"},
		"text":             {[]byte("hello, this is no backup"), "neither a zstd file nor a SQLite database"},
		"cut":              {good[:len(good)-20], "cannot be unpacked"},
		"cut at the start": {good[:3], "neither a zstd file"},
		"flipped":          {flipped, "cannot be unpacked"},
		"behind it more":   {append(bytes.Clone(good), "more"...), "cannot be unpacked"},
		"bomb":             {bomb.Bytes(), "unpacks to more than"},
		"zstd of text":     {packed(t, []byte("hello")), "not a database: only 5 bytes"},
		"plain, cut":       {plain[:len(plain)/2], "malformed"},
		"plain, bad page":  {page, ""},
		"of another":       {other, "another program"},
		"no device":        {edited(t, plain, `PRAGMA foreign_keys=on`, `DELETE FROM whatsmeow_device`), "no linked device"},
		"two versions up":  {edited(t, plain, `UPDATE whatsmeow_version SET version = 90, compat = 90`), "newer version"},
		"negative version": {edited(t, plain, `UPDATE whatsmeow_version SET version = -3, compat = -3`), "schema version -3"},
		"table missing":    {edited(t, plain, `DROP TABLE whatsmeow_sessions`), "lacks column"},
		"column missing":   {edited(t, plain, `ALTER TABLE whatsmeow_contacts RENAME COLUMN full_name TO name`), "lacks column full_name"},
		"unknown function": {edited(t, plain, `PRAGMA writable_schema=on`,
			`UPDATE sqlite_schema SET sql = replace(sql, 'length(', 'dength(') WHERE name = 'whatsmeow_sessions' OR name = 'whatsmeow_device'`),
			"unknown function: dength()"},
		"unknown parent": {edited(t, plain, `PRAGMA writable_schema=on`,
			`UPDATE sqlite_schema SET sql = replace(sql, 'REFERENCES whatsmeow_device', 'REFERENCES whatsmeow_devise')`), "whatsmeow_devise"},
		"trigger": {edited(t, plain, `CREATE TRIGGER spy AFTER INSERT ON whatsmeow_sessions BEGIN DELETE FROM whatsmeow_device; END`), "another program"},
		"view":    {edited(t, plain, `CREATE VIEW whatsmeow_spy AS SELECT * FROM whatsmeow_device`), "another program"},
		"short key": {edited(t, plain, `PRAGMA ignore_check_constraints=on`, `UPDATE whatsmeow_device SET noise_key = x'00'`),
			""},
		"address": {edited(t, plain, `PRAGMA foreign_keys=off`, `UPDATE whatsmeow_device SET jid = ':::'`), "address"},
	}
	before := tree(t, auth)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Restore(t.Context(), options(auth), bytes.NewReader(tc.input))
			var bad *BackupError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("restore = %v, want a BackupError with %q", err, tc.want)
			}
			after := tree(t, auth)
			delete(after, "session-toko/"+lockName) // it says who looked last
			want := maps.Clone(before)
			delete(want, "session-toko/"+lockName)
			if !maps.Equal(after, want) {
				t.Errorf("a refused backup changed something: %v became %v", slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(after)))
			}
		})
	}
}

func TestRestoreStopsWithItsContext(t *testing.T) {
	s := open(t, t.TempDir())
	link(t, s, "6281200000001")
	backup := streamed(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	auth := t.TempDir()
	if _, err := Restore(ctx, options(auth), bytes.NewReader(backup)); !errors.Is(err, context.Canceled) {
		t.Fatalf("restore = %v", err)
	}
	if left := temps(t, auth); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestDecideRestorable(t *testing.T) {
	backups := func(devices ...string) (list []Backup) {
		for n, device := range devices {
			list = append(list, Backup{Path: fmt.Sprint(n), Device: device})
		}
		return list
	}
	cases := map[string]struct {
		record  record
		known   bool
		backups []Backup
		want    string
	}{
		"none":                        {record{Device: "a"}, true, nil, ""},
		"same link":                   {record{Device: "a"}, true, backups("a", "a"), "0 1 "},
		"only the same link":          {record{Device: "a"}, true, backups("b", "a", "b", "a"), "1 3 "},
		"another link":                {record{Device: "b"}, true, backups("a"), ""},
		"never linked, or cleared":    {record{}, true, backups("a"), ""},
		"logged out":                  {record{Device: "a", Facts: Facts{Expired: true}}, true, backups("a"), ""},
		"facts lost too":              {record{}, false, backups("b", "a", "b"), "0 2 "},
		"facts and backups both lost": {record{}, false, nil, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, b := range decideRestorable(tc.record, tc.known, tc.backups) {
				got += b.Path + " "
			}
			if got != tc.want {
				t.Errorf("restorable = %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzRestore(f *testing.F) {
	s := open(f, f.TempDir())
	link(f, s, "6281200000001")
	good := streamed(f, s)
	closeStore(f, s)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(unpacked(f, good)[:4096])
	f.Add(packed(f, []byte("SQLite format 3\x00")))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x24, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		auth := t.TempDir()
		restored, err := Restore(context.Background(), options(auth), bytes.NewReader(data))
		if left := temps(t, auth); left != nil {
			t.Fatalf("left behind: %v", left)
		}
		var bad *BackupError
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatalf("restore = %v, want a BackupError", err)
			}
			return
		}
		if s := open(t, auth); restored.Device == "" || !exists(t, s) {
			t.Fatalf("restored %+v, and there is no session", restored)
		} else {
			closeStore(t, s)
		}
	})
}
