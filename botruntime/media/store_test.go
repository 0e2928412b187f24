package media

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, tune func(*Options)) *Store {
	t.Helper()
	o := Options{Directory: t.TempDir(), Limits: Limits{File: 4 << 20, Total: 10 << 20, Age: time.Hour}}
	if tune != nil {
		tune(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func stage(t *testing.T, s *Store, content []byte) *Held {
	t.Helper()
	held, err := s.Stage(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func TestAFileStaysUntilRoomIsNeeded(t *testing.T) {
	t.Parallel()
	var needed []string
	now := time.Now()
	s := open(t, func(o *Options) {
		o.Needed = func(context.Context) ([]string, error) { return needed, nil }
		o.Now = func() time.Time { return now }
	})
	waits := stage(t, s, bytes.Repeat([]byte("w"), 3<<20))
	needed = []string{waits.SHA256}
	waits.Release()
	old := stage(t, s, bytes.Repeat([]byte("o"), 3<<20))
	old.Release()
	read := stage(t, s, bytes.Repeat([]byte("r"), 3<<20))
	file, err := read.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := os.Stat(read.Path()); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	newest := stage(t, s, bytes.Repeat([]byte("n"), 3<<20))
	if s.Hold(old.SHA256) != nil {
		t.Error("the oldest file stayed")
	}
	for _, kept := range []*Held{waits, read} {
		if again := s.Hold(kept.SHA256); again == nil {
			t.Error("a file went that is needed")
		}
	}
	// Nothing can go now: what is needed and what is read take it all.
	if _, err := s.Stage(t.Context(), bytes.NewReader(make([]byte, 2<<20))); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	newest.Release()
	now = now.Add(2 * time.Hour)
	needed = nil
	if err := s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if used, _ := s.Usage(); used != 6<<20 { // waits and read are held by Hold above
		t.Errorf("%d bytes", used)
	}
}

// The same file is kept, and counted, once; what was used last stays longest; Drop leaves what is in use or needed.
func TestAFileIsKeptOnceAndByItsUse(t *testing.T) {
	t.Parallel()
	var needed []string
	now := time.Now().Add(-time.Hour)
	s := open(t, func(o *Options) {
		o.Needed = func(context.Context) ([]string, error) { return needed, nil }
		o.Now = func() time.Time { return now }
		o.Limits.Age = 24 * time.Hour
	})
	first := stage(t, s, bytes.Repeat([]byte("a"), 3<<20))
	again := stage(t, s, bytes.Repeat([]byte("a"), 3<<20))
	if used, files := s.Usage(); used != 3<<20 || files != 1 || again.SHA256 != first.SHA256 {
		t.Errorf("%d bytes in %d files", used, files)
	}
	second := stage(t, s, bytes.Repeat([]byte("b"), 3<<20))
	for _, held := range []*Held{second, first} { // the first one is used last
		now = now.Add(time.Minute)
		file, err := held.Open()
		if err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		held.Release()
	}
	if err := s.Drop(t.Context(), first.SHA256); err != nil {
		t.Fatal(err)
	}
	again.Release()
	stage(t, s, bytes.Repeat([]byte("c"), 4<<20)).Release()
	stage(t, s, bytes.Repeat([]byte("d"), 3<<20)).Release()
	if kept := s.Hold(first.SHA256); kept == nil {
		t.Error("a file went that was in use, or was used after another")
	} else {
		kept.Release()
	}
	if s.Hold(second.SHA256) != nil {
		t.Error("the file that was not used for longest stayed")
	}
	needed = []string{first.SHA256}
	if err := s.Drop(t.Context(), first.SHA256); err != nil {
		t.Fatal(err)
	}
	if kept := s.Hold(first.SHA256); kept == nil {
		t.Error("a file went that a message waits for")
	} else {
		kept.Release()
	}
	needed = nil
	if err := s.Drop(t.Context(), first.SHA256); err != nil || s.Hold(first.SHA256) != nil {
		t.Errorf("a file stays that nobody needs: %v", err)
	}
}

func TestWhatACrashLeftIsRemoved(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	kept := stage(t, s, []byte("kept"))
	if _, err := s.Create(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(filepath.Dir(kept.Path()), "foreign")
	if err := os.WriteFile(foreign, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.Options)
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(kept.Path())); err != nil || len(entries) != 2 || again.Hold(kept.SHA256) == nil {
		t.Errorf("%v %v", entries, err)
	}
}

func TestAFileThatIsTooLargeLeavesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var large *TooLargeError
	if _, err := s.Stage(t.Context(), bytes.NewReader(make([]byte, 4<<20+1))); !errors.As(err, &large) || large.Most != 4<<20 {
		t.Error(err)
	}
	broken := errors.New("the network is gone")
	if _, err := s.Stage(t.Context(), &failing{broken}); !errors.Is(err, broken) {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Join(s.Directory, DirectoryName))
	if used, files := s.Usage(); err != nil || len(entries) != 0 || used != 0 || files != 0 {
		t.Errorf("%v %v, %d bytes in %d files", entries, err, used, files)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestOneWorksOnAFileAtATime(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	done, err := s.Alone(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Alone(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	done()
	if done, err = s.Alone(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	done()
}

func TestNames(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"../../etc/passwd": "passwd", `C:\Users\sari\nota.pdf`: "nota.pdf", "..": "", "/": "", "a\u202egpj.exe": "agpj.exe",
		"a\x00b\n": "ab", strings.Repeat("é", 200): strings.Repeat("é", 127),
	} {
		if got := CleanName(given); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", given, got, want)
		}
	}
}

// A disk that does not answer for a moment loses no file: the file is there again with the disk.
func TestAFileOutlastsAFaultOfTheDisk(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	file := stage(t, s, []byte("the file"))
	file.Release()
	aside := s.dir + ".aside"
	if err := errors.Join(os.Rename(s.dir, aside), os.WriteFile(s.dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if held := s.Hold(file.SHA256); held == nil {
		t.Error("the file is told as lost")
	} else {
		held.Release()
	}
	if err := errors.Join(os.Remove(s.dir), os.Rename(aside, s.dir)); err != nil {
		t.Fatal(err)
	}
	again := s.Hold(file.SHA256)
	if again == nil {
		t.Fatal("the file is gone for good")
	}
	defer again.Release()
	opened, err := again.Open()
	if err != nil {
		t.Fatal(err)
	}
	_ = opened.Close()
}
