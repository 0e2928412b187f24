package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"go.mau.fi/whatsmeow/store/sqlstore"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Pool sizes. With one connection a query could wait without end: whatsmeow leaves rows open when a scan fails, dbutil
// keeps a connection after some schema upgrades, and a query that lacks the context of its transaction waits for its
// own goroutine. One connection stays open when idle, because to close the last one deletes the log; more would cost
// memory that SQLite's allocator never returns.
const (
	maxConnections  = 4
	idleConnections = 1
)

// Page caches, in KiB. They take twice that, because the allocator rounds a page and its header up to 8 KiB. A
// connection that reads a database once gains nothing from a cache.
const (
	smallCache = "cache_size(-128)"
	noCache    = "cache_size(-32)"
)

// dsn names a database for the driver, which runs the pragmas on each connection.
func dsn(path string, params url.Values) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	return u.String()
}

// liveParams open the session's database for whatsmeow. A write-ahead log with NORMAL is quick and keeps the database
// whole through a crash; immediate transactions cannot deadlock on an upgrade of their lock; the small page cache saves
// memory, and the kernel caches the same pages.
func liveParams() url.Values {
	return url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(10000)", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(NORMAL)",
			smallCache, "mmap_size(0)", "journal_size_limit(1048576)",
		},
	}
}

// openLive opens the session's database, creates or upgrades its tables, and checks them.
func openLive(ctx context.Context, path string, w watch) (*sql.DB, *sqlstore.Container, error) {
	db, err := openWatched(dsn(path, liveParams()), w)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(idleConnections)

	container := sqlstore.NewWithDB(db, "sqlite3", nil)
	if err = container.Upgrade(ctx); err != nil {
		err = &upgradeError{err}
	} else {
		err = checkTables(ctx, db)
	}
	if err == nil {
		_, err = readDevice(ctx, db, container)
	}
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, container, nil
}

// upgradeError is an error of whatsmeow's upgrade of the tables.
type upgradeError struct{ err error }

func (e *upgradeError) Error() string { return "upgrade the tables: " + e.err.Error() }
func (e *upgradeError) Unwrap() error { return e.err }

// ensureDatabaseFiles creates the database file if it is missing, so that its mode does not depend on the umask; SQLite
// gives the same mode to its log and index. It refuses anything but regular files.
func ensureDatabaseFiles(l layout) error {
	file, err := openOwn(l.database(), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return describe(l.database(), err)
	}
	for _, suffix := range sidecars {
		file, err := openOwn(l.database()+suffix, os.O_RDWR)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return describe(l.database()+suffix, err)
		}
	}
	return nil
}

// schema is what whatsmeow keeps, at the schema version of this build: each line is a table and the columns that it uses.
const schema = `whatsmeow_app_state_mutation_macs jid name version index_mac value_mac
whatsmeow_app_state_sync_keys jid key_id key_data timestamp fingerprint
whatsmeow_app_state_version jid name version hash
whatsmeow_chat_settings our_jid chat_jid muted_until pinned archived
whatsmeow_contacts our_jid their_jid first_name full_name push_name business_name redacted_phone
whatsmeow_device jid lid facebook_uuid registration_id noise_key identity_key signed_pre_key signed_pre_key_id signed_pre_key_sig adv_key adv_details adv_account_sig adv_account_sig_key adv_device_sig platform business_name push_name lid_migration_ts
whatsmeow_event_buffer our_jid ciphertext_hash plaintext server_timestamp insert_timestamp
whatsmeow_identity_keys our_jid their_id identity
whatsmeow_lid_map lid pn
whatsmeow_message_secrets our_jid chat_jid sender_jid message_id key
whatsmeow_pre_keys jid key_id key uploaded
whatsmeow_privacy_tokens our_jid their_jid token timestamp
whatsmeow_sender_keys our_jid chat_id sender_id sender_key
whatsmeow_sessions our_jid their_id session
whatsmeow_version version compat`

// tables are the columns of each table.
func tables() map[string][]string {
	all := map[string][]string{}
	for _, line := range strings.Split(schema, "\n") {
		words := strings.Fields(line)
		all[words[0]] = words[1:]
	}
	return all
}

// checkTables finds a changed name in the schema, which neither SQLite's check nor whatsmeow's upgrade notices. Such a
// database opens, and then loses every message.
func checkTables(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`)
	if err != nil {
		return err
	}
	defer rows.Close()
	there := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return err
		}
		there[table] = append(there[table], column)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for table, columns := range tables() {
		for _, column := range columns {
			if !slices.Contains(there[table], column) {
				return &contentError{what: fmt.Sprintf("lacks column %s of table %s", column, table)}
			}
		}
	}
	return checkRules(ctx, db)
}

// checkRules has SQLite prepare an insert into each table, without running it. Only then SQLite reads the checks of the
// table, and a changed name in one of them fails every later write and every backup.
func checkRules(ctx context.Context, db *sql.DB) error {
	for table := range tables() {
		if err := checkStatement(ctx, db, "INSERT INTO "+table+" DEFAULT VALUES"); err != nil {
			return err
		}
	}
	return nil
}

func checkStatement(ctx context.Context, db *sql.DB, statement string) (err error) {
	prepared, err := db.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer func() { err = prepared.Close() }()
	return nil
}
