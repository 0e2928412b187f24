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
	// apiPause is between two askings whether the API server answers, apiPatience how long one may take.
	apiPause    = time.Second
	apiPatience = 5 * time.Second
	// renewDeadline bounds one request of the leader election; it is controller-runtime's own default.
	renewDeadline = 10 * time.Second
	leaseName     = "operator.sesi.dev"
)

// awaitAPI waits for as long as the API server does not answer. A process that ended instead would be started again
// after pauses that double, and every session's status would stand still until the last of them is over.
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

// newLock is the lease by which one of several operators works. It is held under the name of the pod, so that a
// container that was started again goes on at once, where a name of the process would have to wait for its own lease
// to expire.
func newLock(config *rest.Config, namespace string) (resourcelock.Interface, error) {
	pod, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name the leader: %w", err)
	}
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, namespace, leaseName,
		resourcelock.ResourceLockConfig{Identity: pod}, config, renewDeadline)
	if err != nil {
		return nil, fmt.Errorf("make the lease %s: %w", leaseName, err)
	}
	return lock, nil
}
