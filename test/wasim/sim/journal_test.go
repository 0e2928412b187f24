package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// reopen closes a journal and returns what a new one finds.
func reopen(t *testing.T, j *journal) (*journal, map[string]string) {
	t.Helper()
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	again, raw, err := openJournal(j.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.close() })
	values := map[string]string{}
	for key, value := range raw {
		values[key] = string(value)
	}
	return again, values
}

func newJournal(t *testing.T) *journal {
	t.Helper()
	j, values, err := openJournal(filepath.Join(t.TempDir(), "state"))
	if err != nil || len(values) != 0 {
		t.Fatalf("a new journal holds %v: %v", values, err)
	}
	return j
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestJournalKeepsTheLastValue(t *testing.T) {
	j := newJournal(t)
	must(t, j.put("a", 1), j.put("b", 2), j.put("a", 3), j.put("c", 4), j.remove("b"), j.remove("never"))
	want := map[string]string{"a": "3", "c": "4"}
	j, got := reopen(t, j)
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	must(t, j.save(), j.put("d", 5))
	want["d"] = "5"
	j, got = reopen(t, j)
	if !maps.Equal(got, want) {
		t.Errorf("after a save: got %v, want %v", got, want)
	}
	if leftover, err := filepath.Glob(j.path + ".*"); err != nil || len(leftover) > 0 {
		t.Errorf("leftover files: %v %v", leftover, err)
	}
}

func TestJournalRewritesItself(t *testing.T) {
	j := newJournal(t)
	large := make([]byte, 1<<20)
	for i := range 20 {
		must(t, j.put("large", large), j.put(fmt.Sprint(i), i))
	}
	if stat, err := os.Stat(j.path); err != nil || stat.Size() > 2*int64(len(large))*4/3+compactSlack+1<<20 {
		t.Errorf("file is %d bytes long: %v", stat.Size(), err)
	}
	if _, got := reopen(t, j); len(got) != 21 {
		t.Errorf("%d keys: %v", len(got), slices.Sorted(maps.Keys(got)))
	}
}

func TestJournalCutShortByAKill(t *testing.T) {
	j := newJournal(t)
	must(t, j.put("a", 1), j.put("b", 2))
	whole, err := os.ReadFile(j.path)
	must(t, err)
	for cut := len(whole); cut >= 0; cut-- {
		must(t, os.WriteFile(j.path, whole[:cut], 0o600))
		var got map[string]string
		j, got = reopen(t, j)
		want := map[string]string{}
		if cut >= len(whole)/2 {
			want["a"] = "1"
		}
		if cut == len(whole) {
			want["b"] = "2"
		}
		if !maps.Equal(got, want) {
			t.Fatalf("cut to %d bytes: got %v, want %v", cut, got, want)
		}
		must(t, j.put("c", 3))
		if j, got = reopen(t, j); got["c"] != "3" {
			t.Fatalf("cut to %d bytes, then written to: got %v", cut, got)
		}
	}
}

func TestJournalDamaged(t *testing.T) {
	for name, content := range map[string]string{
		"not json": "hello\n", "no key": "{}\n", "damaged in the middle": "{\"k\":\"a\",\"v\":1}\n\x00\x00\n{\"k\":\"b\",\"v\":1}\n",
	} {
		path := filepath.Join(t.TempDir(), "state")
		must(t, os.WriteFile(path, []byte(content), 0o600))
		if _, _, err := openJournal(path); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != content {
			t.Errorf("%s: the file was changed to %q: %v", name, after, err)
		}
	}
}

func TestJournalClosed(t *testing.T) {
	j := newJournal(t)
	must(t, j.close(), j.close())
	for name, err := range map[string]error{"put": j.put("a", 1), "save": j.save()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var none *journal
	must(t, none.put("a", 1), none.remove("a"), none.save(), none.close())
}

// FuzzState: whatever is in a state file, a simulator starts from it or says why not.
func FuzzState(f *testing.F) {
	for _, value := range []any{savedAccount{}, savedDevice{}, []savedKey{{}}, savedMessage{Node: []byte{0}}, map[uint32][]byte{1: {1}}} {
		raw, err := json.Marshal(value)
		if err != nil {
			f.Fatal(err)
		}
		for _, kind := range kinds {
			f.Add(kind+"/5511900000001/1", raw)
		}
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		s := &Server{accounts: map[string]*account{}, lids: map[string]*account{}, groups: map[string]*group{}, state: &keeper{}}
		a := newAccount("5511900000001", testKey, testKey, s.state)
		a.devices[1] = &device{account: a, id: 1}
		s.accounts[a.phone] = a
		_ = s.loadValue(key, value)
	})
}
