package httpapi

import (
	"net/http"
	"strings"

	"sesi.dev/sesi/api/bot"
)

// live tells a probe that the process must not be killed. It also succeeds while the bot waits for a person.
func (c *call) live() error {
	if err := c.Loop(); err != nil {
		return c.unfit([]string{"loop: " + err.Error()})
	}
	return c.fit()
}

// ready reports whether the API works. It also succeeds while a code must be scanned.
func (c *call) ready() error {
	broken := c.broken()
	if c.streams.isClosed() {
		broken = append(broken, "shutting down")
	}
	if len(broken) > 0 {
		return c.unfit(broken)
	}
	return c.fit()
}

func (c *call) fit() error {
	return c.bytes(http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
}

func (c *call) unfit(broken []string) error {
	why := strings.Join(broken, "; ")
	return fault{status: http.StatusServiceUnavailable, kind: bot.ProblemUnhealthy,
		title: text{"Bot tidak sehat", "The bot is unhealthy"}, detail: text{why, why}}
}

func (c *call) metrics() error {
	c.Metrics.ServeHTTP(c.w, c.r)
	return nil
}
