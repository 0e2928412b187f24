// Package e2e tests all of Sesi on a real cluster under every disturbance that a cluster knows. It runs only on a
// cluster that run.sh created, because it stops that cluster's node and API server.
package e2e

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/v1alpha1"
)

// cluster describes where the tests run.
var cluster struct {
	client.WithWatch

	host string       // of the API server, as a URL
	http *http.Client // with an administrator's certificate
	// helm and prometheus are the programs, version is the tag of the images, otherBot the bot's image under another name.
	helm, prometheus, version, otherBot string
}

func TestMain(m *testing.M) {
	if err := findCluster(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	code := m.Run()
	for _, fault := range append(watched.violations(), takeovers()...) {
		fmt.Fprintln(os.Stderr, "e2e:", fault)
		code = 1
	}
	os.Exit(code)
}

func findCluster() error {
	for name, into := range map[string]*string{
		"KUBECONFIG": new(string), "SESI_CLUSTER": new(string),
		"E2E_HELM": &cluster.helm, "E2E_PROMETHEUS": &cluster.prometheus, "E2E_VERSION": &cluster.version, "E2E_OTHER_BOT": &cluster.otherBot,
	} {
		if *into = os.Getenv(name); *into == "" {
			return fmt.Errorf("%s is not set: run these tests by test/e2e/run.sh (make e2e), which makes a cluster for them", name)
		}
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return fmt.Errorf("read KUBECONFIG: %w", err)
	}
	config.QPS, config.Burst = 200, 400
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{kubescheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	if cluster.WithWatch, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("reach the cluster: %w", err)
	}
	cluster.host = config.Host
	if cluster.http, err = rest.HTTPClientFor(config); err != nil {
		return fmt.Errorf("reach the cluster: %w", err)
	}
	return watched.start()
}
