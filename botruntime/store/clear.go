package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.mau.fi/whatsmeow/store/sqlstore"
)

// Clear removes the linked device and everything that belongs to it, and nothing else: backups, the lock and
// what others keep in the directory stay. It may be repeated. When it fails, or is killed, the session is as
// it was. Containers and devices given out before must not be used after it.
func (s *Store) Clear(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed() {
		return ErrClosed
	}
	// The facts forget the device before the database does: the other way round a kill in between would look
	// like a device that went missing, and the next start would bring it back from a backup.
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
	// The container remembers what it saw; the next session must not meet it.
	s.container = sqlstore.NewWithDB(s.db, "sqlite3", nil)
	// The rows are gone; what follows only gives their room back.
	for _, statement := range []string{`VACUUM`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := s.db.ExecContext(ctx, statement); err != nil {
			s.log.Warn("the cleared database could not be shrunk", "error", err)
			break
		}
	}
	return nil
}

// clearTables empties every table but the version's in one transaction.
func clearTables(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		if table == "whatsmeow_version" {
			continue
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s", table)); err != nil {
			return err
		}
	}
	return tx.Commit()
}
