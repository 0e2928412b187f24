package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

const (
	// apiPause is the time between two requests that check whether the API server answers; apiPatience bounds each.
	apiPause    = time.Second
	apiPatience = 5 * time.Second
	// renewDeadline bounds one request of the leader election. It is controller-runtime's default.
	renewDeadline = 10 * time.Second
	leaseName     = "operator.sesi.dev"
)

// awaitAPI waits while the API server does not answer. If the process ended instead, the kubelet would restart it
// after pauses that double, and every status would stay stale until the last pause is over.
func awaitAPI(ctx context.Context, config *rest.Config, log logr.Logger) error {
	patient := rest.CopyConfig(config)
	patient.Timeout = apiPatience
	api, err := discovery.NewDiscoveryClientForConfig(patient)
	if err != nil {
		return fmt.Errorf("reach the API server: %w", err)
	}
	told := false
	err = wait.PollUntilContextCancel(ctx, apiPause, true, func(context.Context) (bool, error) {
		_, err := api.ServerVersion()
		if err == nil || apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
			return true, err
		}
		if !told {
			log.Info("waiting for the API server", "error", err.Error())
			told = true
		}
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("ask the API server for its version: %w", err)
	}
	return nil
}

// newLock returns the lease that lets one of several operators work. Its holder is the pod's name, so that a restarted
// container continues at once. With a name per process it would wait until its own lease expires.
func newLock(config *rest.Config, namespace string) (resourcelock.Interface, error) {
	pod, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name the leader: %w", err)
	}
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, namespace, leaseName,
		resourcelock.ResourceLockConfig{Identity: pod}, config, renewDeadline)
	if err != nil {
		return nil, fmt.Errorf("create the lease %s: %w", leaseName, err)
	}
	return lock, nil
}
