package resources

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/api/naming"
	"sesi.dev/sesi/api/v1alpha1"
)

const (
	portDNS   = 53
	portHTTP  = 80
	portHTTPS = 443
)

// BuildNetworkPolicy builds the policy of the session's pod. Ingress: the API from the operator and from pods of the same
// namespace with the session's access label, the metrics from Prometheus. Egress: DNS, TCP 443, the ports of the proxy and
// of webhooks, but not to the cluster's API or a cloud's metadata, and the pods that webhooks lead to. Policies add up, so
// a user can allow more with another one.
func BuildNetworkPolicy(session *v1alpha1.WhatsAppSession, options Options) *networkingv1.NetworkPolicy {
	ports, pods := webhookTargets(session)
	ports = append(ports, portHTTPS)
	if proxy := session.Spec.ProxySecretRef; proxy != nil {
		ports = append(ports, proxy.Port)
	}
	slices.Sort(ports)
	ports = slices.Compact(ports)
	return &networkingv1.NetworkPolicy{
		ObjectMeta: naming.ObjectMeta(session),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: naming.Selector(session)},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{
				{From: callers(session, options), Ports: policyPorts(corev1.ProtocolTCP, naming.PortTLS)},
				{From: []networkingv1.NetworkPolicyPeer{{
					NamespaceSelector: &metav1.LabelSelector{},
					PodSelector:       matchLabels(map[string]string{"app.kubernetes.io/name": "prometheus"}),
				}}, Ports: policyPorts(corev1.ProtocolTCP, naming.PortMetrics)},
			},
			Egress: append([]networkingv1.NetworkPolicyEgressRule{
				{Ports: append(policyPorts(corev1.ProtocolUDP, portDNS), policyPorts(corev1.ProtocolTCP, portDNS)...)},
				{To: openBlocks(options.ClosedPrefixes), Ports: policyPorts(corev1.ProtocolTCP, ports...)},
			}, pods...),
		},
	}
}

// webhookTargets are the ports of the webhooks outside the cluster, and one rule for the pods of those inside. A Service
// may have another port than its pods, and a policy is about the pods, so that rule is for all of their TCP ports.
func webhookTargets(session *v1alpha1.WhatsAppSession) (ports []int32, rules []networkingv1.NetworkPolicyEgressRule) {
	var pods []networkingv1.NetworkPolicyPeer
	for i := range session.Spec.Webhooks {
		hook := &session.Spec.Webhooks[i]
		if hook.To == nil {
			ports = append(ports, portOf(hook.URL))
			continue
		}
		labels := make(map[string]string, len(hook.To.PodSelector.MatchLabels))
		for name, value := range hook.To.PodSelector.MatchLabels {
			labels[name] = string(value)
		}
		peer := networkingv1.NetworkPolicyPeer{PodSelector: matchLabels(labels)}
		if hook.To.Namespace != "" {
			peer.NamespaceSelector = matchLabels(map[string]string{corev1.LabelMetadataName: hook.To.Namespace})
		}
		pods = append(pods, peer)
	}
	if len(pods) > 0 {
		tcp := corev1.ProtocolTCP
		rules = append(rules, networkingv1.NetworkPolicyEgressRule{To: pods, Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp}}})
	}
	return ports, rules
}

// portOf is the port of a webhook's URL, which the CRD has checked.
func portOf(address string) int32 {
	u, err := url.Parse(address)
	if err != nil {
		return portHTTPS
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); err == nil && port > 0 {
		return int32(port)
	}
	if u.Scheme == "http" {
		return portHTTP
	}
	return portHTTPS
}

// callers are the pods that may use the bot's API.
func callers(session *v1alpha1.WhatsAppSession, options Options) []networkingv1.NetworkPolicyPeer {
	peers := []networkingv1.NetworkPolicyPeer{
		{PodSelector: matchLabels(map[string]string{naming.AccessLabel(session): "true"})},
	}
	if options.OperatorNamespace == "" {
		return peers
	}
	for _, labels := range []map[string]string{options.OperatorLabels, options.GatewayLabels} {
		if labels != nil { // a selector without labels would let in every pod
			peers = append(peers, networkingv1.NetworkPolicyPeer{
				NamespaceSelector: matchLabels(map[string]string{corev1.LabelMetadataName: options.OperatorNamespace}),
				PodSelector:       matchLabels(labels),
			})
		}
	}
	return peers
}

// openBlocks are all addresses except the closed ones. Their order does not depend on the order of closed.
func openBlocks(closed []netip.Prefix) []networkingv1.NetworkPolicyPeer {
	var except4, except6 []string
	all := slices.Concat(bot.Metadata, closed)
	for i, prefix := range all {
		all[i] = prefix.Masked()
	}
	slices.SortFunc(all, netip.Prefix.Compare)
	for _, prefix := range slices.Compact(all) {
		if prefix.Addr().Is4() {
			except4 = append(except4, prefix.String())
		} else {
			except6 = append(except6, prefix.String())
		}
	}
	return []networkingv1.NetworkPolicyPeer{
		{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: except4}},
		{IPBlock: &networkingv1.IPBlock{CIDR: "::/0", Except: except6}},
	}
}

func policyPorts(protocol corev1.Protocol, numbers ...int32) []networkingv1.NetworkPolicyPort {
	ports := make([]networkingv1.NetworkPolicyPort, 0, len(numbers))
	for _, number := range numbers {
		port := intstr.FromInt32(number)
		ports = append(ports, networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port})
	}
	return ports
}

func matchLabels(labels map[string]string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: labels}
}
