package store

import (
	"os"
	"path/filepath"
	"testing"
)

// TestObserveForeignLog: a log of another life is recognised, also where database and log happen to fit.
func TestObserveForeignLog(t *testing.T) {
	l, err := newLayout(t.TempDir(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(l.dir, dirMode); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		log, named, life string
		want             bool
	}{
		"another life": {"pages", "a", "b", true}, "its own": {"pages", "a", "a", false}, "no log": {"", "a", "b", false},
		"facts without a life": {"pages", "a", "", false}, "no name": {"pages", "", "b", false}, "with a line break": {"pages", "a\n", "a", false},
	} {
		for path, content := range map[string]string{l.database() + "-wal": c.log, filepath.Join(l.dir, lifeName): c.named} {
			if err := os.WriteFile(path, []byte(content), fileMode); err != nil {
				t.Fatal(err)
			}
		}
		if got := observeForeignLog(l, c.life); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}
