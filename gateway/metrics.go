package gateway

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sesi.dev/sesi/api/bot"
)

// stats are the gateway's metrics. None has a session, a key or a number in a label.
type stats struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	problems *prometheus.CounterVec
	retries  prometheus.Counter
	all      []prometheus.Collector
}

func newStats(g *Gateway) *stats {
	s := &stats{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sesi_gateway_requests_total",
			Help: "Requests by what they did and the class of their answer (2xx, 4xx, 5xx)."}, []string{"action", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sesi_gateway_request_duration_seconds",
			Help: "Time from a request to the end of its answer, streams left out.", Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60}}, []string{"action"}),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sesi_gateway_bot_failures_total",
			Help: "Requests that a bot did not answer, by the kind of problem."}, []string{"kind"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{Name: "sesi_gateway_retries_total",
			Help: "Further tries of requests whose bot was being replaced."}),
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
	}
	s.all = []prometheus.Collector{s.requests, s.duration, s.problems, s.retries,
		gauge("sesi_gateway_sessions", "Sessions that the gateway knows.", func() int { n, _ := g.fleet.count(); return n }),
		gauge("sesi_gateway_reachable_sessions", "Sessions whose bot has an address.", func() int { _, n := g.fleet.count(); return n }),
		gauge("sesi_gateway_streams", "Open event streams and WebSockets.", g.ledger.openStreams),
	}
	return s
}

func (s *stats) problem(kind bot.ProblemKind) { s.problems.WithLabelValues(string(kind)).Inc() }

func (s *stats) request(what action, status int, took time.Duration, stream bool) {
	s.requests.WithLabelValues(string(what), strconv.Itoa(status/100)+"xx").Inc()
	if !stream {
		s.duration.WithLabelValues(string(what)).Observe(took.Seconds())
	}
}
