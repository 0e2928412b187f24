package gateway

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// Each bound refuses what is above it, no matter how much room the others have, and what ends makes room.
func TestTheLedgerBoundsEach(t *testing.T) {
	t.Parallel()
	shop, bank := sessionKey{"a", "shop"}, sessionKey{"a", "bank"}
	type asks struct {
		who    string
		key    sessionKey
		stream bool
	}
	for name, c := range map[string]struct {
		limits  Limits
		taken   asks // two of them fill the bound
		refused asks
		free    asks
	}{
		"requests of a caller":  {Limits{PerCaller: 2}, asks{"a", shop, false}, asks{"a", bank, false}, asks{"b", shop, false}},
		"requests of a session": {Limits{PerSession: 2}, asks{"a", shop, false}, asks{"b", shop, false}, asks{"a", bank, false}},
		"streams of a caller":   {Limits{CallerStreams: 2}, asks{"a", shop, true}, asks{"a", bank, true}, asks{"b", shop, true}},
		"streams of a session":  {Limits{SessionStreams: 2}, asks{"a", shop, true}, asks{"b", shop, true}, asks{"a", bank, true}},
		"all streams":           {Limits{Streams: 2}, asks{"a", shop, true}, asks{"b", bank, true}, asks{"b", bank, false}},
	} {
		l := newLedger(c.limits.withDefaults())
		admit := func(a asks) (func(), *problem) { return l.admit(a.who, a.key, a.stream, time.Now()) }
		var ends []func()
		for range 2 {
			done, failure := admit(c.taken)
			if failure != nil {
				t.Fatalf("%s: %v", name, failure)
			}
			ends = append(ends, done)
		}
		if _, failure := admit(c.refused); failure == nil || failure.retryAfter == 0 {
			t.Errorf("%s: above the bound: %v", name, failure)
		}
		done, failure := admit(c.free)
		if failure != nil {
			t.Fatalf("%s: what the bound is not for: %v", name, failure)
		}
		done()
		for _, end := range ends {
			end()
		}
		if done, failure = admit(c.refused); failure != nil {
			t.Fatalf("%s: after the others have ended: %v", name, failure)
		}
		done()
		if len(l.used) > 0 || l.openStreams() > 0 {
			t.Errorf("%s: %d sessions and %d streams are counted that have ended", name, len(l.used), l.openStreams())
		}
	}
}

// One caller leaves an eighth of a session's places to others, of requests as of streams.
func TestACallerLeavesAnEighth(t *testing.T) {
	t.Parallel()
	key := sessionKey{"a", "shop"}
	for _, stream := range []bool{false, true} {
		l := newLedger(Limits{PerSession: 16, SessionStreams: 16}.withDefaults())
		var ends []func()
		take := func(who string) (taken int) {
			for {
				done, failure := l.admit(who, key, stream, time.Now())
				if failure != nil {
					return taken
				}
				ends, taken = append(ends, done), taken+1
			}
		}
		if a, b, c := take("a"), take("b"), take("c"); a != 14 || b != 2 || c != 0 {
			t.Errorf("stream %t: of 16 places they took %d, %d and %d", stream, a, b, c)
		}
		for _, end := range ends {
			end()
		}
		if again := take("b"); again != 14 {
			t.Errorf("stream %t: afterwards another took %d", stream, again)
		}
	}
}

// What is remembered of tokens is bounded, and ends.
func TestWelcomeTokensAreForgotten(t *testing.T) {
	t.Parallel()
	var w welcome
	now := time.Now()
	token := func(n int) [sha256.Size]byte { return sha256.Sum256([]byte(fmt.Sprint(n))) }
	for n := range 2 * welcomeTokens {
		w.add(token(n), now)
	}
	if len(w.until) != welcomeTokens || !w.has(token(0), now) || w.has(token(welcomeTokens), now) {
		t.Errorf("%d tokens are remembered", len(w.until))
	}
	now = now.Add(welcomeTime)
	if w.has(token(0), now) {
		t.Error("a token is remembered for too long")
	}
	if w.add(token(-1), now); len(w.until) != 1 || !w.has(token(-1), now) {
		t.Errorf("%d tokens are remembered that were not used any more", len(w.until))
	}
}

// However many callers there are, only those are remembered that came lately or have something open.
func TestCallersAreForgotten(t *testing.T) {
	t.Parallel()
	l, now := newLedger(Limits{CallerStreams: 1}.withDefaults()), time.Now()
	open, failure := l.admit("open", sessionKey{}, true, now)
	if failure != nil {
		t.Fatal(failure)
	}
	for i := range 3 * maxAccounts {
		now = now.Add(time.Second)
		done, failure := l.admit(fmt.Sprint(i), sessionKey{}, false, now)
		if failure != nil {
			t.Fatal(failure)
		}
		done()
	}
	if len(l.callers) > maxAccounts {
		t.Errorf("%d callers are remembered", len(l.callers))
	}
	if _, failure := l.admit("open", sessionKey{}, true, now); failure == nil {
		t.Error("a caller's open stream is forgotten")
	}
	open()
}

// One caller has many addresses of IPv6. Of however many networks wrong credentials come, what is remembered is bounded, and
// a new network is still slowed down.
func TestTheThrottleKnowsNetworks(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var one throttle
	for i := range throttleBurst {
		one.failed(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1)), now)
	}
	if one.wait(netip.MustParseAddr("2001:db8::ffff"), now) == 0 {
		t.Error("another address of the same network may go on")
	}
	if one.wait(netip.MustParseAddr("2001:db8:0:1::1"), now) != 0 {
		t.Error("another network has to wait")
	}
	var many throttle
	for i := range uint32(3 * throttleCallers) {
		many.failed(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(many.full) > throttleCallers+1 {
		t.Errorf("%d networks are remembered", len(many.full))
	}
	if many.wait(netip.MustParseAddr("192.0.2.1"), now) == 0 {
		t.Error("a new network may go on while too many are remembered")
	}
	many.failed(netip.MustParseAddr("192.0.2.1"), now.Add(24*time.Hour*2))
	if len(many.full) > 2 {
		t.Errorf("%d networks are remembered after they had all their attempts again", len(many.full))
	}
}
