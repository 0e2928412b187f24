package directory

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/botruntime/journal"
)

// joined are groups with that many members each.
func joined(t *testing.T, sizes ...int) *Joined {
	t.Helper()
	book, err := journal.Open(t.Context(), journal.Options{Directory: t.TempDir(), Session: "test", Retention: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	j := &Joined{d: New(Options{Journal: book, Log: slog.New(slog.DiscardHandler)})}
	for i, size := range sizes {
		info := &types.GroupInfo{JID: types.NewJID(fmt.Sprint(120363000000000000+i), types.GroupServer)}
		for n := range size {
			info.Participants = append(info.Participants, types.GroupParticipant{JID: types.NewJID(fmt.Sprint(99000000000000+n), types.HiddenUserServer)})
		}
		j.infos = append(j.infos, info)
	}
	return j
}

// An account in many large groups is described part by part: no part has many more members than the largest group, nor very
// many groups, and each group comes once, in order.
func TestGroupsAreDescribedPartByPart(t *testing.T) {
	t.Parallel()
	var sizes []int
	for i := range 300 {
		sizes = append(sizes, i%3*500)
	}
	j := joined(t, sizes...)
	if n := j.Count(); n != len(sizes) {
		t.Errorf("%d groups", n)
	}
	came := 0
	for {
		some, err := j.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			break
		}
		members := 0
		for _, g := range some {
			if want := fmt.Sprint(120363000000000000+came, "@g.us"); g.ID != want || g.Size != sizes[came] || len(g.Participants) != sizes[came] {
				t.Fatalf("group %d is %s with %d members, want %s with %d", came, g.ID, g.Size, want, sizes[came])
			}
			members += g.Size
			came++
		}
		if members > maxMembers+1000 || len(some) > maxMembers/perGroup+1 {
			t.Fatalf("%d groups with %d members at once", len(some), members)
		}
	}
	if came != len(sizes) {
		t.Errorf("%d of %d groups came", came, len(sizes))
	}
}

// A page of groups begins at an offset and ends at a limit, or where the groups end.
func TestAPageOfGroups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ offset, limit, want int }{{0, 2, 2}, {2, 2, 1}, {3, 2, 0}, {1 << 20, 500, 0}, {1, 500, 2}} {
		j := joined(t, 1, 2, 3)
		j.Cut(c.offset, c.limit)
		some, err := j.Next(t.Context())
		if err != nil || len(some) != c.want || c.want > 0 && some[0].Size != c.offset+1 {
			t.Errorf("offset %d, limit %d: %+v, %v", c.offset, c.limit, some, err)
		}
	}
}
