package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
)

// newestDevice finds the linked device. There is at most one, unless a logout could not delete its row; then the newer
// one is linked.
const newestDevice = `SELECT coalesce(CAST(jid AS TEXT), ''), coalesce(CAST(registration_id AS INTEGER), 0) FROM whatsmeow_device ORDER BY rowid DESC LIMIT 1`

// querier is a database or a connection.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// observeDevice names the device in db; "" for none.
func observeDevice(ctx context.Context, db querier) (string, error) {
	var jid string
	var registration int64
	err := db.QueryRowContext(ctx, newestDevice).Scan(&jid, &registration)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return deviceID(jid, registration), nil
}

// deviceID names a linked device without the phone number. The registration is random and new at each pairing, so the
// same phone linked again has another name.
func deviceID(jid string, registration int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", jid, registration))
	return hex.EncodeToString(sum[:4])
}

// readDevice loads the linked device; nil for none. It reads one row by its address: whatsmeow's list of all devices
// leaks its connection when a row is damaged.
func readDevice(ctx context.Context, db querier, container *sqlstore.Container) (*wastore.Device, error) {
	var name string
	var registration int64
	err := db.QueryRowContext(ctx, newestDevice).Scan(&name, &registration)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	jid, err := types.ParseJID(name)
	if err != nil || jid.User == "" {
		return nil, &contentError{what: "its device has no valid address"}
	}
	device, err := container.GetDevice(ctx, jid)
	if err != nil && sqliteCode(err) == 0 && ctx.Err() == nil {
		return nil, &contentError{what: "its device cannot be read: " + err.Error()}
	}
	if err == nil && device == nil {
		return nil, &contentError{what: "its device is not found by its own address"}
	}
	return device, err
}
