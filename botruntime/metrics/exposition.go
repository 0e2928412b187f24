package metrics

import (
	"bytes"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// This file is Prometheus's text format, version 0.0.4: a metric's help and type, then its samples.

// kind is a metric's type.
type kind string

const (
	aCounter   kind = "counter"
	aGauge     kind = "gauge"
	aHistogram kind = "histogram"
)

// desc describes a metric. labels are in alphabetical order, as the official library writes them.
type desc struct {
	kind       kind
	name, help string
	labels     []string
}

// sample is one line of a scrape.
type sample struct {
	of     *desc
	suffix string // of a histogram's lines
	labels []string
	values []string // of the labels
	value  float64
}

func number(of *desc, value float64, values ...string) sample {
	return sample{of: of, labels: of.labels, values: values, value: value}
}

func flag(of *desc, on bool, values ...string) sample {
	if on {
		return number(of, 1, values...)
	}
	return number(of, 0, values...)
}

// expose writes samples. Those of one metric must follow each other.
func expose(samples []sample) []byte {
	var out bytes.Buffer
	var last *desc
	for _, s := range samples {
		if s.of != last {
			out.WriteString("# HELP " + s.of.name + " " + helpEscapes.Replace(s.of.help) + "\n# TYPE " + s.of.name + " " + string(s.of.kind) + "\n")
			last = s.of
		}
		out.WriteString(s.of.name + s.suffix)
		for i, label := range s.labels {
			before := ","
			if i == 0 {
				before = "{"
			}
			out.WriteString(before + label + `="` + valueEscapes.Replace(s.values[i]) + `"`)
		}
		if len(s.labels) > 0 {
			out.WriteString("}")
		}
		out.WriteString(" " + decimal(s.value) + "\n")
	}
	return out.Bytes()
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	valueEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func decimal(value float64) string {
	if math.IsInf(value, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

// atOnce bounds the scrapes that are answered at the same time.
const atOnce = 4

// serve answers scrapes with what collect returns.
func serve(collect func() []sample) http.Handler {
	slots := make(chan struct{}, atOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		default:
			http.Error(w, "too many scrapes at once; try again later", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(expose(collect())) // the client is gone
	})
}

// counter counts, for each combination of its labels' values.
type counter struct {
	desc
	mu     sync.Mutex
	series []sample // in the order in which they were first counted
}

func newCounter(name, help string, labels ...string) *counter {
	c := &counter{desc: desc{aCounter, "sesi_bot_" + name, help, labels}}
	if len(labels) == 0 {
		c.add(0)
	}
	return c
}

// inc counts one more. The values are those of the labels, in their order.
func (c *counter) inc(values ...string) { c.add(1, values...) }

func (c *counter) add(n float64, values ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.series {
		if slices.Equal(c.series[i].values, values) {
			c.series[i].value += n
			return
		}
	}
	c.series = append(c.series, number(&c.desc, n, slices.Clone(values)...))
}

func (c *counter) collect() []sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.series)
}

// histogram counts observations up to each of its bounds.
type histogram struct {
	desc
	bounds []float64
	mu     sync.Mutex
	counts []uint64 // of each bound, without those of lower ones; the last is for all above
	sum    float64
}

func newHistogram(name, help string, bounds ...float64) *histogram {
	return &histogram{desc: desc{aHistogram, "sesi_bot_" + name, help, nil}, bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

func (h *histogram) observe(value float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, _ := slices.BinarySearch(h.bounds, value)
	h.counts[at]++
	h.sum += value
}

func (h *histogram) collect() (all []sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	total := uint64(0)
	for i, n := range h.counts {
		total += n
		bound := math.Inf(1)
		if i < len(h.bounds) {
			bound = h.bounds[i]
		}
		all = append(all, sample{of: &h.desc, suffix: "_bucket", labels: []string{"le"}, values: []string{decimal(bound)}, value: float64(total)})
	}
	return append(all, sample{of: &h.desc, suffix: "_sum", value: h.sum}, sample{of: &h.desc, suffix: "_count", value: float64(total)})
}
