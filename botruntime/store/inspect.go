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
	"strings"
	"syscall"

	"go.mau.fi/whatsmeow/store/sqlstore/upgrades"
)

// condition is what a database file turned out to be.
type condition string

const (
	// empty: there is no file, or one without tables; nothing was ever saved in it, or all of it is lost.
	conditionEmpty condition = "empty"
	// sound: whatsmeow's, whole, and not newer than this build.
	conditionSound condition = "sound"
	// damaged: its content proves that something other than SQLite changed it.
	conditionDamaged condition = "damaged"
)

// inspection is what was found out about a database without writing to it.
type inspection struct {
	condition condition
	// damage says why it is damaged, for the log.
	damage string
	// device names the device it holds, "" for none.
	device string
	// version is the version of its tables.
	version int
}

var sqliteMagic = []byte("SQLite format 3\x00")

// knownVersion is the newest schema this build can use.
func knownVersion() int { return len(upgrades.Table) }

// inspect judges the database at path, reading only. It must not run while this process has the same database
// open: closing any descriptor of a file drops every lock that the process has on it, SQLite's too. An error says that it could not be judged, or that it is
// sound and not ours to use (a *PathError); it never means damage.
func inspect(ctx context.Context, path string) (inspection, error) {
	damage, isEmpty, err := inspectHeader(path)
	switch {
	case err != nil:
		return inspection{}, err
	case isEmpty:
		return inspection{condition: conditionEmpty}, nil
	case damage != "":
		return inspection{condition: conditionDamaged, damage: damage}, nil
	}

	params := url.Values{"mode": {"ro"}, "_pragma": {
		"busy_timeout(10000)", noCache, "mmap_size(0)", "trusted_schema(0)", "cell_size_check(1)",
	}}
	db, err := sql.Open("sqlite", dsn(path, params))
	if err != nil {
		return inspection{}, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)

	found, err := inspectContent(ctx, db, path)
	if damage := classifyDamage(err); damage != "" {
		return inspection{condition: conditionDamaged, damage: damage}, nil
	}
	if err != nil {
		return inspection{}, describe(path, err)
	}
	return found, nil
}

// inspectHeader looks at the first bytes, where damage would make SQLite ignore the log or refuse to write.
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
	// Bytes 18 and 19 say which journal the file is written and read with: 1 rollback, 2 write-ahead log.
	if header[18] != header[19] || header[18] < 1 || header[18] > 2 {
		return "malformed header", false, nil
	}
	return "", false, nil
}

// inspectContent checks every page, then what the tables say.
func inspectContent(ctx context.Context, db *sql.DB, path string) (inspection, error) {
	damaged := func(format string, args ...any) (inspection, error) {
		return inspection{condition: conditionDamaged, damage: fmt.Sprintf(format, args...)}, nil
	}
	check := quickPages
	if info, err := os.Lstat(path + "-wal"); err == nil && info.Size() > 0 {
		check = wholePages // the log may be another database's, and only this finds a mixture
	}
	verdict, err := check(ctx, db)
	if err != nil {
		return inspection{}, err
	}
	if verdict != "ok" {
		return damaged("fails its integrity check: %s", firstLine(verdict))
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
		// Whatever runs by itself inside a database, it is nothing that whatsmeow put there.
		return inspection{}, problem(ForeignDatabase, path, nil)
	case versions == 0:
		return damaged("lacks its version")
	}

	version, compatible, err := observeVersion(ctx, db)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		// Killed between making the version table and the first upgrade: nothing was ever stored.
		return inspection{condition: conditionEmpty}, nil
	case err != nil:
		return inspection{}, err
	case compatible > knownVersion():
		return inspection{}, problem(NewerDatabase, path,
			fmt.Errorf("schema version %d (usable from %d), this build knows up to %d", version, compatible, knownVersion()))
	case version < 1:
		return damaged("has schema version %d", version)
	}
	device, err := observeDevice(ctx, db)
	return inspection{condition: conditionSound, device: device, version: version}, err
}

// wholeCheckPages is up to where every start can afford the whole check, which takes about 5 ms a megabyte; a
// usual session is well below a megabyte. Above it the quick one, at half the time, leaves out only whether
// each index agrees with its table.
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
		// The first versions of whatsmeow knew no compatibility.
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
