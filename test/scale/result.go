package main

import (
	"fmt"
	"slices"
	"time"
)

// result is what one run measured. Times are seconds, memory is bytes.
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

// creation is from the first request to everything there.
type creation struct {
	// Applied is when the last request of the user's was answered.
	Applied float64
	// Pods is when the last pod was made, Ready when the last was ready, Mirrored when the last status showed its bot.
	Pods, Ready, Mirrored float64
	// Progress is how much was there at a time.
	Progress []progress
	// Writes are all writes to the API meanwhile, by what was written; Conflicts those of them that were refused.
	Writes    map[string]float64
	Conflicts float64
	// Etcd is what etcd's keys took more afterwards, with all their versions; Puts how often it wrote.
	Etcd, Puts float64
	// CPU is what each process used meanwhile, Resident what it held afterwards.
	CPU      map[string]float64
	Resident map[string]int64
	// Foreign is how many cores of the machine were busy meanwhile with what is none of the run's.
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
	// VisitsPerChange and WritesPerChange are the operator's; CPU is what it used, in parts of one core.
	VisitsPerChange, WritesPerChange, CPU float64
	Foreign                               float64
}

// spread is how long a number of things took, in milliseconds.
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

// mass is all bots losing WhatsApp at once, and all coming back at once.
type mass struct {
	Lost, Back           spread
	LostWrites, LostCPU  float64
	BackWrites, BackCPU  float64
	EventsLost, EventsUp float64
}

// comeback is an operator that takes over from one that ended.
type comeback struct {
	// Right is from the start of the new operator, or the end of the old where one stood by, to every stream standing
	// and every change made meanwhile shown.
	Streams, Right float64
	// Missed is how many bots changed while nobody listened, Fastest the most streams opened within one second.
	Missed, Fastest int
	// Writes are the API writes it took.
	Writes float64
}

// darkness is one node of twenty that cannot be reached.
type darkness struct {
	Bots int
	// Noticed is from the cut to the last of their statuses saying so; Back from its mending to the last being right.
	Noticed, Back float64
	// Others are the changes of all other bots meanwhile.
	Others spread
}

// idleness is what is used while nothing happens.
type idleness struct {
	Seconds float64
	// CPU is in parts of one core, PSS and heap in bytes.
	CPU      map[string]float64
	Resident map[string]int64
	// Visits are reconciles; Requests are the operator's to the API, by method; Writes are everyone's to anything but
	// leases, nodes and reviews. All of them are per minute.
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
