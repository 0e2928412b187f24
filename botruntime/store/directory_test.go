package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

func init() {
	// open opens the session and prints the result.
	helpers["open"] = func(auth string, say func(string)) error {
		s, err := Open(context.Background(), options(auth))
		var path *PathError
		if errors.As(err, &path) {
			say(fmt.Sprintf("%s %s %d %s", path.Problem, path.Path, path.UID, err))
			return nil
		}
		if err != nil {
			return err
		}
		say("opened")
		return s.Close()
	}
}

// unprivileged returns a folder that a user without rights can reach.
func unprivileged(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to act as two users")
	}
	dir, err := os.MkdirTemp("", "store-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// helperBinary copies this test binary to where a user without rights can start it.
func helperBinary(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "helper")
	copyFile(t, os.Args[0], path)
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRightsOfAnotherUser(t *testing.T) {
	root := unprivileged(t)
	binary := helperBinary(t, root)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		prepare func(auth string)
		problem Problem
		place   string // under auth
		remedy  string
	}{
		"auth path cannot be made": {func(string) {}, NotCreatable, "", "set AUTH_PATH"},
		"auth path of another":     {func(auth string) { must(os.Mkdir(auth, 0o755)) }, NotCreatable, "session-toko", "set AUTH_PATH"},
		"auth path that is hidden": {func(auth string) { must(os.Mkdir(auth, 0o700)) }, NotWritable, "session-toko", "chown"},
		"session of another":       {func(auth string) { must(os.MkdirAll(sessionDir(auth), 0o755)) }, NotWritable, "session-toko/session.lock", "chown"},
		"session that is hidden":   {func(auth string) { must(os.MkdirAll(sessionDir(auth), 0o755)); must(os.Chmod(sessionDir(auth), 0o700)) }, NotWritable, "session-toko/session.lock", "chown"},
		"database of another": {func(auth string) {
			s := open(t, auth)
			closeStore(t, s)
			must(os.Chmod(auth, 0o755))
			must(os.Chown(sessionDir(auth), nobody, nobody))
			for _, name := range []string{lockName, factsName} {
				must(os.Chown(filepath.Join(sessionDir(auth), name), nobody, nobody))
			}
		}, NotWritable, "session-toko/session.db", "chown"},
		"read only for its owner": {func(auth string) {
			must(os.MkdirAll(sessionDir(auth), 0o755))
			must(os.Chmod(sessionDir(auth), 0o555))
			must(os.WriteFile(filepath.Join(sessionDir(auth), lockName), nil, 0o666))
			must(os.Chmod(filepath.Join(sessionDir(auth), lockName), 0o666))
		}, NotWritable, "session-toko", "chown"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			auth := filepath.Join(root, strings.ReplaceAll(name, " ", "-"))
			tc.prepare(auth)
			p := start(t, "open", auth, asNobody(t), runs(binary))
			got := p.read()
			want := fmt.Sprintf("%s %s %d ", tc.problem, filepath.Join(auth, tc.place), nobody)
			if !strings.HasPrefix(got, want) {
				t.Fatalf("open = %q, want %q", got, want)
			}
			for _, part := range []string{"mode ", "owner uid 0", fmt.Sprint("the bot is uid ", nobody), tc.remedy} {
				if !strings.Contains(got, part) {
					t.Errorf("error %q does not say %q", got, part)
				}
			}
		})
	}
}

// What root makes in the folder of another user belongs to that user, who can go on with it.
func TestWhatRootMakesBelongsToTheFoldersOwner(t *testing.T) {
	root := unprivileged(t)
	binary := helperBinary(t, root)
	source := open(t, t.TempDir())
	link(t, source, "6281200000001")
	backup := streamed(t, source)
	cases := map[string]func(auth string){
		"a bot": func(auth string) {
			s := open(t, auth)
			link(t, s, "6281200000001")
			backUp(t, s)
			closeStore(t, s)
		},
		"a bot that was killed": func(auth string) {
			p := start(t, "hold", auth)
			p.read()
			p.kill()
		},
		"a restore": func(auth string) {
			_, err := Restore(t.Context(), options(auth), bytes.NewReader(backup))
			check(t, err)
		},
		"a version cache": func(auth string) {
			check(t, WriteWebVersion(filepath.Join(auth, "a", "cache"), WebVersion{FetchedAt: time.Now()}))
		},
	}
	for name, use := range cases {
		for _, made := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, session directory there: %v", name, made), func(t *testing.T) {
				home := filepath.Join(root, strings.ReplaceAll(t.Name(), "/", "-"))
				auth := filepath.Join(home, "auth")
				check(t, os.Mkdir(home, 0o700))
				if made {
					check(t, os.MkdirAll(sessionDir(auth), 0o700))
				}
				owned(t, home, true)
				use(auth)
				owned(t, home, false)
				if got := start(t, "open", auth, asNobody(t), runs(binary)).finish(); got != "opened" {
					t.Fatal(got)
				}
				use(auth)
				owned(t, home, false)
			})
		}
	}
}

