package session

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"
)

// bots is many models on one clock, with a WhatsApp that is down for a while.
type bots struct {
	all    []*simulated
	rng    *rand.Rand
	due    alarms
	outage time.Duration
}

type simulated struct {
	m             model
	dials, logins []time.Duration // since the outage began
}

// alarm is a bot's next retry.
type alarm struct {
	at  time.Duration
	bot *simulated
}

type alarms []alarm

func (a *alarms) Len() int           { return len(*a) }
func (a *alarms) Less(i, j int) bool { return (*a)[i].at < (*a)[j].at }
func (a *alarms) Swap(i, j int)      { (*a)[i], (*a)[j] = (*a)[j], (*a)[i] }
func (a *alarms) Push(x any)         { *a = append(*a, x.(alarm)) }
func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// feed steps one bot, and performs its dials and retries: during the outage each dial is refused at once.
func (b *bots) feed(s *simulated, at time.Duration, in input) {
	next, todo := step(s.m, epoch.Add(time.Hour+at), b.rng.Float64(), in)
	s.m = next
	for _, a := range todo {
		switch a := a.(type) {
		case actTimer:
			if a.name == timerRetry {
				heap.Push(&b.due, alarm{at + a.after, s})
			}
		case actDial:
			s.dials = append(s.dials, at)
			if at < b.outage {
				b.feed(s, at, inDialled{syscall.ECONNREFUSED})
				continue
			}
			b.feed(s, at, inDialled{})
			b.feed(s, at, inConnected{someone})
			s.logins = append(s.logins, at-b.outage)
		}
	}
}

// most returns the largest number of moments within any window.
func most(moments []time.Duration, window time.Duration) int {
	slices.Sort(moments)
	top, from := 0, 0
	for to, at := range moments {
		for moments[from] <= at-window {
			from++
		}
		top = max(top, to-from+1)
	}
	return top
}

// TestManyBotsComeBackSoonAfterAnOutageOfAnyLength: 5,000 bots lose their connections at once. Each 200 of them must
// come back soon without a rush on WhatsApp, and no account may dial often.
func TestManyBotsComeBackSoonAfterAnOutageOfAnyLength(t *testing.T) {
	const many, group = 5000, 200
	for _, outage := range []time.Duration{0, 5 * time.Second, 30 * time.Second, 10 * time.Minute} {
		t.Run(outage.String(), func(t *testing.T) {
			b := &bots{rng: rand.New(rand.NewPCG(1, uint64(outage))), outage: outage}
			for range many {
				connected, _ := step(newModel(usual, true, someone, facts{}, epoch), epoch, 0, inStart{})
				for _, in := range []input{inDialled{}, inConnected{someone}} {
					connected, _ = step(connected, epoch, 0, in)
				}
				b.all = append(b.all, &simulated{m: connected})
			}
			for _, s := range b.all {
				b.feed(s, 0, inLost{"the socket closed"})
			}
			for len(b.due) > 0 {
				next := heap.Pop(&b.due).(alarm)
				b.feed(next.bot, next.at, inTimer{timerRetry})
			}
			var all []time.Duration
			rush, hurry := 0, 0
			for members := range slices.Chunk(b.all, group) {
				var logins []time.Duration
				for _, s := range members {
					if len(s.logins) != 1 {
						t.Fatalf("%d logins of one bot", len(s.logins))
					}
					logins = append(logins, s.logins...)
					hurry = max(hurry, most(s.dials, time.Minute))
				}
				rush = max(rush, most(logins, time.Second))
				all = append(all, logins...)
			}
			slices.Sort(all)
			p95, last := all[len(all)*95/100], all[len(all)-1]
			t.Logf("95 %% after %v, all after %v; at most %d logins a second of %d bots, %d dials a minute of one", p95, last, rush, group, hurry)
			if p95 > 15*time.Second || last > 45*time.Second {
				t.Errorf("95 %% are back after %v and all after %v; want 15 s and 45 s", p95, last)
			}
			if rush > 40 || hurry > 10 {
				t.Errorf("%d logins a second of %d bots, %d dials a minute of one; want at most 40 and 10", rush, group, hurry)
			}
		})
	}
}
