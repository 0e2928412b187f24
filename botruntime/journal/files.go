package journal

import (
	"context"
	"database/sql"
	"errors"
)

// NextUpload is the first entry of the outbox that is due and whose file WhatsApp does not have; nil when there is none.
func (j *Journal) NextUpload(ctx context.Context) (*Send, error) {
	return j.scanSend(j.db.QueryRowContext(ctx, selectSend+` WHERE pending AND file <> '' AND due <= ? ORDER BY n LIMIT 1`, millis(j.Now())))
}

// NeededFiles lists the files that messages wait to be sent with.
func (j *Journal) NeededFiles(ctx context.Context) ([]string, error) {
	return j.hashes(ctx, `SELECT DISTINCT file FROM sends WHERE pending AND file <> ''`)
}

// ChatFiles lists the files of a chat's messages, under all forms of its address.
func (j *Journal) ChatFiles(ctx context.Context, forms ...string) (all []string, err error) {
	for _, chat := range forms {
		some, err := j.hashes(ctx, `SELECT DISTINCT file FROM (
			SELECT `+extract("$.media.sha256")+` AS file FROM messages WHERE chat = ?) WHERE file IS NOT NULL`, chat)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (j *Journal) hashes(ctx context.Context, query string, args ...any) (all []string, err error) {
	rows, err := j.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return scanTexts(rows)
}

func scanTexts(rows *sql.Rows) (all []string, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// Uploaded writes the bytes of a message whose file WhatsApp has: it can be sent now. handle is empty but in a channel.
func (t *Tx) Uploaded(s *Send, raw []byte, handle string) error {
	if _, err := t.tx.ExecContext(t.ctx, `UPDATE sends SET raw = ?, handle = ?, file = '' WHERE id = ? AND pending`, raw, handle, s.Message.ID); err != nil {
		return err
	}
	_, err := t.tx.ExecContext(t.ctx, `UPDATE messages SET raw = ? WHERE id = ? AND chat = ? AND raw IS NOT NULL`, raw, s.Message.ID, s.Message.Chat.ID)
	return err
}

// FileMoved writes the bytes of a message whose file is at another place of WhatsApp's now.
func (t *Tx) FileMoved(id, chat string, raw []byte) error {
	if _, err := t.tx.ExecContext(t.ctx, `UPDATE messages SET raw = ? WHERE id = ? AND chat = ? AND raw IS NOT NULL`, raw, id, chat); err != nil {
		return err
	}
	_, err := t.tx.ExecContext(t.ctx, `UPDATE sends SET raw = ? WHERE id = ? AND chat = ? AND raw IS NOT NULL`, raw, id, chat)
	return err
}
