package main

import (
	"context"
	"time"

	"sesi.dev/sesi/api/bot"
)

// making is the phase that changes connected bots while the other sessions are still being made.
const making = "making"

const (
	// makingEvery is the time between two such changes.
	makingEvery = 100 * time.Millisecond
	// rested is the least time between two changes of one bot. Without it the limit on each bot's own events would be
	// measured.
	rested = 2 * time.Second
)

// changeWhileMaking changes connected bots until the returned function is called, which returns how soon the changes were
// seen.
func (t *trial) changeWhileMaking(ctx context.Context) (stop func() (*changing, error)) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		changed := map[string]time.Time{}
		tick := time.NewTicker(makingEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				for session := range t.watcher.named(isReady) {
					if now.Sub(changed[session]) < rested {
						continue
					}
					changed[session] = now
					t.number++
					t.watcher.make(t.stage, session, t.number, bot.StateConnected, bot.ReasonLoggedIn)
					break
				}
			}
		}
	}()
	return func() (*changing, error) {
		cancel()
		<-done
		if err := poll(context.WithoutCancel(ctx), time.Minute, func() bool { return t.watcher.unseen() == 0 }); err != nil {
			return nil, err
		}
		r := &changing{spread: spreadOf(t.watcher.taken())}
		r.Rate = float64(r.Count) / time.Since(began).Seconds()
		note("%d changes meanwhile: median %.1f ms, p99 %.1f ms, last %.1f ms", r.Count, r.Median, r.P99, r.Max)
		return r, nil
	}
}
