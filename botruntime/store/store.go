// Package store keeps one WhatsApp session in a directory: its lock, its database, its facts, and its backups. It never
// deletes or overwrites foreign files, and never decides to end a session.
package store

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"

	"sesi.dev/sesi/api/bot"
)

// Options say which session to open.
type Options struct {
	bot.Identity
	// BackupKeep is how many of the newest backups stay; at least one does. See decideKept for older ones.
	BackupKeep int
	// Log may be nil.
	Log *slog.Logger
	// Copier makes the command of a program that only calls ServeCopy. Without one no backup can be taken.
	Copier func(context.Context) *exec.Cmd
}

// Opening is the result of Open.
type Opening struct {
	// Damage describes the damage of the database; "" when it was sound or new.
	Damage string
	// SetAside are the damaged files under their new names.
	SetAside []string
	// Restored is the backup that took their place; nil for none.
	Restored *Backup
	// WithoutLog is true when the database runs without the log that was beside it.
	WithoutLog bool
	// ProfileFound is true when the directory also holds a profile of whatsapp-web.js, which stays as it is.
	ProfileFound bool
	// FactsSetAside is the new path of a facts file that could not be read; "" for none.
	FactsSetAside string
	// Notice is the warning for the snapshot; "" for nothing new.
	Notice bot.Notice
}

// Store is one opened session directory. Its methods may be called from any goroutine.
type Store struct {
	directory
	opening Opening
	db      *sql.DB
	// unwritable is what OnUnwritable was given.
	unwritable atomic.Pointer[func(error)]
	// identities are those of the linked device, nil while there is none.
	identities atomic.Pointer[identities]
	// unreadable is true from an error that isUnreadable knows until Probe has read the whole database.
	unreadable atomic.Bool

	// life ends when the store is closed, and cancels what is in progress.
	life context.Context
	end  context.CancelFunc

	// guarding makes guard run once at a time.
	guarding sync.Mutex
	// pruning is the timer of prune.
	pruning *time.Timer

	// copies and streams hold one token each: one copy at a time, and one reader of a new one.
	copies  chan struct{}
	streams chan struct{}
	// lastBackup and lastFingerprint belong to the goroutine that has the token of copies.
	lastBackup      Backup
	lastFingerprint fingerprint

	// mu guards container and the directory's record.
	mu        sync.Mutex
	container *sqlstore.Container
}

// Container is whatsmeow's access to the database. Clear replaces it.
func (s *Store) Container() *sqlstore.Container {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.container
}

// Device loads the linked device. Without one it returns a new device with a nil ID, which a pairing saves.
func (s *Store) Device(ctx context.Context) (*wastore.Device, error) {
	container := s.Container()
	device, err := readDevice(ctx, s.db, container)
	if err != nil {
		return nil, describe(s.layout.database(), err)
	}
	if device == nil {
		return s.NewDevice(), nil
	}
	s.spare(device)
	return device, nil
}

// Exists reports whether the database holds a linked device.
func (s *Store) Exists(ctx context.Context) (bool, error) {
	device, err := observeDevice(ctx, s.db)
	return device != "", describe(s.layout.database(), err)
}

// Opening is the result of Open.
func (s *Store) Opening() Opening { return s.opening }

// Files describes the session's own files.
type Files struct {
	// Path is the session directory as configured.
	Path string
	// Size is the sum of the files' sizes, in bytes.
	Size int64
	// LastModified is when the newest of them changed; zero when none can be read.
	LastModified time.Time
}

// Files reads the sizes and times of the session's files. It runs no query and reports no error: a file that
// cannot be read does not count.
func (s *Store) Files() Files {
	files := Files{Path: s.layout.shown}
	for _, path := range []string{s.layout.database(), s.layout.database() + "-wal", s.layout.facts()} {
		info, err := os.Lstat(path)
		if err != nil {
			continue
		}
		files.Size += info.Size()
		if info.ModTime().After(files.LastModified) {
			files.LastModified = info.ModTime().UTC()
		}
	}
	return files
}

// CheckLock fails when the session directory was removed or replaced under the running bot. It runs no query.
func (s *Store) CheckLock() error { return s.guard() }

// Check fails when the database cannot be queried, or when the session directory was removed or replaced under
// the running bot.
func (s *Store) Check(ctx context.Context) error {
	if err := s.guard(); err != nil {
		return err
	}
	_, err := s.Exists(ctx)
	return err
}

// Facts returns a copy of the facts.
func (s *Store) Facts() Facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.Facts.clone()
}

// UpdateFacts changes the facts durably. After a failed write the change holds for this process, and the next update
// writes it too.
func (s *Store) UpdateFacts(change func(*Facts)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed() {
		return ErrClosed
	}
	next := s.record
	next.Facts = next.Facts.clone()
	change(&next.Facts)
	if extra := len(next.Facts.Takeovers) - MaxTakeovers; extra > 0 {
		next.Facts.Takeovers = next.Facts.Takeovers[extra:]
	}
	ctx, cancel := context.WithTimeout(s.life, 2*time.Second)
	defer cancel()
	if device, err := observeDevice(ctx, s.db); err == nil && device != "" {
		next.Device, next.Lost = device, false
	}
	return s.save(next)
}

// Sync makes all commits survive a power cut, which a commit alone does not. It is for the moment after a pairing.
func (s *Store) Sync(ctx context.Context) error {
	ctx, done, err := s.begin(ctx, s.copies)
	if err != nil {
		return err
	}
	defer done()
	_, err = s.db.ExecContext(ctx, `PRAGMA wal_checkpoint(FULL)`)
	return describe(s.layout.database(), err)
}

// begin waits for the token of line, and cancels the work when the store is closed.
func (s *Store) begin(ctx context.Context, line chan struct{}) (context.Context, func(), error) {
	select {
	case <-s.life.Done():
		return nil, nil, ErrClosed
	default:
	}
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-s.life.Done():
		return nil, nil, ErrClosed
	case line <- struct{}{}:
	}
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(s.life, cancel)
	return ctx, func() {
		unhook()
		cancel()
		<-line
	}, nil
}

func (s *Store) closed() bool { return s.life.Err() != nil }
