package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A life of a database is the time from an Open to the Close that empties its log. The facts hold the name of the
// life, and so does lifeName, which only a killed bot leaves behind. When a person copies an older session directory
// over what a killed bot left, the facts come from the copy and the file does not: then the log belongs to another
// life, and SQLite must not replay it.

// lifeName is the file that exists while the log may hold something.
const lifeName = "session.life"

const maxLife = 64

// beginLife empties the log, saves next, and only then names the new life, so that a crash in between leaves no log
// whose life is in doubt.
func (s *Store) beginLife(ctx context.Context, next record) error {
	if observeLog(s.layout) {
		if _, err := s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
			return err
		}
	}
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	next.Life = hex.EncodeToString(random)
	if err := s.save(next); err != nil {
		return err
	}
	return writeLife(s.layout, next.Life)
}

// writeLife does not wait for the disk: a power cut that takes the file leaves only the older check, which is whether
// database and log fit.
func writeLife(l layout, life string) error {
	file, err := createTemp(l.dir, lifeName)
	if err != nil {
		return err
	}
	_, err = file.WriteString(life)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(l.dir, lifeName))
	}
	if err != nil {
		discard(file)
	}
	return describe(l.dir, err)
}

// endLife removes the file once the log is empty.
func endLife(l layout) error {
	err := os.Remove(filepath.Join(l.dir, lifeName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return describe(l.dir, err)
}

// observeForeignLog reports whether the log beside the database was written in another life than life.
func observeForeignLog(l layout, life string) bool {
	if life == "" || !observeLog(l) {
		return false
	}
	data, err := readBounded(filepath.Join(l.dir, lifeName), maxLife)
	named := strings.TrimSpace(string(data))
	return err == nil && named != "" && named != life
}

// setLogAside moves the log away from the database. The index goes with it, and SQLite makes a new one.
func (s *Store) setLogAside() error {
	r, err := newReplacement(s.layout, causeForeign, "", time.Now())
	if err != nil {
		return err
	}
	for _, suffix := range sidecars {
		from, to := s.layout.database()+suffix, s.layout.asideName(causeForeign, r.Stamp)+suffix
		err := os.Rename(from, to)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return describe(from, err)
		}
		s.opening.SetAside = append(s.opening.SetAside, to)
	}
	return syncDir(s.layout.dir)
}
