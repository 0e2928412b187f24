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

// Known is somebody whose names whatsmeow knows.
type Known struct {
	JID   types.JID
	Names types.ContactInfo
}

// named lists everybody once: a LID is left out where the number is there too.
const named = `SELECT DISTINCT c.their_jid, coalesce(c.first_name, ''), coalesce(c.full_name, ''), coalesce(c.push_name, ''), coalesce(c.business_name, '')
FROM whatsmeow_contacts c WHERE c.their_jid > ?
	AND coalesce(c.first_name, '') || coalesce(c.full_name, '') || coalesce(c.push_name, '') || coalesce(c.business_name, '') <> ''
	AND NOT EXISTS (SELECT 1 FROM whatsmeow_lid_map m JOIN whatsmeow_contacts p ON p.our_jid = c.our_jid AND p.their_jid = m.pn || '@s.whatsapp.net'
		WHERE c.their_jid = m.lid || '@lid')
ORDER BY c.their_jid LIMIT ?`

// Named lists those whose names whatsmeow knows, in the order of their addresses, after one of them.
func (s *Store) Named(ctx context.Context, after string, limit int) (known []Known, err error) {
	rows, err := s.db.QueryContext(ctx, named, after, limit)
	if err != nil {
		return nil, describe(s.layout.database(), err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var address string
		k := Known{Names: types.ContactInfo{Found: true}}
		if err := rows.Scan(&address, &k.Names.FirstName, &k.Names.FullName, &k.Names.PushName, &k.Names.BusinessName); err != nil {
			return nil, describe(s.layout.database(), err)
		}
		if k.JID, err = types.ParseJID(address); err != nil {
			return nil, err
		}
		known = append(known, k)
	}
	return known, rows.Err()
}
