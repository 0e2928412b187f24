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
	// tempPrefix begins the names of temporary files. The next start removes those that a crash left.
	tempPrefix = ".sesi-tmp-"

	dirMode  = 0o700
	fileMode = 0o600
)

// layout is the paths of a session.
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

// sidecars are the files that SQLite keeps beside a database. The log comes first when they are set aside: a crash in
// between would otherwise leave a log that SQLite replays into the next database.
var sidecars = []string{"-wal", "-shm", "-journal"}

// stampLayout is the time in the name of a file; the names sort by time.
const stampLayout = "20060102T150405.000Z"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }
