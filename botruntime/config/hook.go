package config

import (
	"net/url"
	"strings"
	"time"
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
	if h.Attempts == 0 {
		return 0
	}
	const longest = 7 * 24 * time.Hour
	pause, total := time.Duration(h.Delay)*time.Second, time.Duration(0)
	for i := range h.Attempts {
		switch h.Policy {
		case "linear":
			total += time.Duration(i+1) * pause
		case "exponential":
			total += pause
			pause = min(2*pause, longest)
		default:
			total += pause
		}
		if total >= longest {
			return longest
		}
	}
	return max(total, time.Minute)
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
		name = strings.TrimSpace(name)
		if !found || name == "" {
			return nil, false
		}
		headers[name] = strings.TrimSpace(value)
	}
	return headers, true
}

func isWeb(value string) bool {
	u, err := url.Parse(value)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
