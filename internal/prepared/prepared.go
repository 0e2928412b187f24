// Package prepared makes connections to SQLite compile each statement once. SQLite's compiler takes as long as a small
// statement runs, and database/sql keeps no statement of a transaction.
package prepared

import (
	"context"
	"database/sql/driver"
	"errors"
)

// maxLength bounds the text of a statement that is kept. Longer ones insert many rows at once, seldom as many again.
const maxLength = 1024

// New returns a connector whose connections each keep the statements that were used last, compiled, but no more than
// keep of them. Each takes a few KiB of memory.
func New(base driver.Connector, keep int) driver.Connector { return connector{base, keep} }

type connector struct {
	driver.Connector
	keep int
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	whole, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver's connection lacks a method"), opened.Close())
	}
	return &conn{sqliteConn: whole, keep: c.keep, statements: map[string]*statement{}}, nil
}

// sqliteConn is what database/sql uses of a connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is one connection with its compiled statements. database/sql uses it from one goroutine at a time.
type conn struct {
	sqliteConn
	keep       int
	statements map[string]*statement
	uses       uint64
}

// statement is a compiled statement; it is busy while its rows are read.
type statement struct {
	driver.Stmt
	busy bool
	used uint64 // the connection's uses when it was used last
}

// prepared returns the compiled statement; nil when the query has to be compiled for this call alone.
func (c *conn) prepared(ctx context.Context, query string) (*statement, error) {
	s := c.statements[query]
	if len(query) > maxLength || s != nil && s.busy {
		return nil, nil //nolint:nilnil // none is kept
	}
	if s == nil {
		compiled, err := c.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		if len(c.statements) >= c.keep {
			c.forget()
		}
		s = &statement{Stmt: compiled}
		c.statements[query] = s
	}
	c.uses++
	s.used = c.uses
	return s, nil
}

// forget closes the statement that was not used for longest.
func (c *conn) forget() {
	var oldest string
	for query, s := range c.statements {
		if !s.busy && (oldest == "" || s.used < c.statements[oldest].used) {
			oldest = query
		}
	}
	if oldest != "" {
		_ = c.statements[oldest].Close() // it reports the last error of the statement, which its caller knows
		delete(c.statements, oldest)
	}
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 { // a script, a pragma: nothing that comes often
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	s, err := c.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	found, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &rows{found, s}, nil
}

// rows frees its statement at the end.
type rows struct {
	driver.Rows
	of *statement
}

// Close implements driver.Rows.
func (r *rows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}

// Close closes the statements with the connection.
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Stmt.Close())
	}
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}
