package memstore

import (
	"testing"

	"go.mau.fi/whatsmeow/types"
)

func TestPreKeysAreHandedOutUntilUploaded(t *testing.T) {
	s, ctx := New(), t.Context()
	first, err := s.GetOrGenPreKeys(ctx, 3)
	if err != nil || len(first) != 3 {
		t.Fatalf("%d keys: %v", len(first), err)
	}
	if err = s.MarkPreKeysAsUploaded(ctx, first[1].KeyID); err != nil {
		t.Fatal(err)
	}
	again, err := s.GetOrGenPreKeys(ctx, 2)
	if err != nil || again[0].KeyID != first[2].KeyID || again[1].KeyID != first[2].KeyID+1 {
		t.Errorf("after an upload up to %d: %v, %v", first[1].KeyID, again, err)
	}
	if count, err := s.UploadedPreKeyCount(ctx); err != nil || count != 2 {
		t.Errorf("%d uploaded: %v", count, err)
	}
	copied := New()
	copied.ImportPreKeys(s.ExportPreKeys())
	for _, key := range first {
		if got, err := copied.GetPreKey(ctx, key.KeyID); err != nil || got == nil || *got.Pub != *key.Pub {
			t.Errorf("key %d was not kept: %v", key.KeyID, err)
		}
	}
	if next, err := copied.GenOnePreKey(ctx); err != nil || next.KeyID <= again[1].KeyID {
		t.Errorf("key %d was given out twice: %v", next.KeyID, err)
	}
}

func TestSessionsMoveToTheLID(t *testing.T) {
	s, ctx := New(), t.Context()
	pn, lid := types.NewJID("5511911112222", types.DefaultUserServer), types.NewJID("775511911112222", types.HiddenUserServer)
	from, to := pn.SignalAddressUser()+":3", lid.SignalAddressUser()+":3"
	if err := s.PutSession(ctx, from, []byte("session")); err != nil {
		t.Fatal(err)
	}
	if err := s.MigratePNToLID(ctx, pn, lid); err != nil {
		t.Fatal(err)
	}
	if old, _ := s.HasSession(ctx, from); old {
		t.Error("the session is still under the number")
	}
	if session, _ := s.GetSession(ctx, to); string(session) != "session" {
		t.Errorf("the session under the LID is %q", session)
	}
}

func TestSavedUntilDeleted(t *testing.T) {
	s := New()
	device := s.NewDevice()
	if err := device.Save(t.Context()); err != nil || !s.Saved() {
		t.Errorf("saved %v: %v", s.Saved(), err)
	}
	if err := device.Delete(t.Context()); err != nil || s.Saved() {
		t.Errorf("saved %v after a delete: %v", s.Saved(), err)
	}
}

func TestFirstIdentityIsTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		all  bool
		want bool
	}{
		"strict": {false, false}, "trust all": {true, true},
	} {
		s, ctx := &Store{TrustAll: c.all}, t.Context()
		if trusted, err := s.IsTrustedIdentity(ctx, "a:1", [32]byte{1}); err != nil || !trusted {
			t.Errorf("%s: an unknown identity is not trusted: %v", name, err)
		}
		if err := s.PutIdentity(ctx, "a:1", [32]byte{1}); err != nil {
			t.Fatal(err)
		}
		if trusted, err := s.IsTrustedIdentity(ctx, "a:1", [32]byte{2}); err != nil || trusted != c.want {
			t.Errorf("%s: a changed identity: %v, %v", name, trusted, err)
		}
	}
}
