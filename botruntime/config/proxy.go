package config

import (
	"strings"

	"sesi.dev/sesi/api/bot"
)

const proxyForm = "http://, https://, socks5:// or socks5h://, a host and a port; special characters in a password as %XX"

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
		if _, ok := bot.ParseProxy(value); !ok {
			return []string{name + " (value not shown): want " + proxyForm}
		}
		if name != "HTTPS_PROXY" || real[name] != value {
			c.Exports["HTTPS_PROXY"] = value
		}
		return nil
	}
	return nil
}
