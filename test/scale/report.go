package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sesi.dev/sesi/test/scale/plot"
)

// report prints the results in a folder as Markdown tables and draws their pictures into another folder.
func report(results, pictures string, out io.Writer) error {
	files, err := filepath.Glob(filepath.Join(results, "*.json"))
	if err != nil {
		return err
	}
	var all []*result
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r := &result{}
		if err := json.Unmarshal(text, r); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return fmt.Errorf("there are no results in %s", results)
	}
	slices.SortFunc(all, func(a, b *result) int {
		return cmp.Or(cmp.Compare(a.Size, b.Size), strings.Compare(b.Kind, a.Kind))
	})
	fmt.Fprintf(out, "Machine: %s.\n", all[0].Machine)
	sessions := slices.DeleteFunc(slices.Clone(all), func(r *result) bool { return r.Kind != "sessions" })
	for _, print := range []func(table, []*result){creations, writes, usage} {
		print(table{out}, all)
	}
	for _, print := range []func(table, []*result){latencies, masses, takeovers, darks, idles, growth} {
		print(table{out}, sessions)
	}
	return draw(all, sessions, pictures)
}

// table prints rows of Markdown.
type table struct{ out io.Writer }

func (t table) head(title string, columns ...string) {
	fmt.Fprintf(t.out, "\n### %s\n\n| %s |\n|%s\n", title, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
}

func (t table) row(values ...any) {
	text := make([]string, len(values))
	for i, value := range values {
		switch v := value.(type) {
		case float64:
			text[i] = number(v)
		default:
			text[i] = fmt.Sprint(v)
		}
	}
	fmt.Fprintf(t.out, "| %s |\n", strings.Join(text, " | "))
}

// number formats a value with three significant digits.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

const mib = 1 << 20

func creations(t table, all []*result) {
	t.head("From the first request to everything there", "", "applied, s", "all pods made, s", "all pods ready, s", "all states shown, s", "writes each", "refused as conflicts", "etcd, KiB each", "etcd puts each", "cores busy with other things")
	for _, r := range all {
		c, n, total := r.Create, float64(r.Size), 0.0
		for _, count := range c.Writes {
			total += count
		}
		shown := any("")
		if c.Mirrored > 0 {
			shown = c.Mirrored
		}
		t.row(fmt.Sprintf("%d %s", r.Size, r.Kind), c.Applied, c.Pods, c.Ready, shown, total/n, c.Conflicts, c.Etcd/n/1024, c.Puts/n, c.Foreign)
	}
}

// compared returns the largest size for which both kinds exist, or the largest of all.
func compared(all []*result) int {
	for i := len(all) - 1; i > 0; i-- {
		if all[i].Size == all[i-1].Size {
			return all[i].Size
		}
	}
	return all[len(all)-1].Size
}

func writes(t table, all []*result) {
	largest := compared(all)
	kinds := map[string]map[string]float64{}
	for _, r := range all {
		if r.Size != largest {
			continue
		}
		for what, count := range r.Create.Writes {
			if kinds[what] == nil {
				kinds[what] = map[string]float64{}
			}
			kinds[what][r.Kind] = count / float64(r.Size)
		}
	}
	t.head(fmt.Sprintf("API writes for each of %d", largest), "", "session", "StatefulSet")
	for _, what := range slices.Sorted(maps.Keys(kinds)) {
		if count := kinds[what]; max(count["sessions"], count["statefulsets"]) >= .005 {
			t.row(what, count["sessions"], count["statefulsets"])
		}
	}
}

var shownPrograms = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "operator", "scale"}

func usage(t table, all []*result) {
	t.head("Processor time for it, in seconds / resident memory after it, in MiB", append([]string{""}, shownPrograms...)...)
	for _, r := range all {
		row := []any{fmt.Sprintf("%d %s", r.Size, r.Kind)}
		for _, program := range shownPrograms {
			if r.Create.Resident[program] == 0 {
				row = append(row, "")
				continue
			}
			row = append(row, fmt.Sprintf("%s / %d", number(r.Create.CPU[program]), r.Create.Resident[program]/mib))
		}
		t.row(row...)
	}
}

func latencies(t table, sessions []*result) {
	t.head("A change in a bot to the status that a watch sees", "sessions", "changes a second", "changes", "median, ms", "p99, ms", "most, ms", "passes each", "writes each", "operator, % of a core", "cores busy with other things")
	for _, r := range sessions {
		if c := r.Create.Meanwhile; c != nil {
			t.row(fmt.Sprintf("%d are being made", r.Size), c.Rate, c.Count, c.Median, c.P99, c.Max, "", "", "", r.Create.Foreign)
		}
		if c := r.Changes; c != nil {
			t.row(r.Size, c.Rate, c.Count, c.Median, c.P99, c.Max, c.VisitsPerChange, c.WritesPerChange, c.CPU*100, c.Foreign)
		}
	}
}

func masses(t table, sessions []*result) {
	t.head("All bots lose WhatsApp at once, and all come back at once", "sessions", "", "half shown, s", "all shown, s", "writes each", "of them events", "operator's processor time, s")
	for _, r := range sessions {
		if m := r.Mass; m != nil {
			n := float64(r.Size)
			t.row(r.Size, "lost", m.Lost.Median/1000, m.Lost.Max/1000, m.LostWrites/n, m.EventsLost/n, m.LostCPU)
			t.row(r.Size, "back", m.Back.Median/1000, m.Back.Max/1000, m.BackWrites/n, m.EventsUp/n, m.BackCPU)
		}
	}
}

