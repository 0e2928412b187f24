package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"

	"modernc.org/sqlite"

	"sesi.dev/sesi/internal/prepared"
)

// statements bounds the statements that a connection keeps compiled: what whatsmeow runs for each message, and what
// links a phone, where it writes 812 keys one by one.
const statements = 32

// openWatched opens a database whose connections report each error that IsUnwritable knows, before they return
// it. whatsmeow acknowledges a message although it could not store what it needs to decrypt the next one, so its
// caller must learn of the error first.
func openWatched(name string, w watch) (*sql.DB, error) {
	base, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(watchedConnector{prepared.New(base, statements), w}), nil
}

// watch is who learns what happens to a database.
type watch struct {
	// report gets each error that says that the disk refuses the database's files.
	report func(error)
	// undone is called after a transaction was undone.
	undone func()
}

// pass passes err on, and reports it.
func (w watch) pass(err error) error {
	if IsUnwritable(err) {
		w.report(err)
	}
	return err
}

type watchedConnector struct {
	driver.Connector
	watch watch
}

// Connect implements driver.Connector.
func (c watchedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, c.watch.pass(err)
	}
	whole, ok := conn.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks a method"), conn.Close())
	}
	return watchedConn{whole, c.watch}, nil
}

// sqliteConn is what a connection of the driver offers; a wrapper that hides one of these loses the contexts of
// the calls.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type watchedConn struct {
	sqliteConn
	watch watch
}

// BeginTx implements driver.ConnBeginTx.
func (c watchedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.sqliteConn.BeginTx(ctx, options)
	if err != nil {
		return nil, c.watch.pass(err)
	}
	return watchedTx{tx, c.watch}, nil
}

// PrepareContext implements driver.ConnPrepareContext.
func (c watchedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.sqliteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, c.watch.pass(err)
	}
	whole, ok := stmt.(sqliteStmt)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver lacks a method"), stmt.Close())
	}
	return watchedStmt{whole, c.watch}, nil
}

// ExecContext implements driver.ExecerContext.
func (c watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.sqliteConn.ExecContext(ctx, query, args)
	return result, c.watch.pass(err)
}

// QueryContext implements driver.QueryerContext.
func (c watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.sqliteConn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, c.watch.pass(err)
	}
	return watchedRows{rows, c.watch}, nil
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type watchedStmt struct {
	sqliteStmt
	watch watch
}

// ExecContext implements driver.StmtExecContext.
func (s watchedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.sqliteStmt.ExecContext(ctx, args)
	return result, s.watch.pass(err)
}

// QueryContext implements driver.StmtQueryContext.
func (s watchedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.sqliteStmt.QueryContext(ctx, args)
	if err != nil {
		return nil, s.watch.pass(err)
	}
	return watchedRows{rows, s.watch}, nil
}

type watchedRows struct {
	driver.Rows
	watch watch
}

// Next implements driver.Rows.
func (r watchedRows) Next(values []driver.Value) error {
	err := r.Rows.Next(values)
	if err == io.EOF { //nolint:errorlint // database/sql compares it so, and a wrapped one is a failure
		return err
	}
	return r.watch.pass(err)
}

type watchedTx struct {
	driver.Tx
	watch watch
}

// Commit implements driver.Tx.
func (t watchedTx) Commit() error {
	err := t.watch.pass(t.Tx.Commit())
	if err != nil {
		t.watch.undone()
	}
	return err
}

// Rollback implements driver.Tx.
func (t watchedTx) Rollback() error {
	defer t.watch.undone()
	return t.Tx.Rollback()
}
