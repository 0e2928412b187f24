package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// docs/benchmarks/bots.md says what each of these saves.
const (
	// startGCPercent lets the start, which allocates 5 MB, finish before the first collection. A collection in the
	// middle leaves holes in the heap that no later one closes.
	startGCPercent = 200
	// restTime is how often keepSmall checks. A login and the work after it take less.
	restTime = 15 * time.Second
	// worthFreeing is how many bytes must be allocated after a collection to make another one worthwhile. An idle bot
	// allocates that much in about 15 minutes.
	worthFreeing = 512 << 10
)

// limitRuntime limits Go's runtime before the bot starts. GOGC and GOMAXPROCS override it.
func limitRuntime() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(startGCPercent)
	}
	// The runtime keeps memory for each processor, and one is enough: a session's messages come one by one.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// keepSmall returns the memory of a burst of work (a login, a backup, a hundred messages) to the system soon
// afterwards. A bot is idle most of the time, and its memory is paid once per session.
func keepSmall(ctx context.Context) {
	look := time.NewTicker(restTime)
	defer look.Stop()
	var freed uint64
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
		if observeAllocated()-freed < worthFreeing {
			continue
		}
		if freed == 0 && os.Getenv("GOGC") == "" {
			debug.SetGCPercent(100)
		}
		debug.FreeOSMemory()
		freed = observeAllocated()
	}
}

// observeAllocated returns how many bytes the process has allocated since its start.
func observeAllocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
