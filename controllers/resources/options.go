package resources

import "net/netip"

// Options are the operator's settings that every session's objects share.
type Options struct {
	// BotImage is the image of sessions that name none.
	BotImage string
	// OperatorNamespace and OperatorLabels select the operator's pods, which may call every bot. An empty namespace
	// means an operator outside the cluster; no policy can admit that one.
	OperatorNamespace string
	OperatorLabels    map[string]string
	// GatewayLabels select the gateway's pods in the same namespace, which may call every bot too; nil for none.
	GatewayLabels map[string]string
	// ClosedPrefixes are addresses that no bot may connect to: the cluster's API.
	ClosedPrefixes []netip.Prefix
	// TemplatePolicy limits what a session's spec may change in its pod; empty means TemplateAny.
	TemplatePolicy TemplatePolicy
	// MaskPersonalData: a status shows the phone number, the JID, the LID and the push name in part.
	MaskPersonalData bool
}
