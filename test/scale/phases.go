package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/scale/internal/command"
)

// phases runs the wanted phases. Each starts when all sessions are connected and shown so.
func (t *trial) phases(ctx context.Context) error {
	known := map[string]func(context.Context) error{
		"changes": t.changes, "mass": t.massEvent, "restart": t.restart, "handover": t.handover, "dark": t.darken, "idle": t.idleFor,
	}
	for phase := range strings.SplitSeq(t.settings.phases, ",") {
		do := known[phase]
		if do == nil {
			if phase == "" || phase == making {
				continue
			}
			return fmt.Errorf("-phases: there is no %q", phase)
		}
		note("%s", phase)
		if err := do(ctx); err != nil {
			return fmt.Errorf("%s: %w", phase, err)
		}
		t.remember(phase)
		if err := poll(ctx, patience, t.right); err != nil {
			return fmt.Errorf("after %s %d of %d are ready: %w", phase, t.watcher.count(isReady), t.size, err)
		}
	}
	return t.stage.failed
}

// wants reports whether a phase is asked for.
func (t *trial) wants(phase string) bool {
	return slices.Contains(strings.Split(t.settings.phases, ","), phase)
}

func (t *trial) right() bool { return t.watcher.count(isReady) == t.size && t.watcher.unseen() == 0 }

func (t *trial) remember(when string) {
	t.result.Memory = append(t.result.Memory, atMemory{when, resident(t.operator.pid())})
}

// rate returns how many bots change per second: one in a hundred, at least ten, and no bot more often than every other
// second, because the limit on each bot's own events would be measured otherwise.
func (t *trial) rate() float64 { return min(max(float64(t.size)/100, 10), float64(t.size)/2) }

