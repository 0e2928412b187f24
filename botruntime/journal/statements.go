package journal

import (
	"context"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// maxStatements bounds the statements that a connection keeps compiled. The journal has about that many.
const maxStatements = 96

// connector opens connections that compile each statement once. SQLite's compiler takes as long as a small statement
// runs, and database/sql keeps no statement of a transaction.
type connector struct {
	address string
	driver  driver.Driver
}

func newConnector(address string) connector { return connector{address, &sqlite.Driver{}} }

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.driver.Open(c.address)
	if err != nil {
		return nil, err
	}
	whole, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver's connection lacks a method that the journal needs"), opened.Close())
	}
	return &conn{sqliteConn: whole, statements: map[string]*statement{}}, nil
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }

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
	statements map[string]*statement
}

// statement is a compiled statement; it is busy while its rows are read.
type statement struct {
	driver.Stmt
	busy bool
}

// prepared returns the compiled statement; nil when the query has to be compiled for this call alone.
func (c *conn) prepared(ctx context.Context, query string) (*statement, error) {
	s, known := c.statements[query]
	if known && s.busy || !known && len(c.statements) >= maxStatements {
		return nil, nil //nolint:nilnil // none is kept
	}
	if !known {
		compiled, err := c.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		s = &statement{Stmt: compiled}
		c.statements[query] = s
	}
	return s, nil
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
