package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Why a file was set aside; the cause is part of its new name.
const (
	causeDamaged  = "damaged"
	causeReplaced = "replaced"
	causeForeign  = "foreign"
)

func isTemp(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && name == filepath.Base(name)
}

// asideName is the new path of a database. Its sidecars keep their suffix, so that SQLite finds them.
func (l layout) asideName(cause, stamp string) string {
	return l.database() + "." + cause + "-" + stamp
}

// newReplacement picks names for a replacement that no file has yet.
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
	return nil, describe(l.dir, errors.New("too many databases are set aside here; move them away"))
}

// ensureReplaced sets the database aside and puts r.From in its place. It may be repeated after a crash at any
// moment. The log moves before the database, because SQLite would replay it into the next one; r.From moves last, so
// its temporary name shows that the replacement is not complete.
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

// existing lists the files that r set aside.
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
