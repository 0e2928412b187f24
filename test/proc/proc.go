// Package proc reads memory and processor use of processes from Linux's /proc, for measurements. A process that has ended uses
// nothing.
package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Memory is what processes use, in bytes. Proportional divides shared pages among the processes that share them (PSS).
type Memory struct {
	Proportional, Resident, Anonymous int64
}

// MemoryOf returns the sum over processes.
func MemoryOf(pids []int) (m Memory) {
	for _, pid := range pids {
		rollup := fields(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		m.Proportional += 1024 * rollup["Pss"]
		m.Resident += 1024 * rollup["Rss"]
		m.Anonymous += 1024 * rollup["Anonymous"]
	}
	return m
}

// tick is the unit of processor times in /proc; Linux has the same on every architecture.
const tick = 10 * time.Millisecond

// ProcessorOf returns the processor time that a process has used so far.
func ProcessorOf(pid int) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ") // the name before it may hold spaces
	all := strings.Fields(rest)
	if len(all) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(all[11], 10, 64)
	system, _ := strconv.ParseInt(all[12], 10, 64)
	return time.Duration(user+system) * tick
}

// Tree maps each process to the processes that it started.
type Tree map[int][]int

// Processes returns all running processes.
func Processes() Tree {
	children := Tree{}
	all, _ := filepath.Glob("/proc/[0-9]*/status") // the pattern is valid
	for _, path := range all {
		if status := fields(path); status != nil {
			parent := int(status["PPid"])
			children[parent] = append(children[parent], int(status["Pid"]))
		}
	}
	return children
}

// Family returns a process and all its descendants.
func (t Tree) Family(root int) []int {
	members := []int{root}
	for i := 0; i < len(members); i++ {
		members = append(members, t[members[i]]...)
	}
	return members
}

// fields reads the "Name: number" lines of a file; nil if the process has ended.
func fields(path string) map[string]int64 {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	values := map[string]int64{}
	for line := range strings.Lines(string(data)) {
		name, rest, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			values[name] = n
		}
	}
	return values
}
