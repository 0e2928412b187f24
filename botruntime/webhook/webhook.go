// Package webhook delivers the journal's events to the URLs that a person configured: signed, in order, each at least
// once, and each until its patience is over. It never changes an event, and never logs the content of one.
package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/reach"
	"sesi.dev/sesi/botruntime/waha"
)

const (
	// answerTime bounds one delivery.
	answerTime = 30 * time.Second
	// stopGrace is how long a delivery in progress may continue once the bot stops. If it were cut off, the event would
	// come again.
	stopGrace = 2 * time.Second
	// loadTime is how often the targets are loaded again.
	loadTime = 2 * time.Second
	// maxAnswer bounds how much of an answer is read. Its content is not used.
	maxAnswer = 16 << 10
)

// ErrUnknown says that there is no webhook of that name.
var ErrUnknown = errors.New("no webhook has this name")

// ErrCursor says that a cursor is newer than the journal.
var ErrCursor = errors.New("the cursor is newer than the newest event")

// Meter counts deliveries.
type Meter interface {
	// Delivered counts an attempt to deliver; outcome is taken, refused, away or gone.
	Delivered(webhook, outcome string)
	// Postponed counts a turn in which events were not given up, because their dead letters could not be written.
	Postponed(webhook string)
}

// Options are the parts of a Manager.
type Options struct {
	Journal *journal.Journal
	// Names finds the other address of a person.
	Names message.Names
	// Guard decides which addresses may be dialed.
	Guard *reach.Guard
	// Load returns the targets, and whether they may differ from the last ones. After an error the last ones stay.
	Load func() (targets []Target, changed bool, err error)
	// Every is how often Load is called; 0 means two seconds.
	Every time.Duration
	Meter Meter
	// Teller tells what WAHA's clients are told; nil where no target has WAHA's format.
	Teller func() waha.Teller
	// Agent is the User-Agent of a delivery.
	Agent string
	Log   *slog.Logger
	// Now and Dice are for tests; nil means the journal's clock and real random numbers.
	Now  func() time.Time
	Dice func() float64
}

// Manager delivers to all targets. Its methods may be called from any goroutine.
type Manager struct {
	Options
	// clients are by whether they may reach private addresses.
	clients map[bool]*http.Client

	// changing is held while workers are replaced, and while one is changed: a change of a worker that is being replaced
	// would be lost.
	changing sync.Mutex

	mu      sync.Mutex
	workers []*worker
	refused bool
}

