package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sesi.dev/sesi/test/proc"
)

// cost is what a program and its children used.
type cost struct {
	kind                string
	pss, rss, anonymous float64 // bytes; pss divides shared pages among the processes
	cpu                 float64 // of one core
}

// watch measures processes from its start until done.
type watch struct {
	began time.Time
	all   []*process
	spent []time.Duration
}

const kindBot = "Sesi bot"

func newWatch(f *fleet, peers []*process) *watch {
	w := &watch{}
	for _, b := range f.bots {
		w.all = append(w.all, b.process)
	}
	w.all = append(append(w.all, peers...), f.wa.process)
	tree := proc.Processes()
	w.began = time.Now()
	for _, p := range w.all {
		w.spent = append(w.spent, observeCPU(tree.Family(p.cmd.Process.Pid)))
	}
	return w
}

func (w *watch) done() map[string][]cost {
	costs := map[string][]cost{}
	took := time.Since(w.began)
	tree := proc.Processes()
	for i, p := range w.all {
		pids := tree.Family(p.cmd.Process.Pid)
		c := cost{kind: p.kind, cpu: float64(observeCPU(pids)-w.spent[i]) / float64(took)}
		held := proc.MemoryOf(pids)
		c.pss, c.rss, c.anonymous = float64(held.Proportional), float64(held.Resident), float64(held.Anonymous)
		kind := p.kind
		if strings.HasPrefix(kind, "bot ") {
			kind = kindBot
		}
		costs[kind] = append(costs[kind], c)
	}
	return costs
}

// observeCPU returns the run time of the processes' threads, to the nanosecond.
func observeCPU(pids []int) (total time.Duration) {
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is valid
		for _, path := range threads {
			data, err := os.ReadFile(path)
			if err != nil {
				continue // the thread ended
			}
			first, _, _ := strings.Cut(string(data), " ")
			if ran, err := strconv.ParseInt(first, 10, 64); err == nil {
				total += time.Duration(ran)
			}
		}
	}
	return total
}
