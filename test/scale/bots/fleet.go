package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sesi.dev/sesi/test/scale/internal/command"
)

const (
	// linkedAtOnce is how many bots start at the same time.
	linkedAtOnce = 8
	// comeBack bounds how long bots may take to reconnect.
	comeBack = 6 * time.Minute
)

// fleet is all bots.
type fleet struct {
	wa   *whatsApp
	bots []*bot
	took []time.Duration // from the start of the process, including the scan, to the login
}

// end stops all bots at once.
func (f *fleet) end() {
	var ending sync.WaitGroup
	for _, b := range f.bots {
		ending.Go(b.end)
	}
	ending.Wait()
}

func (f *fleet) linkTimes() []float64 { return seconds(f.took) }

// link starts the bots and scans their codes.
func (f *fleet) link(ctx context.Context, s settings, dir string) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(linkedAtOnce)
	for i := range s.bots {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			began := time.Now()
			// Not bound to the group: its end must not end the bots.
			b, err := startBot(context.WithoutCancel(ctx), s.program, dir, i, f.wa)
			if err != nil {
				return err
			}
			mu.Lock()
			f.bots = append(f.bots, b)
			mu.Unlock()
			if err := b.link(ctx, f.wa); err != nil {
				return fmt.Errorf("%s: %w", b.kind, err)
			}
			late, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			at, err := b.readyAfter(began, late.Done())
			mu.Lock()
			f.took = append(f.took, at.Sub(began))
			mu.Unlock()
			return err
		})
	}
	return group.Wait()
}

// converse sends each bot a message per second, each at its own moment, and also to the peers. It returns how many
// messages were sent to bots and how many arrived.
func (f *fleet) converse(ctx context.Context, window time.Duration, peers bool) (sent, received int, err error) {
	before, err := f.received(ctx)
	if err != nil {
		return 0, 0, err
	}
	phones := make([]string, 0, len(f.bots)+1)
	for _, b := range f.bots {
		phones = append(phones, b.phone)
	}
	if peers {
		phones = append(phones, peerPhone)
	}
	var count atomic.Int64
	talk, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	group, talk := errgroup.WithContext(talk)
	for _, phone := range phones {
		group.Go(func() error {
			if command.Pause(talk, rand.N(time.Second)) != nil {
				return nil
			}
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				body := map[string]any{"jid": phone, "from": "4915112345678", "text": "Is the order of last Tuesday on its way?", "name": "Anna"}
				if err := f.wa.call(ctx, http.MethodPost, "/say", body); err != nil {
					return fmt.Errorf("a message to %s: %w", phone, err)
				}
				if phone != peerPhone {
					count.Add(1)
				}
				select {
				case <-tick.C:
				case <-talk.Done():
					return nil
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, err
	}
	sent = int(count.Load())
	_ = eventually(ctx, func() error { // those still on their way; missing ones are reported afterwards
		var now int
		if now, err = f.received(ctx); err == nil && now-before < sent {
			return errors.New("not all yet")
		}
		received = now - before
		return err
	})
	return sent, received, err
}

func (f *fleet) received(ctx context.Context) (total int, err error) {
	for _, b := range f.bots {
		n, err := b.received(ctx, f.wa.client)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// drop resets all connections and returns how long each bot took to log in again.
func (f *fleet) drop(ctx context.Context) ([]float64, error) {
	began := time.Now()
	if err := f.wa.call(ctx, http.MethodPost, "/kick", map[string]any{"all": true, "kind": "drop"}); err != nil {
		return nil, err
	}
	return f.back(ctx, began)
}

// outage closes WhatsApp's port for a while and returns how long after its end each bot logged in.
func (f *fleet) outage(ctx context.Context, away time.Duration) ([]float64, error) {
	began := time.Now()
	if err := f.wa.call(ctx, http.MethodPost, "/fault", map[string]any{"kind": "down", "seconds": away.Seconds()}); err != nil {
		return nil, err
	}
	if err := command.Pause(ctx, time.Until(began.Add(away))); err != nil {
		return nil, err
	}
	return f.back(ctx, began.Add(away))
}

func (f *fleet) back(ctx context.Context, since time.Time) ([]float64, error) {
	late, cancel := context.WithTimeout(ctx, comeBack)
	defer cancel()
	took := make([]time.Duration, len(f.bots))
	for i, b := range f.bots {
		at, err := b.readyAfter(since, late.Done())
		if err != nil {
			return nil, err
		}
		took[i] = at.Sub(since)
	}
	return seconds(took), nil
}

func seconds(all []time.Duration) []float64 {
	out := make([]float64, len(all))
	for i, d := range all {
		out[i] = d.Seconds()
	}
	return out
}
