package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"

	"go.mau.fi/whatsmeow/store/sqlstore/upgrades"
)

// condition is the state of a database file.
type condition string

const (
	// empty: no file, or one without tables. Nothing was ever saved in it, or everything is lost.
	conditionEmpty condition = "empty"
	// sound: a database of whatsmeow, whole, and usable by this build.
	conditionSound condition = "sound"
	// damaged: something other than SQLite changed the content.
	conditionDamaged condition = "damaged"
)

// inspection is the result of inspect.
type inspection struct {
	condition condition
	// damage describes the damage, for the log.
	damage string
	// device names the device it holds, "" for none.
	device string
	// version is the version of its tables.
	version int
}

var sqliteMagic = []byte("SQLite format 3\x00")

// knownVersion is the newest schema version that this build can use.
func knownVersion() int { return len(upgrades.Table) }

// inspect classifies the database at path without writing to it. It must not run while this process has the same
// database open: to close any descriptor of a file drops all locks that the process has on it, SQLite's too. An error
// says that the database cannot be read, or is sound and not for this build (a *PathError); it never means damage.
func inspect(ctx context.Context, path string) (inspection, error) {
	damage, isEmpty, err := inspectHeader(path)
	switch {
	case err != nil:
		return inspection{}, err
	case isEmpty:
		return inspection{condition: conditionEmpty}, nil
	case damage != "" && !observeFile(path+"-journal"): // what a transaction left that was cut off
		return inspection{condition: conditionDamaged, damage: damage}, nil
	}

	db, err := openReader(path)
	if err != nil {
		return inspection{}, err
	}
	defer db.Close()

	found, err := inspectContent(ctx, db, path)
	if damage := classifyDamage(err); damage != "" {
		return inspection{condition: conditionDamaged, damage: damage}, nil
	}
	if err != nil {
		return inspection{}, describe(path, err)
	}
	return found, nil
}

// openReader opens a database with one connection, which writes nothing but what a transaction that was cut off needs to
// be undone.
func openReader(path string) (*sql.DB, error) {
	mode := "ro"
	if observeFile(path + "-journal") {
		mode = "rw"
	}
	params := url.Values{"mode": {mode}, "_pragma": {
		"busy_timeout(10000)", noCache, "mmap_size(0)", "trusted_schema(0)", "cell_size_check(1)",
	}}
	db, err := sql.Open("sqlite", dsn(path, params))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// inspectHeader checks the first bytes. Damage there makes SQLite ignore the log, or refuse to write.
func inspectHeader(path string) (damage string, isEmpty bool, err error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", true, nil
	}
	if err != nil {
		return "", false, describe(path, err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", false, errors.Join(err, problem(NotRegular, path, nil))
	}
	header := make([]byte, 100)
	n, err := io.ReadFull(file, header)
	switch {
	case errors.Is(err, io.EOF):
		return "", true, nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("not a database: only %d bytes", n), false, nil
	case err != nil:
		return "", false, describe(path, err)
	case !bytes.HasPrefix(header, sqliteMagic):
		return "not a database", false, nil
	}
	// Bytes 18 and 19 name the journal for writing and reading: 1 is rollback, 2 is the write-ahead log.
	if header[18] != header[19] || header[18] < 1 || header[18] > 2 {
		return "malformed header", false, nil
	}
	return "", false, nil
}

// inspectContent checks the pages, then the tables.
func inspectContent(ctx context.Context, db *sql.DB, path string) (inspection, error) {
	check := quickPages
	if info, err := os.Lstat(path + "-wal"); err == nil && info.Size() > 0 {
		check = wholePages // the log may be another database's, and only this finds a mixture
	}
	verdict, err := check(ctx, db)
	if err != nil {
		return inspection{}, err
	}
	if verdict != "ok" {
		return inspection{}, &contentError{"fails its integrity check: " + firstLine(verdict)}
	}

	var all, ours, versions, active int
	err = db.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE name LIKE 'whatsmeow\_%' ESCAPE '\'),
		count(*) FILTER (WHERE name = 'whatsmeow_version'), count(*) FILTER (WHERE type IN ('trigger', 'view'))
		FROM sqlite_schema`).Scan(&all, &ours, &versions, &active)
	switch {
	case err != nil:
		return inspection{}, err
	case all == 0:
		return inspection{condition: conditionEmpty}, nil
	case ours == 0 || active > 0:
		// whatsmeow has no triggers and no views.
		return inspection{}, problem(ForeignDatabase, path, nil)
	case versions == 0:
		return inspection{}, &contentError{"has no schema version"}
	}

	version, compatible, err := observeVersion(ctx, db)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		// A kill between the version table and the first upgrade leaves this; nothing was stored yet.
		return inspection{condition: conditionEmpty}, nil
	case err != nil:
		return inspection{}, err
	case compatible > knownVersion():
		return inspection{}, problem(NewerDatabase, path,
			fmt.Errorf("schema version %d (usable from %d), this build knows up to %d", version, compatible, knownVersion()))
	case version < 1:
		return inspection{}, &contentError{"has schema version " + strconv.Itoa(version)}
	}
	device, err := observeDevice(ctx, db)
	return inspection{condition: conditionSound, device: device, version: version}, err
}

// wholeCheckPages is the size up to which each start does the whole check, at about 5 ms a megabyte; most sessions are
// below a megabyte. The quick check takes half the time and does not compare the indexes with their tables.
const wholeCheckPages = 2048

// wholePages runs SQLite's own check of everything; "ok" is a sound database.
func wholePages(ctx context.Context, db *sql.DB) (verdict string, err error) {
	err = db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict)
	return verdict, err
}

// quickPages is wholePages for a database of usual size, and the quick check for a large one.
func quickPages(ctx context.Context, db *sql.DB) (verdict string, err error) {
	var pages int
	if err := db.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages); err != nil {
		return "", err
	}
	if pages <= wholeCheckPages {
		return wholePages(ctx, db)
	}
	err = db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict)
	return verdict, err
}

// observeVersion reads the schema version and the oldest version of whatsmeow that can use it.
func observeVersion(ctx context.Context, db *sql.DB) (version, compatible int, err error) {
	var columns int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info('whatsmeow_version') WHERE name = 'compat'`).Scan(&columns)
	if err != nil {
		return 0, 0, err
	}
	if columns == 0 {
		// The first versions of whatsmeow have no such column.
		err = db.QueryRowContext(ctx, `SELECT CAST(version AS INTEGER) FROM whatsmeow_version LIMIT 1`).Scan(&version)
		return version, version, err
	}
	err = db.QueryRowContext(ctx, `SELECT CAST(version AS INTEGER), CAST(coalesce(nullif(compat, 0), version) AS INTEGER)
		FROM whatsmeow_version LIMIT 1`).Scan(&version, &compatible)
	return version, compatible, err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimPrefix(text, "*** in database main ***\n"), "\n")
	return line
}
