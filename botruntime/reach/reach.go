// Package reach decides which addresses the bot may connect to when somebody else chose them, as in a webhook. It
// looks at the address that is dialed, after DNS, so that a name cannot lead elsewhere than it was checked.
package reach

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Guard knows which addresses are allowed. The public internet always is.
type Guard struct {
	setting  string
	loopback bool
	private  bool
	names    []string
	prefixes []netip.Prefix
}

// New returns a guard. allow lists what is let in beyond the public internet: names ("n8n.example.com", or
// ".example.com" for all below it), addresses and CIDRs, with commas. loopback lets this machine's own addresses in.
// setting is the name of the setting that allow comes from; errors name it.
func New(setting, allow string, loopback bool) (*Guard, error) {
	g := &Guard{setting: setting, loopback: loopback}
	for entry := range strings.FieldsFuncSeq(allow, func(r rune) bool { return r == ',' || r == ' ' }) {
		rule, ok := bot.ParseRule(entry)
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: %q is neither a name, an address nor a CIDR such as 10.0.0.0/8", setting, entry)
		case rule.Prefix.IsValid():
			g.prefixes = append(g.prefixes, rule.Prefix)
		default:
			g.names = append(g.names, rule.Name)
		}
	}
	return g, nil
}

// WithPrivate returns a guard that also lets private addresses in.
func (g *Guard) WithPrivate() *Guard {
	wider := *g
	wider.private = true
	return &wider
}

// RefusedError says that an address must not be dialed.
type RefusedError struct {
	// Address is what the name led to, Kind what it is.
	Address netip.Addr
	Kind    string
	setting string
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is a %s address, which is not allowed; add it to %s if it is meant", e.Address, e.Kind, e.setting)
}

const kindPrivate, kindReserved = "private", "reserved"

// inner are addresses that are not the public internet and that netip does not know by name.
var inner = []struct {
	prefix netip.Prefix
	kind   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "local"},
	{netip.MustParsePrefix("100.64.0.0/10"), kindPrivate},
	{netip.MustParsePrefix("192.0.0.0/24"), kindReserved},
	{netip.MustParsePrefix("192.0.2.0/24"), kindReserved},
	{netip.MustParsePrefix("192.88.99.0/24"), kindReserved},
	{netip.MustParsePrefix("198.18.0.0/15"), kindPrivate},
	{netip.MustParsePrefix("198.51.100.0/24"), kindReserved},
	{netip.MustParsePrefix("203.0.113.0/24"), kindReserved},
	{netip.MustParsePrefix("240.0.0.0/4"), kindReserved},
	{netip.MustParsePrefix("fec0::/10"), kindPrivate},
	{netip.MustParsePrefix("64:ff9b:1::/48"), kindPrivate}, // a network's own NAT64
	{netip.MustParsePrefix("2001::/23"), kindReserved},     // Teredo and others
	{netip.MustParsePrefix("2001:db8::/32"), kindReserved},
	{netip.MustParsePrefix("3fff::/20"), kindReserved},
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
	// unicast6 has every address of IPv6 that the internet uses. Beyond it are forms that a network may translate to IPv4,
	// such as ::ffff:0:10.0.0.1.
	unicast6 = netip.MustParsePrefix("2000::/3")
)

// kindOf says what an address is, which is not one of IPv4 in IPv6's form; "" is the public internet.
func kindOf(address netip.Addr) string {
	raw := address.As16()
	switch { // addresses that carry one of IPv4
	case nat64.Contains(address):
		return kindOf(netip.AddrFrom4([4]byte(raw[12:])))
	case sixTo4.Contains(address):
		return kindOf(netip.AddrFrom4([4]byte(raw[2:6])))
	}
	inMetadata := slices.ContainsFunc(bot.Metadata, func(p netip.Prefix) bool { return p.Contains(address) })
	switch {
	case address.IsLoopback():
		return "loopback"
	case address.IsLinkLocalUnicast():
		return "link-local"
	case inMetadata: // no setting opens private addresses so far
		return "metadata"
	case address.IsPrivate():
		return kindPrivate
	case address.IsMulticast(), address.IsUnspecified(), !address.IsValid():
		return "local"
	}
	for _, other := range inner {
		if other.prefix.Contains(address) {
			return other.kind
		}
	}
	if address.Is6() && !unicast6.Contains(address) {
		return kindReserved
	}
	return ""
}

// Check refuses an address that is not allowed.
func (g *Guard) Check(address netip.Addr) error {
	address = address.Unmap().WithZone("")
	kind := kindOf(address)
	if kind == "" || kind == "loopback" && g.loopback && address.IsLoopback() || kind == kindPrivate && g.private {
		return nil
	}
	for _, prefix := range g.prefixes {
		if prefix.Contains(address) {
			return nil
		}
	}
	return &RefusedError{address, kind, g.setting}
}

// named reports whether a host's name is allowed, whatever address it has.
func (g *Guard) named(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, name := range g.names {
		if host == name || name[0] == '.' && strings.HasSuffix(host, name) {
			return true
		}
	}
	return false
}

// DialContext connects to an address unless it is not allowed.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if !g.named(host) {
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			found, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return g.Check(found.Addr())
		}
	}
	return dialer.DialContext(ctx, network, address)
}
