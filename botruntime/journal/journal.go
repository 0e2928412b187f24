// Package journal keeps a session's messages in a SQLite file next to the key store: events, messages and
// the outbox. A commit is on disk when it returns. The package never decides
// what a message means, and never touches a key.
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"

	"sesi.dev/sesi/internal/prepared"
)

// FileName is the journal's file in the session directory. Clearing the session, a backup and a restore leave it
// alone: what came before a logout can still be read.
const FileName = "messages.db"

// Options say where the journal is and what it keeps.
type Options struct {
	// Directory is the session directory, which the caller has locked.
	Directory string
	// Session is the CLIENT_ID that events name.
	Session string
	// Retention is how long events and messages stay; 0 means ten minutes.
	Retention time.Duration
	// MaxBytes bounds the file: above it the oldest rows are removed.
	MaxBytes int64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log may be nil.
	Log *slog.Logger
}

// Journal is one open journal file. Its methods may be called from any goroutine.
type Journal struct {
	options Options
	path    string
	db      *sql.DB
	mu      sync.Mutex
	changed chan struct{}
	last    uint64
	oldest  uint64 // the oldest event that is left, or the next one where none is
	stats   Stats
	limits  limits
	noted   map[string]bool // rows of which the log says that they cannot be read
	pending int             // messages that wait to be sent
	// looked is how full the journal could be when its size was last asked for.
	looked fill

	leader  sync.Mutex // of the caller that writes for a group
	groupMu sync.Mutex
	group   []*member
	joined  uint64 // callers that ever came
}

// Stats count what happened since the bot started.
type Stats struct {
	// Events were written, Repeats were recognised and not written again.
	Events, Repeats uint64
	// Expired events were removed by age, Evicted ones by size.
	Expired, Evicted uint64
	// CommitFailures are transactions that the disk did not take.
	CommitFailures uint64
	// LastCommit is the time that the last commit took.
	LastCommit time.Duration
}

// schema is one version; user_version counts them.
const schema = `
CREATE TABLE events (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, type TEXT NOT NULL, chat TEXT NOT NULL,
	at INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX events_chat ON events (chat, seq);
CREATE TABLE seen (key BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);
CREATE TABLE messages (
	n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, chat TEXT NOT NULL, sender TEXT NOT NULL,
	at INTEGER NOT NULL, body BLOB NOT NULL, raw BLOB,
	UNIQUE (id, chat, sender));
CREATE INDEX messages_chat ON messages (chat, n);
PRAGMA user_version = 1;
`

// statements bounds the statements that are kept compiled. The journal has about that many.
const statements = 96

// params open the file for its only connection. FULL makes a commit survive a power cut, EXCLUSIVE keeps the log's
// index in memory, and the small cache is what an idle bot can afford.
func params() url.Values {
	return url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(5000)", "locking_mode(EXCLUSIVE)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)",
			"synchronous(FULL)", "cache_size(-256)", "mmap_size(0)", "wal_autocheckpoint(256)",
			"journal_size_limit(1048576)",
		},
	}
}

// Open opens the journal, and makes it when there is none. A file that SQLite cannot read is set aside, never
// deleted.
func Open(ctx context.Context, options Options) (*Journal, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	// The address of a database takes the first part of a relative path for a host.
	directory, err := filepath.Abs(options.Directory)
	if err != nil {
		return nil, fmt.Errorf("open the journal in %s: %w", options.Directory, err)
	}
	j := &Journal{options: options, path: filepath.Join(directory, FileName), changed: make(chan struct{}), noted: map[string]bool{}, limits: limits{options.Retention, options.MaxBytes}}
	err = j.open(ctx)
	if isDamaged(err) { // a read that failed once looks the same
		err = j.open(ctx)
	}
	if isDamaged(err) {
		aside := j.path + ".damaged-" + options.Now().UTC().Format("20060102T150405Z")
		options.Log.Error("the journal of messages was damaged and was set aside; a new one begins", "path", aside, "error", err)
		if err := setAside(j.path, aside); err != nil {
			return nil, err
		}
		err = j.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open the journal %s: %w", j.path, err)
	}
	return j, nil
}

