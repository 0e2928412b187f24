package controllers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	coordination "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
)

const (
	// foreignPause is the time between two looks at a session that another operator serves, unknownPause while it is not
	// known yet who does.
	foreignPause = 30 * time.Second
	unknownPause = time.Second
	// lookPause is how long an operator of the whole cluster remembers who serves a namespace.
	lookPause = 10 * time.Second
	// handover is how long a namespace stays its own operator's after that last renewed its lease. It outlasts an upgrade,
	// which would otherwise replace every bot twice.
	handover = 15 * time.Minute
	// watching is how long an operator that just started watches a lease that looks long over. One that is held is renewed
	// several times in it.
	watching = leaseDuration

	// How an operator of single namespaces holds their leases.
	leaseDuration = time.Minute
	leaseDeadline = 40 * time.Second
	leaseRetry    = 10 * time.Second
)

// territory knows which of the namespaces that it watches this operator serves. A namespace's own operator, which was
// installed for it, goes before that of the whole cluster: it holds a lease there. Two operators that served one session
// would keep replacing each other's pods.
type territory struct {
	leases coordinationv1.LeasesGetter
	lease  string
	// own is the operator's namespace. Its lease there is the one by which the operator was elected.
	own string
	// namespaces are those that the operator serves, sorted; none means the whole cluster.
	namespaces []string
	log        logr.Logger
	now        func() time.Time

	mu sync.Mutex
	// looks are what is known of each namespace.
	looks map[string]look
}

// look is what was last seen in a namespace.
type look struct {
	at      time.Time
	foreign bool
	// lease is what the namespace's lease said, and until is when it is over unless it says something else before.
	lease coordination.LeaseSpec
	until time.Time
}

// newTerritory adds the holding of the namespaces' leases to the manager.
func newTerritory(mgr ctrl.Manager, settings Settings) (*territory, error) {
	client, err := coordinationv1.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("reach the leases: %w", err)
	}
	t := &territory{
		leases: client, lease: settings.Lease, own: settings.Resources.OperatorNamespace, namespaces: settings.Namespaces,
		log: mgr.GetLogger().WithName("territory"), now: time.Now, looks: map[string]look{},
	}
	if err := mgr.Add(t); err != nil {
		return nil, fmt.Errorf("add the leases of namespaces: %w", err)
	}
	return t, nil
}

// serves returns how long a session of a namespace is left alone; zero when this operator serves it.
func (t *territory) serves(ctx context.Context, namespace string) (wait time.Duration, err error) {
	if t == nil || namespace == t.own {
		return 0, nil
	}
	last, known := t.last(namespace)
	switch {
	case len(t.namespaces) > 0:
		if !known {
			return unknownPause, nil
		}
	case !known || !t.now().Before(last.at.Add(lookPause)):
		if last, err = t.look(ctx, namespace, last); err != nil {
			return 0, err
		}
		t.note(namespace, last)
	}
	if last.foreign {
		return foreignPause, nil
	}
	return 0, nil
}

// foreign reports whether another operator serves a namespace, as far as this one knows.
func (t *territory) foreign(namespace string) bool {
	if t == nil || namespace == t.own {
		return false
	}
	last, known := t.last(namespace)
	return last.foreign || !known && len(t.namespaces) > 0
}

func (t *territory) last(namespace string) (look, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, known := t.looks[namespace]
	return last, known
}

// note remembers what was seen, and says in the log when a namespace has changed hands.
func (t *territory) note(namespace string, next look) {
	t.mu.Lock()
	last := t.looks[namespace]
	t.looks[namespace] = next
	t.mu.Unlock()
	switch {
	case last.foreign == next.foreign:
	case next.foreign:
		t.log.Info("another operator serves the namespace; this one leaves its sessions alone", "namespace", namespace, "lease", t.lease)
	default:
		t.log.Info("this operator serves the namespace now", "namespace", namespace, "lease", t.lease)
	}
}

// look reads a namespace's lease, and compares it with what it said at the last look.
func (t *territory) look(ctx context.Context, namespace string, last look) (look, error) {
	next := look{at: t.now()}
	lease, err := t.leases.Leases(namespace).Get(ctx, t.lease, metav1.GetOptions{})
	switch {
	case err == nil:
		next.lease, next.until = lease.Spec, decideEnd(last, lease.Spec, next.at)
		// An operator that ends releases its lease: its upgrade counts as an absence like any other.
		next.foreign = lease.Spec.RenewTime != nil && next.at.Before(next.until)
	case apierrors.IsForbidden(err): // rights of an earlier release
		return next, nil
	case !apierrors.IsNotFound(err):
		return look{}, fmt.Errorf("read the lease %s of namespace %s: %w", t.lease, namespace, err)
	}
	return next, nil
}

// decideEnd is when a lease is over unless it changes before. Each change starts the time again, on this machine's
// clock: the time in the lease is from another machine, whose clock may be wrong, and then two operators would serve one
// namespace.
// What the lease says of the time before the first look can only make the wait longer than the watch.
func decideEnd(last look, lease coordination.LeaseSpec, now time.Time) time.Time {
	switch {
	case !last.at.IsZero() && equality.Semantic.DeepEqual(last.lease, lease):
		return last.until
	case last.at.IsZero() && lease.RenewTime != nil:
		left := lease.RenewTime.Add(handover).Sub(now)
		return now.Add(min(max(left, watching), handover))
	}
	return now.Add(handover)
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: of several replicas the elected one holds the leases.
func (t *territory) NeedLeaderElection() bool { return true }

// Start holds the leases of the operator's namespaces until ctx ends.
func (t *territory) Start(ctx context.Context) error {
	var holding sync.WaitGroup
	for _, namespace := range slices.DeleteFunc(slices.Clone(t.namespaces), func(name string) bool { return name == t.own }) {
		elector, err := leaderelection.NewLeaderElector(t.election(namespace))
		if err != nil {
			return fmt.Errorf("hold the lease of namespace %s: %w", namespace, err)
		}
		holding.Go(func() {
			for ctx.Err() == nil {
				elector.Run(ctx) // it returns when the lease is lost
			}
		})
	}
	holding.Wait()
	return nil
}

func (t *territory) election(namespace string) leaderelection.LeaderElectionConfig {
	set := func(foreign bool) { t.note(namespace, look{at: t.now(), foreign: foreign}) }
	return leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: namespace, Name: t.lease}, Client: t.leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: t.own},
		},
		LeaseDuration: leaseDuration, RenewDeadline: leaseDeadline, RetryPeriod: leaseRetry,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { set(false) },
			OnStoppedLeading: func() { set(true) },
			OnNewLeader:      func(holder string) { set(holder != t.own) },
		},
	}
}
