package store

import (
	"context"
	"errors"
	"os"
	"strconv"
)

// IsUnwritable reports whether err says that the store cannot keep what it is given: the disk is full, a quota or
// the inodes are used up, the file system is read-only or fails, a file cannot be opened or is locked by another
// program, or the database cannot be read. The session is kept, and may be used again when Probe succeeds.
func IsUnwritable(err error) bool {
	switch classifyError(err) {
	case DiskFull, NotWritable, NotCreatable, Failing, Busy, TooManyFiles, Damaged:
		return true
	}
	return isUnreadable(err)
}

// OnUnwritable has report called with each error of the database that IsUnwritable knows. The call runs in the
// goroutine that met the error, before whatsmeow sees it, so a report that closes the connection to WhatsApp keeps
// the message from being acknowledged. It must not use the store, and may come many times.
func (s *Store) OnUnwritable(report func(error)) { s.unwritable.Store(&report) }

func (s *Store) reportUnwritable(err error) {
	if isUnreadable(err) {
		s.unreadable.Store(true)
	}
	if report := s.unwritable.Load(); report != nil {
		(*report)(describe(s.layout.database(), err))
	}
}

// Probe writes what a message would, durably, and fails with an error that IsUnwritable knows while the store
// cannot take it. It costs a few milliseconds and one page of the database's log. Once SQLite could not read a page,
// the whole database must be read before Probe succeeds again.
func (s *Store) Probe(ctx context.Context) error {
	if err := s.guard(); err != nil {
		return err
	}
	if err := probeWrite(s.layout.dir, true); err != nil {
		return err
	}
	// whatsmeow does not use this number; to set it to what it is writes one page.
	var version int
	err := s.db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version)
	if err == nil {
		_, err = s.db.ExecContext(ctx, `PRAGMA user_version = `+strconv.Itoa(version))
	}
	if err == nil {
		_, err = s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`)
	}
	if err == nil && s.unreadable.Load() {
		err = s.probeRead(ctx)
	}
	return describe(s.layout.database(), err)
}

func (s *Store) probeRead(ctx context.Context) error {
	verdict, err := wholePages(ctx, s.db)
	if err != nil {
		return err
	}
	if verdict != "ok" {
		return problem(Damaged, s.layout.database(), errors.New(firstLine(verdict)))
	}
	s.unreadable.Store(false)
	return nil
}

// probeSize is how much room the session needs to continue: SQLite's log and index of an idle session take about as
// much, so with less the first message fails.
const probeSize = 64 << 10

// probeWrite proves that dir takes a new file with content, and with durable that the disk below it does.
func probeWrite(dir string, durable bool) error {
	file, err := createTemp(dir, "probe")
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, probeSize))
	if err == nil && durable {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	return describe(dir, err)
}