// owned gives everything under dir to nobody, or checks that it is nobody's.
func owned(t *testing.T, dir string, give bool) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if give {
			return os.Chown(path, nobody, nobody)
		}
		if owner(info) != nobody {
			t.Errorf("%s belongs to uid %d", path, owner(info))
		}
		return nil
	})
	check(t, err)
}

// The command in the error about rights works as it is printed.
func TestTheRemedyWorks(t *testing.T) {
	root := unprivileged(t)
	binary := helperBinary(t, root)
	session := func(auth string) {
		s := open(t, auth)
		link(t, s, "6281200000001")
		backUp(t, s)
		closeStore(t, s)
	}
	cases := map[string]func(auth string){
		"everything is root's": session,
		"the session is root's": func(auth string) {
			session(auth)
			check(t, os.Chmod(auth, 0o755))
			check(t, os.Chown(auth, nobody, nobody))
		},
		"only the auth path is": func(auth string) { check(t, os.Mkdir(auth, 0o700)) },
		"only the database is": func(auth string) {
			session(auth)
			owned(t, auth, true)
			check(t, os.Chown(filepath.Join(sessionDir(auth), databaseName), 0, 0))
		},
		"only the lock is": func(auth string) {
			session(auth)
			owned(t, auth, true)
			check(t, os.Chown(filepath.Join(sessionDir(auth), lockName), 0, 0))
		},
		"only the directory is":   func(auth string) { session(auth); owned(t, auth, true); check(t, os.Chown(sessionDir(auth), 0, 0)) },
		"a session of another id": func(auth string) { session(auth); check(t, os.Chmod(auth, 0o711)) },
	}
	for name, prepare := range cases {
		t.Run(name, func(t *testing.T) {
			auth := filepath.Join(root, strings.ReplaceAll(t.Name(), "/", "-"))
			prepare(auth)
			said := start(t, "open", auth, asNobody(t), runs(binary)).finish()
			_, command, _ := strings.Cut(said, "(chown ")
			command, _, found := strings.Cut(command, ";")
			if !found {
				t.Fatalf("no command in %q", said)
			}
			if out, err := exec.Command("chown", strings.Fields(command)...).CombinedOutput(); err != nil {
				t.Fatalf("chown %s: %v\n%s", command, err, out)
			}
			if got := start(t, "open", auth, asNobody(t), runs(binary)).finish(); got != "opened" {
				t.Errorf("after chown %s: %s", command, got)
			}
		})
	}
}

func TestWrongThingsInPlace(t *testing.T) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	cases := map[string]struct {
		prepare func(t *testing.T, auth string)
		problem Problem
		place   string
	}{
		"auth path is a file": {func(t *testing.T, auth string) { must(os.WriteFile(auth, []byte("x"), 0o600)) }, NotDirectory, ""},
		"auth path below a file": {func(t *testing.T, auth string) {
			must(os.WriteFile(filepath.Dir(auth)+"/f", nil, 0o600))
			must(os.Symlink("f", auth))
		}, NotDirectory, ""},
		"session is a file": {func(t *testing.T, auth string) {
			must(os.Mkdir(auth, 0o700))
			must(os.WriteFile(sessionDir(auth), []byte("x"), 0o600))
		}, NotDirectory, "session-toko"},
		"session is a link": {func(t *testing.T, auth string) {
			must(os.MkdirAll(auth+"/real", 0o700))
			must(os.Symlink("real", sessionDir(auth)))
		}, IsSymlink, "session-toko"},
		"session is a dangling link": {func(t *testing.T, auth string) {
			must(os.Mkdir(auth, 0o700))
			must(os.Symlink("nowhere", sessionDir(auth)))
		}, IsSymlink, "session-toko"},
		"lock is a link":       {func(t *testing.T, auth string) { linked(t, auth, lockName) }, IsSymlink, "session-toko/session.lock"},
		"database is a link":   {func(t *testing.T, auth string) { linked(t, auth, databaseName) }, IsSymlink, "session-toko/session.db"},
		"log is a link":        {func(t *testing.T, auth string) { linked(t, auth, databaseName+"-wal") }, IsSymlink, "session-toko/session.db-wal"},
		"database is a folder": {func(t *testing.T, auth string) { must(os.MkdirAll(sessionDir(auth)+"/"+databaseName, 0o700)) }, NotRegular, "session-toko/session.db"},
		"lock is a folder":     {func(t *testing.T, auth string) { must(os.MkdirAll(sessionDir(auth)+"/"+lockName, 0o700)) }, NotRegular, "session-toko/session.lock"},
		"database is a pipe": {func(t *testing.T, auth string) {
			must(os.MkdirAll(sessionDir(auth), 0o700))
			must(syscall.Mkfifo(sessionDir(auth)+"/"+databaseName, 0o600))
		}, NotRegular, "session-toko/session.db"},
		"lock is a pipe": {func(t *testing.T, auth string) {
			must(os.MkdirAll(sessionDir(auth), 0o700))
			must(syscall.Mkfifo(sessionDir(auth)+"/"+lockName, 0o600))
		}, NotRegular, "session-toko/session.lock"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			auth := filepath.Join(t.TempDir(), "auth")
			tc.prepare(t, auth)
			_, err := Open(t.Context(), options(auth))
			var path *PathError
			if !errors.As(err, &path) || path.Problem != tc.problem || path.Path != filepath.Join(auth, tc.place) {
				t.Fatalf("open = %v, want %s at %s", err, tc.problem, filepath.Join(auth, tc.place))
			}
			if path.Remedy() == "" || !strings.Contains(err.Error(), path.Remedy()) {
				t.Errorf("error %q has no remedy", err)
			}
		})
	}
}

