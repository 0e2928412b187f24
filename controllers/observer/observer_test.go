package observer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/time/rate"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/test/bottest"
)

func TestABotIsReached(t *testing.T) {
	o := startObserver(t, patient())
	b := startBot(t, "kasir")
	o.Ensure(key("kasir"), targetOf(b, "kasir"))

	waitEvent(t, o, "kasir")
	got, ok := o.Observed(key("kasir"))
	if !ok || got.Hearing != Heard || got.Err != nil || got.Instance != "uid-kasir" {
		t.Fatalf("Observed = %+v, %t; want it reached", got, ok)
	}
	if got.Snapshot.State != bot.StatePairing || !got.Snapshot.QRRequired {
		t.Fatalf("snapshot = %+v, want the bot's first", got.Snapshot)
	}

	b.Change(func(s *bot.Snapshot) {
		*s = withRevision(bottest.Paired("kasir", "uid-kasir", "62811:1@s.whatsapp.net"), *s)
	})
	waitEvent(t, o, "kasir")
	if got := state(o, "kasir"); got != bot.StateConnected {
		t.Fatalf("state = %s after the bot reported Connected", got)
	}
	if b.Opened() != 1 {
		t.Fatalf("%d streams were opened, want one", b.Opened())
	}

	o.Forget(key("kasir"))
	wait(t, "the stream to end with its pod", func() bool { return b.Streams() == 0 })
	if _, ok := o.Observed(key("kasir")); ok {
		t.Fatal("a forgotten bot is still observed")
	}
}

func withRevision(s, before bot.Snapshot) bot.Snapshot {
	s.Revision = before.Revision
	return s
}

func TestStreamsBeforeStartBeginWithIt(t *testing.T) {
	b := startBot(t, "early")
	o := New(patient())
	o.Ensure(key("early"), targetOf(b, "early"))
	if got := hearing(o, "early"); got != Listening {
		t.Fatalf("hearing = %s before Start, want Listening", got)
	}
	o.Forget(key("early"))

	started := startObserver(t, patient())
	started.Ensure(key("early"), targetOf(b, "early"))
	wait(t, "the bot to be reached", func() bool { return hearing(started, "early") == Heard })
}

