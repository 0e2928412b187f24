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

	"go.mau.fi/whatsmeow/store/sqlstore"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Pool sizes. SQLite has one writer anyway, but one connection is not enough for its users: whatsmeow leaves
// rows open when a scan fails, and dbutil keeps a connection for good after some schema upgrades, so the next
// query would wait for ever; and a query that forgets the context of the transaction around it would wait for
// its own goroutine. Readers also pass a running transaction this way. Only one connection stays when idle: the
// allocator below SQLite never gives memory back, so what counts is how many are ever open at once. That one
// is kept for good, because closing the last would delete the log and change the files for nothing.
const (
	maxConnections  = 4
	idleConnections = 1
)

// smallCache bounds the pages that one connection keeps, in KiB; they take twice that, because the allocator
// rounds a page and its header up to 8 KiB.
// A connection that reads a database once from end to end gains nothing from a cache.
const (
	smallCache = "cache_size(-128)"
	noCache    = "cache_size(-32)"
)

// dsn names a database for the driver. Each connection runs the pragmas, so they hold on every one.
func dsn(path string, params url.Values) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	return u.String()
}

// liveParams open the session's own database for whatsmeow: WAL with NORMAL keeps it whole through a crash
// and is quick, immediate transactions never deadlock on an upgrade of their lock, and the small page cache
// is what an idle bot can afford (the kernel caches the same pages, and counts them to nobody).
func liveParams() url.Values {
	return url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(10000)", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(NORMAL)",
			smallCache, "mmap_size(0)", "journal_size_limit(1048576)",
		},
	}
}

// openLive opens the session's database, makes or upgrades its tables, and checks that every one is there.
func openLive(ctx context.Context, path string, report func(error)) (*sql.DB, *sqlstore.Container, error) {
	db, err := openWatched(dsn(path, liveParams()), report)
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

// ensureDatabaseFiles makes the database file if it is missing, so that it never exists with rights that the
// umask chose; SQLite gives its log and index the same rights. It refuses what is no regular file.
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

// tables are whatsmeow's, at the schema version of this build, with the columns it reads and writes.
var tables = map[string][]string{
	"whatsmeow_app_state_mutation_macs": {"jid", "name", "version", "index_mac", "value_mac"},
	"whatsmeow_app_state_sync_keys":     {"jid", "key_id", "key_data", "timestamp", "fingerprint"},
	"whatsmeow_app_state_version":       {"jid", "name", "version", "hash"},
	"whatsmeow_chat_settings":           {"our_jid", "chat_jid", "muted_until", "pinned", "archived"},
	"whatsmeow_contacts":                {"our_jid", "their_jid", "first_name", "full_name", "push_name", "business_name", "redacted_phone"},
	"whatsmeow_device": {"jid", "lid", "facebook_uuid", "registration_id", "noise_key", "identity_key", "signed_pre_key",
		"signed_pre_key_id", "signed_pre_key_sig", "adv_key", "adv_details", "adv_account_sig", "adv_account_sig_key",
		"adv_device_sig", "platform", "business_name", "push_name", "lid_migration_ts"},
	"whatsmeow_event_buffer":    {"our_jid", "ciphertext_hash", "plaintext", "server_timestamp", "insert_timestamp"},
	"whatsmeow_identity_keys":   {"our_jid", "their_id", "identity"},
	"whatsmeow_lid_map":         {"lid", "pn"},
	"whatsmeow_message_secrets": {"our_jid", "chat_jid", "sender_jid", "message_id", "key"},
	"whatsmeow_pre_keys":        {"jid", "key_id", "key", "uploaded"},
	"whatsmeow_privacy_tokens":  {"our_jid", "their_jid", "token", "timestamp"},
	"whatsmeow_sender_keys":     {"our_jid", "chat_id", "sender_id", "sender_key"},
	"whatsmeow_sessions":        {"our_jid", "their_id", "session"},
	"whatsmeow_version":         {"version", "compat"},
}

// checkTables finds what neither SQLite's own check nor whatsmeow's upgrade sees: a schema text in which a
// name changed. Such a database opens, and then loses every message.
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
	for table, columns := range tables {
		for _, column := range columns {
			if !slices.Contains(there[table], column) {
				return &contentError{what: fmt.Sprintf("lacks column %s of table %s", column, table)}
			}
		}
	}
	return checkRules(ctx, db)
}

// checkRules has SQLite prepare a row for each table, and write none: what a row is checked by is looked at only
// then, and a function or a table of another name in it fails every later write, and every backup.
func checkRules(ctx context.Context, db *sql.DB) error {
	for table := range tables {
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
