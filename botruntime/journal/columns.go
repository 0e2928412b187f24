package journal

import (
	"context"
	"database/sql"
)

// later are the columns that came after their tables: a journal that an older bot made gets them when it is opened.
var later = []struct{ table, column, kind string }{
	// The file that an entry waits for WhatsApp to have.
	{"sends", "file", "TEXT NOT NULL DEFAULT ''"},
	// How a message to a channel names that file.
	{"sends", "handle", "TEXT NOT NULL DEFAULT ''"},
	// What the column body held that could not be read.
	{"sends", "aside", "TEXT NOT NULL DEFAULT ''"},
	// When a message was written to the journal: it may have waited at WhatsApp for days. 0 is unknown.
	{"messages", "came", "INTEGER NOT NULL DEFAULT 0"},
}

func addColumns(ctx context.Context, db *sql.DB) error {
	for _, c := range later {
		var has int
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info(?) WHERE name = ?`, c.table, c.column).Scan(&has)
		if err == nil && has == 0 {
			_, err = db.ExecContext(ctx, `ALTER TABLE `+c.table+` ADD COLUMN `+c.column+` `+c.kind)
		}
		if err != nil {
			return err
		}
	}
	_, err := db.ExecContext(ctx, `CREATE INDEX IF NOT EXISTS sends_file ON sends (n) WHERE pending AND file <> ''`)
	return err
}