func (j *Journal) open(ctx context.Context) error {
	file, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	u := url.URL{Scheme: "file", Path: j.path, RawQuery: params().Encode()}
	base, err := sqlite.NewConnector(u.String())
	if err != nil {
		return err
	}
	db := sql.OpenDB(prepared.New(base, statements))
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	if err := j.prepare(ctx, db); err != nil {
		return errors.Join(err, db.Close())
	}
	j.db = db
	return nil
}

func (j *Journal) prepare(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch {
	case version == 0:
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // it does nothing after the commit
		if _, err := tx.ExecContext(ctx, schema+webhookSchema+unmet); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	case version > 1:
		return fmt.Errorf("a newer bot made it (version %d)", version)
	}
	if _, err := db.ExecContext(ctx, webhookSchema+outboxSchema+chatSchema+pollSchema); err != nil {
		return err
	}
	if err := addColumns(ctx, db); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, selectRange).Scan(&j.oldest, &j.last); err != nil {
		return err
	}
	return db.QueryRowContext(ctx, `SELECT count(*) FROM sends WHERE pending`).Scan(&j.pending)
}

// setAside renames the file and its log.
func setAside(path, aside string) error {
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Close empties the log into the file and closes it.
func (j *Journal) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err := j.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	if errors.Is(err, context.DeadlineExceeded) { // a slow disk, and nothing is lost
		err = nil
	}
	return errors.Join(err, j.db.Close())
}

// Tx is one transaction.
type Tx struct {
	tx      *sql.Tx
	ctx     context.Context //nolint:containedctx // a transaction lives as long as the call that it serves
	j       *Journal
	now     time.Time
	last    uint64
	events  uint64
	repeats uint64
	pending int // how many more messages wait to be sent
	after   []func()
}

// After runs do once the transaction is on disk, and not where it fails.
func (t *Tx) After(do func()) { t.after = append(t.after, do) }

// Now is when the transaction began, by the journal's clock.
func (t *Tx) Now() time.Time { return t.now }

// Commit runs do in one transaction, which is on disk when Commit returns nil. When do or the disk fails, nothing
// of it happened, and the error is the first one: SQLite itself rolls back when the disk is full or fails, and says
// then that there is nothing to roll back.
func (j *Journal) Commit(ctx context.Context, do func(*Tx) error) error {
	began := time.Now()
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return j.failed(ctx, err)
	}
	defer tx.Rollback() // it does nothing after the commit
	t := &Tx{tx: tx, ctx: ctx, j: j, now: j.options.Now()}
	if err := do(t); err != nil {
		return j.failed(ctx, err)
	}
	if err := tx.Commit(); err != nil {
		return j.failed(ctx, err)
	}
	j.wrote(t, time.Since(began))
	for _, do := range t.after {
		do()
	}
	return nil
}

// wrote counts what a transaction wrote, and tells readers of new events.
func (j *Journal) wrote(t *Tx, took time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.stats.Events += t.events
	j.stats.Repeats += t.repeats
	j.pending += t.pending
	j.stats.LastCommit = took
	if t.last > j.last {
		j.last = t.last
		close(j.changed)
		j.changed = make(chan struct{})
	}
}

// failed counts a transaction that is not on disk. database/sql rolls back when ctx ends, and what comes next says only
// that the transaction is over; the reason is that of ctx.
func (j *Journal) failed(ctx context.Context, err error) error {
	j.mu.Lock()
	j.stats.CommitFailures++
	j.mu.Unlock()
	if ctx.Err() != nil && errors.Is(err, sql.ErrTxDone) {
		return ctx.Err()
	}
	return err
}

// Changed returns the number of the newest event, and a channel that is closed when there is a newer one.
func (j *Journal) Changed() (last uint64, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last, j.changed
}

// Stats returns the counters.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.stats
}

// toAny are texts as arguments of a statement.
func toAny(texts []string) []any {
	args := make([]any, len(texts))
	for i, one := range texts {
		args[i] = one
	}
	return args
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
