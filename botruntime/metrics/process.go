package metrics

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// These few have the names of client_golang's own collectors, so that common dashboards work. Those collectors would
// cost every bot 0.7 MB of memory for two dozen numbers that nobody needs.
var (
	cpuDesc        = prometheus.NewDesc("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", nil, nil)
	residentDesc   = prometheus.NewDesc("process_resident_memory_bytes", "Resident memory size in bytes.", nil, nil)
	filesDesc      = prometheus.NewDesc("process_open_fds", "Number of open file descriptors.", nil, nil)
	startDesc      = prometheus.NewDesc("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", nil, nil)
	goroutinesDesc = prometheus.NewDesc("go_goroutines", "Number of goroutines that currently exist.", nil, nil)
	heapDesc       = prometheus.NewDesc("go_memstats_heap_alloc_bytes", "Number of heap bytes allocated and currently in use.", nil, nil)
)

// started is the process's start, except for the few milliseconds before Go runs.
var started = time.Now()

func describeProcess(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{cpuDesc, residentDesc, filesDesc, startDesc, goroutinesDesc, heapDesc} {
		descs <- desc
	}
}

// collectProcess leaves out what the system does not report.
func collectProcess(metrics chan<- prometheus.Metric) {
	metrics <- number(startDesc, float64(started.UnixMilli())/1000)
	metrics <- number(goroutinesDesc, float64(runtime.NumGoroutine()))
	metrics <- number(heapDesc, observeHeap())
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		spent := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		metrics <- prometheus.MustNewConstMetric(cpuDesc, prometheus.CounterValue, spent.Seconds())
	}
	if resident, ok := observeResident(); ok {
		metrics <- number(residentDesc, resident)
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		metrics <- number(filesDesc, float64(len(files)-1)) // without the descriptor that reads the directory
	}
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
