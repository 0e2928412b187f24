package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Owner is the process that has a session's lock, as it wrote into the lock file.
type Owner struct {
	PID      int       `json:"pid"`
	Host     string    `json:"host"`
	Instance string    `json:"instance"`
	Since    time.Time `json:"since"`
}

// HeldError says that another process uses the session; Owner is zero when the lock file does not name it.
type HeldError struct {
	Path  string
	Owner Owner
}

// Error implements error.
func (e *HeldError) Error() string {
	who := "another process"
	if e.Owner.PID != 0 {
		who = fmt.Sprintf("process %d on %s (instance %s, since %s)", e.Owner.PID, e.Owner.Host, e.Owner.Instance,
			e.Owner.Since.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s: the session is in use by %s; stop it first, or use another CLIENT_ID", e.Path, who)
}

// ErrDisplaced says that the session directory was removed or replaced while the bot used it. The bot must leave
// WhatsApp: another one may be using the session that is at the path now.
var ErrDisplaced = errors.New("the session directory was removed or replaced while it was in use; restart the bot")

// lock is an exclusive lock on a session. It ends with the process, and with the copier, which inherits the open file.
// The file stays in the directory when the lock ends: without it two processes could lock two files of one name.
type lock struct {
	file *os.File
	// dir is a second lock, on the directory, which keeps other processes away when someone removes the file. It is
	// nil for the copier, and where the file system cannot lock a directory.
	dir *os.File
}

// maxOwner bounds how much of a lock file is read.
const maxOwner = 4096

const (
	lockExclusive = syscall.LOCK_EX | syscall.LOCK_NB
	// lockPatience is how long a killed bot's copier may take to notice that its bot is gone.
	lockPatience = 2 * time.Second
	lockRetry    = 10 * time.Millisecond
)

// takeLock locks the session, or returns a *HeldError.
func takeLock(ctx context.Context, l layout, instance string) (*lock, error) {
	path := l.lock()
	file, err := openOwn(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := awaitLock(ctx, file); err != nil {
		defer file.Close()
		switch {
		case errors.Is(err, syscall.EWOULDBLOCK):
			return nil, &HeldError{Path: l.shown, Owner: readOwner(file)}
		case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.EINVAL):
			return nil, problem(NoLocks, path, err)
		}
		return nil, describe(path, fmt.Errorf("lock: %w", err))
	}
	taken := &lock{file: file}
	if taken.dir, err = lockDirectory(ctx, l.dir); err != nil {
		taken.release()
		return nil, &HeldError{Path: l.shown, Owner: readOwner(file)}
	}
	// Someone may have replaced the directory between the open and the lock; then the lock protects another file.
	if err := taken.stillAt(path); err != nil {
		taken.release()
		return nil, err
	}
	if err := taken.sign(instance); err != nil {
		taken.release()
		return nil, describe(path, err)
	}
	return taken, nil
}

// lockDirectory locks the directory where the file system can; the error is EWOULDBLOCK when another process has it.
func lockDirectory(ctx context.Context, path string) (*os.File, error) {
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, nil //nolint:nilerr // the lock on the file is enough where a directory cannot be opened
	}
	if err := awaitLock(ctx, dir); err != nil {
		dir.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, err
		}
		return nil, nil // the lock on the file is enough where a directory cannot be locked
	}
	return dir, nil
}

// awaitLock takes the lock, and waits a little for it; the error is EWOULDBLOCK when it was held all the time.
func awaitLock(ctx context.Context, file *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	retry := time.NewTicker(lockRetry)
	defer retry.Stop()
	for {
		err := flock(file, lockExclusive)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return err
		}
	}
}

// flock repeats the call when a signal interrupts it.
func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// sign writes the owner into the lock file. The line is padded, so that one write covers a longer line of an earlier
// owner.
func (k *lock) sign(instance string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	line, err := json.Marshal(Owner{PID: os.Getpid(), Host: host, Instance: instance, Since: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	padded := make([]byte, 512)
	for i := range padded {
		padded[i] = ' '
	}
	if len(line) < len(padded) {
		copy(padded, line)
		padded[len(padded)-1] = '\n'
		line = padded
	}
	if _, err := k.file.WriteAt(line, 0); err != nil {
		return err
	}
	return k.file.Truncate(int64(len(line)))
}

func readOwner(file *os.File) Owner {
	var owner Owner
	data, err := io.ReadAll(io.NewSectionReader(file, 0, maxOwner))
	if err != nil || json.Unmarshal(data, &owner) != nil {
		return Owner{}
	}
	return owner
}

// stillAt reports whether path is still the locked file; otherwise the error wraps ErrDisplaced.
func (k *lock) stillAt(path string) error {
	mine, err := k.file.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	there, err := os.Lstat(path)
	if err != nil || !os.SameFile(mine, there) {
		return fmt.Errorf("%s: %w", filepath.Dir(path), ErrDisplaced)
	}
	return nil
}

func (k *lock) release() error {
	err := k.file.Close()
	if k.dir != nil {
		err = errors.Join(err, k.dir.Close())
	}
	return err
}

func (s *Store) lockFile() *os.File {
	s.guarding.Lock()
	defer s.guarding.Unlock()
	return s.lock.file
}

// guard is stillAt for a running store. When only the lock file is gone and the directory is still the locked one,
// it makes the file again: the lock on the directory kept every other process away meanwhile.
func (s *Store) guard() error {
	s.guarding.Lock()
	defer s.guarding.Unlock()
	path := s.layout.lock()
	err := s.lock.stillAt(path)
	if err == nil || s.lock.dir == nil {
		return err
	}
	mine, statErr := s.lock.dir.Stat()
	there, lstatErr := os.Lstat(s.layout.dir)
	if statErr != nil || lstatErr != nil || !os.SameFile(mine, there) {
		return err
	}
	file, openErr := openOwn(path, os.O_RDWR|os.O_CREATE)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	again := &lock{file: file, dir: s.lock.dir}
	if lockErr := errors.Join(flock(file, lockExclusive), again.sign(s.options.Instance)); lockErr != nil {
		file.Close()
		return err // another start has just opened it, and gives it up when it meets the directory's lock
	}
	s.log.Warn("the lock file was removed and was made again", "path", path)
	// The old file stays open: a copier may just be inheriting it.
	s.lock = again
	return nil
}
