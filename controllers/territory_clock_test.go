package controllers

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// clocks are an operator of the whole cluster and a namespace's own one, whose clock is off.
type clocks struct {
	t     *testing.T
	far   *territory
	there *leases
	now   time.Time
	off   time.Duration
}

func newClocks(t *testing.T, off time.Duration) *clocks {
	c := &clocks{t: t, now: noon, off: off}
	c.far, c.there = newLeases()
	c.far.now = func() time.Time { return c.now }
	return c
}

// renew is what the namespace's operator writes.
func (c *clocks) renew() {
	c.there.lease = &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{
		HolderIdentity: new("shop"), LeaseDurationSeconds: new(int32(leaseDuration.Seconds())), RenewTime: &metav1.MicroTime{Time: c.now.Add(c.off)},
	}}
}

// waits returns how long the operator of the whole cluster leaves the namespace alone while nothing else happens.
func (c *clocks) waits() time.Duration {
	c.t.Helper()
	for began := c.now; ; c.now = c.now.Add(lookPause) {
		wait, err := c.far.serves(c.t.Context(), "shop")
		if err != nil {
			c.t.Fatal(err)
		}
		if waited := c.now.Sub(began); wait == 0 || waited > 2*handover {
			return waited
		}
	}
}

// The clocks of two machines may differ by any time. A namespace whose own operator renews its lease has no second one
// nevertheless, and one that does not is taken over once the same time has passed on its own clock.
func TestAWrongClockMakesNoSecondOperator(t *testing.T) {
	for name, off := range map[string]time.Duration{"right": 0, "a little late": -handover, "a day late": -24 * time.Hour, "a day early": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			c := newClocks(t, off)
			for range 200 {
				c.renew()
				if wait, err := c.far.serves(t.Context(), "shop"); wait == 0 || err != nil {
					t.Fatalf("after %s: serves = %s, %v, although the lease is renewed", c.now.Sub(noon), wait, err)
				}
				c.now = c.now.Add(leaseRetry)
			}
			c.now = c.now.Add(-leaseRetry)
			if waited := c.waits(); waited != handover {
				t.Errorf("it takes the namespace over after %s, want %s", waited, handover)
			}
			c.renew()
			c.now = c.now.Add(lookPause)
			if wait, err := c.far.serves(t.Context(), "shop"); wait == 0 || err != nil {
				t.Errorf("serves = %s, %v, although the namespace's operator is back", wait, err)
			}
		})
	}
}

// An operator that starts watches a lease before it takes it for abandoned, and no longer than it must. One that was
// released counts like one that was renewed, because its operator may be in an upgrade; one that is gone is not watched.
func TestAStartWatchesALease(t *testing.T) {
	released := func(c *clocks) { c.there.lease.Spec.HolderIdentity = new("") }
	for name, c := range map[string]struct {
		before, off time.Duration
		then        func(*clocks)
		want        time.Duration
	}{
		"renewed just now":                   {want: handover},
		"renewed a while ago":                {before: handover - 3*time.Minute, want: 3 * time.Minute},
		"renewed long ago":                   {before: 24 * time.Hour, want: watching},
		"renewed long ago, by a wrong clock": {before: 24 * time.Hour, off: 48 * time.Hour, want: handover},
		"released just now":                  {then: released, want: handover},
		"deleted":                            {then: func(c *clocks) { c.there.lease = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			start := newClocks(t, c.off)
			start.renew()
			start.now = start.now.Add(c.before)
			if c.then != nil {
				c.then(start)
			}
			if waited := start.waits(); waited != c.want {
				t.Errorf("it takes the namespace over after %s, want %s", waited, c.want)
			}
		})
	}
}
