package store

import (
	"path/filepath"
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// The session's own files. Everything else in the directory belongs to someone else and is never touched.
const (
	databaseName = "session.db"
	lockName     = "session.lock"
	factsName    = "facts.json"
	// tempPrefix begins the name of every file that is only on its way to another; what a crash leaves of
	// them is removed at the next start.
	tempPrefix = ".sesi-tmp-"

	dirMode  = 0o700
	fileMode = 0o600
)

// layout is where a session keeps its things.
type layout struct {
	// shown is the session directory as configured, for people; the others are absolute.
	shown    string
	authPath string
	dir      string
	backups  string
}

// SessionPath is the session directory as configured: authPath keeps its leading "./".
func SessionPath(authPath, clientID string) string {
	trimmed := strings.TrimRight(authPath, "/")
	if trimmed == "" && authPath != "" {
		return "/" + bot.SessionDirectory(clientID)
	}
	return trimmed + "/" + bot.SessionDirectory(clientID)
}

func newLayout(authPath, clientID string) (layout, error) {
	absolute, err := filepath.Abs(authPath)
	if err != nil {
		return layout{}, err
	}
	return layout{
		shown:    SessionPath(authPath, clientID),
		authPath: absolute,
		dir:      filepath.Join(absolute, bot.SessionDirectory(clientID)),
		backups:  filepath.Join(absolute, "backups", bot.SessionDirectory(clientID)),
	}, nil
}

func (l layout) database() string { return filepath.Join(l.dir, databaseName) }
func (l layout) lock() string     { return filepath.Join(l.dir, lockName) }
func (l layout) facts() string    { return filepath.Join(l.dir, factsName) }

// sidecars are what SQLite keeps beside a database, in the order in which they are set aside: the log goes
// before the database, or a crash in between would leave a log that SQLite replays into its successor.
var sidecars = []string{"-wal", "-shm", "-journal"}

// stampLayout names files by time, sorts like time, and is valid on every file system.
const stampLayout = "20060102T150405.000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }
