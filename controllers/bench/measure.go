package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/bottest"
	"sesi.dev/sesi/controllers/clustertest"
)

const namespace = "bench"

// measure runs one cluster with so many sessions, from their making to an idle minute.
func measure(ctx context.Context, size int, crd, program string, idle time.Duration) (r row, err error) {
	r.streams = size
	dir, err := os.MkdirTemp("", "sesi-bench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	bots := &clustertest.Doubles{Linked: func(clientID, instance string) bot.Snapshot {
		return bottest.Paired(clientID, instance, "62811"+clientID[1:]+":1@s.whatsapp.net")
	}}
	cluster, err := clustertest.Start(clustertest.Options{Bots: bots, Dir: dir, CRD: crd, Audit: filepath.Join(dir, auditLog)})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	if err := cluster.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return r, err
	}
	op, err := startOperator(ctx, cluster, dir, program)
	if err != nil {
		return r, err
	}
	defer op.stop()
	watch, err := startWatch(ctx, cluster.Client)
	if err != nil {
		return r, err
	}
	defer watch.stop()

	began := time.Now()
	if err := makeSessions(ctx, cluster.Client, size); err != nil {
		return r, err
	}
	if err := poll(ctx, 20*time.Minute, func() (bool, error) { return watch.ready() == size, nil }); err != nil {
		return r, fmt.Errorf("%d of %d sessions are ready: %w", watch.ready(), size, err)
	}
	r.ready = time.Since(began)

	if err := changes(ctx, op, bots, watch, size, &r); err != nil {
		return r, err
	}
	op.stop()
	began = time.Now()
	if op, err = startOperator(ctx, cluster, dir, program); err != nil {
		return r, err
	}
	defer op.stop()
	if err := poll(ctx, 5*time.Minute, func() (bool, error) {
		seen, err := op.scrape(ctx)
		return err == nil && seen.heard == float64(size), nil
	}); err != nil {
		return r, fmt.Errorf("streams after a restart: %w", err)
	}
	r.restart = time.Since(began)
	return r, idleFor(ctx, op, idle, &r)
}

// makeSessions makes them all, sixteen at a time.
func makeSessions(ctx context.Context, c client.Client, size int) error {
	var group sync.WaitGroup
	errs := make([]error, 16)
	for worker := range errs {
		group.Go(func() {
			for i := worker; i < size && errs[worker] == nil; i += len(errs) {
				errs[worker] = c.Create(ctx, &v1alpha1.WhatsAppSession{ObjectMeta: metav1.ObjectMeta{Name: name(i), Namespace: namespace}})
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func name(i int) string { return "s" + strconv.Itoa(i) }

// changes changes random bots one after the other and measures how soon each change is seen by a watch.
func changes(ctx context.Context, op *operator, bots *clustertest.Doubles, watch *watcher, size int, r *row) error {
	count, pause := 2000, 10*time.Millisecond
	if size < 1000 {
		// No bot may change more than once a second in the mean, or its own rate is measured.
		count, pause = 40+5*size, 1100*time.Millisecond/time.Duration(size)
	}
	before, err := op.scrape(ctx)
	if err != nil {
		return err
	}
	order := rand.Perm(size)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for i := range count {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		which := name(order[i%size])
		pushName := "change " + strconv.Itoa(i)
		watch.expect(which, pushName)
		bots.Bot(types.NamespacedName{Namespace: namespace, Name: "wa-" + which}).Change(func(s *bot.Snapshot) { s.PushName = pushName })
	}
	var lags []time.Duration
	if err := poll(ctx, time.Minute, func() (bool, error) { lags = watch.lags(); return len(lags) == count, nil }); err != nil {
		return fmt.Errorf("%d of %d changes were seen: %w", len(lags), count, err)
	}
	after, err := op.settled(ctx)
	if err != nil {
		return err
	}
	slices.Sort(lags)
	r.median, r.p99 = lags[len(lags)/2], lags[len(lags)*99/100]
	r.visits, r.writes = (after.visits-before.visits)/float64(count), (after.writes-before.writes)/float64(count)
	return nil
}

// idleFor watches the operator while nothing happens.
func idleFor(ctx context.Context, op *operator, idle time.Duration, r *row) error {
	before, err := op.settled(ctx)
	if err != nil {
		return err
	}
	busy := op.cpu()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(idle):
	}
	r.idleCPU = (op.cpu() - busy).Seconds() / idle.Seconds()
	after, err := op.scrape(ctx)
	if err != nil {
		return err
	}
	r.idleWrites, r.idleVisits = after.writes-before.writes, after.visits-before.visits
	r.rss = op.rss()
	return nil
}

// watcher sees the sessions as any client of the API would.
type watcher struct {
	stop func()

	mu       sync.Mutex
	isReady  map[string]bool
	expected map[string]expectation
	seen     []time.Duration
}

// expectation is a change that has not been seen yet.
type expectation struct {
	pushName string
	made     time.Time
}

func startWatch(ctx context.Context, c client.WithWatch) (*watcher, error) {
	stream, err := c.Watch(ctx, &v1alpha1.WhatsAppSessionList{}, client.InNamespace(namespace))
	if err != nil {
		return nil, err
	}
	w := &watcher{stop: stream.Stop, isReady: map[string]bool{}, expected: map[string]expectation{}}
	go func() {
		for event := range stream.ResultChan() {
			if session, is := event.Object.(*v1alpha1.WhatsAppSession); is {
				w.take(session, time.Now())
			}
		}
	}()
	return w, nil
}

func (w *watcher) take(session *v1alpha1.WhatsAppSession, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, condition := range session.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			w.isReady[session.Name] = condition.Status == metav1.ConditionTrue
		}
	}
	if e, found := w.expected[session.Name]; found && session.Status.Session != nil && session.Status.Session.PushName == e.pushName {
		w.seen = append(w.seen, now.Sub(e.made))
		delete(w.expected, session.Name)
	}
}

func (w *watcher) expect(name, pushName string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected[name] = expectation{pushName, time.Now()}
}

func (w *watcher) lags() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

func (w *watcher) ready() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := 0
	for _, ready := range w.isReady {
		if ready {
			count++
		}
	}
	return count
}
