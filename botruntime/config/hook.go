package config

import (
	"strings"
	"time"

	"sesi.dev/sesi/api/bot"
)

// Hook is a webhook as WAHA's variables describe it; without a URL there is none.
type Hook struct {
	URL    Secret
	Events string
	Key    Secret
	// Headers are Name:value;Name:value.
	Headers Secret
	// Policy says how the pauses between tries grow, Delay is the first in seconds, Attempts how many there are; 0 for
	// the bot's own patience.
	Policy          string
	Delay, Attempts int
}

// Patience is how long WAHA would try an event, between a minute and a week; 0 for the bot's own patience.
func (h Hook) Patience() time.Duration {
	return bot.WAHARetries{Policy: h.Policy, DelaySeconds: float64(h.Delay), Attempts: h.Attempts}.Patience()
}

// HeaderMap are the headers by name.
func (h Hook) HeaderMap() map[string]string {
	headers, _ := parseHeaders(string(h.Headers)) // they were checked when they were read
	return headers
}

// parseHeaders reads Name:value;Name:value.
func parseHeaders(text string) (map[string]string, bool) {
	headers := map[string]string{}
	for one := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		name, value, found := strings.Cut(one, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		_, twice := headers[name]
		if !found || twice || !bot.AllowedWebhookHeader(name) || !bot.AllowedWebhookValue(name, value) {
			return nil, false
		}
		headers[name] = value
	}
	return headers, true
}

// webForm says what isWeb takes.
const webForm = "an address such as https://example.com/hook, complete, and special characters as %XX"

func isWeb(value string) bool {
	_, ok := bot.ParseWeb(value)
	return ok
}
