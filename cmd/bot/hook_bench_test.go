package main

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/proc"
	"sesi.dev/sesi/test/wasim/simtest"
)

// BenchmarkHook measures what comes to a webhook on loopback, from WhatsApp's server to the receiver, which checks each
// signature. It has one program beside it: Baileys prints each message that it has read (see BenchmarkSend).
func BenchmarkHook(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		rig := startHookRig(b)
		rig.one(b, func(send func()) { rig.next(b, send) })
	})
	b.Run("one-baileys", func(b *testing.B) {
		wa := whatsapp(b)
		peer, own := startBaileys(b, wa, "1")
		rig := hookRig{wa: wa, own: own}
		rig.one(b, func(send func()) {
			send()
			if err := peer.wait("message"); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("stream", func(b *testing.B) {
		rig := startHookRig(b)
		rig.stream(b, func() {
			for n := range b.N {
				rig.write(b, n)
			}
		})
	})
	b.Run("backlog", func(b *testing.B) {
		rig := startHookRig(b)
		rig.bot.post(at(bot.PathWebhookPause, "default"), &bot.Webhook{})
		for n := range b.N {
			rig.write(b, n)
		}
		var w bot.Webhook
		for deadline := time.Now().Add(time.Minute + time.Duration(b.N)*10*time.Millisecond); w.Backlog < uint64(b.N); <-time.After(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				b.Fatalf("%d of %d events wait", w.Backlog, b.N)
			}
			rig.bot.get(at(bot.PathWebhook, "default"), &w)
		}
		rig.stream(b, func() { rig.bot.post(at(bot.PathWebhookResume, "default"), &bot.Webhook{}) })
	})
}

// hookRig is a bot with a webhook, and people who write to it.
type hookRig struct {
	wa   *simtest.Sim
	own  types.JID
	bot  *process
	hook *hook
	got  chan bot.Event
}

func startHookRig(b *testing.B) *hookRig {
	b.Helper()
	r := &hookRig{wa: whatsapp(b), hook: startHook(b), got: make(chan bot.Event, max(b.N, 1))}
	r.bot = start(b, settings(r.wa, b.TempDir(), "WEBHOOK_URL="+r.hook.URL, "WEBHOOK_SECRET="+hookSecret, "WEBHOOK_EVENTS=message"))
	r.own = jid(b, r.bot.pair(r.wa).JID)
	r.hook.answer(func(_ int, e bot.Event) int {
		r.got <- e
		return http.StatusNoContent
	})
	return r
}

func (r *hookRig) write(b *testing.B, n int) {
	b.Helper()
	_, err := r.wa.Person(fmt.Sprintf("628990010%02d", n%sendingTo)).Write(r.own, fmt.Sprint(n))
	if err != nil {
		b.Fatal(err)
	}
}

func (r *hookRig) next(b *testing.B, send func()) bot.Event {
	b.Helper()
	send()
	select {
	case e := <-r.got:
		return e
	case <-time.After(patience):
		b.Fatal("no event came")
		return bot.Event{}
	}
}

// one reports the time of one message after the other; pass sends one and waits until it came.
func (r *hookRig) one(b *testing.B, pass func(send func())) {
	for n := range sendingTo { // the first message of each makes its Signal session
		pass(func() { r.write(b, n) })
	}
	times := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for n := range b.N {
		began := time.Now()
		pass(func() { r.write(b, n) })
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(times[len(times)/2]), "ms-median")
	b.ReportMetric(ms(times[len(times)*99/100]), "ms-p99")
}

// stream reports how fast b.N events come that begin makes come, and checks that each chat's are in order.
func (r *hookRig) stream(b *testing.B, begin func()) {
	before := proc.ProcessorOf(r.bot.cmd.Process.Pid)
	last := map[string]uint64{}
	b.ResetTimer()
	began := time.Now()
	for n := range b.N {
		e := r.next(b, func() {
			if n == 0 {
				begin()
			}
		})
		if e.Seq <= last[e.Chat] {
			b.Fatalf("event %d came after %d of the same chat", e.Seq, last[e.Chat])
		}
		last[e.Chat] = e.Seq
	}
	took := time.Since(began)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64((proc.ProcessorOf(r.bot.cmd.Process.Pid)-before).Microseconds())/1000/float64(b.N), "processor-ms/event")
	b.ReportMetric(float64(b.N)/took.Seconds(), "events/s")
}
