package resources

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// FuzzTemplate: any object in spec.template.spec is refused or gives a pod that is still safe; none makes BuildPod panic.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"$patch":"replace"}`, `{"$patch":"delete"}`, `{"containers":[{"name":"bot","$patch":"replace"}]}`,
		`{"$retainKeys":["containers"]}`, `{"$setElementOrder/containers":[{"name":"x"}],"containers":[{"name":"x"}]}`,
		`{"$deleteFromPrimitiveList/x":[1]}`, `{"volumes":[{"name":"session","$retainKeys":["name"]}]}`,
		`{"containers":[{"name":"bot","volumeMounts":[{"mountPath":"/data","name":"tmp"}]}]}`,
		`{"tolerations":[{"key":"node.kubernetes.io/unreachable","effect":"NoExecute","operator":"Exists"}]}`,
		`{"containers":[{"name":"bot","resources":{"limits":{"memory":"-1"}}}]}`,
		`{"containers":[{"name":"bot","env":[{"name":"AUTH_PATH"},{"name":"AUTH_PATH","value":"/data"}]}]}`,
		`{"restartPolicy":"OnFailure","terminationGracePeriodSeconds":-1,"hostNetwork":true}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, spec []byte) {
		var object map[string]any
		if json.Unmarshal(spec, &object) != nil {
			return // the API server takes only objects
		}
		session := newSession("shop", v1alpha1.WhatsAppSessionSpec{
			Template: &v1alpha1.PodTemplate{Spec: &runtime.RawExtension{Raw: spec}},
		})
		pod, err := BuildPod(session, options)
		if err != nil {
			return
		}
		plain, err := BuildPod(newSession("shop", v1alpha1.WhatsAppSessionSpec{}), options)
		if err != nil {
			t.Fatal(err)
		}
		if errs := decideTemplate(plain.Spec, withoutDerived(pod.Spec)); len(errs) > 0 {
			t.Errorf("the template %s was accepted, although: %v", spec, errs)
		}
		if len(botOf(pod).Env) != len(uniqueNames(botOf(pod).Env)) {
			t.Errorf("the template %s sets a variable twice, and the last counts: %v", spec, botOf(pod).Env)
		}
	})
}

// withoutDerived gives the derived variable the plain pod's value, because a template may change it.
func withoutDerived(spec corev1.PodSpec) corev1.PodSpec {
	spec = *spec.DeepCopy()
	for i := range spec.Containers {
		env := spec.Containers[i].Env
		for j := range env {
			if env[j].Name == envMemoryLimit {
				env[j] = corev1.EnvVar{Name: envMemoryLimit, Value: "201326592"}
			}
		}
		if spec.Containers[i].Name == naming.Container && !hasEnv(env, envMemoryLimit) {
			spec.Containers[i].Env = append(env, corev1.EnvVar{Name: envMemoryLimit, Value: "201326592"})
		}
	}
	return spec
}

func uniqueNames(env []corev1.EnvVar) map[string]bool {
	names := map[string]bool{}
	for _, variable := range env {
		names[variable.Name] = true
	}
	return names
}
