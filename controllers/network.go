package controllers

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"sesi.dev/sesi/controllers/resources"
)

// ensureNetwork makes the session's Service and NetworkPolicy and brings them back when someone edits them. The policy
// is there before the pod.
func (r *Reconciler) ensureNetwork(ctx context.Context, s *scope) error {
	policy := resources.BuildNetworkPolicy(s.session, r.options)
	err := ensure(ctx, r, s.session, s.policy, policy, s.policy != nil, func(existing *networkingv1.NetworkPolicy) bool {
		if equality.Semantic.DeepEqual(existing.Spec, policy.Spec) {
			return false
		}
		existing.Spec = policy.Spec
		return true
	})
	if err != nil {
		return err
	}
	service := resources.BuildService(s.session)
	return ensure(ctx, r, s.session, s.service, service, s.service != nil, func(existing *corev1.Service) bool {
		want := existing.Spec.DeepCopy()
		want.Selector = service.Spec.Selector
		want.Ports = service.Spec.Ports
		// Where a person opened the Service to the nodes, the API server chose the port there.
		if len(want.Ports) == len(existing.Spec.Ports) {
			for i := range want.Ports {
				want.Ports[i].NodePort = existing.Spec.Ports[i].NodePort
			}
		}
		if equality.Semantic.DeepEqual(existing.Spec, *want) {
			return false
		}
		existing.Spec = *want
		return true
	})
}
