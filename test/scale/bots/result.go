package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"sesi.dev/sesi/test/scale/plot"
)

// result is everything that was measured.
type result struct {
	settings
	linked            []float64 // seconds from the start, including the scan, to the login
	idle, busy        map[string][]cost
	sent, received    int
	dropped, returned []float64 // seconds to the login, after a reset and after an outage
}

var kinds = []string{kindBot, kindBaileys, kindChromium}

// part returns the value below which a given share of all values lie.
func part(values []float64, of float64) float64 {
	if len(values) == 0 {
		return math.NaN() // not measured
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(of*float64(len(sorted))))-1)]
}

// of returns one number of each cost.
func of(costs []cost, pick func(cost) float64) []float64 {
	out := make([]float64, len(costs))
	for i, c := range costs {
		out[i] = pick(c)
	}
	return out
}

func pss(c cost) float64       { return c.pss / 1e6 }
func rss(c cost) float64       { return c.rss / 1e6 }
func anonymous(c cost) float64 { return c.anonymous / 1e6 }
func cpu(c cost) float64       { return 1000 * c.cpu }

// print writes the tables, as Markdown.
func (r *result) print(w io.Writer) {
	fmt.Fprintf(w, "| each of | PSS, median (95 %%) | anonymous | RSS | CPU |\n| --- | --- | --- | --- | --- |\n")
	for _, phase := range []struct {
		name  string
		costs map[string][]cost
	}{{"idle", r.idle}, {"a message a second", r.busy}} {
		for _, kind := range kinds {
			costs := phase.costs[kind]
			if len(costs) == 0 || kind == kindChromium && phase.name != "idle" {
				continue
			}
			fmt.Fprintf(w, "| %d × %s, %s | %.1f MB (%.1f) | %.1f MB (%.1f) | %.1f MB | %.2f ms/s |\n", len(costs), kind, phase.name,
				part(of(costs, pss), 0.5), part(of(costs, pss), 0.95), part(of(costs, anonymous), 0.5), part(of(costs, anonymous), 0.95),
				part(of(costs, rss), 0.5), mean(of(costs, cpu)))
		}
	}
	fmt.Fprintf(w, "\nMessages sent %d, received %d.\n\n| seconds until connected | first | median | 95 %% | last |\n| --- | --- | --- | --- | --- |\n", r.sent, r.received)
	for _, row := range []struct {
		name   string
		values []float64
	}{
		{fmt.Sprintf("start, code, scan, login, %d at a time", linkedAtOnce), r.linked},
		{"all connections reset at once", r.dropped},
		{fmt.Sprintf("after an outage of %v", r.outage), r.returned},
	} {
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f | %.2f |\n", row.name, part(row.values, 0), part(row.values, 0.5), part(row.values, 0.95), part(row.values, 1))
	}
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// draw writes the pictures.
func (r *result) draw(dir string) error {
	var memory, work []plot.Bar
	for _, kind := range kinds {
		costs := r.idle[kind]
		if len(costs) == 0 {
			continue
		}
		name := kind
		if kind == kindBot {
			name = fmt.Sprintf("%d × %s", len(costs), kind)
		}
		memory = append(memory, plot.Bar{Name: name, Value: part(of(costs, pss), 0.5), Other: kind != kindBot})
		work = append(work, plot.Bar{Name: name + ", idle", Value: mean(of(costs, cpu)), Other: kind != kindBot})
		if kind != kindChromium {
			work = append(work, plot.Bar{Name: name + ", a message a second", Value: mean(of(r.busy[kind], cpu)), Other: kind != kindBot})
		}
	}
	seconds := func(title, label string) plot.Chart {
		return plot.Chart{Title: title, X: plot.Axis{Label: label, Unit: "s"}, Y: plot.Axis{Label: "bots in each bin"}}
	}
	many := fmt.Sprintf("%d bots ", len(r.dropped))
	return errors.Join(
		plot.Write(dir, "bots-memory.svg")(plot.Bars(plot.Chart{
			Title: "Memory of an idle session", X: plot.Axis{Label: "proportional set size of one, median", Unit: "MB"},
		}, memory...)),
		plot.Write(dir, "bots-cpu.svg")(plot.Bars(plot.Chart{
			Title: "Work of a session", X: plot.Axis{Label: "CPU time of one, a second", Unit: "ms"},
		}, work...)),
		plot.Write(dir, "bots-reset.svg")(plot.Histogram(
			seconds(many+"come back after all connections are reset at once", "from the reset to the login"),
			50, map[string][]float64{"": r.dropped}, "")),
		plot.Write(dir, "bots-outage.svg")(plot.Histogram(
			seconds(fmt.Sprintf("%scome back after WhatsApp was away for %v", many, r.outage), "from the end of the outage to the login"),
			50, map[string][]float64{"": r.returned}, "")),
	)
}
