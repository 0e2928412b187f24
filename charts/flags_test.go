package charts_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestOperatorTakesItsFlags: the operator reads every flag that the chart passes. Without a cluster it then fails
// because of that, and not because of its command line.
func TestOperatorTakesItsFlags(t *testing.T) {
	program := filepath.Join(t.TempDir(), "operator")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../cmd/operator")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as everywhere else, so that nothing is compiled twice
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the operator: %v\n%s", err, out)
	}
	const badCommandLine = 2
	for name, release := range cases {
		t.Run(name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), program, operatorArgs(t, name, release)...)
			command.Env = append(os.Environ(), "POD_NAMESPACE="+namespace, "KUBERNETES_SERVICE_HOST=", "KUBECONFIG="+filepath.Join(t.TempDir(), "none"))
			out, err := command.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() == badCommandLine {
				t.Errorf("the operator ends with %v:\n%s", err, out)
			}
		})
	}
}

func operatorArgs(t *testing.T, name, release string) []string {
	t.Helper()
	for _, object := range renderCase(t, name, release) {
		if object.GetKind() != "Deployment" {
			continue
		}
		var deployment appsv1.Deployment
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &deployment); err != nil {
			t.Fatal(err)
		}
		return deployment.Spec.Template.Spec.Containers[0].Args
	}
	t.Fatal("the chart has no Deployment")
	return nil
}
