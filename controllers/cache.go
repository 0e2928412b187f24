package controllers

import (
	"bytes"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sesi.dev/sesi/api/credentials"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

// CacheOptions limit the operator's memory to what it uses: only Secrets, pods, Services and NetworkPolicies with its
// label, and of every object only the fields that a decision reads. A claim may be the user's and have no label, so all
// claims are watched, reduced to a few hundred bytes each. namespaces limits the watches; none means the whole cluster.
func CacheOptions(namespaces []string) (cache.Options, error) {
	ours, err := labels.NewRequirement(naming.LabelSession, selection.Exists, nil)
	if err != nil {
		return cache.Options{}, fmt.Errorf("select by %s: %w", naming.LabelSession, err)
	}
	labelled := cache.ByObject{Label: labels.NewSelector().Add(*ours)}
	pods, claims, secrets, policies := labelled, cache.ByObject{}, labelled, labelled
	pods.Transform, claims.Transform = slimPod, slimClaim
	secrets.Transform, policies.Transform = slimSecret, (&egresses{}).slim
	options := cache.Options{
		DefaultTransform:            slim,
		ReaderFailOnMissingInformer: true,
		// A pass changes no object that it read, so it needs no copies.
		DefaultUnsafeDisableDeepCopy: new(true),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}:                secrets,
			&corev1.Service{}:               labelled,
			&networkingv1.NetworkPolicy{}:   policies,
			&corev1.Pod{}:                   pods,
			&corev1.PersistentVolumeClaim{}: claims,
		},
	}
	options.DefaultNamespaces = namespacesOf(namespaces)
	return options, nil
}

// namespacesOf limits a cache to namespaces; nil for the whole cluster.
func namespacesOf(namespaces []string) map[string]cache.Config {
	if len(namespaces) == 0 {
		return nil
	}
	limits := map[string]cache.Config{}
	for _, namespace := range namespaces {
		limits[namespace] = cache.Config{}
	}
	return limits
}

// slim drops fields that the operator does not read: managedFields and kubectl's last applied configuration.
func slim(object any) (any, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return object, nil //nolint:nilerr // not an object: a tombstone, which is passed on as it is
	}
	accessor.SetManagedFields(nil)
	if annotations := accessor.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
		delete(annotations, corev1.LastAppliedConfigAnnotation)
		accessor.SetAnnotations(annotations)
	}
	accessor.SetLabels(shareWords(accessor.GetLabels()))
	owners := accessor.GetOwnerReferences()
	for i := range owners {
		owners[i].APIVersion, owners[i].Kind = shareWord(owners[i].APIVersion), shareWord(owners[i].Kind)
	}
	accessor.SetOwnerReferences(owners)
	return object, nil
}

// words are the operator's own labels and values, which every object repeats. Each string is kept in memory once.
var words = func() map[string]string {
	session := &v1alpha1.WhatsAppSession{}
	own := map[string]string{}
	for name, value := range naming.Labels(session) {
		own[name], own[value] = name, value
	}
	for _, word := range []string{v1alpha1.GroupVersion.String(), "WhatsAppSession"} {
		own[word] = word
	}
	return own
}()

func shareWord(word string) string {
	if own, found := words[word]; found {
		return own
	}
	return word
}

func shareWords(labels map[string]string) map[string]string {
	if labels == nil {
		return nil
	}
	shared := make(map[string]string, len(labels))
	for name, value := range labels {
		shared[shareWord(name)] = shareWord(value)
	}
	return shared
}

// slimSecret keeps the serving certificate once where it is also the only root.
func slimSecret(object any) (any, error) {
	if secret, ok := object.(*corev1.Secret); ok {
		if certificate := secret.Data[credentials.KeyCertificate]; len(certificate) > 0 && bytes.Equal(certificate, secret.Data[credentials.KeyRoots]) {
			secret.Data[credentials.KeyRoots] = certificate
		}
	}
	return slim(object)
}

// egresses keep one copy of the policies' egress rules. They are the same for all sessions except for a proxy's port; a
// policy with other rules keeps its own.
type egresses struct {
	mu    sync.Mutex
	known [][]networkingv1.NetworkPolicyEgressRule
}

