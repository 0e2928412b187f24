package sim_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.mau.fi/whatsmeow/types/events"

	"sesi.dev/sesi/test/wasim/sim"
	"sesi.dev/sesi/test/wasim/simtest"
)

func TestManyConnectAtOnce(t *testing.T) {
	const many = 100
	s := simtest.Start(t, sim.Config{})
	bots := make([]*bot, many)
	for i := range bots {
		bots[i] = memoryBot(t, s)
	}
	var connecting sync.WaitGroup
	for _, b := range bots {
		connecting.Go(func() {
			if err := b.client.Connect(); err != nil {
				t.Errorf("connect: %v", err)
			}
		})
	}
	connecting.Wait()
	for _, b := range bots {
		wait[*events.QR](b, 0)
	}
	if current := s.Stats.Current.Load(); current != many {
		t.Errorf("%d connections", current)
	}
	if waiting := s.Waiting(); len(waiting) != many {
		t.Errorf("%d wait", len(waiting))
	}
	if dropped := s.DropAll(); dropped != many {
		t.Errorf("%d dropped", dropped)
	}
	eventually(t, "all connections are gone", func() bool { return s.Stats.Current.Load() == 0 && len(s.Waiting()) == 0 })
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	s := simtest.Start(t, sim.Config{})
	memoryBot(t, s).pair("5511911112222")
	memoryBot(t, s).code()
	s.Close()
	eventually(t, "no goroutine of the server is left", func() bool {
		stacks := make([]byte, 4<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "sim.(*Server)")
	})
}
