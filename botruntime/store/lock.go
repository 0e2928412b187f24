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

// Holder is who holds a session's lock, as it said itself.
type Holder struct {
	PID      int       `json:"pid"`
	Host     string    `json:"host"`
	Instance string    `json:"instance"`
	Since    time.Time `json:"since"`
}

// HeldError says that another process uses the session; Holder is zero when it has not said who it is.
type HeldError struct {
	Path   string
	Holder Holder
}

// Error implements error.
func (e *HeldError) Error() string {
	who := "another process"
	if e.Holder.PID != 0 {
		who = fmt.Sprintf("process %d on %s (instance %s, since %s)", e.Holder.PID, e.Holder.Host, e.Holder.Instance,
			e.Holder.Since.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s: the session is in use by %s; stop it first, or use another CLIENT_ID", e.Path, who)
}

// lock is an exclusive lock on a session, freed by Close and by any death of the process, once the one that
// takes a snapshot for it has ended too: it is on the open file, which that one inherits. The file stays when the
// lock goes: unlinking it would let two processes lock two files of one name.
type lock struct{ file *os.File }

// maxHolder bounds how much of a lock file is read.
const maxHolder = 4096

const (
	lockExclusive = syscall.LOCK_EX | syscall.LOCK_NB
	// lockPatience is how long a killed bot's snapshot may take to notice that its bot is gone.
	lockPatience = 2 * time.Second
	lockRetry    = 10 * time.Millisecond
)

// takeLock locks the session in dir, or returns a *HeldError.
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
			return nil, &HeldError{Path: l.shown, Holder: readHolder(file)}
		case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.EINVAL):
			return nil, problem(NoLocks, path, err)
		}
		return nil, describe(path, fmt.Errorf("lock: %w", err))
	}
	taken := &lock{file: file}
	// Someone may have replaced the directory between the open and the lock; then this lock guards nothing.
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

// awaitLock takes the lock, with patience; the error is EWOULDBLOCK when it was held all the time.
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

// flock repeats the call while signals interrupt it.
func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// sign writes who holds the lock. The line is padded so that a shorter one covers a longer one in one write.
func (k *lock) sign(instance string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	line, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Instance: instance, Since: time.Now().UTC().Truncate(time.Second)})
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

func readHolder(file *os.File) Holder {
	var holder Holder
	data, err := io.ReadAll(io.NewSectionReader(file, 0, maxHolder))
	if err != nil || json.Unmarshal(data, &holder) != nil {
		return Holder{}
	}
	return holder
}

// stillAt reports whether path is still the locked file. It is not when someone removed or replaced the
// session directory under a running bot, which then no longer guards what others find at that path.
func (k *lock) stillAt(path string) error {
	mine, err := k.file.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	there, err := os.Lstat(path)
	if err != nil || !os.SameFile(mine, there) {
		return fmt.Errorf("%s: the session directory was removed or replaced while it was in use; restart the bot", filepath.Dir(path))
	}
	return nil
}

func (k *lock) release() error { return k.file.Close() }
