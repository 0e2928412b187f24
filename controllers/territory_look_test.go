package controllers

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// leases are those of every namespace: one lease in memory.
type leases struct {
	coordinationclient.LeaseInterface
	mu    sync.Mutex
	lease *coordinationv1.Lease
	err   error
	reads int
}

func (l *leases) Leases(string) coordinationclient.LeaseInterface { return l }

func (l *leases) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *leases) Get(_ context.Context, name string, _ metav1.GetOptions) (*coordinationv1.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	if l.lease == nil && l.err == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "leases"}, name)
	}
	return l.lease.DeepCopy(), l.err
}

func (l *leases) Create(_ context.Context, lease *coordinationv1.Lease, _ metav1.CreateOptions) (*coordinationv1.Lease, error) {
	return l.put(lease)
}

func (l *leases) Update(_ context.Context, lease *coordinationv1.Lease, _ metav1.UpdateOptions) (*coordinationv1.Lease, error) {
	return l.put(lease)
}

func (l *leases) put(lease *coordinationv1.Lease) (*coordinationv1.Lease, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.lease = lease.DeepCopy()
	}
	return lease, l.err
}

// newLeases returns an operator's territory, and the leases that it reads at noon.
func newLeases(namespaces ...string) (*territory, *leases) {
	l := &leases{}
	return &territory{leases: l, lease: "operator", own: "sesi-system", namespaces: namespaces, log: logr.Discard(),
		now: func() time.Time { return noon }, looks: map[string]look{}}, l
}

// A namespace's own operator goes first as long as it was heard of lately. An operator whose rights are of an earlier
// release, and which may not read leases, serves as before.
func TestWhomANamespaceIsServedBy(t *testing.T) {
	held := func(ago time.Duration) *coordinationv1.Lease {
		return &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: new("shop"), RenewTime: &metav1.MicroTime{Time: noon.Add(-ago)}}}
	}
	resource := schema.GroupResource{Resource: "leases"}
	cases := map[string]struct {
		namespace string
		lease     *coordinationv1.Lease
		err       error
		want      time.Duration
		fails     bool
	}{
		"no lease":            {namespace: "shop"},
		"renewed just now":    {namespace: "shop", lease: held(0), want: foreignPause},
		"renewed a while ago": {namespace: "shop", lease: held(handover - time.Second), want: foreignPause},
		"renewed long ago":    {namespace: "shop", lease: held(handover), want: foreignPause},                                                                                                    // until it was watched
		"released":            {namespace: "shop", lease: &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: new(""), RenewTime: held(0).Spec.RenewTime}}, want: foreignPause}, // its operator may be in an upgrade
		"never held":          {namespace: "shop", lease: &coordinationv1.Lease{}},
		"may not read it":     {namespace: "shop", err: apierrors.NewForbidden(resource, "operator", errors.New("no"))},
		"cannot read it":      {namespace: "shop", err: apierrors.NewInternalError(errors.New("no")), fails: true},
		"the operator's own":  {namespace: "sesi-system", lease: held(0)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			operator, there := newLeases()
			there.lease, there.err = c.lease, c.err
			got, err := operator.serves(t.Context(), c.namespace)
			if got != c.want || (err != nil) != c.fails || operator.foreign(c.namespace) != (c.want > 0) {
				t.Errorf("serves = %s, %v, another's: %t; want %s", got, err, operator.foreign(c.namespace), c.want)
			}
		})
	}
}

// All passes over a namespace's sessions share one read of its lease, for as long as that is remembered.
func TestALeaseIsReadSeldom(t *testing.T) {
	operator, there := newLeases()
	now := noon
	operator.now = func() time.Time { return now }
	for _, want := range []int{1, 2} {
		for range 1000 {
			if _, err := operator.serves(t.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
		}
		if there.reads != want {
			t.Errorf("the lease was read %d times, want %d", there.reads, want)
		}
		now = now.Add(lookPause)
	}
}

// An operator of a namespace serves it once it holds the lease and no longer than that. After an outage of the API server
// it takes the lease again.
func TestALostLeaseIsTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		operator, there := newLeases("shop")
		operator.now = time.Now
		serves := func(want time.Duration, when string) {
			t.Helper()
			synctest.Wait()
			if got, err := operator.serves(t.Context(), "shop"); got != want || err != nil || operator.foreign("shop") != (want > 0) {
				t.Errorf("%s: serves = %s, %v, another's: %t; want %s", when, got, err, operator.foreign("shop"), want)
			}
		}
		serves(unknownPause, "before it is known who holds the lease")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- operator.Start(ctx) }()
		<-time.After(leaseDuration) // the bubble's time, here and below
		serves(0, "with the lease")
		there.fail(errors.New("the API server is away"))
		<-time.After(2 * leaseDuration)
		serves(foreignPause, "in the outage")
		there.fail(nil)
		<-time.After(2 * leaseDuration)
		serves(0, "after the outage")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
