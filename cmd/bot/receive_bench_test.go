package main

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/test/proc"
	"sesi.dev/sesi/test/wasim/simtest"
)

// BenchmarkReceive measures how fast messages of 20 people are taken, without a webhook. The bot has each in its journal
// before it acknowledges it. Beside it are bare whatsmeow, in the benchmark's process, and Baileys, which prints each
// message (see BenchmarkSend).
func BenchmarkReceive(b *testing.B) {
	b.Run("sesi", func(b *testing.B) {
		wa := whatsapp(b)
		p := start(b, settings(wa, b.TempDir(), asInImage(b, wa)...))
		r := receiver{wa: wa, own: jid(b, p.pair(wa).JID), pid: p.cmd.Process.Pid}
		r.acknowledged(b)
		r.stream(b)
	})
	b.Run("whatsmeow", func(b *testing.B) {
		wa := whatsapp(b)
		client := bareClient(b, wa)
		r := receiver{wa: wa, own: client.Store.ID.ToNonAD(), pid: os.Getpid()}
		r.acknowledged(b)
		r.stream(b)
	})
	b.Run("baileys", func(b *testing.B) {
		wa := whatsapp(b)
		peer, own := startBaileys(b, wa, "50")
		r := receiver{wa: wa, own: own, pid: peer.pid, told: func() {
			if err := peer.wait("message"); err != nil {
				b.Fatal(err)
			}
		}}
		r.stream(b)
	})
}

// receiver is a program that people write to.
type receiver struct {
	wa   *simtest.Sim
	own  types.JID
	pid  int
	told func() // waits until the program tells of one message; without it the acknowledgements count
	acks []time.Duration
}

func (r *receiver) write(b *testing.B, n int) {
	b.Helper()
	if _, err := r.wa.Person(fmt.Sprintf("628990010%02d", n%sendingTo)).Write(r.own, fmt.Sprint(n)); err != nil {
		b.Fatal(err)
	}
}

// take writes messages, and waits until all are taken.
func (r *receiver) take(b *testing.B, from, to int) {
	b.Helper()
	for n := from; n < to; n++ {
		r.write(b, n)
	}
	if r.told != nil {
		for range to - from {
			r.told()
		}
		return
	}
	for deadline := time.Now().Add(patience + time.Duration(to-from)*10*time.Millisecond); r.pending() > 0; {
		if time.Now().After(deadline) {
			b.Fatalf("%d messages are not acknowledged", r.pending())
		}
		<-time.After(50 * time.Microsecond)
	}
}

// pending is how many messages the server keeps until they are acknowledged.
func (r *receiver) pending() (n int) {
	for _, device := range r.wa.Devices() {
		n += device.Pending
	}
	return n
}

// acknowledged measures the time from the server's writing to the acknowledgement, one message after the other.
func (r *receiver) acknowledged(b *testing.B) {
	b.Helper()
	r.take(b, 0, sendingTo) // the first message of each makes its Signal session
	for n := range b.N {
		began := time.Now()
		r.take(b, n, n+1)
		r.acks = append(r.acks, time.Since(began))
	}
	slices.Sort(r.acks)
}

// stream reports how fast b.N messages are taken that come at once, and what memory the program gains in their second half.
func (r *receiver) stream(b *testing.B) {
	b.Helper()
	r.take(b, 0, sendingTo)
	used := proc.ProcessorOf(r.pid)
	b.ResetTimer()
	began := time.Now()
	r.take(b, 0, b.N/2)
	half := proc.MemoryOf([]int{r.pid}).Anonymous
	r.take(b, b.N/2, b.N)
	took := time.Since(began)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.N)/took.Seconds(), "messages/s")
	b.ReportMetric(float64((proc.ProcessorOf(r.pid)-used).Microseconds())/1000/float64(b.N), "processor-ms/message")
	if n := len(r.acks); n > 0 {
		b.ReportMetric(float64(r.acks[n/2].Microseconds())/1000, "ms-ack-median")
		b.ReportMetric(float64(r.acks[n*99/100].Microseconds())/1000, "ms-ack-p99")
	}
	if r.pid != os.Getpid() {
		b.ReportMetric(float64(proc.MemoryOf([]int{r.pid}).Anonymous-half)/(1<<20), "MiB-more")
	}
}
