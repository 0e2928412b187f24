package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// proxySchemes are the schemes that Go's HTTP transport supports.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

const proxyForm = "http://, https://, socks5:// or socks5h://, a host and a port; special characters in a password as %XX"

// userinfo matches a user name and password as a URL may contain them.
var userinfo = regexp.MustCompile(`^([A-Za-z0-9._~!&'()*+,;=-]|%[0-9A-Fa-f]{2})*(:([A-Za-z0-9._~!&'()*+,;=:-]|%[0-9A-Fa-f]{2})*)?$`)

// parseProxy reads a proxy's address. It is stricter than net/url: an unescaped character in a password moves the
// border between password, host and path, and the bot would then use another proxy, or none.
func parseProxy(value string) (*url.URL, bool) {
	if strings.ContainsAny(value, "$\\\"'`<>{}") || strings.ContainsFunc(value, unseen) || strings.Contains(value, " ") {
		return nil, false
	}
	proxy, err := url.Parse(value)
	if err != nil || !slices.Contains(proxySchemes, proxy.Scheme) {
		return nil, false
	}
	if proxy.Path != "" && proxy.Path != "/" || proxy.RawQuery != "" || proxy.ForceQuery || strings.Contains(value, "#") {
		return nil, false
	}
	_, authority, _ := strings.Cut(value, "://")
	if at := strings.LastIndex(authority, "@"); at >= 0 && !userinfo.MatchString(authority[:at]) {
		return nil, false
	}
	host := proxy.Hostname()
	if _, err := netip.ParseAddr(host); err != nil && (len(host) > maxHost || !hostPattern.MatchString(host)) || isWord(host) {
		return nil, false
	}
	if port := proxy.Port(); port != "" || strings.HasSuffix(proxy.Host, ":") {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, false
		}
	}
	return proxy, true
}

// everyonesProxies are the variables in which other programs look for a proxy, the one for WhatsApp's connection
// first. Go itself reads only the first two. The bot reads all: someone who sets one wants to hide the address.
var everyonesProxies = []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"}

// useProxy makes Go use the proxy that the environment names, or returns why it cannot.
func useProxy(c *Config, real map[string]string, file map[string]entry) []string {
	if c.ProxyURL != nil {
		return nil
	}
	for _, name := range everyonesProxies {
		value := strings.TrimSpace(real[name])
		if value == "" {
			value = strings.TrimSpace(file[name].value)
		}
		if value == "" {
			continue
		}
		if !strings.Contains(value, "://") {
			value = "http://" + value
		}
		if _, ok := parseProxy(value); !ok {
			return []string{name + " (value not shown): want " + proxyForm}
		}
		if name != "HTTPS_PROXY" || real[name] != value {
			c.Exports["HTTPS_PROXY"] = value
		}
		return nil
	}
	return nil
}
