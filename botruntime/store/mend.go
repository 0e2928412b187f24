package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"sesi.dev/sesi/api/bot"
)

// openDatabase opens the database, and replaces a damaged one by the next candidate until one opens. Each round
// sets something aside or ends, and no candidate is tried twice, so the rounds are bounded.
func (s *Store) openDatabase(ctx context.Context) error {
	tried := map[string]bool{}
	if observeForeignLog(s.layout, s.record.Life) {
		next := s.record
		next.Facts.Notice = bot.NoticeStoreRestored // first: a later start finds no foreign log any more
		if err := errors.Join(s.save(next), s.setLogAside()); err != nil {
			return err
		}
		s.opening.WithoutLog = true
		s.log.Warn("the database was put here from elsewhere, beside the log of an earlier run; it runs without that log, "+
			"which was set aside", "database", s.layout.database(), "setAside", s.opening.SetAside)
	}
	for again := false; ; again = !again {
		damage, missing, err := s.tryDatabase(ctx, tried)
		if err != nil || damage == "" {
			return err
		}
		if !again { // a read that failed once looks the same
			continue
		}
		if s.opening.Damage != "" && s.opening.Restored == nil && !s.opening.WithoutLog {
			return fmt.Errorf("%s: a new database is damaged at once (%s); check the disk", s.layout.database(), damage)
		}
		if s.opening.Damage == "" {
			s.opening.Damage = damage
		}
		if err := s.mend(ctx, missing, tried); err != nil {
			return err
		}
	}
}

// tryDatabase opens the database if it is sound; otherwise it says what the damage is. missing is true when the
// database could be used and only lacks its device.
func (s *Store) tryDatabase(ctx context.Context, tried map[string]bool) (damage string, missing bool, err error) {
	found, err := inspect(ctx, s.layout.database())
	if err != nil {
		return "", false, err
	}
	all, err := listBackups(s.layout)
	if err != nil {
		// A sound session needs no backup.
		s.log.Warn("the backups cannot be listed", "error", err)
	}
	var backups []Backup
	for _, b := range all {
		if !tried[b.Path] {
			backups = append(backups, b)
		}
	}
	logAlone := observeLog(s.layout) && !observeFile(s.layout.database())
	if damage, missing := decideDamage(found, logAlone, s.record, s.known, backups); damage != "" {
		return damage, missing, confirmReadable(s.layout)
	}
	if err := ensureDatabaseFiles(s.layout); err != nil {
		return "", false, err
	}
	defer keepLog(ctx, s.layout)()
	s.db, s.container, err = openLive(ctx, s.layout.database(), watch{s.reportUnwritable, s.undone})
	var upgrade *upgradeError
	if errors.As(err, &upgrade) && found.condition == conditionSound && found.version < knownVersion() && classifyDamage(err) != "" {
		return "", false, problem(NotUpgradable, s.layout.database(), err)
	}
	if damage := classifyDamage(err); damage != "" {
		return damage, false, confirmReadable(s.layout)
	}
	return "", false, describe(s.layout.database(), err)
}

// keepLog keeps SQLite from emptying a log into its database until release is called: the last connection to close does
// that, also where it found damage that only shows when the database is opened for writing, such as a changed letter of
// the schema. What is set aside is then as it was found. A connection that only reads empties nothing.
func keepLog(ctx context.Context, l layout) (release func()) {
	if !observeLog(l) {
		return func() {}
	}
	reader, err := openReader(l.database())
	if err != nil {
		return func() {}
	}
	var pages int
	_ = reader.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages) // it takes the lock, whatever it finds
	return func() { _ = reader.Close() }
}

// decideDamage says why a database must not be used as it is. A logout leaves one without a device, which is fine,
// and so is one without tables. But if the facts know a device that was neither logged out nor cleared, something
// else removed it, and to try a backup of that device costs nothing: WhatsApp refuses a dead one at the login.
func decideDamage(found inspection, logAlone bool, r record, known bool, backups []Backup) (damage string, missing bool) {
	linked := r.Device != "" && !r.Facts.Expired
	restorable := linked && len(decideRestorable(r, known, backups)) > 0
	switch {
	case found.condition == conditionDamaged:
		return found.damage, false
	case found.condition == conditionEmpty && logAlone:
		return "its log is there without it", false
	case found.condition == conditionEmpty && linked && (!r.Lost || restorable):
		return "it is empty although a device was linked", true
	case found.device == "" && restorable:
		return "its device is gone although nobody unlinked it", true
	}
	return "", false
}

// confirmReadable reads the database and its log from end to end. SQLite calls a page malformed also when the disk
// failed to read it, and a database on a failing disk must be kept, not replaced.
func confirmReadable(l layout) error {
	for _, path := range []string{l.database(), l.database() + "-wal"} {
		if err := readAll(path); err != nil {
			return describe(path, err)
		}
	}
	return nil
}

func readAll(path string) error {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(io.Discard, file)
	return err
}

// observeLog reports whether a log with content is beside the database.
func observeLog(l layout) bool {
	info, err := os.Lstat(l.database() + "-wal")
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// mend sets the damaged database aside and puts the next candidate in its place: the database without its log, then
// the backups, the newest first, then nothing.
func (s *Store) mend(ctx context.Context, missing bool, tried map[string]bool) error {
	backups, err := listBackups(s.layout)
	if err != nil {
		return err
	}
	next := s.record
	next.Facts.Notice = bot.NoticeStoreDamaged
	s.opening.Restored, s.opening.WithoutLog = nil, false
	from := ""
	for _, candidate := range s.candidates(backups) {
		if tried[candidate.Path] {
			continue
		}
		tried[candidate.Path] = true
		temp, device, err := prepareFile(ctx, s.layout, candidate)
		var unusable *BackupError
		if errors.As(err, &unusable) || classifyError(err) == Failing {
			s.log.Warn("this file cannot replace the damaged database", "path", candidate.Path, "error", err)
			continue
		}
		if err != nil {
			return err
		}
		from = temp
		next.Device, next.Lost, next.Facts.Notice = device, false, bot.NoticeStoreRestored
		if candidate.Path == s.layout.database() {
			s.opening.WithoutLog = true
		} else {
			s.opening.Restored = &candidate
		}
		if s.opening.WithoutLog {
			s.log.Warn("the database is sound only without the log beside it; it runs without that log",
				"database", candidate.Path, "damage", s.opening.Damage)
		}
		break
	}
	if from == "" {
		// The device stays known, so that a later start takes up a backup that is put back.
		next.Lost = next.Device != ""
		if missing && s.record.Lost { // an earlier start made this database
			return s.save(next)
		}
	}
	aside, err := s.replace(next, causeDamaged, from)
	if err != nil {
		return err
	}
	s.opening.SetAside = append(s.opening.SetAside, aside...)
	return nil
}

// candidates lists what may take the place of the database. Without its log the database may be whole: a log of
// another database, which SQLite cannot tell from its own, damages what it is replayed into.
func (s *Store) candidates(backups []Backup) []Backup {
	restorable := decideRestorable(s.record, s.known, backups)
	ended := s.known && (s.record.Facts.Expired || s.record.Device == "")
	if ended || !observeLog(s.layout) || !observeFile(s.layout.database()) {
		return restorable
	}
	return append([]Backup{{Path: s.layout.database(), Device: s.record.Device}}, restorable...)
}

func observeFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Size() > 0
}
