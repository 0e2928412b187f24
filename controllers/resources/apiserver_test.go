package resources

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/test/apiserver"
)

// TestAPIServerAcceptsAll: a real API server accepts every object, without an unknown field or a warning, in a namespace
// that enforces the Pod Security profile "restricted". A privileged pod shows that the namespace enforces it.
func TestAPIServerAcceptsAll(t *testing.T) {
	_, api := apiserver.Strict(t)
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
			secret, err := credentials.Build(session, nil, january)
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range append(built(t, session), secret) {
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
		t.Error("a privileged pod was accepted: the namespace enforces nothing")
	}
}
