package httpapi

import (
	"net/netip"
	"sync"
	"time"
)

const (
	throttleBurst   = 10              // wrong tokens before a caller must wait
	throttleRefill  = 3 * time.Second // until an address gets one more try
	throttleCallers = 1024            // addresses remembered at once
)

// throttle limits how often an address may present a wrong token and learn that it is wrong. It never delays the right
// token.
type throttle struct {
	refill time.Duration // until an address gets one more try
	mu     sync.Mutex
	// full is when an address has all its tries again.
	full map[netip.Prefix]time.Time
}

func newThrottle() *throttle {
	return &throttle{refill: throttleRefill, full: make(map[netip.Prefix]time.Time)}
}

// wait returns how long an address must wait before its next wrong token is answered; 0 if it need not wait.
func (t *throttle) wait(who netip.Prefix, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	open := t.full[t.key(who)].Add(-(throttleBurst - 1) * t.refill)
	if !open.After(now) {
		return 0
	}
	return open.Sub(now)
}

// failed counts a wrong token.
func (t *throttle) failed(who netip.Prefix, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.full) >= throttleCallers {
		t.forget(now)
	}
	key := t.key(who)
	from := t.full[key]
	if from.Before(now) {
		from = now
	}
	t.full[key] = from.Add(t.refill)
}

// key returns who, or one shared key for new addresses once too many are remembered. So a caller with endless
// addresses is limited too.
func (t *throttle) key(who netip.Prefix) netip.Prefix {
	if _, known := t.full[who]; known || len(t.full) < throttleCallers {
		return who
	}
	return netip.Prefix{}
}

func (t *throttle) forget(now time.Time) {
	for who, full := range t.full {
		if full.Before(now) {
			delete(t.full, who)
		}
	}
}

// throttleKey returns the network of an address: an IPv6 caller has at least a /64.
func throttleKey(remote string) netip.Prefix {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	ip := from.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
