package journal

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"sesi.dev/sesi/api/bot"
)

// Callers that come at the same time share a transaction; when one fails, the others still succeed.
func TestCommitTogether(t *testing.T) {
	j, err := Open(t.Context(), Options{Directory: t.TempDir(), Session: "default"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	errWrong := errors.New("wrong")
	var group sync.WaitGroup
	outcomes := make([]error, 200)
	for i := range outcomes {
		group.Add(1)
		go func() {
			defer group.Done()
			outcomes[i] = j.CommitTogether(t.Context(), func(tx *Tx) error {
				if _, err := tx.Append([]Key{KeyOf(fmt.Sprint(i))}, bot.EventMessage, "chat", bot.EventData{}); err != nil {
					return err
				}
				if i%10 == 0 {
					return errWrong
				}
				return nil
			})
		}()
	}
	group.Wait()
	for i, err := range outcomes {
		if (i%10 == 0) != errors.Is(err, errWrong) {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	events, next, err := j.Events(t.Context(), Query{Limit: 500})
	if err != nil || len(events) != 180 || next < 180 {
		t.Errorf("%d events, next %d, %v", len(events), next, err)
	}
	last, _ := j.Changed()
	if stats := j.Stats(); stats.Events != 180 || last != events[len(events)-1].Seq {
		t.Errorf("stats %+v, last %d, newest %d", stats, last, events[len(events)-1].Seq)
	}
}
