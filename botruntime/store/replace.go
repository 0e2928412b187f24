package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Why a database was set aside; part of the name it gets.
const (
	causeDamaged  = "damaged"
	causeReplaced = "replaced"
	causeForeign  = "foreign"
)

func isTemp(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && name == filepath.Base(name)
}

// asideName is where a database goes; its sidecars keep their suffix, so that SQLite still finds them.
func (l layout) asideName(cause, stamp string) string {
	return l.database() + "." + cause + "-" + stamp
}

// newReplacement decides the names of a replacement; none of them is taken.
func newReplacement(l layout, cause, from string, now time.Time) (*replacement, error) {
	for n := range 1000 {
		r := &replacement{Stamp: stamp(now.Add(time.Duration(n) * time.Millisecond)), Cause: cause, From: from}
		taken := false
		for _, suffix := range append([]string{""}, sidecars...) {
			_, err := os.Lstat(l.asideName(cause, r.Stamp) + suffix)
			taken = taken || !errors.Is(err, fs.ErrNotExist)
		}
		if !taken {
			return r, nil
		}
	}
	return nil, describe(l.dir, errors.New("every name for a database that is set aside is taken; move them away"))
}

// ensureReplaced sets the database aside and puts r.From in its place. It may be repeated after a crash at any
// moment: the log is moved before the database, or SQLite would replay it into the successor, and the new
// file is moved last, so while it still stands under its temporary name the old one is not wholly gone.
func ensureReplaced(l layout, r *replacement) (aside []string, err error) {
	from := filepath.Join(l.dir, r.From)
	if r.From != "" {
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			return existing(l, r), nil
		}
	} else if _, err := os.Lstat(l.asideName(r.Cause, r.Stamp)); err == nil {
		return existing(l, r), nil
	}
	for _, suffix := range append(append([]string{}, sidecars...), "") {
		err := os.Rename(l.database()+suffix, l.asideName(r.Cause, r.Stamp)+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, describe(l.database()+suffix, err)
		}
	}
	if err := syncDir(l.dir); err != nil {
		return nil, err
	}
	if r.From != "" {
		if err := os.Rename(from, l.database()); err != nil {
			return nil, describe(l.database(), err)
		}
		if err := syncDir(l.dir); err != nil {
			return nil, err
		}
	}
	return existing(l, r), nil
}

// existing lists what r set aside.
func existing(l layout, r *replacement) []string {
	var paths []string
	for _, suffix := range append([]string{""}, sidecars...) {
		path := l.asideName(r.Cause, r.Stamp) + suffix
		if _, err := os.Lstat(path); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}
