package controllers

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/v1alpha1"
	"sesi.dev/sesi/controllers/resources"
)

// builds remembers, for each generation of a session, the metadata of the pod that its spec asks for. To build a pod
// from a template takes longer than the rest of a pass, and a pass needs the whole pod only when it creates one.
type builds struct {
	mu    sync.Mutex
	built map[types.NamespacedName]build
}

type build struct {
	uid        types.UID
	generation int64
	meta       metav1.ObjectMeta
	err        error
}

// pod returns the metadata of the session's pod, or why its template makes none.
func (b *builds) pod(session *v1alpha1.WhatsAppSession, options resources.Options) (*corev1.Pod, error) {
	key := client.ObjectKeyFromObject(session)
	b.mu.Lock()
	found, known := b.built[key]
	b.mu.Unlock()
	if !known || found.uid != session.UID || found.generation != session.Generation {
		found = build{uid: session.UID, generation: session.Generation}
		pod, err := resources.BuildPod(session, options)
		if err != nil {
			found.err = err
		} else {
			found.meta = metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, Annotations: only(pod.Annotations, specAnnotations...)}
		}
		b.mu.Lock()
		if b.built == nil {
			b.built = map[types.NamespacedName]build{}
		}
		b.built[key] = found
		b.mu.Unlock()
	}
	if found.err != nil {
		return nil, found.err
	}
	return &corev1.Pod{ObjectMeta: *found.meta.DeepCopy()}, nil
}

func (b *builds) forget(key types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.built, key)
}

// specAnnotations are the annotations that a pod and the one that the spec asks for are compared by.
var specAnnotations = []string{resources.AnnotationSpecHash, resources.AnnotationOwnHash, resources.AnnotationGeneration}
