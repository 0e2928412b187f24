package main

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/proc"
)

// sendingTo are the people that the benchmarks write to; so many requests are under way at once.
const sendingTo = 20

// BenchmarkSend sends over the API, 20 at once, beside bare whatsmeow with the same settings, and beside Baileys, in the
// same run. The first two wait for the server's answer to each message; Baileys does not, and sends one after the other.
// The processor time is the bot's and Baileys' own; whatsmeow's includes the simulator's, which is in the same process.
func BenchmarkSend(b *testing.B) {
	b.Run("sesi", func(b *testing.B) {
		wa, dir := whatsapp(b), b.TempDir()
		p := start(b, settings(wa, dir))
		p.pair(wa)
		for i := range sendingTo { // the first message to each makes its Signal session
			p.sends(http.StatusOK, bot.SendRequest{To: fmt.Sprintf("+628990010%02d", i), Text: "halo"})
		}
		spread(b, func() time.Duration { return proc.ProcessorOf(p.cmd.Process.Pid) }, func(who, n int) error {
			status, body, err := p.tryJSON(http.MethodPost, bot.PathMessages, bot.SendRequest{To: fmt.Sprintf("+628990010%02d", who), Text: fmt.Sprint(n)},
				bot.HeaderIdempotencyKey, fmt.Sprint(b.N, "-", n))
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("status %d: %s", status, body)
			}
			return err
		})
	})
	b.Run("whatsmeow", func(b *testing.B) {
		wa := whatsapp(b)
		client := bareClient(b, wa)
		send := func(who, n int) error {
			_, err := client.SendMessage(b.Context(), types.NewJID(fmt.Sprintf("628990010%02d", who), types.DefaultUserServer), &waE2E.Message{Conversation: proto.String(fmt.Sprint(n))})
			return err
		}
		for i := range sendingTo {
			if err := send(i, 0); err != nil {
				b.Fatal(err)
			}
		}
		spread(b, func() time.Duration { return proc.ProcessorOf(os.Getpid()) }, send)
	})
	b.Run("baileys", func(b *testing.B) {
		peer, _ := startBaileys(b, whatsapp(b), "50")
		send := func(who, n int) error {
			return peer.send(fmt.Sprintf("628990010%02d@s.whatsapp.net", who), fmt.Sprint(n))
		}
		for i := range sendingTo {
			if err := send(i, 0); err != nil {
				b.Fatal(err)
			}
		}
		spread(b, func() time.Duration { return proc.ProcessorOf(peer.pid) }, send)
	})
}

// spread runs b.N sends, sendingTo at once, and reports what used says that they took.
func spread(b *testing.B, used func() time.Duration, send func(who, n int) error) {
	b.Helper()
	var next, failed atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	began, before := time.Now(), used()
	for who := range sendingTo {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
				if err := send(who, n); err != nil {
					failed.Add(1)
					b.Error(err)
					return
				}
			}
		}()
	}
	group.Wait()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64((used()-before).Microseconds())/1000/float64(b.N), "processor-ms/message")
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "messages/s")
}