// New returns a manager; Run makes it deliver.
func New(o Options) *Manager {
	if o.Now == nil {
		o.Now = o.Journal.Now
	}
	if o.Dice == nil {
		o.Dice = mathrand.Float64
	}
	if o.Every <= 0 {
		o.Every = loadTime
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Manager{Options: o, clients: map[bool]*http.Client{false: newClient(o.Guard), true: newClient(o.Guard.WithPrivate())}}
}

func newClient(guard *reach.Guard) *http.Client {
	return &http.Client{
		// No proxy: the guard checks the address that is dialed, which must be the target's.
		Transport: &http.Transport{
			DialContext: guard.DialContext, MaxIdleConnsPerHost: parallel, MaxIdleConns: 4 * parallel, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: maxAnswer, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Run delivers until ctx ends. It returns once every worker has ended.
func (m *Manager) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	for _, client := range m.clients {
		defer client.CloseIdleConnections()
	}
	defer wait.Wait()
	said := ""
	var wanted []Target
	loaded, stale := false, false
	tick := time.NewTicker(m.Every)
	defer tick.Stop()
	for {
		targets, changed, err := m.Load()
		m.mu.Lock()
		m.refused = err != nil
		m.mu.Unlock()
		if err == nil && (changed || !loaded) {
			wanted, loaded, stale = targets, true, true
		}
		if stale { // what could not be written to the journal is tried again
			failed := m.replace(ctx, wanted, &wait)
			stale, err = failed != nil, errors.Join(err, failed)
		}
		switch {
		case err != nil && err.Error() != said && ctx.Err() == nil:
			said = err.Error()
			m.Log.Error("the webhooks were not read again; those before stay", "error", err)
		case err == nil:
			said = ""
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// replace starts the workers of targets that are new or changed, and ends those of the others.
func (m *Manager) replace(ctx context.Context, targets []Target, wait *sync.WaitGroup) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	m.mu.Lock()
	old := m.workers
	m.mu.Unlock()
	var next []*worker
	defer func() {
		m.mu.Lock()
		m.workers = next
		m.mu.Unlock()
	}()
	for _, w := range old {
		if slices.ContainsFunc(targets, func(t Target) bool { return t.same(&w.target) }) {
			next = append(next, w)
			continue
		}
		w.end()
	}
	names := []string{}
	var failed error // of one webhook; the others start
	for _, target := range targets {
		names = append(names, target.Name)
		if slices.ContainsFunc(next, func(w *worker) bool { return w.target.same(&target) }) {
			continue
		}
		w, err := m.start(ctx, target, wait)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("start the webhook %s: %w", target.Name, err))
			continue
		}
		next = append(next, w)
	}
	if failed != nil { // it has not begun, and must not miss the events that are kept for it
		return failed
	}
	return m.Journal.KeepWebhooks(ctx, names)
}

// start reads the progress of a target, and begins to deliver.
func (m *Manager) start(ctx context.Context, target Target, wait *sync.WaitGroup) (*worker, error) {
	state, found, err := m.Journal.Webhook(ctx, target.Name)
	if err != nil {
		return nil, err
	}
	changed := !found
	if address := shown(target.URL); state.Target != address {
		state.Target, changed = address, true
		tryNow(&state) // the waits were for the address before
	}
	if changed {
		if err := m.Journal.SaveWebhook(ctx, target.Name, state, nil); err != nil {
			return nil, err
		}
	}
	inner, cancel := context.WithCancel(ctx)
	w := &worker{Manager: m, target: target, state: state, wake: make(chan struct{}, 1), cancel: cancel, ended: make(chan struct{})}
	wait.Go(func() {
		defer close(w.ended)
		w.run(inner)
	})
	return w, nil
}

func (m *Manager) find(name string) (*worker, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.workers {
		if w.target.Name == name {
			return w, nil
		}
	}
	return nil, ErrUnknown
}

// Refused reports whether the webhooks could not be loaded the last time, so that those before are in use.
func (m *Manager) Refused() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refused
}

// Known are the names of all webhooks, sorted.
func (m *Manager) Known() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := []string{}
	for _, w := range m.workers {
		names = append(names, w.target.Name)
	}
	slices.Sort(names)
	return names
}

// List describes every webhook, by name.
func (m *Manager) List(ctx context.Context) ([]bot.Webhook, error) {
	m.mu.Lock()
	workers := slices.Clone(m.workers)
	m.mu.Unlock()
	sort.Slice(workers, func(i, j int) bool { return workers[i].target.Name < workers[j].target.Name })
	all := []bot.Webhook{}
	for _, w := range workers {
		one, err := w.describe(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Get describes one webhook.
func (m *Manager) Get(ctx context.Context, name string) (bot.Webhook, error) {
	w, err := m.find(name)
	if err != nil {
		return bot.Webhook{}, err
	}
	return w.describe(ctx)
}

// Pause stops the deliveries of a webhook, and Resume starts them again, at once.
func (m *Manager) Pause(ctx context.Context, name string) (bot.Webhook, error) {
	return m.change(ctx, name, func(s *journal.Webhook) { s.Paused = true })
}

// Resume also restarts a webhook that ended, and ends every wait.
func (m *Manager) Resume(ctx context.Context, name string) (bot.Webhook, error) {
	return m.change(ctx, name, func(s *journal.Webhook) {
		s.Paused = false
		tryNow(s)
	})
}

// tryNow ends every wait.
func tryNow(s *journal.Webhook) {
	s.Ended, s.Retry = false, time.Time{}
	for i := range s.Lines {
		s.Lines[i].Retry = time.Time{}
	}
}

func (m *Manager) change(ctx context.Context, name string, do func(*journal.Webhook)) (bot.Webhook, error) {
	return m.changeWorker(ctx, name, func(w *worker) error { return w.change(ctx, do) })
}

// changeWorker changes a webhook, and describes it.
func (m *Manager) changeWorker(ctx context.Context, name string, change func(*worker) error) (bot.Webhook, error) {
	m.changing.Lock()
	w, err := m.find(name)
	if err == nil {
		err = change(w)
	}
	m.changing.Unlock()
	if err != nil {
		return bot.Webhook{}, err
	}
	return w.describe(ctx)
}

// Redeliver delivers all events behind the cursor after again, in order. With a cursor older than the journal it begins
// with the oldest event that is left.
func (m *Manager) Redeliver(ctx context.Context, name string, after uint64) (bot.Webhook, error) {
	return m.changeWorker(ctx, name, func(w *worker) error {
		floor, last := m.Journal.Range()
		if after > last {
			return ErrCursor
		}
		return w.rewind(ctx, max(after, floor))
	})
}

// Dead lists a webhook's dead letters, newest first.
func (m *Manager) Dead(ctx context.Context, name string, before uint64, limit int) (bot.DeadLetters, error) {
	if _, err := m.find(name); err != nil {
		return bot.DeadLetters{}, err
	}
	letters, next, err := m.Journal.DeadLetters(ctx, name, before, limit)
	if letters == nil {
		letters = []bot.DeadLetter{}
	}
	return bot.DeadLetters{DeadLetters: letters, Before: next}, err
}

// Test sends an event of type webhook.test. It does not change the webhook's progress.
func (m *Manager) Test(ctx context.Context, name string) (bot.WebhookTest, error) {
	w, err := m.find(name)
	if err != nil {
		return bot.WebhookTest{}, err
	}
	began := time.Now()
	e := journal.Event{ID: "evt_test_" + strings.ToLower(rand.Text()), Type: bot.EventWebhookTest, At: m.Now()}
	a := w.post(ctx, e)
	result := bot.WebhookTest{Delivered: classify(a) == taken, Status: a.status, Milliseconds: time.Since(began).Milliseconds()}
	if !result.Delivered {
		result.Error = w.why(a)
	}
	return result, nil
}
