package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cost is what a program and its children took of the machine.
type cost struct {
	kind                string
	pss, rss, anonymous float64 // bytes; pss counts what processes share once among them
	cpu                 float64 // of one core
}

// watch measures processes from its making to done.
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
	children := observeChildren()
	w.began = time.Now()
	for _, p := range w.all {
		w.spent = append(w.spent, observeCPU(family(children, p.cmd.Process.Pid)))
	}
	return w
}

func (w *watch) done() map[string][]cost {
	costs := map[string][]cost{}
	took := time.Since(w.began)
	children := observeChildren()
	for i, p := range w.all {
		pids := family(children, p.cmd.Process.Pid)
		c := cost{kind: p.kind, cpu: float64(observeCPU(pids)-w.spent[i]) / float64(took)}
		for _, pid := range pids {
			rollup := fields(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
			c.pss += 1024 * float64(rollup["Pss"])
			c.rss += 1024 * float64(rollup["Rss"])
			c.anonymous += 1024 * float64(rollup["Anonymous"])
		}
		kind := p.kind
		if strings.HasPrefix(kind, "bot ") {
			kind = kindBot
		}
		costs[kind] = append(costs[kind], c)
	}
	return costs
}

// observeCPU adds up what the threads of processes ran, to the nanosecond.
func observeCPU(pids []int) (total time.Duration) {
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is good
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

// observeChildren says who descends from whom.
func observeChildren() map[int][]int {
	children := map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*/status") // the pattern is good
	for _, path := range all {
		if status := fields(path); status != nil {
			children[status["PPid"]] = append(children[status["PPid"]], status["Pid"])
		}
	}
	return children
}

// family is a process and all that descend from it.
func family(children map[int][]int, root int) []int {
	members := []int{root}
	for i := 0; i < len(members); i++ {
		members = append(members, children[members[i]]...)
	}
	return members
}

// fields reads the "Name: number" lines of a file below /proc; nil if the process ended.
func fields(path string) map[string]int {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	values := map[string]int{}
	for line := range strings.Lines(string(data)) {
		name, rest, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if n, err := strconv.Atoi(number); err == nil {
			values[name] = n
		}
	}
	return values
}