// some changes bots one after the other for the given time, in turn and in random order, except those in skip.
func (t *trial) some(ctx context.Context, skip map[string]bool, lasting time.Duration) error {
	tick := time.NewTicker(time.Duration(float64(time.Second) / t.rate()))
	defer tick.Stop()
	order := rand.Perm(t.size)
	for i, end := 0, time.Now().Add(lasting); time.Now().Before(end); i++ {
		which := name(order[i%t.size])
		if skip[which] {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		t.number++
		t.watcher.make(t.stage, which, t.number, bot.StateConnected, bot.ReasonLoggedIn)
	}
	return nil
}

func (t *trial) changes(ctx context.Context) error {
	before, err := t.operator.settled(ctx)
	if err != nil {
		return err
	}
	loadBefore, err := t.cluster.quiet(ctx)
	if err != nil {
		return err
	}
	t.watcher.taken()
	began, busyBefore := time.Now(), busy(t.operator.pid())
	if err := t.some(ctx, nil, t.changing); err != nil {
		return err
	}
	if err := poll(ctx, time.Minute, t.right); err != nil {
		return fmt.Errorf("%d changes were not seen: %w", t.watcher.unseen(), err)
	}
	busyAfter, took := busy(t.operator.pid()), time.Since(began).Seconds()
	after, err := t.operator.settled(ctx)
	if err != nil {
		return err
	}
	loadAfter, err := t.cluster.quiet(ctx)
	if err != nil {
		return err
	}
	r := &changing{Rate: t.rate(), spread: spreadOf(t.watcher.taken()), CPU: (busyAfter - busyBefore) / took, Foreign: foreign(loadBefore, loadAfter)}
	count := float64(r.Count)
	r.VisitsPerChange, r.WritesPerChange = (after.visits-before.visits)/count, (loadAfter.total()-loadBefore.total())/count
	t.result.Changes = r
	note("%d changes: median %.1f ms, p99 %.1f ms; %.2f visits and %.2f writes each", r.Count, r.Median, r.P99, r.VisitsPerChange, r.WritesPerChange)
	return nil
}

// everyone makes all bots change at once and waits until every change is seen.
func (t *trial) everyone(ctx context.Context, state bot.State, reason bot.Reason) (lags spread, writes, cpu, events float64, err error) {
	before, err := t.cluster.quiet(ctx)
	if err != nil {
		return lags, 0, 0, 0, err
	}
	t.watcher.taken()
	t.number++
	for i := range t.size {
		t.watcher.make(t.stage, name(i), t.number, state, reason)
	}
	if err := poll(ctx, patience, func() bool { return t.watcher.unseen() == 0 }); err != nil {
		return lags, 0, 0, 0, fmt.Errorf("%d changes to %s were not seen: %w", t.watcher.unseen(), state, err)
	}
	lags = spreadOf(t.watcher.taken())
	after, err := t.cluster.quiet(ctx)
	return lags, after.total() - before.total(), after.cpu["operator"] - before.cpu["operator"],
		after.writes["POST events"] + after.writes["PATCH events"] - before.writes["POST events"] - before.writes["PATCH events"], err
}

func (t *trial) massEvent(ctx context.Context) (err error) {
	m := &mass{}
	if m.Lost, m.LostWrites, m.LostCPU, m.EventsLost, err = t.everyone(ctx, bot.StateReconnecting, bot.ReasonConnectionLost); err != nil {
		return err
	}
	m.Back, m.BackWrites, m.BackCPU, m.EventsUp, err = t.everyone(ctx, bot.StateConnected, bot.ReasonLoggedIn)
	t.result.Mass = m
	note("all lost: last seen after %.1f s; all back: %.1f s", m.Lost.Max/1000, m.Back.Max/1000)
	return err
}

// takeOver ends one operator with end, changes one bot in ten, and waits until another operator, which begin starts or
// which stands by, has every stream and has shown every change.
func (t *trial) takeOver(ctx context.Context, end func(), begin func() error) (*comeback, error) {
	before, err := t.cluster.quiet(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	end()
	r := &comeback{}
	t.number++
	for i := 0; i < t.size; i += 10 {
		t.watcher.make(t.stage, name(i), t.number, bot.StateConnected, bot.ReasonLoggedIn)
		r.Missed++
	}
	if err := poll(ctx, time.Minute, func() bool { heard, _ := t.stage.streams(); return heard == 0 }); err != nil {
		return nil, fmt.Errorf("the old operator's streams stand: %w", err)
	}
	stop := t.stage.fastest(ctx)
	if begin != nil {
		began = time.Now()
		if err := begin(); err != nil {
			return nil, err
		}
	}
	err = poll(ctx, patience, func() bool {
		if heard, _ := t.stage.streams(); r.Streams == 0 && heard == t.size {
			r.Streams = seconds(time.Since(began))
		}
		return r.Streams > 0 && t.right()
	})
	r.Right, r.Fastest = seconds(time.Since(began)), stop()
	if err != nil {
		heard, _ := t.stage.streams()
		return nil, fmt.Errorf("%d of %d streams stand, %d changes were not seen: %w", heard, t.size, t.watcher.unseen(), err)
	}
	after, err := t.cluster.quiet(ctx)
	r.Writes = after.total() - before.total()
	note("streams %.1f s, right %.1f s, at most %d opened in a second, %.0f writes", r.Streams, r.Right, r.Fastest, r.Writes)
	t.watcher.taken()
	return r, err
}

func (t *trial) restart(ctx context.Context) (err error) {
	t.result.Restart, err = t.takeOver(ctx, func() { t.operator.stop(syscall.SIGTERM) }, func() error {
		next, err := t.cluster.startOperator(ctx, t.settings, "a")
		if err == nil {
			t.succeed(next)
		}
		return err
	})
	return err
}

func (t *trial) succeed(next *operator) {
	t.operator = next
	t.cluster.pids["operator"] = next.pid()
}

// handover lets a second operator stand by, once while the first is told to stop and once while it is killed.
func (t *trial) handover(ctx context.Context) error {
	for _, step := range []struct {
		host string
		by   syscall.Signal
		into **comeback
	}{{"b", syscall.SIGTERM, &t.result.Released}, {"a", syscall.SIGKILL, &t.result.Killed}} {
		next, err := t.cluster.startOperator(ctx, t.settings, step.host)
		if err != nil {
			return err
		}
		if _, err := next.settled(ctx); err != nil { // its cache is synced
			next.stop(syscall.SIGTERM)
			return err
		}
		old := t.operator
		*step.into, err = t.takeOver(ctx, func() { old.stop(step.by) }, nil)
		t.succeed(next)
		if err != nil {
			old.stop(syscall.SIGKILL)
			return err
		}
	}
	return nil
}

// darken drops every packet from and to the bots of one node in twenty.
func (t *trial) darken(ctx context.Context) (err error) {
	dark := t.watcher.named(func(s shown) bool { return s.node == nodeName(0) })
	r := &darkness{Bots: len(dark)}
	t.result.Dark = r
	cut := func(verb string) error {
		var errs []error
		for _, side := range []string{"-s", "-d"} {
			errs = append(errs, exec.CommandContext(ctx, "iptables", "-w", verb, "INPUT", side, podPrefix(0), "-j", "DROP").Run())
		}
		return errors.Join(errs...)
	}
	t.watcher.taken()
	began := time.Now()
	if err := cut("-I"); err != nil {
		return fmt.Errorf("cut %s off: %w", nodeName(0), err)
	}
	noticed := make(chan error, 1)
	go func() {
		noticed <- poll(ctx, 3*time.Minute, func() bool {
			return t.watcher.count(func(s shown) bool { return s.state == v1alpha1.StateUnknown }) >= len(dark)
		})
		r.Noticed = seconds(time.Since(began))
	}()
	err = t.some(ctx, dark, max(t.changing, 90*time.Second))
	err = errors.Join(err, <-noticed)
	if err == nil {
		err = poll(ctx, time.Minute, func() bool { return t.watcher.unseen() == 0 })
	}
	r.Others = spreadOf(t.watcher.taken())
	began = time.Now()
	err = errors.Join(err, cut("-D"))
	if err == nil {
		err = poll(ctx, 5*time.Minute, t.right)
	}
	r.Back = seconds(time.Since(began))
	note("%d of %d dark: noticed within %.1f s, right %.1f s after; others: median %.1f ms, p99 %.1f ms", r.Bots, t.size, r.Noticed, r.Back, r.Others.Median, r.Others.P99)
	return err
}

// idleFor watches while nothing happens.
func (t *trial) idleFor(ctx context.Context) error {
	if _, err := t.cluster.quiet(ctx); err != nil {
		return err
	}
	own, err := t.operator.settled(ctx)
	if err != nil {
		return err
	}
	before, err := t.cluster.measureLoad(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := command.Pause(ctx, t.idle); err != nil {
		return err
	}
	then, err := t.operator.read(ctx)
	if err != nil {
		return err
	}
	after, err := t.cluster.measureLoad(ctx) // last, as at the beginning: it counts what the scrapes caused
	if err != nil {
		return err
	}
	r := &idleness{Seconds: time.Since(began).Seconds(), Resident: residentAll(t.cluster.pids)}
	minutes := r.Seconds / 60
	r.CPU = since(before.cpu, after.cpu, r.Seconds)
	r.Writes = (after.total() - before.total()) / minutes
	r.Visits, r.Goroutines, r.Heap = (then.visits-own.visits)/minutes, then.goroutines, then.heap
	r.Requests = since(own.requests, then.requests, minutes)
	r.Requests["POST"] -= (after.reviews - before.reviews) / minutes // caused by this program
	t.result.Idle = r
	note("idle: operator %.2f %% of a core, %.0f MiB; a minute: %.1f visits, %.1f writes; its requests: %v",
		r.CPU["operator"]*100, float64(r.Resident["operator"])/(1<<20), r.Visits, r.Writes, r.Requests)
	return t.operator.keepProfile(ctx, "heap?gc=1", filepath.Join(t.dir, fmt.Sprintf("heap-%d.pb.gz", t.size)))
}
