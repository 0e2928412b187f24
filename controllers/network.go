package controllers

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"sesi.dev/sesi/controllers/resources"
)

// ensureNetwork creates the session's Service and NetworkPolicy, and restores them when someone edits them. The policy
// exists before the pod.
func (r *Reconciler) ensureNetwork(ctx context.Context, p *pass) error {
	policy := resources.BuildNetworkPolicy(p.session, r.options)
	err := ensure(ctx, r, p.session, p.policy, policy, p.policy != nil,
		func(existing *networkingv1.NetworkPolicy) bool {
			return equality.Semantic.DeepEqual(existing.Spec, policy.Spec)
		},
		func(update *networkingv1.NetworkPolicy) { update.Spec = policy.Spec })
	if err != nil {
		return err
	}
	service := resources.BuildService(p.session)
	return ensure(ctx, r, p.session, p.service, service, p.service != nil,
		func(existing *corev1.Service) bool {
			return equality.Semantic.DeepEqual(existing.Spec.Selector, service.Spec.Selector) &&
				equality.Semantic.DeepEqual(existing.Spec.Ports, portsOver(existing, service))
		},
		func(update *corev1.Service) {
			update.Spec.Selector, update.Spec.Ports = service.Spec.Selector, portsOver(update, service)
		})
}

// portsOver are a Service's desired ports. Where a person made it a NodePort Service, they keep the node ports that the
// API server assigned.
func portsOver(existing, desired *corev1.Service) []corev1.ServicePort {
	ports := slices.Clone(desired.Spec.Ports)
	if len(ports) == len(existing.Spec.Ports) {
		for i := range ports {
			ports[i].NodePort = existing.Spec.Ports[i].NodePort
		}
	}
	return ports
}
