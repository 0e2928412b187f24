package controllers

import (
	"context"

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
			return equality.Semantic.DeepEqual(existing.Spec, serviceOver(existing, service))
		},
		func(update *corev1.Service) { update.Spec = serviceOver(update, service) })
}

// serviceOver is a Service's desired spec. Of the existing one stay the addresses, which cannot be changed, and how the
// traffic is spread: neither leads a caller to anyone but the bot.
func serviceOver(existing, desired *corev1.Service) corev1.ServiceSpec {
	spec, old := *desired.Spec.DeepCopy(), &existing.Spec
	if old.ClusterIP != "" { // one of type ExternalName has none
		spec.ClusterIP, spec.ClusterIPs = old.ClusterIP, old.ClusterIPs
	}
	spec.IPFamilies, spec.IPFamilyPolicy = old.IPFamilies, old.IPFamilyPolicy
	spec.SessionAffinity, spec.SessionAffinityConfig = old.SessionAffinity, old.SessionAffinityConfig
	spec.InternalTrafficPolicy, spec.TrafficDistribution = old.InternalTrafficPolicy, old.TrafficDistribution
	return spec
}
