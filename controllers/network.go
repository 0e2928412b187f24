package controllers

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"sesi.dev/sesi/controllers/resources"
)

// ensureNetwork makes the session's Service and NetworkPolicy and brings them back when someone edits them. The policy
// is there before the pod.
func (r *Reconciler) ensureNetwork(ctx context.Context, s *scope) error {
	policy := resources.BuildNetworkPolicy(s.session, r.options)
	err := ensure(ctx, r, s.session, s.policy, policy, s.policy != nil,
		func(existing *networkingv1.NetworkPolicy) bool {
			return equality.Semantic.DeepEqual(existing.Spec, policy.Spec)
		},
		func(update *networkingv1.NetworkPolicy) { update.Spec = policy.Spec })
	if err != nil {
		return err
	}
	service := resources.BuildService(s.session)
	return ensure(ctx, r, s.session, s.service, service, s.service != nil,
		func(existing *corev1.Service) bool {
			return equality.Semantic.DeepEqual(existing.Spec.Selector, service.Spec.Selector) &&
				equality.Semantic.DeepEqual(existing.Spec.Ports, portsOver(existing, service))
		},
		func(update *corev1.Service) {
			update.Spec.Selector, update.Spec.Ports = service.Spec.Selector, portsOver(update, service)
		})
}

// portsOver are a Service's ports as desired. Where a person opened it to the nodes, the API server chose the port
// there.
func portsOver(existing, desired *corev1.Service) []corev1.ServicePort {
	ports := slices.Clone(desired.Spec.Ports)
	if len(ports) == len(existing.Spec.Ports) {
		for i := range ports {
			ports[i].NodePort = existing.Spec.Ports[i].NodePort
		}
	}
	return ports
}
