package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"syscall"
	"testing"
)

// failingConn is a connection of which every call fails as on a broken disk. A real disk fails at the call that happens to
// write; this one shows that none is forgotten.
type failingConn struct{ err error }

func (c failingConn) Prepare(string) (driver.Stmt, error)                          { return nil, c.err }
func (c failingConn) Close() error                                                 { return nil }
func (c failingConn) Begin() (driver.Tx, error)                                    { return nil, c.err }
func (c failingConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return nil, c.err }
func (c failingConn) PrepareContext(context.Context, string) (driver.Stmt, error)  { return nil, c.err }
func (c failingConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, c.err
}
func (c failingConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return nil, c.err
}
func (c failingConn) Ping(context.Context) error         { return c.err }
func (c failingConn) ResetSession(context.Context) error { return nil }
func (c failingConn) IsValid() bool                      { return true }

type failingStmt struct{ err error }

func (s failingStmt) Close() error                               { return nil }
func (s failingStmt) NumInput() int                              { return -1 }
func (s failingStmt) Exec([]driver.Value) (driver.Result, error) { return nil, s.err }
func (s failingStmt) Query([]driver.Value) (driver.Rows, error)  { return nil, s.err }
func (s failingStmt) ExecContext(context.Context, []driver.NamedValue) (driver.Result, error) {
	return nil, s.err
}
func (s failingStmt) QueryContext(context.Context, []driver.NamedValue) (driver.Rows, error) {
	return nil, s.err
}

type failingRows struct{ err error }

func (r failingRows) Columns() []string         { return nil }
func (r failingRows) Close() error              { return nil }
func (r failingRows) Next([]driver.Value) error { return r.err }

type failingTx struct{ err error }

func (t failingTx) Commit() error   { return t.err }
func (t failingTx) Rollback() error { return nil }

type failingConnector struct{ err error }

func (c failingConnector) Connect(context.Context) (driver.Conn, error) { return nil, c.err }
func (c failingConnector) Driver() driver.Driver                        { return nil }

// TestEveryCallOfTheDriverIsWatched: whichever call meets the disk's error, it is reported before whatsmeow sees it.
func TestEveryCallOfTheDriverIsWatched(t *testing.T) {
	ctx := t.Context()
	for name, call := range map[string]func(error, watch) error{
		"connect": func(err error, w watch) error {
			_, got := watchedConnector{failingConnector{err}, w}.Connect(ctx)
			return got
		},
		"begin": func(err error, w watch) error {
			_, got := watchedConn{failingConn{err}, w}.BeginTx(ctx, driver.TxOptions{})
			return got
		},
		"prepare": func(err error, w watch) error {
			_, got := watchedConn{failingConn{err}, w}.PrepareContext(ctx, "")
			return got
		},
		"exec": func(err error, w watch) error {
			_, got := watchedConn{failingConn{err}, w}.ExecContext(ctx, "", nil)
			return got
		},
		"query": func(err error, w watch) error {
			_, got := watchedConn{failingConn{err}, w}.QueryContext(ctx, "", nil)
			return got
		},
		"prepared": func(err error, w watch) error {
			_, got := watchedStmt{failingStmt{err}, w}.ExecContext(ctx, nil)
			return got
		},
		"asked": func(err error, w watch) error {
			_, got := watchedStmt{failingStmt{err}, w}.QueryContext(ctx, nil)
			return got
		},
		"a row":  func(err error, w watch) error { return watchedRows{failingRows{err}, w}.Next(nil) },
		"commit": func(err error, w watch) error { return watchedTx{failingTx{err}, w}.Commit() },
	} {
		for _, err := range []error{syscall.EIO, syscall.EROFS, syscall.ENOSPC, io.EOF, errors.New("no such table")} {
			reported := 0
			got := call(err, watch{report: func(error) { reported++ }, undone: func() {}})
			if !errors.Is(got, err) || (reported == 1) != IsUnwritable(err) {
				t.Errorf("%s with %q: returned %v, reported %d times", name, err, got, reported)
			}
		}
	}
}
