package observer

import "github.com/prometheus/client_golang/prometheus"

// stats are the observer's metrics. No label holds a session's name, which would make thousands of series.
type stats struct {
	streams    *prometheus.GaugeVec
	reconnects prometheus.Counter
	lag        prometheus.Histogram
}

func newStats() stats {
	s := stats{
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sesi_observer_streams",
			Help: "Event streams from bots, by how well the bot is reached.",
		}, []string{"hearing"}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sesi_observer_reconnects_total",
			Help: "Event streams that ended or could not be opened, and are opened again.",
		}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "sesi_observer_lag_seconds",
			Help:    "Time from a bot's change to the write of the status that shows it.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
	}
	for _, hearing := range []Hearing{Listening, Heard, Lost} {
		s.streams.WithLabelValues(string(hearing))
	}
	return s
}

func (s *stats) hearing(delta float64, hearing Hearing) {
	s.streams.WithLabelValues(string(hearing)).Add(delta)
}

// Describe implements prometheus.Collector.
func (o *Observer) Describe(out chan<- *prometheus.Desc) {
	o.stats.streams.Describe(out)
	o.stats.reconnects.Describe(out)
	o.stats.lag.Describe(out)
}

// Collect implements prometheus.Collector.
func (o *Observer) Collect(out chan<- prometheus.Metric) {
	o.stats.streams.Collect(out)
	o.stats.reconnects.Collect(out)
	o.stats.lag.Collect(out)
}
