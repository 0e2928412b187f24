package store

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// A message secret is removed after a month, or earlier when there are too many; nothing else is removed.
func TestOldMessageSecretsAreRemoved(t *testing.T) {
	s := open(t, t.TempDir())
	link(t, s, "6281200000001")
	insert := func(day, n int) {
		t.Helper()
		_, err := s.db.ExecContext(t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO whatsmeow_message_secrets SELECT jid, 'chat', 'sender', ? || '-' || i, x'00' FROM whatsmeow_device, n`,
			n, fmt.Sprint(day))
		check(t, err)
	}
	count := func() (secrets int) {
		t.Helper()
		check(t, s.db.QueryRowContext(t.Context(), `SELECT count(*) FROM whatsmeow_message_secrets`).Scan(&secrets))
		return secrets
	}
	others := rows(t, s.db)
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for day := range 100 {
		insert(day, 100)
		check(t, s.prune(t.Context(), begin.AddDate(0, 0, day)))
		if want := 100 * min(day+1, 30); count() != want {
			t.Fatalf("day %d: %d secrets, want %d", day, count(), want)
		}
	}
	insert(100, secretsMost+3*secretsBatch)
	check(t, s.prune(t.Context(), begin.AddDate(0, 0, 100)))
	if count() != secretsMost {
		t.Errorf("%d secrets, want %d", count(), secretsMost)
	}
	for table, n := range others {
		if got := rows(t, s.db)[table]; got != n {
			t.Errorf("%s has %d rows, had %d", table, got, n)
		}
	}
	if len(s.record.Secrets) > maxMarks {
		t.Errorf("%d marks", len(s.record.Secrets))
	}
}

// A wrong clock and another database's marks remove nothing that is new.
func TestDecidePruneIgnoresImplausibleMarks(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, marks := range map[string][]mark{
		"another database": {{now.Add(-2 * secretsAge), 900}},
		"the future":       {{now.Add(time.Hour), 50}},
		"none":             nil,
	} {
		next, upTo := decidePrune(marks, 100, now)
		if upTo != 0 || len(next) != 1 || next[0] != (mark{now, 100}) {
			t.Errorf("%s: %v, up to %d", name, next, upTo)
		}
	}
	if _, upTo := decidePrune([]mark{{now.Add(-2 * secretsAge), 90}}, 100, now); upTo != 90 {
		t.Errorf("an old mark: up to %d", upTo)
	}
}

// Pruning stops with the store.
func TestPruneOfAClosedStore(t *testing.T) {
	s := open(t, t.TempDir())
	closeStore(t, s)
	if err := s.prune(context.WithoutCancel(t.Context()), time.Now()); err == nil {
		t.Error("a closed store was pruned")
	}
}