func TestALostBotIsReportedOnceAndReachedAgain(t *testing.T) {
	opts := patient()
	opts.Grace = quick().Grace
	o := startObserver(t, opts)
	b := startBot(t, "kasir")
	o.Ensure(key("kasir"), targetOf(b, "kasir"))
	waitHearing(t, o, "kasir", Heard)
	b.Stop()

	wait(t, "the loss to be seen", func() bool { return hearing(o, "kasir") != Heard })
	if got := state(o, "kasir"); got != bot.StatePairing {
		t.Fatalf("state = %q while the grace runs, want the last one seen", got)
	}
	waitHearing(t, o, "kasir", Lost)
	got, _ := o.Observed(key("kasir"))
	if got.Hearing != Lost || got.Err == nil || got.Snapshot == nil {
		t.Fatalf("Observed = %+v, want it lost with a cause and the last snapshot", got)
	}
	if !strings.Contains(got.Err.Error(), "connection refused") || strings.Contains(got.Err.Error(), "->") {
		t.Fatalf("cause = %q, want the refusal without a port of ours", got.Err)
	}

	again, err := bottest.Start(b.Address(), testPair, b.Token, bottest.Unlinked("kasir", "uid-kasir"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Stop)
	waitHearing(t, o, "kasir", Heard)
}

func TestAShortBreakEmitsNothing(t *testing.T) {
	o := startObserver(t, patient())
	b := startBot(t, "kasir")
	o.Ensure(key("kasir"), targetOf(b, "kasir"))
	waitEvent(t, o, "kasir")
	b.Stop()
	wait(t, "the break to be seen", func() bool { return hearing(o, "kasir") == Listening })
	again, err := bottest.Start(b.Address(), testPair, b.Token, b.Change(func(*bot.Snapshot) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Stop)
	wait(t, "the bot to be reached again", func() bool { return hearing(o, "kasir") == Heard })
	select {
	case e := <-o.Events():
		t.Fatalf("event of %s: a break within the grace changes no status", e.Object)
	default:
	}
}

func TestRetargeting(t *testing.T) {
	o := startObserver(t, patient())
	first, second := startBot(t, "kasir"), startBot(t, "kasir")
	o.Ensure(key("kasir"), targetOf(first, "kasir"))
	wait(t, "the first to be reached", func() bool { return hearing(o, "kasir") == Heard })

	renewed := targetOf(first, "kasir")
	renewed.Token = "token of tomorrow"
	o.Ensure(key("kasir"), renewed)
	if got := hearing(o, "kasir"); got != Heard || first.Opened() != 1 {
		t.Fatalf("a changed token ended the open stream (%s, %d opened)", got, first.Opened())
	}

	o.Ensure(key("kasir"), targetOf(second, "kasir"))
	wait(t, "the second to be reached", func() bool { return second.Streams() == 1 && hearing(o, "kasir") == Heard })
	wait(t, "the first to be left", func() bool { return first.Streams() == 0 })
}

func TestManyStreamsAfterARestart(t *testing.T) {
	o := startObserver(t, Options{})
	const bots = 300
	for i := range bots {
		name := fmt.Sprintf("bot-%d", i)
		b := startBot(t, name)
		o.Ensure(key(name), targetOf(b, name))
	}
	left := map[Key]bool{}
	for i := range bots {
		left[key(fmt.Sprintf("bot-%d", i))] = true
	}
	end := time.After(deadline)
	for len(left) > 0 {
		select {
		case e := <-o.Events():
			delete(left, e.Object)
		case <-end:
			t.Fatalf("%d bots were not reached", len(left))
		}
	}
	want := fmt.Sprintf(`
# HELP sesi_observer_streams Event streams from bots, by how well the bot is reached.
# TYPE sesi_observer_streams gauge
sesi_observer_streams{hearing="Heard"} %d
sesi_observer_streams{hearing="Listening"} 0
sesi_observer_streams{hearing="Lost"} 0
`, bots)
	// On a busy machine some were lost before they were reached.
	wait(t, "the metrics to count them all as reached", func() bool {
		return testutil.CollectAndCompare(o, strings.NewReader(want), "sesi_observer_streams") == nil
	})
}

func TestLagIsCountedOncePerChange(t *testing.T) {
	o := startObserver(t, patient())
	b := startBot(t, "kasir")
	o.Ensure(key("kasir"), targetOf(b, "kasir"))
	waitEvent(t, o, "kasir")
	first, _ := o.Observed(key("kasir"))
	o.Shown(key("kasir"), first.Snapshot.Revision)

	changed := b.Change(func(s *bot.Snapshot) { s.State = bot.StateConnected })
	waitEvent(t, o, "kasir")
	o.Shown(key("kasir"), changed.Revision)
	o.Shown(key("kasir"), changed.Revision)
	o.Shown(key("nobody"), changed.Revision)

	samples := testutil.ToFloat64(countOf{o})
	if samples != 1 {
		t.Fatalf("%v lags were counted, want one: not the state a stream begins with, and no change twice", samples)
	}
}

// TestAQueuedStreamIsNotLost: the grace begins with the first dial. After a restart of the operator thousands of streams
// wait for their turn to dial, and a bot that was not dialled is not lost.
func TestAQueuedStreamIsNotLost(t *testing.T) {
	opts := patient()
	opts.Grace, opts.Starts = quick().Grace, 1
	o := startObserver(t, opts)
	o.starts.SetLimit(rate.Every(time.Hour)) // one permit for the first, none for the second
	first, second := startBot(t, "first"), startBot(t, "second")
	o.Ensure(key("first"), targetOf(first, "first"))
	waitHearing(t, o, "first", Heard)
	o.Ensure(key("second"), targetOf(second, "second"))
	wait(t, "the stream to wait for a permit", func() bool { return o.starts.Tokens() < 0 })
	first.Stop()
	// The grace of the first begins after the second was asked for, so its end is later than that of the second would be.
	wait(t, "the first to be lost", func() bool { return hearing(o, "first") == Lost })
	if got := hearing(o, "second"); got != Listening || second.Opened() != 0 {
		t.Errorf("a bot that was never dialled is %s (%d streams opened), want Listening", got, second.Opened())
	}
}