// linked puts a symbolic link to another file in the place of one of ours; the other file must stay as it is.
func linked(t *testing.T, auth, name string) {
	t.Helper()
	if err := os.MkdirAll(sessionDir(auth), 0o700); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(auth, "precious")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(sessionDir(auth), name)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if data, err := os.ReadFile(target); err != nil || string(data) != "precious" {
			t.Errorf("what the link points to is %q now, %v", data, err)
		}
	})
}

// AUTH_PATH may be a symbolic link.
func TestAuthPathMayBeALink(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(dir, "auth")); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(dir, "auth"))
	link(t, s, "6281200000001")
}

// A symbolic link in place of the facts or backups must not redirect a write.
func TestLinksAmongFactsAndBackups(t *testing.T) {
	auth := t.TempDir()
	linked(t, auth, factsName)
	s := open(t, auth)
	if s.Opening().FactsSetAside == "" {
		t.Error("a linked facts file is used")
	}
	link(t, s, "6281200000001")

	if err := os.Symlink(t.TempDir(), filepath.Join(auth, "backups")); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Backup(t.Context(), "test")
	var path *PathError
	if !errors.As(err, &path) || path.Problem != IsSymlink {
		t.Errorf("backup through a link = %v", err)
	}
}

func TestWhatsappWebProfile(t *testing.T) {
	for _, mark := range []string{"Default/Preferences", "DevToolsActivePort", "Local State"} {
		t.Run(mark, func(t *testing.T) {
			auth := t.TempDir()
			path := filepath.Join(sessionDir(auth), mark)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("chromium"), 0o644); err != nil {
				t.Fatal(err)
			}
			s := open(t, auth)
			if o := s.Opening(); !o.ProfileFound || o.Notice != bot.NoticeRelinkNeeded || s.Facts().Notice != bot.NoticeRelinkNeeded {
				t.Errorf("opening = %+v, want relink needed", o)
			}
			if exists(t, s) {
				t.Error("a profile counts as a session")
			}
			link(t, s, "6281200000001")
			if err := s.UpdateFacts(func(f *Facts) { f.Notice = "" }); err != nil {
				t.Fatal(err)
			}
			if err := s.Clear(t.Context()); err != nil {
				t.Fatal(err)
			}
			link(t, s, "6281200000001")
			closeStore(t, s)
			s = open(t, auth)
			if o := s.Opening(); !o.ProfileFound || o.Notice != "" {
				t.Errorf("opening once linked = %+v, want no notice", o)
			}
			if data, err := os.ReadFile(path); err != nil || string(data) != "chromium" {
				t.Errorf("the profile is %q now, %v", data, err)
			}
		})
	}
}

func TestTheNoticeEndsWithTheProfile(t *testing.T) {
	auth := t.TempDir()
	mark := filepath.Join(sessionDir(auth), "DevToolsActivePort")
	if err := os.MkdirAll(filepath.Dir(mark), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	closeStore(t, open(t, auth))
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	if s := open(t, auth); s.Facts().Notice != bot.NoticeNone {
		t.Errorf("the notice is %q, and the profile is gone", s.Facts().Notice)
	}
}

// Only the temporary files of a crash are removed.
func TestOnlyOwnLeftoversAreRemoved(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	link(t, s, "6281200000001")
	backUp(t, s)
	closeStore(t, s)
	ours := []string{tempPrefix + "1-restore.db", tempPrefix + "1-restore.db-wal", tempPrefix + "2-facts.json"}
	theirs := []string{"notes.txt", ".sesi", "session.db.damaged-20260101T000000.000Z", "x" + tempPrefix, "20260101.db.zst"}
	for _, dir := range []string{sessionDir(auth), backupDir(auth)} {
		for _, name := range append(append([]string{}, ours...), theirs...) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Join(dir, tempPrefix+"folder"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	open(t, auth)
	for _, dir := range []string{sessionDir(auth), backupDir(auth)} {
		for _, name := range ours {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				t.Errorf("%s stays", filepath.Join(dir, name))
			}
		}
		for _, name := range append(theirs, tempPrefix+"folder") {
			if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
				t.Errorf("%s was removed", filepath.Join(dir, name))
			}
		}
	}
}