func takeovers(t table, sessions []*result) {
	t.head("Another operator takes over, while one bot in ten changes", "sessions", "", "all streams stand, s", "all statuses right, s", "most streams opened in a second", "writes", "changes missed")
	for _, r := range sessions {
		for _, one := range []struct {
			what string
			c    *comeback
		}{{"restart", r.Restart}, {"told to end, another stands by", r.Released}, {"killed, another stands by", r.Killed}} {
			if one.c != nil {
				t.row(r.Size, one.what, one.c.Streams, one.c.Right, one.c.Fastest, one.c.Writes, one.c.Missed)
			}
		}
	}
}

func darks(t table, sessions []*result) {
	t.head("One node in twenty falls silent: every packet to and from its bots is dropped", "sessions", "dark bots", "all shown as such, s", "all right again, s", "others' changes", "their median, ms", "p99, ms", "p99 before, ms")
	for _, r := range sessions {
		if d := r.Dark; d != nil {
			before := 0.0
			if r.Changes != nil {
				before = r.Changes.P99
			}
			t.row(r.Size, d.Bots, d.Noticed, d.Back, d.Others.Count, d.Others.Median, d.Others.P99, before)
		}
	}
}

func idles(t table, sessions []*result) {
	t.head("Nothing happens", "sessions", "watched, s", "operator, % of a core", "resident, MiB", "Go heap in use, MiB", "goroutines", "passes a minute", "API writes a minute, everyone's", "its own requests a minute")
	for _, r := range sessions {
		if i := r.Idle; i != nil {
			var requests []string
			for _, method := range slices.Sorted(maps.Keys(i.Requests)) {
				if i.Requests[method] >= .05 {
					requests = append(requests, fmt.Sprintf("%s %s", number(i.Requests[method]), method))
				}
			}
			t.row(r.Size, i.Seconds, i.CPU["operator"]*100, i.Resident["operator"]/mib, i.Heap/mib, i.Goroutines, i.Visits, i.Writes, strings.Join(requests, ", "))
		}
	}
}

// growth prints what each further session adds to the operator's resident memory.
func growth(t table, sessions []*result) {
	t.head("The operator's resident memory, in MiB", "sessions", "after each phase", "KiB for each session more than in the row above, when idle")
	var last *result
	for _, r := range sessions {
		var phases []string
		for _, m := range r.Memory {
			phases = append(phases, fmt.Sprintf("%s %d", m.When, m.Resident/mib))
		}
		each := ""
		if r.Idle != nil {
			if last != nil {
				each = number(float64(r.Idle.Resident["operator"]-last.Idle.Resident["operator"]) / 1024 / float64(r.Size-last.Size))
			}
			last = r
		}
		t.row(r.Size, strings.Join(phases, ", "), each)
	}
}

// draw draws a picture for everything that was measured and has more than one number.
func draw(all, sessions []*result, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	largest := compared(all)
	var course, times, memory, lags []plot.Series
	byKind := map[string][]plot.Point{}
	for _, r := range all {
		byKind[r.Kind] = append(byKind[r.Kind], plot.Point{X: float64(r.Size), Y: max(r.Create.Ready, r.Create.Mirrored)})
		if r.Size != largest {
			continue
		}
		var ready, shown []plot.Point
		for _, p := range r.Create.Progress {
			ready = append(ready, plot.Point{X: p.At, Y: float64(p.Ready)})
			shown = append(shown, plot.Point{X: p.At, Y: float64(p.Shown)})
		}
		course = append(course, plot.Series{Name: r.Kind + ": pods ready", Points: ready})
		if r.Create.Mirrored > 0 {
			course = append(course, plot.Series{Name: r.Kind + ": state shown", Points: shown})
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		times = append(times, plot.Series{Name: kind, Points: byKind[kind], Dots: true})
	}
	var idle, busiest, median, p99 []plot.Point
	for _, r := range sessions {
		x := float64(r.Size)
		if r.Idle != nil {
			idle = append(idle, plot.Point{X: x, Y: float64(r.Idle.Resident["operator"]) / mib})
		}
		most := int64(0)
		for _, m := range r.Memory {
			most = max(most, m.Resident)
		}
		busiest = append(busiest, plot.Point{X: x, Y: float64(most) / mib})
		if r.Changes != nil {
			median = append(median, plot.Point{X: x, Y: r.Changes.Median})
			p99 = append(p99, plot.Point{X: x, Y: r.Changes.P99})
		}
	}
	memory = []plot.Series{{Name: "idle", Points: idle, Dots: true}, {Name: "at its largest", Points: busiest, Dots: true}}
	lags = []plot.Series{{Name: "p99", Points: p99, Dots: true}, {Name: "median", Points: median, Dots: true}}
	bots := plot.Axis{Label: "bots"}
	for _, picture := range []struct {
		file   string
		chart  plot.Chart
		series []plot.Series
	}{
		{"scale-course.svg", plot.Chart{Title: fmt.Sprintf("%d bots come up", largest), X: plot.Axis{Label: "since the first request", Unit: "s"}, Y: plot.Axis{Label: "bots"}}, course},
		{"scale-times.svg", plot.Chart{Title: "From the first request to everything there", X: bots, Y: plot.Axis{Label: "time", Unit: "s"}}, times},
		{"scale-memory.svg", plot.Chart{Title: "The operator's resident memory", X: bots, Y: plot.Axis{Label: "memory", Unit: "MiB"}}, memory},
		{"scale-lags.svg", plot.Chart{Title: "A change in a bot to the status that a watch sees", X: bots, Y: plot.Axis{Label: "time", Unit: "ms"}}, lags},
	} {
		if !slices.ContainsFunc(picture.series, func(s plot.Series) bool { return len(s.Points) > 0 }) {
			continue // its phase was not run
		}
		if err := plot.Write(dir, picture.file)(plot.Lines(picture.chart, picture.series...)); err != nil {
			return fmt.Errorf("draw %s: %w", picture.file, err)
		}
	}
	return nil
}
