// Package apiserver starts a real API server for tests, from the programs in the folder that KUBEBUILDER_ASSETS names.
// Only etcd runs with it: no controller, no node.
package apiserver

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sesi.dev/sesi/test/vacant"
)

// startTime is how long each of its programs may take to start and to end, and a CRD until it is served. Many start at once,
// on machines with two processors.
const startTime = 2 * time.Minute

// New returns an API server that will have the CRDs of a folder.
func New(crds string) *envtest.Environment {
	return &envtest.Environment{CRDDirectoryPaths: []string{crds}, ErrorIfCRDPathMissing: true}
}

// Start starts it. Then environment.Config is an administrator's, and environment.KubeConfig the same as a file. A
// failed start leaves nothing behind, nor does a signal that ends the tests.
func Start(environment *envtest.Environment) error {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return errors.New("KUBEBUILDER_ASSETS must name a folder with etcd and kube-apiserver")
	}
	onSignal()
	if err := settle(environment); err != nil {
		return err
	}
	changing.RLock()
	defer changing.RUnlock()
	if _, err := environment.Start(); err != nil {
		return errors.Join(fmt.Errorf("start the API server: %w", err), environment.Stop())
	}
	started.Store(environment, true)
	return nil
}

// settle gives an environment its times and its ports. Those that it would choose by itself are free when it chooses, but
// seconds later, when its programs listen, one may be a connection's.
func settle(environment *envtest.Environment) error {
	environment.ControlPlaneStartTimeout, environment.ControlPlaneStopTimeout = startTime, startTime
	environment.CRDInstallOptions.MaxTime = startTime
	var ports [3]string
	for i := range ports {
		port, err := vacant.Find()
		if err != nil {
			return err
		}
		ports[i] = strconv.Itoa(port)
	}
	server := environment.ControlPlane.GetAPIServer()
	server.SecureServing.Address, server.SecureServing.Port = loopback, ports[0]
	if environment.ControlPlane.Etcd == nil {
		environment.ControlPlane.Etcd = &envtest.Etcd{}
	}
	etcd := environment.ControlPlane.Etcd
	etcd.URL = &url.URL{Scheme: "http", Host: net.JoinHostPort(loopback, ports[1])}
	etcd.Configure().Set("listen-peer-urls", "http://"+net.JoinHostPort(loopback, ports[2]))
	return nil
}

const loopback = "127.0.0.1"

// Stop stops what Start started.
func Stop(environment *envtest.Environment) error {
	changing.RLock()
	defer changing.RUnlock()
	started.Delete(environment)
	return environment.Stop()
}

var (
	changing sync.RWMutex // read-locked by each start and stop, so that a signal stops what has started and nothing starts after it
	started  sync.Map     // each *envtest.Environment that runs
)

// onSignal makes a signal stop the API servers before it ends the tests. They have process groups of their own, so the
// signal does not come to them.
var onSignal = sync.OnceFunc(func() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Ignore(syscall.SIGPIPE) // `go test` reads no more
		changing.Lock()
		var stops sync.WaitGroup
		for environment := range started.Range {
			stops.Go(func() { _ = environment.(*envtest.Environment).Stop() })
		}
		stops.Wait()
		os.Exit(1)
	}()
})

// Main runs the tests of a package that share one API server; prepare is called once it is up. The result is for
// os.Exit. The processes that run a fuzz test for `go test -fuzz` get no API server: they are ended by a signal, which
// would leave theirs behind.
func Main(m *testing.M, crds string, prepare func(*envtest.Environment) error) int {
	if fuzzes() {
		return m.Run()
	}
	environment := New(crds)
	if err := Start(environment); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := 1
	if err := prepare(environment); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	if err := Stop(environment); err != nil {
		fmt.Fprintln(os.Stderr, "stop the API server:", err)
		return max(code, 1)
	}
	return code
}

// fuzzes reports whether this process only runs inputs of a fuzz test.
func fuzzes() bool {
	flag.Parse()
	worker := flag.Lookup("test.fuzzworker")
	return worker != nil && worker.Value.String() == "true"
}

// Strict starts an API server without CRDs for a test. The test fails for every unknown field and for every warning.
func Strict(t *testing.T) (*envtest.Environment, client.Client) {
	t.Helper()
	environment := &envtest.Environment{}
	if err := Start(environment); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := Stop(environment); err != nil {
			t.Errorf("stop the API server: %v", err)
		}
	})
	environment.Config.WarningHandler = warnings{t}
	api, err := client.New(environment.Config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return environment, client.WithFieldValidation(api, metav1.FieldValidationStrict)
}

// warnings fails the test for what kubectl would print as a warning.
type warnings struct{ t *testing.T }

func (w warnings) HandleWarningHeader(_ int, _ string, message string) {
	w.t.Errorf("the API server warns: %s", message)
}
