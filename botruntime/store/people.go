package store

import (
	"context"
	"errors"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
)

// People lists those of whom whatsmeow knows both the number and the LID, and counts them all.
func (s *Store) People(ctx context.Context, limit, offset int) (people []wastore.LIDMapping, total int, err error) {
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM whatsmeow_lid_map`).Scan(&total); err != nil {
		return nil, 0, describe(s.layout.database(), err)
	}
	if limit <= 0 {
		return nil, total, nil
	}
	rows, err := s.db.QueryContext(ctx, `SELECT lid, pn FROM whatsmeow_lid_map ORDER BY lid LIMIT ? OFFSET ?`, limit, offset)
	if err != nil {
		return nil, 0, describe(s.layout.database(), err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var lid, pn string
		if err := rows.Scan(&lid, &pn); err != nil {
			return nil, 0, describe(s.layout.database(), err)
		}
		people = append(people, wastore.LIDMapping{
			LID: types.NewJID(lid, types.HiddenUserServer), PN: types.NewJID(pn, types.DefaultUserServer),
		})
	}
	return people, total, rows.Err()
}
