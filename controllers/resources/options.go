package resources

import "net/netip"

// Options is what the operator knows of its own place, and every session's objects share.
type Options struct {
	// BotImage runs where a session names no image.
	BotImage string
	// OperatorNamespace and OperatorLabels select the operator's own pods, which may call every bot. An
	// empty namespace means an operator outside of the cluster, which no policy can let in.
	OperatorNamespace string
	OperatorLabels    map[string]string
	// ClosedPrefixes are addresses that no bot may open a connection to: those of the cluster's API.
	ClosedPrefixes []netip.Prefix
}
