package journal

import "context"

// Salt returns the salt of an account, from which tokens for first messages are made; empty while none is known.
func (j *Journal) Salt(ctx context.Context, account string) (salt []byte, err error) {
	err = j.db.QueryRowContext(ctx, `SELECT coalesce((SELECT salt FROM salts WHERE account = ?), x'')`, account).Scan(&salt)
	return salt, err
}

// PutSalt keeps the salt of an account, the only one that the bot serves.
func (t *Tx) PutSalt(account string, salt []byte) error {
	if _, err := t.tx.ExecContext(t.ctx, `DELETE FROM salts`); err != nil || len(salt) == 0 {
		return err
	}
	_, err := t.tx.ExecContext(t.ctx, `INSERT INTO salts (account, salt) VALUES (?, ?)`, account, salt)
	return err
}
