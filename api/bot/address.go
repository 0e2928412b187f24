package bot

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ProxySchemes are the schemes of proxies that a bot can use.
var ProxySchemes = []string{"http", "https", "socks5", "socks5h"}

// ParseProxy reads a proxy's address. It is stricter than net/url: an unescaped character in a password moves the
// border between password, host and path, and the bot would then use another proxy, or none.
func ParseProxy(value string) (*url.URL, bool) {
	u, ok := parseAddress(value, ProxySchemes)
	if !ok || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery {
		return nil, false
	}
	return u, true
}

// ParseWeb reads an address such as a webhook's: http or https, a host, and what follows as a URL may contain it. It is
// stricter than net/url: what a shell, a template or a person left in it would silently lead to another address.
func ParseWeb(value string) (*url.URL, bool) {
	if strings.ContainsAny(value[max(0, len(value)-1):], ",;'") || strings.Contains(value, ",http") || strings.Contains(value, ";http") {
		return nil, false // a list
	}
	u, ok := parseAddress(value, []string{"http", "https"})
	if !ok || len(u.Host) > maxHost || strings.Contains(u.Hostname(), "%") { // a zone is this machine's name of a network
		return nil, false
	}
	return u, true
}

func parseAddress(value string, schemes []string) (*url.URL, bool) {
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.ContainsAny(value, "$\\\"`<>{}|^#") {
		return nil, false
	}
	u, err := url.Parse(value)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Opaque != "" {
		return nil, false
	}
	_, rest, _ := strings.Cut(value, "://")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndex(rest[:end], "@")
	if at >= 0 && !userinfo(rest[:at]) {
		return nil, false
	}
	host := u.Hostname()
	if named := rest[at+1 : end]; strings.Contains(named, "%") && named[0] != '[' {
		return nil, false // net/url decodes it, so another host is meant than is written
	}
	if strings.Contains(rest[end:], "@") && u.User == nil && u.Port() != "" && !strings.ContainsAny(host, ".:") {
		return nil, false // user:12/3@host: a password with a character that ends the host
	}
	if strings.Contains(host, ":") != strings.HasPrefix(u.Host, "[") || !ValidHost(host) || mapped(host) {
		return nil, false
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || len(port) > 5 {
			return nil, false
		}
	}
	return u, true
}

// mapped reports whether a text is an address of IPv4 in IPv6's form, such as ::ffff:10.0.0.1. Programs disagree about what it
// is, so rules for one of the two would miss it.
func mapped(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Is4In6()
}

func digits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// userinfo reports whether a user name and a password are as a URL may contain them.
func userinfo(text string) bool {
	const marks = "._~!&'()*+,;=:-%"
	return !strings.ContainsFunc(text, func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune(marks, r) })
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// Rule is an entry of a list of what may be reached beyond the public internet: either Prefix is valid, or Name is set.
type Rule struct {
	Prefix netip.Prefix
	// Name is a host's name in small letters; with a dot before it, it stands for all names below.
	Name string
}

// ParseRule reads a name ("n8n.example.com", or ".example.com" or "*.example.com" for all below it), an address or a CIDR.
func ParseRule(text string) (Rule, bool) {
	if len(text) > maxHost {
		return Rule{}, false
	}
	text = strings.ToLower(text)
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return Rule{Prefix: prefix.Masked()}, !prefix.Addr().Is4In6()
	}
	if address, err := netip.ParseAddr(text); err == nil {
		// A zone would be left out, and the rule would be for every network of the machine.
		return Rule{Prefix: netip.PrefixFrom(address, address.BitLen())}, !address.Is4In6() && address.Zone() == ""
	}
	name := strings.TrimPrefix(text, "*")
	bare := strings.TrimPrefix(name, ".")
	if _, err := netip.ParseAddr(bare); err == nil || name != text && (name == "" || name[0] != '.') || !ValidHost(bare) {
		return Rule{}, false
	}
	return Rule{Name: strings.TrimSuffix(name, ".")}, true
}

// maxHost is the longest name of a host.
const maxHost = 253

// ValidHost reports whether a text is an IP address without brackets, or a host's name in ASCII. A text that ends in
// a number, and is no IP address, is not a name: it is a port, or an address with a part missing.
func ValidHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	host = strings.TrimSuffix(host, ".")
	if len(host) > maxHost || IsPlaceholder(host) || slices.Contains(ProxySchemes, strings.ToLower(host)) {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.ContainsAny(label[:1]+label[len(label)-1:], "-_") ||
			strings.ContainsFunc(label, func(r rune) bool { return !alphanumeric(r) && r != '-' && r != '_' }) {
			return false
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	return !digits(last) && !strings.HasPrefix(last, "0x")
}
