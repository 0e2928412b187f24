package prepared

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"modernc.org/sqlite"
)

// TestStatementsAreCompiledOnce: a statement keeps nothing of an earlier call, works while its own rows are read, and
// notices a changed table; more queries than are kept work too.
func TestStatementsAreCompiledOnce(t *testing.T) {
	t.Parallel()
	const keep = 8
	base, err := sqlite.NewConnector("file:" + t.TempDir() + "/x.db")
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(New(base, keep))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	_, err = db.ExecContext(ctx, `CREATE TABLE t (n INTEGER, s TEXT); CREATE INDEX t_n ON t (n)`)
	must(err)
	tx, err := db.BeginTx(ctx, nil)
	must(err)
	for n := range 3 {
		_, err := tx.ExecContext(ctx, `INSERT INTO t (n, s) VALUES (?, ?)`, n, fmt.Sprint("s", n))
		must(err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO t (n, s) VALUES (?, ?)`, 3, nil)
	must(err)
	const above = `SELECT n, s FROM t WHERE n >= ? ORDER BY n`
	outer, err := tx.QueryContext(ctx, above, 1)
	must(err)
	defer outer.Close()
	var seen []string
	for outer.Next() {
		var n int
		var s sql.NullString
		must(outer.Scan(&n, &s))
		var inner int // the same query, while the outer one is read
		must(tx.QueryRowContext(ctx, above, n).Scan(&inner, new(sql.NullString)))
		seen = append(seen, fmt.Sprint(n, inner, s.String, s.Valid))
	}
	must(errors.Join(outer.Err(), outer.Close(), tx.Commit()))
	if want := "[1 1s1true 2 2s2true 3 3false]"; fmt.Sprint(seen) != want {
		t.Errorf("read %v, want %s", seen, want)
	}
	_, err = db.ExecContext(ctx, `ALTER TABLE t ADD COLUMN more TEXT DEFAULT 'x'`)
	must(err)
	var n int
	must(db.QueryRowContext(ctx, above, 3).Scan(&n, new(sql.NullString)))
	for i := range 3 * keep {
		must(db.QueryRowContext(ctx, fmt.Sprintf(`SELECT ? + %d`, i), 1).Scan(&n))
		if n != i+1 {
			t.Fatalf("statement %d returns %d", i, n)
		}
	}
	must(db.QueryRowContext(ctx, `SELECT ? `+strings.Repeat(" ", maxLength), 5).Scan(&n)) // a long one
	if n != 5 {
		t.Errorf("a long statement returns %d", n)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.ExecContext(ended, `INSERT INTO t (n, s) VALUES (?, ?)`, 9, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO nothing VALUES (?)`, 1); err == nil {
		t.Error("a table that is not there was written")
	}
	must(db.QueryRowContext(ctx, `SELECT count(*) FROM t WHERE n < ?`, 100).Scan(&n))
	if n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}
