package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// docs/benchmarks/bots.md has what each of these is worth.
const (
	// startGCPercent lets a start, which allocates 5 MB in all, end before the first collection: one in the middle
	// leaves holes that no later one closes.
	startGCPercent = 200
	// restTime is how often keepSmall looks; a login and what it brings is over by then.
	restTime = 15 * time.Second
	// worthFreeing is how many bytes must have been allocated since for a look to end in a collection. An idle bot
	// takes a quarter of an hour for it.
	worthFreeing = 512 << 10
)

// limitRuntime sets what Go's runtime may take before the bot starts. GOGC and GOMAXPROCS override it.
func limitRuntime() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(startGCPercent)
	}
	// Each processor of the runtime's keeps memory of its own, and one is plenty: a session's messages come in one
	// after the other.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// keepSmall gives back, soon after it, what a burst of work needed (a login, a backup, a hundred messages), for a bot
// is idle most of its life and its memory is paid for once per session.
func keepSmall(ctx context.Context) {
	look := time.NewTicker(restTime)
	defer look.Stop()
	program := observeProgram()
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
		forgetProgram(program)
		freed = observeAllocated()
	}
}

// observeAllocated is how many bytes were ever allocated.
func observeAllocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
