package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/journal"
	"sesi.dev/sesi/botruntime/message"
	"sesi.dev/sesi/botruntime/reach"
	"sesi.dev/sesi/test/poll"
)

const (
	patience  = 2 * time.Minute
	secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	oldSecret = "an-older-secret-0"
)

// answered is the status of an answer that is written already.
const answered = -1

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// counted is a meter.
type counted struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counted) Delivered(webhook, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[webhook+" "+outcome]++
}

func (c *counted) Postponed(webhook string) { c.Delivered(webhook, "postponed") }

func (c *counted) of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}

// receiver is a webhook's other end. do answers a delivery; it returns the status.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	do   func(n int, e bot.Event, w http.ResponseWriter, r *http.Request, body []byte) int
	got  []bot.Event // that were taken
	seen int         // deliveries
}

func receive(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(do func(n int, e bot.Event, w http.ResponseWriter, req *http.Request, body []byte) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.do = do
}

func (r *receiver) status(of func(n int, e bot.Event) int) {
	r.answer(func(n int, e bot.Event, _ http.ResponseWriter, _ *http.Request, _ []byte) int { return of(n, e) })
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var e bot.Event
	if err := json.Unmarshal(body, &e); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.seen++
	n, do := r.seen, r.do
	r.mu.Unlock()
	status := http.StatusNoContent
	if do != nil {
		status = do(n, e, w, req, body)
	}
	if status/100 == 2 {
		r.mu.Lock()
		r.got = append(r.got, e)
		r.mu.Unlock()
	}
	if status != answered {
		w.WriteHeader(status)
	}
}

func (r *receiver) taken() []bot.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]bot.Event{}, r.got...)
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func (r *receiver) tries() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

// rig is a journal, and a manager that delivers from it.
type rig struct {
	t       testing.TB
	dir     string
	clock   *clock
	meter   *counted
	journal *journal.Journal
	*Manager
	targets chan []Target
	stop    func()
	size    int64
	names   message.Names
	// late, where it is made, is closed once the targets can be read.
	late chan struct{}
}

func newRig(t testing.TB, targets ...Target) *rig { return newNamedRig(t, nil, targets...) }

func newNamedRig(t testing.TB, names message.Names, targets ...Target) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), clock: &clock{now: time.Now()}, meter: &counted{n: map[string]int{}}, targets: make(chan []Target, 1), names: names}
	r.open()
	r.run(targets...)
	t.Cleanup(func() { r.halt() })
	return r
}

// The two addresses of one person.
var (
	personNumber = types.NewJID("628120000001", types.DefaultUserServer)
	personLID    = types.NewJID("111111111111111", types.HiddenUserServer)
)

// newPersonRig returns a rig in which the two addresses are one person's as soon as that is known.
func newPersonRig(t testing.TB, known *atomic.Bool, targets ...Target) *rig {
	t.Helper()
	return newNamedRig(t, func(jid types.JID) types.JID {
		switch {
		case !known.Load():
		case jid == personLID:
			return personNumber
		case jid == personNumber:
			return personLID
		}
		return types.EmptyJID
	}, targets...)
}

