package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Problem says what is wrong with a path.
type Problem string

// The problems of a session directory. To delete something solves none of them.
const (
	// NotCreatable: the directory is missing and cannot be made.
	NotCreatable Problem = "not-creatable"
	// NotWritable: the directory or a file in it refuses a write.
	NotWritable Problem = "not-writable"
	// NotDirectory: there is a file where the directory should be.
	NotDirectory Problem = "not-a-directory"
	// NotRegular: there is something else where a file should be.
	NotRegular Problem = "not-a-file"
	// IsSymlink: there is a symbolic link where the session's directory or file should be.
	IsSymlink Problem = "symlink"
	// DiskFull: there is no room, or the quota is used up.
	DiskFull Problem = "disk-full"
	// NoLocks: the file system does not offer file locks.
	NoLocks Problem = "no-locks"
	// ForeignDatabase: the database is sound and belongs to another program.
	ForeignDatabase Problem = "foreign-database"
	// NewerDatabase: a newer build wrote the database.
	NewerDatabase Problem = "newer-database"
	// NotUpgradable: the database is sound, and this build fails to upgrade its tables.
	NotUpgradable Problem = "not-upgradable"
	// Busy: another program has the database open.
	Busy Problem = "busy"
	// Failing: the disk or the file system reported an error.
	Failing Problem = "failing"
	// TooManyFiles: the process or the system may not open another file.
	TooManyFiles Problem = "too-many-files"
	// Damaged: SQLite cannot read the content of a database that is in use. A disk that fails looks the same.
	Damaged Problem = "damaged"
)

// PathError says what is wrong with a path, who owns it, and what to do.
type PathError struct {
	Problem Problem
	Path    string
	// UID is the user that the bot runs as.
	UID int
	// Place is the path, or the nearest folder above it that can be read; Owner and Mode describe Place.
	Place string
	Owner int
	Mode  fs.FileMode
	// Folder is what must change hands when rights are missing; "" stands for Path.
	Folder string
	Err    error
}

// problem makes a PathError with the current owner and mode.
func problem(kind Problem, path string, err error) *PathError {
	e := &PathError{Problem: kind, Path: path, UID: os.Geteuid(), Place: path, Owner: -1, Err: err}
	for {
		if info, err := os.Lstat(e.Place); err == nil {
			e.Mode, e.Owner = info.Mode(), owner(info)
			return e
		}
		above := filepath.Dir(e.Place)
		if above == e.Place {
			return e
		}
		e.Place = above
	}
}

// Error implements error.
func (e *PathError) Error() string {
	text := fmt.Sprintf("%s: %s (", e.Path, e.what())
	if e.Place != e.Path {
		text += e.Place + " has "
	}
	text += fmt.Sprintf("mode %s, owner uid %d; the bot is uid %d)", e.Mode, e.Owner, e.UID)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text + "; " + e.Remedy()
}

// Unwrap returns the error of the operating system or of SQLite.
func (e *PathError) Unwrap() error { return e.Err }

func (e *PathError) what() string {
	switch e.Problem {
	case NotCreatable:
		return "does not exist and cannot be created"
	case NotWritable:
		return "not writable"
	case NotDirectory:
		return "is not a directory"
	case NotRegular:
		return "is not a regular file"
	case IsSymlink:
		return "is a symbolic link"
	case DiskFull:
		return "no space left"
	case NoLocks:
		return "its file system has no file locks"
	case ForeignDatabase:
		return "is a database of another program"
	case NewerDatabase:
		return "was written by a newer version"
	case NotUpgradable:
		return "this version cannot upgrade it"
	case Busy:
		return "another program has the database open"
	case TooManyFiles:
		return "cannot be opened, because too many files are open"
	case Damaged:
		return "its content is damaged or cannot be read"
	default:
		return "the file system reports an error"
	}
}

