// Package clustertest plays the rest of a cluster around a real API server, for tests of the operator: a node that
// runs a bot behind each pod's address, a binder of claims and a garbage collector. It decides nothing that the
// operator must decide.
package clustertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	kubescheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/apiserver"
)

// Options are the options of a cluster.
type Options struct {
	// Bots start the process behind a pod.
	Bots Bots
	// Audit is the file of the API server's audit log; empty for none.
	Audit string
	// CRD is the folder with the sessions' CustomResourceDefinition.
	CRD string
	// Dir is the folder for the processes' files.
	Dir string
}

// Cluster is a running cluster.
type Cluster struct {
	// Config is an administrator's client configuration.
	Config *rest.Config
	// Client reads without a cache.
	Client client.WithWatch
	// Node runs the pods.
	Node *Node
	// Environment creates further users.
	Environment *envtest.Environment

	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

// Start starts the API server and the cluster around it.
func Start(options Options) (*Cluster, error) {
	if err := v1alpha1.AddToScheme(kubescheme.Scheme); err != nil {
		return nil, fmt.Errorf("know the sessions: %w", err)
	}
	environment := apiserver.New(options.CRD)
	server := environment.ControlPlane.GetAPIServer().Configure()
	server.Set("max-requests-inflight", "2000").Set("max-mutating-requests-inflight", "2000")
	if options.Audit != "" {
		policy := filepath.Join(options.Dir, "audit-policy.yaml")
		if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
			return nil, fmt.Errorf("write the audit policy: %w", err)
		}
		server.Set("audit-policy-file", policy).Set("audit-log-path", options.Audit)
	}
	if err := apiserver.Start(environment); err != nil {
		return nil, err
	}
	environment.Config.QPS = -1
	c := &Cluster{Config: environment.Config, Environment: environment, ended: make(chan struct{})}
	if err := c.begin(options); err != nil {
		return nil, errors.Join(err, apiserver.Stop(environment))
	}
	return c, nil
}

// requestPatience bounds each request of a test, a watch included, and the wait for the cluster's caches.
const requestPatience = 60 * time.Second

// auditPolicy logs who sent which request, and how it ended.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: [audited]
- level: None
`

// begin starts the cluster's own controllers.
func (c *Cluster) begin(options Options) error {
	var err error
	// A test waits for a condition by asking again and again, so one request without an end would be a wait without one.
	bounded := rest.CopyConfig(c.Config)
	bounded.Timeout = requestPatience
	if c.Client, err = client.NewWithWatch(bounded, client.Options{}); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	once := true
	mgr, err := ctrl.NewManager(c.Config, ctrl.Options{
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &once},
	})
	if err != nil {
		return fmt.Errorf("make the cluster's manager: %w", err)
	}
	c.Node = newNode(mgr.GetClient(), options)
	for _, add := range []func(ctrl.Manager) error{c.Node.setup, (&binder{mgr.GetClient(), mgr.GetAPIReader()}).setup, (&collector{mgr.GetClient(), mgr.GetAPIReader()}).setup} {
		if err := add(mgr); err != nil {
			return fmt.Errorf("set the cluster up: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	go func() {
		defer close(c.ended)
		c.err = mgr.Start(ctx)
	}()
	filled, done := context.WithTimeout(ctx, requestPatience)
	defer done()
	if !mgr.GetCache().WaitForCacheSync(filled) {
		cancel()
		return errors.New("the cluster's cache does not fill")
	}
	return nil
}

// Stop ends every process and the API server.
func (c *Cluster) Stop() error {
	c.cancel()
	select {
	case <-c.ended:
	case <-time.After(requestPatience):
		return errors.Join(errors.New("the cluster's controllers do not end"), apiserver.Stop(c.Environment))
	}
	c.Node.stopAll()
	return errors.Join(c.err, apiserver.Stop(c.Environment))
}

// eager makes a controller of the cluster retry soon.
func eager(concurrent int) controller.Options {
	return controller.Options{
		MaxConcurrentReconciles: concurrent,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](time.Millisecond, 100*time.Millisecond),
	}
}

// addresses are the loopback addresses for pods, each used once. They begin anywhere, because another cluster may run beside
// this one, and a bot's ports are the same at each.
type addresses struct {
	mu   sync.Mutex
	last int
}

func newAddresses() addresses { return addresses{last: rand.IntN(100 * 60000)} }

func (a *addresses) next() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	return fmt.Sprintf("127.%d.%d.%d", 100+a.last/60000%100, a.last/250%240, a.last%250+1)
}
