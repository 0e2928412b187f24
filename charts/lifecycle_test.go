package charts_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/test/apiserver"
)

// TestSessionsOutliveTheRelease: over a release's whole life on a real API server, sessions stay through upgrades,
// rollbacks and the uninstallation. Only crds.keep=false deletes them.
func TestSessionsOutliveTheRelease(t *testing.T) {
	environment, api := apiserver.Strict(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	release := func(args ...string) {
		t.Helper()
		if args[0] == "install" || args[0] == "upgrade" {
			args = append(args, "--values", valuesFile("default"))
		}
		if _, err := helmOn(t, kubeconfig, append(args, "--namespace", namespace)...); err != nil {
			t.Fatalf("helm %v: %v", args, err)
		}
	}

	release("install", "sesi", chart, "--create-namespace")
	waitFor(t, "the CRD is served", func(ctx context.Context) bool {
		return api.Create(ctx, newShop()) == nil
	})
	release("upgrade", "sesi", chart, "--set", "replicas=2,logLevel=debug")
	wantShop(t, api, true)
	release("upgrade", "sesi", chart, "--set", "watchNamespaces={"+namespace+"}")
	wantShop(t, api, true)
	release("rollback", "sesi", "1")
	wantShop(t, api, true)
	release("uninstall", "sesi")
	wantShop(t, api, true)

	// A release adopts the CRD that an earlier release of its name left.
	release("install", "sesi", chart, "--set", "crds.keep=false")
	wantShop(t, api, true)
	release("uninstall", "sesi")
	waitFor(t, "the CRD is gone", func(ctx context.Context) bool {
		crd := &unstructured.Unstructured{}
		crd.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
		return apierrors.IsNotFound(api.Get(ctx, client.ObjectKey{Name: "whatsappsessions.sesi.dev"}, crd))
	})
}

// TestASecondOperatorIsRefused holds that a namespace has one operator, and that a release does not refuse itself.
func TestASecondOperatorIsRefused(t *testing.T) {
	environment, api := apiserver.Strict(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, environment.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sales", "support"} {
		if err := api.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	run := func(command, name, space string, watch ...string) error {
		args := []string{command, name, chart, "--namespace", space, "--create-namespace", "--values", valuesFile("default"), "--set", "crds.enabled=false"}
		if len(watch) > 0 {
			args = append(args, "--set", "watchNamespaces={"+strings.Join(watch, ",")+"}")
		}
		_, err := helmOn(t, kubeconfig, args...)
		return err
	}
	taken := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	good := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	good("one for sales", run("install", "sesi", "one", "sales"))
	good("its upgrade", run("upgrade", "sesi", "one", "sales"))
	taken("another for sales", run("install", "sesi-two", "two", "support", "sales"), "release sesi in namespace one serves sales already")
	taken("another for sales, of the same name", run("install", "sesi", "two", "sales"), "release sesi in namespace one serves sales already")
	good("another for support", run("install", "sesi-two", "two", "support"))
	good("one for the namespace that the other runs in", run("install", "sesi-three", "support", "two"))
	good("one for all beside them, of the same name", run("install", "sesi", "three"))
	good("its upgrade", run("upgrade", "sesi", "three"))
	taken("another for all", run("install", "sesi-all", "four"), "Deployment sesi in namespace three does so already")
	taken("another for all, of the same name", run("install", "sesi", "four"), "Deployment sesi in namespace three does so already")
}

func newShop() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "sesi.dev/v1alpha1", "kind": "WhatsAppSession",
		"metadata": map[string]any{"name": "shop", "namespace": "default"},
		"spec":     map[string]any{},
	}}
}

func wantShop(t *testing.T, api client.Client, want bool) {
	t.Helper()
	err := api.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "shop"}, newShop())
	if (err == nil) != want {
		t.Fatalf("the session: %v, want it there: %t", err, want)
	}
}

// waitFor waits for a condition, far longer than any takes.
func waitFor(t *testing.T, what string, condition func(context.Context) bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true,
		func(ctx context.Context) (bool, error) { return condition(ctx), nil })
	if err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}