// maxEgresses limits how many rule lists are compared with each policy.
const maxEgresses = 8

func (e *egresses) slim(object any) (any, error) {
	if policy, ok := object.(*networkingv1.NetworkPolicy); ok {
		policy.Spec.Egress = e.share(policy.Spec.Egress)
	}
	return slim(object)
}

func (e *egresses) share(rules []networkingv1.NetworkPolicyEgressRule) []networkingv1.NetworkPolicyEgressRule {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, known := range e.known {
		if equality.Semantic.DeepEqual(known, rules) {
			return known
		}
	}
	if len(e.known) < maxEgresses {
		e.known = append(e.known, rules)
	}
	return rules
}

// slimPod keeps the fields that classifyPod and the plan read. Such a pod is never written back.
func slimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	kept := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
			Generation: pod.Generation, CreationTimestamp: pod.CreationTimestamp, DeletionTimestamp: pod.DeletionTimestamp,
			OwnerReferences: pod.OwnerReferences, Finalizers: pod.Finalizers,
			Labels:      only(pod.Labels, naming.LabelSession, naming.LabelDirectory),
			Annotations: only(pod.Annotations, specAnnotations...),
		},
		Spec: corev1.PodSpec{NodeName: pod.Spec.NodeName},
		Status: corev1.PodStatus{
			Phase: pod.Status.Phase, Reason: pod.Status.Reason, PodIP: pod.Status.PodIP, StartTime: pod.Status.StartTime,
			InitContainerStatuses: slimStatuses(pod.Status.InitContainerStatuses),
			ContainerStatuses:     slimStatuses(pod.Status.ContainerStatuses),
		},
	}
	for _, condition := range pod.Status.Conditions {
		switch condition.Type {
		case corev1.PodScheduled, corev1.PodReadyToStartContainers, corev1.ContainersReady, corev1.PodReady:
			kept.Status.Conditions = append(kept.Status.Conditions, corev1.PodCondition{
				Type: condition.Type, Status: condition.Status, Reason: condition.Reason, Message: condition.Message,
				LastTransitionTime: condition.LastTransitionTime,
			})
		}
	}
	return kept, nil
}

func slimStatuses(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	kept := make([]corev1.ContainerStatus, len(statuses))
	for i, status := range statuses {
		kept[i] = corev1.ContainerStatus{
			Name: status.Name, Image: status.Image, Ready: status.Ready, Started: status.Started,
			State: slimState(status.State), LastTerminationState: slimState(status.LastTerminationState),
		}
	}
	return kept
}

func slimState(state corev1.ContainerState) corev1.ContainerState {
	var kept corev1.ContainerState
	switch {
	case state.Running != nil:
		kept.Running = &corev1.ContainerStateRunning{}
	case state.Waiting != nil:
		kept.Waiting = &corev1.ContainerStateWaiting{Reason: state.Waiting.Reason}
	case state.Terminated != nil:
		kept.Terminated = &corev1.ContainerStateTerminated{ExitCode: state.Terminated.ExitCode, Reason: state.Terminated.Reason}
	}
	return kept
}

// slimClaim keeps the fields that classifyClaim and decideClaimOwners read. Such a claim is only ever patched.
func slimClaim(object any) (any, error) {
	claim, ok := object.(*corev1.PersistentVolumeClaim)
	if !ok {
		return object, nil
	}
	spec := corev1.PersistentVolumeClaimSpec{VolumeName: claim.Spec.VolumeName}
	if claim.Status.Phase != corev1.ClaimBound {
		spec.StorageClassName = claim.Spec.StorageClassName
	}
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name: claim.Name, Namespace: claim.Namespace, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			DeletionTimestamp: claim.DeletionTimestamp, OwnerReferences: claim.OwnerReferences,
			Labels: only(claim.Labels, naming.LabelSession), Annotations: only(claim.Annotations, corev1.BetaStorageClassAnnotation),
		},
		Spec:   spec,
		Status: corev1.PersistentVolumeClaimStatus{Phase: claim.Status.Phase},
	}, nil
}

// only keeps the named entries.
func only(all map[string]string, names ...string) map[string]string {
	var kept map[string]string
	for _, name := range names {
		if value, found := all[name]; found {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[name] = value
		}
	}
	return kept
}
