package webhook

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"sesi.dev/sesi/api/bot"
)

// BenchmarkCameToAnswered measures one event at a time, from before its commit to the receiver's answer.
func BenchmarkCameToAnswered(b *testing.B) {
	at := receive(b)
	answered := make(chan struct{}, 1)
	at.status(func(int, bot.Event) int {
		answered <- struct{}{}
		return http.StatusNoContent
	})
	r := newRig(b, target(at.URL))
	var times []time.Duration
	i := 0
	for b.Loop() {
		began := time.Now()
		r.came(i, 1, one)
		<-answered
		times = append(times, time.Since(began))
		i++
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "ms-p99")
}
