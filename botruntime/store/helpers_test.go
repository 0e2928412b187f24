package store

import (
	"bytes"
	"context"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waAdv"
	"go.mau.fi/whatsmeow/types"
)

// link pairs the store with an account, as whatsmeow does after a scan: the device's row, then prekeys.
func link(t testing.TB, s *Store, phone string) string {
	t.Helper()
	ctx := t.Context()
	device := s.Container().NewDevice()
	jid := types.NewADJID(phone, 0, 7)
	device.ID = &jid
	device.LID = types.NewJID("9"+phone, types.HiddenUserServer)
	device.Account = &waAdv.ADVSignedDeviceIdentity{
		Details: []byte("details"), AccountSignature: bytes.Repeat([]byte{1}, 64),
		AccountSignatureKey: bytes.Repeat([]byte{2}, 32), DeviceSignature: bytes.Repeat([]byte{3}, 64),
	}
	device.PushName = "Toko " + phone
	if err := device.Save(ctx); err != nil {
		t.Fatalf("save device: %v", err)
	}
	if _, err := device.PreKeys.GetOrGenPreKeys(ctx, 50); err != nil {
		t.Fatalf("prekeys: %v", err)
	}
	if err := s.UpdateFacts(func(f *Facts) { f.Expired, f.LinkedAt = false, time.Now() }); err != nil {
		t.Fatalf("facts: %v", err)
	}
	id, err := observeDevice(ctx, s.db)
	if err != nil || id == "" {
		t.Fatalf("device id = %q, %v", id, err)
	}
	return id
}

func open(t testing.TB, authPath string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{AuthPath: authPath, ClientID: "toko", Instance: "test", BackupKeep: 3})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func exists(t testing.TB, s *Store) bool {
	t.Helper()
	there, err := s.Exists(context.Background())
	if err != nil {
		t.Fatalf("exists: %v", err)
	}
	return there
}
