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

// newestDevice finds the linked device. There is one at most, unless a logout could not delete its row; then
// the younger is the live one.
const newestDevice = `SELECT jid, registration_id FROM whatsmeow_device ORDER BY rowid DESC LIMIT 1`

// querier is a database, or one connection to it.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// observeDevice tells which link db holds, "" when none.
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

// deviceID names one link of one account without giving the phone number away: the registration is random
// and new with every link.
func deviceID(jid string, registration int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", jid, registration))
	return hex.EncodeToString(sum[:4])
}

// readDevice loads the linked device, nil when there is none. It asks for one row by name: whatsmeow's
// listing of all devices leaks its connection when a row is damaged.
func readDevice(ctx context.Context, db querier, container *sqlstore.Container) (*wastore.Device, error) {
	var jid types.JID
	var registration int64
	err := db.QueryRowContext(ctx, newestDevice).Scan(&jid, &registration)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	device, err := container.GetDevice(ctx, jid)
	if err == nil && device == nil {
		err = errors.New("the device's row is not found by its own name")
	}
	return device, err
}
