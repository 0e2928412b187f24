package metrics

import (
	"maps"
	"slices"
	"sync"

	"sesi.dev/sesi/api/bot"
)

// reasons counts by reason.
type reasons struct {
	mu     sync.Mutex
	counts map[bot.Reason]uint64
}

// expect shows a reason before it happened: a counter that appears with its first increment hides it from rate().
func (r *reasons) expect(all ...bot.Reason) {
	r.counts = make(map[bot.Reason]uint64, len(all))
	for _, reason := range all {
		r.counts[reason] = 0
	}
}

func (r *reasons) add(reason bot.Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[reason]++
}

func (r *reasons) collect(p *page, name, help string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.family(name, "counter", help)
	for _, reason := range slices.Sorted(maps.Keys(r.counts)) {
		p.row(name, float64(r.counts[reason]), "reason", string(reason))
	}
}
