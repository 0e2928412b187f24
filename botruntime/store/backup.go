package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// Backup is a verified, compressed copy of the database.
type Backup struct {
	Path string
	// At is when it was taken, in UTC.
	At time.Time
	// Size is the size of the file, in bytes.
	Size int64
	// Device names the device that it holds.
	Device string
}

var backupName = regexp.MustCompile(`^([0-9]{8}T[0-9]{6}\.[0-9]{3}Z)-([0-9a-f]{8})\.db\.zst$`)

// listBackups lists the session's backups, the newest first.
func listBackups(l layout) ([]Backup, error) {
	entries, err := os.ReadDir(l.backups)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, describe(l.backups, err)
	}
	var backups []Backup
	for _, entry := range entries {
		part := backupName.FindStringSubmatch(entry.Name())
		if part == nil || !entry.Type().IsRegular() {
			continue
		}
		at, err := time.Parse(stampLayout, part[1])
		if err != nil {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue
		}
		backups = append(backups, Backup{
			Path: filepath.Join(l.backups, entry.Name()), At: at, Size: info.Size(), Device: part[2],
		})
	}
	slices.Reverse(backups) // the folder is read in the order of the names
	return backups, nil
}

// LastBackup is the newest backup of the linked device; found is false when there is none. A time from the future is
// replaced by that of the newest credible one.
func (s *Store) LastBackup() (last Backup, found bool, err error) {
	backups, err := listBackups(s.layout)
	if err != nil {
		return Backup{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := decideRestorable(s.record, s.known, backups)
	if len(own) == 0 {
		return Backup{}, false, nil
	}
	last, now := own[0], time.Now()
	if last.At.After(now.Add(clockSlack)) {
		last.At = credibleTime(own, now)
	}
	return last, true, nil
}

// Backup copies the database, verifies the copy, and keeps it as the newest backup; why goes to the log. When the
// database has not changed since the last one, it returns that one and taken is false. Without a linked device the
// error is ErrNoDevice. Older backups are removed only when the new one is durable.
func (s *Store) Backup(ctx context.Context, why string) (backup Backup, taken bool, err error) {
	ctx, done, err := s.begin(ctx, s.copies)
	if err != nil {
		return Backup{}, false, err
	}
	defer done()

	before := observeFingerprint(s.layout, time.Now())
	if before.settled && before == s.lastFingerprint {
		if _, err := os.Lstat(s.lastBackup.Path); err == nil {
			return s.lastBackup, false, nil
		}
	}
	backup, err = s.takeBackup(ctx)
	if err != nil {
		return Backup{}, false, err
	}
	s.lastBackup, s.lastFingerprint = backup, before
	s.log.Info("backup taken", "why", why, "path", backup.Path, "bytes", backup.Size)
	if err := pruneBackups(s.layout, s.options.BackupKeep); err != nil {
		s.log.Warn("old backups could not be removed", "error", err)
	}
	return backup, true, nil
}

func (s *Store) takeBackup(ctx context.Context) (Backup, error) {
	file, device, err := s.copyStore(ctx)
	if err != nil {
		return Backup{}, err
	}
	now := time.Now()
	err = redateBackups(s.layout, now)
	at := now
	if err == nil {
		at, err = nextBackupTime(s.layout, now)
	}
	if err != nil {
		discard(file)
		return Backup{}, err
	}
	info, err := file.Stat()
	if err != nil {
		discard(file)
		return Backup{}, describe(file.Name(), err)
	}
	path := filepath.Join(s.layout.backups, backupFile(at, device))
	if err := publish(file, path); err != nil {
		return Backup{}, err
	}
	return Backup{Path: path, At: at, Size: info.Size(), Device: device}, nil
}

// nextBackupTime is now, or just after the newest backup when the clock went back a little: the names sort in the order
// in which the backups were taken.
func nextBackupTime(l layout, now time.Time) (time.Time, error) {
	backups, err := listBackups(l)
	at := now.UTC().Truncate(time.Millisecond)
	if err == nil && len(backups) > 0 && !at.After(backups[0].At) {
		at = backups[0].At.Add(time.Millisecond)
	}
	return at, err
}

// WriteBackup copies the database, verifies the copy, and writes it to w as a backup that Restore reads. A slow w
// delays only other calls of WriteBackup. Without a linked device the error is ErrNoDevice, and nothing is written.
func (s *Store) WriteBackup(ctx context.Context, w io.Writer) (err error) {
	ctx, done, err := s.begin(ctx, s.streams)
	if err != nil {
		return err
	}
	defer done()
	copyCtx, copyDone, err := s.begin(ctx, s.copies)
	if err != nil {
		return err
	}
	file, _, err := s.copyStore(copyCtx)
	copyDone()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	// A crash leaves no file without a name.
	if err := os.Remove(file.Name()); err != nil {
		return describe(file.Name(), err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return describe(file.Name(), err)
	}
	_, err = copyContext(ctx, w, file)
	return err
}

// copyDatabase writes a consistent copy of a database that is in use to an empty file.
func copyDatabase(ctx context.Context, from, to string) error {
	params := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", noCache, "mmap_size(0)"}}
	db, err := sql.Open("sqlite", dsn(from, params))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	return errors.Join(err, db.Close())
}

func ensureBackupDirectory(l layout) error {
	if err := ensurePrivateDir(filepath.Dir(l.backups)); err != nil {
		return l.nameFolder(err)
	}
	return l.nameFolder(ensurePrivateDir(l.backups))
}

// fingerprint shows cheaply whether a database may have changed. It is settled when the last change is older than a
// tick of the file system's clock: two writes in one tick look the same.
type fingerprint struct {
	database, log fileStamp
	settled       bool
}

type fileStamp struct{ size, modified int64 }

// tick is longer than that of any file system; FAT has two seconds.
const tick = 3 * time.Second

func observeFingerprint(l layout, now time.Time) fingerprint {
	look := func(path string) fileStamp {
		info, err := os.Stat(path)
		if err != nil {
			return fileStamp{}
		}
		return fileStamp{size: info.Size(), modified: info.ModTime().UnixNano()}
	}
	f := fingerprint{database: look(l.database()), log: look(l.database() + "-wal")}
	f.settled = max(f.database.modified, f.log.modified) < now.Add(-tick).UnixNano()
	return f
}