// Remedy says what a person should do.
func (e *PathError) Remedy() string {
	switch e.Problem {
	case NotCreatable:
		return fmt.Sprintf("create %s and give it to uid %d, or set AUTH_PATH to a folder that uid may write", e.Path, e.UID)
	case NotWritable:
		if errors.Is(e.Err, syscall.EROFS) {
			return "mount its file system writable; if it became read-only on its own, check the kernel's log"
		}
		folder := e.Folder
		if folder == "" {
			folder = e.Path
		}
		return fmt.Sprintf("give it to uid %d (chown -R %d %s; in Kubernetes: fsGroup)", e.UID, e.UID, folder)
	case NotDirectory, NotRegular:
		return "move it away, or set AUTH_PATH to another folder"
	case IsSymlink:
		return "put the real directory or file there, or set AUTH_PATH to where it points"
	case DiskFull:
		return "free some space or enlarge the volume, then start again; the session is kept"
	case NoLocks:
		return "set AUTH_PATH to a local disk or a volume with file locks, or two bots could use one session"
	case ForeignDatabase:
		return "move it away, or use another CLIENT_ID"
	case NewerDatabase:
		return "run the newer version again, or restore a backup that this version made"
	case NotUpgradable:
		return "run the version that used it last, and report this error; the session is kept"
	case Busy:
		return "close that program, then start again"
	case TooManyFiles:
		return "raise the limit on open files (ulimit -n), or run fewer programs on this machine; the session is kept"
	case Damaged:
		return "start the bot again: it checks the database, and restores the newest good backup if need be"
	default:
		return "check the disk and the kernel's log; the session is kept"
	}
}

// ErrNoDevice says that the database holds no linked device, so there is nothing to back up.
var ErrNoDevice = errors.New("no linked device")

// ErrClosed says that the store was closed.
var ErrClosed = errors.New("the session store is closed")

// classifyError sorts errors of the operating system and of SQLite by their remedy; "" is for nil and the others.
func classifyError(err error) Problem {
	var pathError *PathError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &pathError):
		return pathError.Problem
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return DiskFull
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EROFS):
		return NotWritable
	case errors.Is(err, syscall.ELOOP):
		return IsSymlink
	case errors.Is(err, syscall.ENOTDIR):
		return NotDirectory
	case errors.Is(err, syscall.EISDIR):
		return NotRegular
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return TooManyFiles
	case slices.ContainsFunc(failing, func(one error) bool { return errors.Is(err, one) }):
		return Failing
	}
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_FULL:
		return DiskFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH:
		return NotWritable
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return Busy
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOLFS:
		return Failing
	}
	return ""
}

// contentError is content that SQLite can read and that whatsmeow does not write.
type contentError struct{ what string }

func (e *contentError) Error() string { return e.what }

// sqliteCode is SQLite's extended result code; 0 for another error.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// classifyDamage says how err shows damage of the content; "" when it shows none. A disk that is full, busy, failing
// or forbidden shows nothing about the content.
func classifyDamage(err error) string {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || classifyError(err) != "" {
		return ""
	}
	var wrong *contentError
	if errors.As(err, &wrong) {
		return wrong.what
	}
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return "not a database"
	case sqlite3.SQLITE_CORRUPT:
		return "malformed"
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG:
		// The same statements run on every sound database.
		return "unexpected content: " + err.Error()
	}
	return ""
}

// describe turns an error about path into a PathError if a person can do something about it.
func describe(path string, err error) error {
	var pathError *PathError
	if err == nil || errors.As(err, &pathError) {
		return err
	}
	if sqliteCode(err)&0xff == sqlite3.SQLITE_CANTOPEN {
		err = explainCantOpen(path, err)
	}
	if kind := classifyError(err); kind != "" {
		return problem(kind, path, err)
	}
	if isUnreadable(err) {
		return problem(Damaged, path, err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// isUnreadable reports whether SQLite could not make sense of what it read. It says so too when a read failed.
func isUnreadable(err error) bool {
	code := sqliteCode(err) & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// filesOfSQLite are those that SQLite has open for one connection: the database, its log, the log's index, the folder.
const filesOfSQLite = 4

// explainCantOpen adds the operating system's reason to an error of SQLite that gives none. It opens the folder:
// to open and close the database itself would drop the locks that this process has on it. One file is not enough,
// because SQLite has closed those that it could open.
func explainCantOpen(path string, err error) error {
	for range filesOfSQLite {
		dir, openErr := os.Open(filepath.Dir(path))
		if openErr != nil {
			return fmt.Errorf("%w (%w)", err, openErr)
		}
		defer dir.Close()
	}
	return err
}

func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
