package store

import (
	"context"
	"errors"
	"testing"

	"go.mau.fi/whatsmeow/types"
)

// TestIdentitiesAreKnownAsTheDatabaseHasThem: what was undone, deleted or moved is not known from memory.
func TestIdentitiesAreKnownAsTheDatabaseHasThem(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, t.TempDir())
	link(t, s, "6281")
	device, err := s.Device(ctx)
	if err != nil {
		t.Fatal(err)
	}
	one, other := [32]byte{1}, [32]byte{2}
	rows := func() (n int) {
		t.Helper()
		if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM whatsmeow_identity_keys WHERE their_id IN ('a:1', 'b_1:0')`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	put := func(ctx context.Context, address string, key [32]byte) {
		t.Helper()
		if err := device.Identities.PutIdentity(ctx, address, key); err != nil {
			t.Fatal(err)
		}
	}
	trusts := func(address string, key [32]byte, want bool) {
		t.Helper()
		if trusted, err := device.Identities.IsTrustedIdentity(ctx, address, key); err != nil || trusted != want {
			t.Errorf("%s with key %d: trusted %v, %v", address, key[0], trusted, err)
		}
	}
	put(ctx, "a:1", one)
	trusts("a:1", one, true)
	trusts("a:1", other, false)
	if err := device.Identities.DeleteAllIdentities(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	trusts("a:1", other, true) // unknown
	errUndo := errors.New("undo")
	err = device.EventBuffer.DoDecryptionTxn(ctx, func(ctx context.Context) error {
		put(ctx, "a:1", one)
		return errUndo
	})
	if !errors.Is(err, errUndo) || rows() != 0 {
		t.Fatalf("%v, %d rows", err, rows())
	}
	trusts("a:1", other, true)
	put(ctx, "a:1", one)
	put(ctx, "a:1", one)
	if rows() != 1 {
		t.Errorf("%d rows", rows())
	}
	put(ctx, "b:0", one)
	put(ctx, "b_1:0", other)
	if err := device.Sessions.MigratePNToLID(ctx, types.NewJID("b", types.DefaultUserServer), types.NewJID("b", types.HiddenUserServer)); err != nil {
		t.Fatal(err)
	}
	trusts("b_1:0", one, true)
	put(ctx, "b_1:0", other) // a new phone: it stays known when whatsmeow asks again to move what it has moved
	if err := device.Sessions.MigratePNToLID(ctx, types.NewJID("b", types.DefaultUserServer), types.NewJID("b", types.HiddenUserServer)); err != nil {
		t.Fatal(err)
	}
	if key, known := device.Identities.(*identities).known("b_1:0"); !known || key != other {
		t.Errorf("known %v, key %d", known, key[0])
	}
	trusts("b_1:0", one, false)
}

// TestWhatsmeowFindsNoNeedOfASessionWithItself: to it, a device without a session is one whose keys it must ask for.
func TestWhatsmeowFindsNoNeedOfASessionWithItself(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := open(t, t.TempDir())
	link(t, s, "6281")
	device, err := s.Device(ctx)
	if err != nil {
		t.Fatal(err)
	}
	friend := types.NewJID("6282", types.DefaultUserServer).SignalAddress().String()
	missing, _, err := device.WithCachedSessions(ctx, []string{device.ID.SignalAddress().String(), device.LID.SignalAddress().String(), friend})
	if err != nil || len(missing) != 1 || missing[friend] {
		t.Errorf("%v, %v", missing, err)
	}
	if none, err := device.Sessions.GetManySessions(ctx, []string{device.ID.SignalAddress().String()}); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
