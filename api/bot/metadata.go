package bot

import "net/netip"

// Metadata are the addresses where clouds serve a machine's credentials: link-local ones, and those of clouds that use
// others. No bot is led there by a setting or a request.
var Metadata = []netip.Prefix{
	netip.MustParsePrefix("100.100.100.200/32"), // Alibaba Cloud
	netip.MustParsePrefix("168.63.129.16/32"),   // Azure; a public address
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("fd00:42::42/128"),  // Scaleway
	netip.MustParsePrefix("fd00:ec2::/32"),    // AWS, with the credentials of its pods
	netip.MustParsePrefix("fd20:ce::254/128"), // Google Cloud
	netip.MustParsePrefix("fe80::/10"),
}
