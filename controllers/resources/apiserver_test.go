package resources

import (
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// TestAPIServerTakesAll holds that a real API server takes everything that is built, with no unknown field and
// no warning, in a namespace that enforces the Pod Security profile "restricted"; and that it is this namespace
// which would say no.
func TestAPIServerTakesAll(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS must name a folder with etcd and kube-apiserver")
	}
	environment := &envtest.Environment{}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Errorf("stopping the API server: %v", err)
		}
	})
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	config.WarningHandler = warnings{t}
	api, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	api = client.WithFieldValidation(api, metav1.FieldValidationStrict)
	restricted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "restricted", Labels: map[string]string{
		"pod-security.kubernetes.io/enforce": "restricted",
		"pod-security.kubernetes.io/warn":    "restricted",
	}}}
	if err := api.Create(t.Context(), restricted); err != nil {
		t.Fatal(err)
	}
	for name, session := range sessions() {
		t.Run(name, func(t *testing.T) {
			session.Namespace = restricted.Name
			for _, object := range append(built(t, session), credentials(t, session, nil, january)) {
				if err := api.Create(t.Context(), object); err != nil {
					t.Errorf("%T: %v", object, err)
				}
			}
		})
	}
	privileged, err := BuildPod(withTemplate(`{containers: [{name: bot, securityContext: {privileged: true, allowPrivilegeEscalation: null}}]}`), options)
	if err != nil {
		t.Fatal(err)
	}
	privileged.Namespace = restricted.Name
	if err := api.Create(t.Context(), privileged); err == nil {
		t.Error("a privileged pod was taken: the namespace enforces nothing")
	}
}

// warnings fails the test for what kubectl would print as a warning.
type warnings struct{ t *testing.T }

func (w warnings) HandleWarningHeader(_ int, _ string, message string) {
	w.t.Errorf("the API server warns: %s", message)
}
