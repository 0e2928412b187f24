package sim_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	_ "modernc.org/sqlite"

	"sesi.dev/sesi/test/poll"
	"sesi.dev/sesi/test/wasim/memstore"
	"sesi.dev/sesi/test/wasim/simtest"
)

// patience bounds every wait; only a broken test ever waits so long.
const patience = time.Minute

// bot is a real whatsmeow client and the events that it got.
type bot struct {
	t      testing.TB
	sim    *simtest.Sim
	client *whatsmeow.Client
	rows   *sqlstore.Container // nil for a bot in memory
	memory *memstore.Store     // nil for a bot on disk

	mu      sync.Mutex
	events  []any
	changed chan struct{}
}

// memoryBot is a bot that forgets; most tests need no more.
func memoryBot(t testing.TB, s *simtest.Sim) *bot {
	t.Helper()
	memory := memstore.New()
	b := newBot(t, s, memory.NewDevice())
	b.memory = memory
	return b
}

// diskBot is a bot that keeps its session in a file, as real ones do.
func diskBot(t testing.TB, s *simtest.Sim, file string) *bot {
	t.Helper()
	rows, err := sqlstore.New(t.Context(), "sqlite", "file:"+file+
		"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)&_txlock=immediate", nil)
	if err != nil {
		t.Fatalf("open %s: %v", file, err)
	}
	device, err := rows.GetFirstDevice(t.Context())
	if err != nil {
		t.Fatalf("read device: %v", err)
	}
	b := newBot(t, s, device)
	b.rows = rows
	return b
}

func newBot(t testing.TB, s *simtest.Sim, device *store.Device) *bot {
	t.Helper()
	s.TrustRoot()
	b := &bot{t: t, sim: s, client: whatsmeow.NewClient(device, nil), changed: make(chan struct{})}
	b.client.EnableAutoReconnect = false // a test says when
	s.Point(b.client)
	b.client.AddEventHandler(func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, event)
		close(b.changed)
		b.changed = make(chan struct{})
	})
	t.Cleanup(b.stop)
	return b
}

// stop ends the bot, as the end of its process would; what is on disk stays.
func (b *bot) stop() {
	b.client.Disconnect()
	if b.rows != nil {
		_ = b.rows.Close()
		b.rows = nil
	}
}

func (b *bot) connect() {
	b.t.Helper()
	if err := b.client.Connect(); err != nil {
		b.t.Fatalf("connect: %v", err)
	}
}

// mark is where wait starts to look.
func (b *bot) mark() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.events)
}

// wait waits for an event of type E that came after the mark.
func wait[E any](b *bot, mark int) E {
	b.t.Helper()
	return waitFor(b, mark, func(E) bool { return true })
}

// all returns the events of type E in their order.
func all[E any](b *bot) []E {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []E
	for _, event := range b.events {
		if one, ok := event.(E); ok {
			found = append(found, one)
		}
	}
	return found
}

// waitFor waits for an event of type E that came after the mark and is wanted.
func waitFor[E any](b *bot, mark int, wanted func(E) bool) E {
	b.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		b.mu.Lock()
		for _, event := range b.events[mark:] {
			if found, ok := event.(E); ok && wanted(found) {
				b.mu.Unlock()
				return found
			}
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-deadline.C:
			b.t.Fatalf("no %T came, but %s", *new(E), b.seen(mark))
		}
	}
}

// seen names the events since the mark.
func (b *bot) seen(mark int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var names []string
	for _, event := range b.events[mark:] {
		names = append(names, strings.TrimPrefix(fmt.Sprintf("%T", event), "*events."))
	}
	return strings.Join(names, " ")
}

// code connects and returns the first QR code.
func (b *bot) code() string {
	b.t.Helper()
	mark := b.mark()
	b.connect()
	return wait[*events.QR](b, mark).Codes[0]
}

// pair links the bot and waits until it is logged in.
func (b *bot) pair(phone string) types.JID {
	b.t.Helper()
	mark := b.mark()
	jid, err := b.sim.Scan(b.t.Context(), b.code(), phone)
	if err != nil {
		b.t.Fatalf("scan: %v", err)
	}
	wait[*events.Connected](b, mark)
	return jid
}

// hangUp disconnects and waits until the simulator noticed.
func (b *bot) hangUp(jid types.JID) {
	b.t.Helper()
	b.client.Disconnect()
	eventually(b.t, "the simulator sees the bot offline", func() bool { return !info(b.t, b.sim, jid).Online })
}

// saved tells whether the bot still holds a linked device.
func (b *bot) saved() bool {
	b.t.Helper()
	if b.memory != nil {
		return b.memory.Saved()
	}
	devices, err := b.rows.GetAllDevices(context.Background())
	if err != nil {
		b.t.Fatalf("list devices: %v", err)
	}
	return len(devices) > 0
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	if !poll.Until(holds, patience, nil) {
		t.Fatalf("never: %s", what)
	}
}

func database(t testing.TB) string { return filepath.Join(t.TempDir(), "session.db") }
