// Command operator runs the Sesi operator: it reads its flags, wires a manager, and never decides anything about a
// session.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers"
	"sesi.dev/sesi/controllers/resources"
)

// stopTime is how long the operator may take to end its streams and requests after it was told to stop.
const stopTime = 10 * time.Second

// garbage is the GOGC value: how much garbage may gather, in percent of the memory in use. Nearly all memory belongs to
// idle sessions, so Go's default of 100 would double it and save hardly any work.
const garbage = 25

func main() {
	flags, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(2)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	log := logger(os.Stderr, flags.logLevel)
	ctrl.SetLogger(log)
	klog.SetLogger(log)
	if err := run(ctrl.SetupSignalHandler(), flags, log); err != nil {
		log.Error(err, "operator ends")
		os.Exit(1)
	}
}

func logger(to io.Writer, level slog.Level) logr.Logger {
	return logr.FromSlogHandler(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: level}))
}

// run serves until ctx ends.
func run(ctx context.Context, flags options, log logr.Logger) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	config.QPS, config.Burst = flags.qps, flags.burst
	if err := awaitAPI(ctx, config, log); err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the operator was stopped while it waited
		}
		return err
	}
	manager, err := newManager(config, flags)
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}

func newManager(config *rest.Config, flags options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, networkingv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register the API's kinds: %w", err)
		}
	}
	cache, err := controllers.CacheOptions(flags.namespaces)
	if err != nil {
		return nil, err
	}
	var lock resourcelock.Interface
	if flags.leaderElect {
		if lock, err = newLock(config, flags.namespace); err != nil {
			return nil, err
		}
	}
	grace := stopTime
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Cache: cache,
		LeaderElection: flags.leaderElect, LeaderElectionReleaseOnCancel: true,
		// the metric of who leads takes its name from the id, also where the lock is given
		LeaderElectionID: leaseName, LeaderElectionResourceLockInterface: lock,
		HealthProbeBindAddress:  flags.probes,
		PprofBindAddress:        flags.profiles,
		GracefulShutdownTimeout: &grace,
		Metrics: metricsserver.Options{
			BindAddress: flags.metrics, SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("create the manager: %w", err)
	}
	if err := errors.Join(manager.AddHealthzCheck("ping", healthz.Ping), manager.AddReadyzCheck("ping", healthz.Ping)); err != nil {
		return nil, fmt.Errorf("add the probes: %w", err)
	}
	lease := ""
	if flags.leaderElect {
		lease = leaseName
	}
	err = controllers.Setup(manager, controllers.Settings{
		Metrics: metrics.Registry, Lease: lease, ReadNodes: len(flags.namespaces) == 0, Namespaces: flags.namespaces,
		Resources: resources.Options{
			BotImage: flags.botImage, OperatorNamespace: flags.namespace, OperatorLabels: flags.labels, GatewayLabels: flags.gateway,
			ClosedPrefixes: flags.closed, TemplatePolicy: flags.template, MaskPersonalData: flags.masked,
		},
	})
	if err != nil {
		return nil, err
	}
	return manager, nil
}

// options are the flags, read.
type options struct {
	botImage    string
	template    resources.TemplatePolicy
	masked      bool
	namespaces  []string
	namespace   string
	labels      map[string]string
	gateway     map[string]string
	closed      []netip.Prefix
	leaderElect bool
	metrics     string
	probes      string
	profiles    string
	qps         float32
	burst       int
	logLevel    slog.Level
}