func (r *rig) open() {
	r.t.Helper()
	book, err := journal.Open(r.t.Context(), journal.Options{Directory: r.dir, Session: "shop", Retention: time.Hour, MaxBytes: r.size, Now: r.clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	r.journal = book
}

func (r *rig) run(targets ...Target) {
	r.t.Helper()
	guard, err := reach.New("WEBHOOK_ALLOW", "", true)
	if err != nil {
		r.t.Fatal(err)
	}
	late := r.late
	if late == nil {
		late = make(chan struct{})
		close(late)
	}
	looked := make(chan struct{})
	look := sync.OnceFunc(func() { close(looked) })
	r.targets <- targets
	r.Manager = New(Options{
		Journal: r.journal, Names: r.names, Guard: guard, Meter: r.meter, Agent: "sesi/test", Dice: func() float64 { return 0.5 }, Every: 5 * time.Millisecond,
		Load: func() ([]Target, bool, error) {
			defer look()
			select {
			case <-late:
			default:
				return nil, false, errors.New("not yet")
			}
			select {
			case next := <-r.targets:
				return next, true, nil
			default:
				return nil, false, nil
			}
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.Run(ctx)
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		if err := r.journal.Close(); err != nil {
			r.t.Errorf("close the journal: %v", err)
		}
	})
	if r.late != nil {
		<-looked
		return
	}
	r.until("the webhooks are there", func() bool {
		all, err := r.List(r.t.Context())
		return err == nil && len(all) == len(targets)
	})
}

func (r *rig) halt() { r.stop() }

// restart ends the manager and the journal and opens both again.
func (r *rig) restart(targets ...Target) {
	r.halt()
	r.open()
	r.run(targets...)
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	if !poll.Until(ok, patience, nil) {
		all, err := r.List(r.t.Context())
		r.t.Fatalf("waited too long for: %s; %+v %v", what, all, err)
	}
}

// await waits for what comes from a channel.
func (r *rig) await(what string, from <-chan struct{}) {
	r.t.Helper()
	select {
	case <-from:
	case <-time.After(patience):
		r.t.Fatalf("waited too long for: %s", what)
	}
}

// wait waits until the receiver has taken n events; patience is for the next of them.
func (r *rig) wait(at *receiver, n int) []bot.Event {
	r.t.Helper()
	for have := 0; have < n; have = at.count() {
		r.until(fmt.Sprintf("event %d of %d", have+1, n), func() bool { return at.count() > have })
	}
	return at.taken()
}

func chatOf(n int) string { return fmt.Sprintf("6281200000%02d@s.whatsapp.net", n) }

// came writes n events of one transaction each; the chat of each is given by its number.
func (r *rig) came(from, n int, chat func(i int) int) {
	r.t.Helper()
	for i := from; i < from+n; {
		err := r.journal.Commit(r.t.Context(), func(tx *journal.Tx) error {
			for stop := min(i+50, from+n); i < stop; i++ {
				if err := appendMessage(tx, i, chatOf(chat(i))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// cameIn writes an event of each chat in one transaction.
func (r *rig) cameIn(chats ...string) {
	r.t.Helper()
	_, last := r.journal.Range()
	err := r.journal.Commit(r.t.Context(), func(tx *journal.Tx) error {
		for i, chat := range chats {
			if err := appendMessage(tx, int(last)+i, chat); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func appendMessage(tx *journal.Tx, n int, chat string) error {
	m := bot.Message{ID: fmt.Sprint("M", n), Chat: bot.Party{ID: chat}, From: bot.Party{ID: chat}, Kind: bot.KindText, Text: fmt.Sprint(n)}
	_, err := tx.Append([]journal.Key{journal.KeyOf(m.ID)}, bot.EventMessage, chat, bot.EventData{Message: &m})
	return err
}

func one(int) int { return 1 }

func target(url string) Target {
	return Target{Name: "books", URL: url, Groups: true, FromMe: true, Secrets: []string{secret, oldSecret}, Order: OrderChat, Patience: defaultPatience}
}

func (r *rig) get(name string) bot.Webhook {
	r.t.Helper()
	w, err := r.Get(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

// due moves the clock until the next attempt, and wakes the worker.
func (r *rig) due(d time.Duration) {
	r.clock.add(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.workers {
		w.poke()
	}
}

// inOrder checks that each event came once and that those of one chat are in order.
func inOrder(t *testing.T, events []bot.Event, want int) {
	t.Helper()
	last, seen := map[string]uint64{}, map[string]bool{}
	for _, e := range events {
		if seen[e.ID] {
			t.Errorf("event %d came twice", e.Seq)
		}
		if e.Seq < last[e.Chat] {
			t.Errorf("event %d came after %d of the same chat", e.Seq, last[e.Chat])
		}
		last[e.Chat], seen[e.ID] = e.Seq, true
	}
	if len(events) != want {
		t.Errorf("%d events came, want %d", len(events), want)
	}
}
