package metrics

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"
)

// These few have the names of the official library's collectors, so that common dashboards work.
var (
	cpuDesc        = &desc{aCounter, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", nil}
	residentDesc   = &desc{aGauge, "process_resident_memory_bytes", "Resident memory size in bytes.", nil}
	filesDesc      = &desc{aGauge, "process_open_fds", "Number of open file descriptors.", nil}
	startDesc      = &desc{aGauge, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", nil}
	goroutinesDesc = &desc{aGauge, "go_goroutines", "Number of goroutines that currently exist.", nil}
	heapDesc       = &desc{aGauge, "go_memstats_heap_alloc_bytes", "Number of heap bytes allocated and currently in use.", nil}
)

// started is the process's start, except for the few milliseconds before Go runs.
var started = time.Now()

// collectProcess leaves out what the system does not report.
func collectProcess() []sample {
	all := []sample{
		number(startDesc, float64(started.UnixMilli())/1000), number(goroutinesDesc, float64(runtime.NumGoroutine())), number(heapDesc, observeHeap()),
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		spent := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		all = append(all, number(cpuDesc, spent.Seconds()))
	}
	if resident, ok := observeResident(); ok {
		all = append(all, number(residentDesc, resident))
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		all = append(all, number(filesDesc, float64(len(files)-1))) // without the descriptor that reads the directory
	}
	return all
}

func observeHeap() float64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return float64(sample[0].Value.Uint64())
}

// observeResident reads the second field of statm, in pages.
func observeResident() (float64, bool) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	return float64(pages) * float64(os.Getpagesize()), err == nil
}
