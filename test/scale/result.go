package main

import (
	"fmt"
	"slices"
	"time"
)

// result is the measurement of one run. Times are seconds, memory is bytes.
type result struct {
	Kind    string
	Size    int
	Machine string
	When    string

	Create   creation
	Changes  *changing  `json:",omitempty"`
	Mass     *mass      `json:",omitempty"`
	Restart  *comeback  `json:",omitempty"`
	Released *comeback  `json:",omitempty"`
	Killed   *comeback  `json:",omitempty"`
	Dark     *darkness  `json:",omitempty"`
	Idle     *idleness  `json:",omitempty"`
	Memory   []atMemory `json:",omitempty"`
}

// creation lasts from the first request until everything exists.
type creation struct {
	// Applied is when the user's last request was answered.
	Applied float64
	// Pods is when the last pod was created, Ready when the last was ready, Mirrored when the last status showed its
	// bot.
	Pods, Ready, Mirrored float64
	// Progress is how much existed at each time.
	Progress []progress
	// Writes are all writes to the API meanwhile, by resource; Conflicts are those that were refused.
	Writes    map[string]float64
	Conflicts float64
	// Meanwhile is how soon changes of connected bots were seen, if the run asked for it.
	Meanwhile *changing `json:",omitempty"`
	// Etcd is the growth of etcd's keys, with all their versions; Puts is how often it wrote.
	Etcd, Puts float64
	// CPU is what each process used meanwhile, Resident its memory afterwards.
	CPU      map[string]float64
	Resident map[string]int64
	// Foreign is how many cores other work on the machine used meanwhile.
	Foreign float64
}

type progress struct {
	At                          float64
	Applied, Pods, Ready, Shown int
}

// changing is how soon changes were seen.
type changing struct {
	Rate float64
	spread
	// VisitsPerChange (passes) and WritesPerChange are the operator's; CPU is what it used, as a share of one core.
	VisitsPerChange, WritesPerChange, CPU float64
	Foreign                               float64
}

// spread is the distribution of durations, in milliseconds.
type spread struct {
	Count            int
	Median, P99, Max float64
	All              []float64
}

func spreadOf(all []time.Duration) spread {
	s := spread{Count: len(all)}
	if len(all) == 0 {
		return s
	}
	slices.Sort(all)
	for _, one := range all {
		s.All = append(s.All, float64(one.Microseconds())/1000)
	}
	s.Median, s.P99, s.Max = s.All[len(all)/2], s.All[len(all)*99/100], s.All[len(all)-1]
	return s
}

// mass is all bots losing WhatsApp at once, and all returning at once.
type mass struct {
	Lost, Back           spread
	LostWrites, LostCPU  float64
	BackWrites, BackCPU  float64
	EventsLost, EventsUp float64
}

// comeback is an operator that takes over from one that ended.
type comeback struct {
	// Right is the time from the start of the new operator, or from the end of the old one if another stood by, until
	// every stream is open and every change is shown.
	Streams, Right float64
	// Missed is how many bots changed while no operator ran, Fastest the most streams opened within one second.
	Missed, Fastest int
	// Writes are the API writes that it needed.
	Writes float64
}

// darkness is one node in twenty that cannot be reached.
type darkness struct {
	Bots int
	// Noticed is the time from the cut until the last status says so; Back from the repair until the last status is
	// right.
	Noticed, Back float64
	// Others are the changes of all other bots meanwhile.
	Others spread
}

// idleness is what is used while nothing happens.
type idleness struct {
	Seconds float64
	// CPU is a share of one core; PSS and heap are in bytes.
	CPU      map[string]float64
	Resident map[string]int64
	// Visits are passes; Requests are the operator's API requests, by method; Writes are all writes except to leases,
	// nodes and reviews. All of them are per minute.
	Visits, Writes float64
	Requests       map[string]float64
	Goroutines     float64
	Heap           float64
}

// atMemory is the operator's resident memory at one moment.
type atMemory struct {
	When     string
	Resident int64
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func note(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
