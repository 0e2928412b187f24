package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"go.mau.fi/whatsmeow/store/sqlstore"
)

// Clear removes the linked device and its data; backups, the lock and foreign files stay. It may be repeated. After a
// failure or a kill the session is unchanged. Earlier containers and devices must not be used afterwards.
func (s *Store) Clear(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed() {
		return ErrClosed
	}
	// The facts drop the device before the database does. In the other order a kill in between would look like a lost
	// device, and the next start would restore a backup.
	next := s.record
	was := next
	next.Device, next.Lost, next.Secrets = "", false, nil
	err := s.save(next)
	if err == nil {
		err = clearTables(ctx, s.db)
	}
	if err != nil {
		return errors.Join(describe(s.layout.database(), err), s.save(was))
	}
	// The container caches rows; the next session needs a new one.
	s.container = sqlstore.NewWithDB(s.db, "sqlite3", nil)
	// The rows are gone; the rest only frees their space.
	for _, statement := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			s.log.Warn("cannot shrink the cleared database", "error", err)
			break
		}
	}
	return nil
}

// clearTables empties every table but the version table in one transaction.
func clearTables(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for table := range tables() {
		if table == "whatsmeow_version" {
			continue
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s", table)); err != nil {
			return err
		}
	}
	return tx.Commit()
}
