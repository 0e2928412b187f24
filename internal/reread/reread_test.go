package reread

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A file is read again only after a change, and one failure is reported once.
func TestRefresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	put := func(text string) {
		t.Helper()
		next := path + ".next"
		if err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Rename(next, path)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := New(func() error { return nil }, path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a missing file: %v", err)
	}
	put("one")
	reads, content := 0, ""
	f, err := New(func() error {
		reads++
		data, err := os.ReadFile(path)
		if err == nil && string(data) == "bad" {
			err = errors.New("bad content")
		}
		if err == nil {
			content = string(data)
		}
		return err
	}, path)
	if err != nil || content != "one" {
		t.Fatalf("read %q, %v", content, err)
	}
	if err := f.Refresh(); err != nil || reads != 1 {
		t.Errorf("an unchanged file: %v, %d reads", err, reads)
	}
	put("bad")
	first, second := f.Refresh(), f.Refresh()
	if first == nil || second != nil || content != "one" {
		t.Errorf("a bad file: %v, then %v; the content is %q", first, second, content)
	}
	put("two") // of the same length as the first
	if err := f.Refresh(); err != nil || content != "two" {
		t.Errorf("a good file again: %q, %v", content, err)
	}
	put("bad")
	if err := f.Refresh(); err == nil {
		t.Error("the same failure after a success is not reported")
	}
}
