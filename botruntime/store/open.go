package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	// record is what the facts file says; known is false when there was none to read, saved when the file
	// says the same as record.
	record record
	known  bool
	saved  bool
	// factsAside is where facts that could not be understood went.
	factsAside string
	// resumed is true when a replacement that was interrupted has just been completed; aside is what it set
	// aside.
	resumed bool
	aside   []string
}

// openDirectory makes, locks and checks a session directory, and brings what a crash interrupted in it to
// its end, as far as that does not need the database.
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
		return directory{}, err
	}
	if d.lock, err = takeLock(ctx, l, options.Instance); err != nil {
		return directory{}, err
	}
	if err := d.settle(); err != nil {
		return directory{}, errors.Join(err, d.lock.release())
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
	// A backup folder that is not ours to clean is the next backup's problem, not a reason to stay down.
	if info, err := os.Lstat(d.layout.backups); err == nil && info.IsDir() {
		if err := removeTemps(d.layout.backups); err != nil {
			d.log.Warn("leftovers among the backups could not be removed", "error", err)
		}
	}
	return nil
}

// save makes next the record, in memory and on disk.
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
// nothing takes its place. next is what the record says from then on.
func (d *directory) replace(next record, cause, from string) (aside []string, err error) {
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

// Open locks and opens a session. Errors that a person can cure are a *HeldError or a *PathError. A database
// whose content is damaged is set aside and the newest good backup of the same link takes its place; Opening
// tells.
func Open(ctx context.Context, options Options) (*Store, error) {
	d, err := openDirectory(ctx, options)
	if err != nil {
		return nil, err
	}
	s := &Store{directory: d, copies: make(chan struct{}, 1), streams: make(chan struct{}, 1)}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, d.lock.release())
	}
	// The store outlives the context that bounds its opening.
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

func (s *Store) start(ctx context.Context) error {
	s.opening = Opening{SetAside: s.aside, FactsSetAside: s.factsAside}
	if s.factsAside != "" {
		s.log.Warn("the facts file could not be understood and was set aside", "path", s.factsAside)
	}
	if err := s.openDatabase(ctx); err != nil {
		return err
	}
	device, err := observeDevice(ctx, s.db)
	if err == nil {
		err = s.finishStart(device)
	}
	if err != nil {
		return errors.Join(describe(s.layout.database(), err), s.db.Close())
	}
	return nil
}

// finishStart brings the facts in line with what was found.
func (s *Store) finishStart(device string) error {
	next := s.record
	if device != "" {
		next.Device = device
	}
	s.opening.ProfileFound = observeProfile(s.layout.dir)
	if next.Facts.Notice == bot.NoticeRelinkNeeded && !s.opening.ProfileFound {
		next.Facts.Notice = bot.NoticeNone
	}
	switch {
	case s.opening.Restored != nil:
		s.opening.Notice = bot.NoticeStoreRestored
	case s.opening.Damage != "":
		s.opening.Notice = bot.NoticeStoreDamaged
	case s.resumed:
		// A start before this one was killed in the middle of it, and wrote down what it was doing.
		s.opening.Notice = next.Facts.Notice
	case s.opening.ProfileFound && device == "" && next.Facts.Notice == "":
		s.opening.Notice = bot.NoticeRelinkNeeded
	}
	if s.opening.Notice != "" {
		next.Facts.Notice = s.opening.Notice
	}
	return s.save(next)
}

// openDatabase opens the database, and mends a damaged one. Every round either ends or sets something aside
// and uses up a backup, so there are no more rounds than backups, and two.
func (s *Store) openDatabase(ctx context.Context) error {
	tried := map[string]bool{}
	for {
		damage, err := s.tryDatabase(ctx)
		if err != nil || damage == "" {
			return err
		}
		if s.opening.Damage != "" && s.opening.Restored == nil {
			return fmt.Errorf("%s: a new database is damaged at once (%s); check the disk", s.layout.database(), damage)
		}
		if s.opening.Damage == "" {
			s.opening.Damage = damage
		}
		if err := s.mend(ctx, tried); err != nil {
			return err
		}
	}
}

// tryDatabase opens the database if it is sound, and says how it is damaged if it is not.
func (s *Store) tryDatabase(ctx context.Context) (damage string, err error) {
	found, err := inspect(ctx, s.layout.database())
	if err != nil {
		return "", err
	}
	backups, err := listBackups(s.layout)
	if err != nil {
		// A sound session can do without them.
		s.log.Warn("the backups cannot be listed", "error", err)
	}
	if damage := decideDamage(found, observeLog(s.layout), s.record, s.known, backups); damage != "" {
		return damage, nil
	}
	if err := ensureDatabaseFiles(s.layout); err != nil {
		return "", err
	}
	s.db, s.container, err = openLive(ctx, s.layout.database(), s.reportUnwritable)
	if damage := classifyDamage(err); damage != "" {
		return damage, nil
	}
	return "", describe(s.layout.database(), err)
}

// decideDamage says why a database must not be used as it is. One without a device is what a logout leaves,
// and is fine; so is one without tables. But when the facts know of a linked device that was neither logged
// out nor cleared, something else took it. With a backup of that link nothing is lost by trying it: had the
// bot been killed in the middle of a logout, WhatsApp would say so at the login.
func decideDamage(found inspection, logAlone bool, r record, known bool, backups []Backup) string {
	linked := r.Device != "" && !r.Facts.Expired
	switch {
	case found.condition == conditionDamaged:
		return found.damage
	case found.condition == conditionEmpty && logAlone:
		return "its log is there without it"
	case found.condition == conditionEmpty && linked:
		return "it is empty although a device was linked"
	case found.device == "" && linked && len(decideRestorable(r, known, backups)) > 0:
		return "its device is gone although nobody unlinked it"
	}
	return ""
}

// observeLog reports whether a log with content stands beside the database.
func observeLog(l layout) bool {
	info, err := os.Lstat(l.database() + "-wal")
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// mend sets the damaged database aside and puts the newest good backup in its place, or nothing.
func (s *Store) mend(ctx context.Context, tried map[string]bool) error {
	backups, err := listBackups(s.layout)
	if err != nil {
		return err
	}
	next := s.record
	next.Facts.Notice = bot.NoticeStoreDamaged
	s.opening.Restored = nil
	from := ""
	for _, backup := range decideRestorable(s.record, s.known, backups) {
		if tried[backup.Path] {
			continue
		}
		tried[backup.Path] = true
		temp, device, err := prepareBackup(ctx, s.layout, backup)
		var unusable *BackupError
		if errors.As(err, &unusable) || classifyError(err) == Failing {
			s.log.Warn("a backup cannot be restored", "path", backup.Path, "error", err)
			continue
		}
		if err != nil {
			return err
		}
		from, s.opening.Restored = temp, &backup
		next.Device, next.Facts.Notice = device, bot.NoticeStoreRestored
		break
	}
	if from == "" {
		next.Device = ""
	}
	aside, err := s.replace(next, causeDamaged, from)
	if err != nil {
		return err
	}
	s.opening.SetAside = append(s.opening.SetAside, aside...)
	return nil
}

// closeDatabase empties the log into the database and closes it; otherwise megabytes of log stay behind.
func closeDatabase(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return errors.Join(err, db.Close())
}

// closeWait bounds how long Close waits for a backup to notice that it was cancelled.
const closeWait = 2 * time.Second

// Close ends what is under way, closes the database and frees the lock. It may be repeated.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed() {
		s.mu.Unlock()
		return nil
	}
	s.end()
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
	err := closeDatabase(ctx, s.db)
	return errors.Join(describe(s.layout.database(), err), s.lock.release())
}
