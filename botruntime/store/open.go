package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"time"

	"sesi.dev/sesi/api/bot"
)

// directory is a session directory that this process has locked.
type directory struct {
	layout  layout
	options Options
	log     *slog.Logger
	lock    *lock
	// record is the content of the facts file; known is false when there was none to read, and saved is true when
	// the file holds the same as record.
	record record
	known  bool
	saved  bool
	// factsAside is the new path of facts that could not be read.
	factsAside string
	// resumed is true when this start completed a replacement that an earlier one began; aside lists the files that
	// it set aside.
	resumed bool
	aside   []string
}

// openDirectory makes, locks and checks a session directory, and completes a replacement that a crash interrupted.
// It does not open the database.
func openDirectory(ctx context.Context, options Options) (directory, error) {
	l, err := newLayout(options.AuthPath, options.ClientID)
	if err != nil {
		return directory{}, err
	}
	d := directory{layout: l, options: options, log: options.Log}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if err := ensureDirectory(l); err != nil {
		return directory{}, l.nameFolder(err)
	}
	if d.lock, err = takeLock(ctx, l, options.Instance); err != nil {
		return directory{}, l.nameFolder(err)
	}
	if err := d.settle(); err != nil {
		return directory{}, l.nameFolder(errors.Join(err, d.lock.release()))
	}
	return d, nil
}

func (d *directory) settle() (err error) {
	if err := probeWrite(d.layout.dir, false); err != nil {
		return err
	}
	if d.record, d.known, d.factsAside, err = loadRecord(d.layout, time.Now()); err != nil {
		return err
	}
	d.saved = d.known
	if d.record.Replacing != nil {
		if d.aside, err = d.finishReplace(); err != nil {
			return err
		}
		d.resumed = true
	}
	if err := removeTemps(d.layout.dir); err != nil {
		return err
	}
	// A backup folder that cannot be cleaned fails the next backup, and not the start.
	if info, err := os.Lstat(d.layout.backups); err == nil && info.IsDir() {
		if err := removeTemps(d.layout.backups); err != nil {
			d.log.Warn("cannot remove unfinished files among the backups", "error", err)
		}
	}
	return nil
}

// save sets the record, in memory and on disk.
func (d *directory) save(next record) error {
	if d.saved && next.equal(d.record) {
		return nil
	}
	d.record = next
	err := writeRecord(d.layout, next)
	d.saved, d.known = err == nil, true
	return err
}

// replace sets the database aside and puts from, a durable file in the directory, in its place; with from ""
// nothing takes its place. next becomes the record.
func (d *directory) replace(next record, cause, from string) (aside []string, err error) {
	next.Secrets = nil // the rows of another database have other numbers
	if next.Replacing, err = newReplacement(d.layout, cause, from, time.Now()); err != nil {
		return nil, err
	}
	if err := d.save(next); err != nil {
		return nil, err
	}
	return d.finishReplace()
}

func (d *directory) finishReplace() (aside []string, err error) {
	next := d.record
	if aside, err = ensureReplaced(d.layout, next.Replacing); err != nil {
		return nil, err
	}
	next.Replacing = nil
	return aside, d.save(next)
}

// Open locks and opens a session. An error that a person can fix is a *HeldError or a *PathError. A damaged
// database is set aside, and the session goes on with the database without its log or with the newest good backup;
// Opening says with which.
func Open(ctx context.Context, options Options) (*Store, error) {
	d, err := openDirectory(ctx, options)
	if err != nil {
		return nil, err
	}
	s := &Store{directory: d, copies: make(chan struct{}, 1), streams: make(chan struct{}, 1)}
	if err := s.start(ctx); err != nil {
		return nil, d.layout.nameFolder(errors.Join(err, d.lock.release()))
	}
	// The store outlives the context that bounds its opening.
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	s.startPruning()
	return s, nil
}

func (s *Store) start(ctx context.Context) error {
	s.opening = Opening{SetAside: s.aside, FactsSetAside: s.factsAside}
	if s.factsAside != "" {
		s.log.Warn("the facts file cannot be read and was set aside", "path", s.factsAside)
	}
	known := s.known
	if err := s.openDatabase(ctx); err != nil {
		return err
	}
	device, err := observeDevice(ctx, s.db)
	if err == nil {
		err = s.finishStart(ctx, device)
	}
	if err != nil {
		return errors.Join(describe(s.layout.database(), err), s.db.Close())
	}
	s.warnOfPlace(device, known)
	return nil
}

// finishStart brings the facts in line with the database that was opened, and begins a new life of it.
func (s *Store) finishStart(ctx context.Context, device string) error {
	next := s.record
	if device != "" {
		next.Device, next.Lost = device, false
	}
	s.opening.ProfileFound = observeProfile(s.layout.dir)
	if next.Facts.Notice == bot.NoticeRelinkNeeded && !s.opening.ProfileFound {
		next.Facts.Notice = bot.NoticeNone
	}
	switch {
	case s.opening.Restored != nil, s.opening.WithoutLog:
		s.opening.Notice = bot.NoticeStoreRestored
	case s.opening.Damage != "":
		s.opening.Notice = bot.NoticeStoreDamaged
	case s.resumed:
		// An earlier start wrote the notice before it was killed during the replacement.
		s.opening.Notice = next.Facts.Notice
	case s.opening.ProfileFound && device == "" && next.Facts.Notice == "":
		s.opening.Notice = bot.NoticeRelinkNeeded
	}
	if s.opening.Notice != "" {
		next.Facts.Notice = s.opening.Notice
	}
	return s.beginLife(ctx, next)
}

// closeDatabase empties the log into the database and closes it; without that megabytes of log stay behind. When ctx ends
// before the log is empty, the database is closed all the same: nothing is lost, and the error is ctx's.
func closeDatabase(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	if closed := db.Close(); closed != nil {
		return closed
	}
	return err
}

// closeWait bounds how long Close waits for a cancelled backup to end, and then for the log to be emptied.
const closeWait = 2 * time.Second

// Close cancels backups in progress, closes the database and frees the lock. It may be repeated.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed() {
		s.mu.Unlock()
		return nil
	}
	s.end()
	s.pruning.Stop()
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	for _, line := range []chan struct{}{s.streams, s.copies} {
		select {
		case line <- struct{}{}:
		case <-ctx.Done():
			s.log.Warn("a backup did not end in time")
		}
	}
	err := s.endDatabase()
	return errors.Join(describe(s.layout.database(), err), s.lock.release())
}

// endDatabase closes the database and ends its life, unless the disk is so slow that the log stays behind: then the next start
// reads it, and nothing is lost.
func (s *Store) endDatabase() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	err := closeDatabase(ctx, s.db)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("the disk is slow: the log stays until the next start")
		return nil
	}
	if err != nil {
		return err
	}
	return endLife(s.layout)
}
