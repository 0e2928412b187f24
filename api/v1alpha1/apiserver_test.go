package v1alpha1_test

import (
	"errors"
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/test/apiserver"
)

// api speaks to a real API server that has the CRD, restConfig says where it is; every test of this package
// shares them.
var (
	api        client.Client
	restConfig *rest.Config
)

func TestMain(m *testing.M) {
	os.Exit(apiserver.Main(m, "../../config/crd", func(environment *envtest.Environment) (err error) {
		scheme := runtime.NewScheme()
		if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
			return err
		}
		restConfig = environment.Config
		api, err = client.New(restConfig, client.Options{Scheme: scheme})
		return err
	}))
}
