package store

import (
	"testing"
)

func TestSessionOutlivesTheProcess(t *testing.T) {
	auth := t.TempDir()
	s := open(t, auth)
	if exists(t, s) {
		t.Fatal("a new session exists before it is linked")
	}
	link(t, s, "6281200000001")
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	s = open(t, auth)
	if !exists(t, s) {
		t.Fatal("the session is gone after a restart")
	}
	if o := s.Opening(); o.Damage != "" || o.Notice != "" {
		t.Fatalf("opening = %+v, want nothing to report", o)
	}
	if _, taken, err := s.Backup(t.Context(), "test"); err != nil || !taken {
		t.Fatalf("backup: %v, %v", taken, err)
	}
	if err := s.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exists(t, s) {
		t.Fatal("still there")
	}
}
