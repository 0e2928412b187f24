package main

import (
	"slices"
	"sync"
	"testing"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/simtest"
)

// barePhone links bare whatsmeow where a bot has linked phone at the same simulator.
const barePhone = "6281234567891"

// bare is whatsmeow without a bot, in the benchmark's process: a database and a client.
type bare struct {
	b         *testing.B
	wa        *simtest.Sim
	client    *whatsmeow.Client
	connected chan struct{}
	end       func()
}

// openBare opens the database in dir, and does not connect. synchronous is SQLite's setting: NORMAL is that of the bot's
// database, FULL that of its journal.
func openBare(b *testing.B, wa *simtest.Sim, dir, synchronous string) *bare {
	b.Helper()
	wa.TrustRoot()
	container, err := sqlstore.New(b.Context(), "sqlite", "file:"+dir+"/store.db?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous("+synchronous+")&_pragma=busy_timeout(5000)&_txlock=immediate", nil)
	if err != nil {
		b.Fatal(err)
	}
	device, err := container.GetFirstDevice(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	w := &bare{b: b, wa: wa, client: whatsmeow.NewClient(device, nil), connected: make(chan struct{})}
	wa.Point(w.client)
	tell := sync.OnceFunc(func() { close(w.connected) })
	w.client.AddEventHandler(func(evt any) {
		if _, ok := evt.(*events.Connected); ok {
			tell()
		}
	})
	w.end = sync.OnceFunc(func() {
		w.client.Disconnect()
		if err := container.Close(); err != nil {
			b.Errorf("close whatsmeow's database: %v", err)
		}
	})
	b.Cleanup(w.end)
	return w
}

func (w *bare) connect() {
	w.b.Helper()
	if err := w.client.Connect(); err != nil {
		w.b.Fatal(err)
	}
}

// code connects, and returns the first QR code.
func (w *bare) code() string {
	w.b.Helper()
	codes, err := w.client.GetQRChannel(w.b.Context())
	if err != nil {
		w.b.Fatal(err)
	}
	w.connect()
	first := <-codes
	if first.Event != whatsmeow.QRChannelEventCode {
		w.b.Fatalf("whatsmeow got %s in place of a code", first.Event)
	}
	return first.Code
}

func (w *bare) scan(code, phone string) {
	w.b.Helper()
	if _, err := w.wa.Scan(w.b.Context(), code, phone); err != nil {
		w.b.Fatal(err)
	}
}

func (w *bare) untilConnected() {
	w.b.Helper()
	select {
	case <-w.connected:
	case <-time.After(patience):
		w.b.Fatal("whatsmeow did not connect")
	}
}

// bareClient links whatsmeow with a database of its own, which keeps messages as safely as the bot does.
func bareClient(b *testing.B, wa *simtest.Sim) *whatsmeow.Client {
	b.Helper()
	w := openBare(b, wa, b.TempDir(), "FULL")
	w.scan(w.code(), phone)
	w.untilConnected()
	return w.client
}

// times are how long the bot took, and bare whatsmeow in the same run: a machine is slower or faster for both.
type times struct{ bot, bare []time.Duration }

// report reports the median and the 95th percentile of the bot, whatsmeow's median, and the ratio of the medians.
func (t *times) report(b *testing.B) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	slices.Sort(t.bot)
	slices.Sort(t.bare)
	median, bare := ms(t.bot[len(t.bot)/2]), ms(t.bare[len(t.bare)/2])
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median, "ms-median")
	b.ReportMetric(ms(t.bot[len(t.bot)*95/100]), "ms-p95")
	b.ReportMetric(bare, "ms-whatsmeow-median")
	b.ReportMetric(median/bare, "x-whatsmeow")
}
