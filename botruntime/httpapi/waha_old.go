package httpapi

import (
	"net/http"

	"sesi.dev/sesi/api/bot"
)

// wahaOldRoutes are WAHA's older paths of sessions, which name the session in the body, and its health check.
func wahaOldRoutes() []route {
	return []route{
		{"POST", bot.PathWAHAOldStart, withToken, (*call).wahaOldStart},
		{"POST", bot.PathWAHAOldStop, withToken, (*call).wahaOldStop},
		{"POST", bot.PathWAHAOldLogout, withToken, (*call).wahaOldLogout},
		{"GET", bot.PathWAHAHealth, withToken, (*call).wahaHealth},
	}
}

// faultConfigured means that a request brings a configuration, which a bot does not take.
var faultConfigured = fault{status: http.StatusNotImplemented, kind: bot.ProblemUnsupported, title: faultUnserved.title,
	detail: text{"config: bot ini diatur lewat environment, misalnya WHATSAPP_HOOK_URL; hapus config.",
		"config: this bot is configured by its environment, such as WHATSAPP_HOOK_URL; leave config out."}}

func (c *call) wahaOldStart() error {
	var asked bot.WAHAOldStart
	if err := c.wahaReadOrder(&asked, &asked.Name); err != nil {
		return err
	}
	for _, part := range asked.Config {
		if part != nil {
			return faultConfigured
		}
	}
	return c.wahaStart()
}

func (c *call) wahaOldStop() error {
	var asked bot.WAHAOrder
	if err := c.wahaReadOrder(&asked, &asked.Name); err != nil {
		return err
	}
	if asked.Logout {
		return c.wahaLogout()
	}
	return c.wahaStop()
}

func (c *call) wahaOldLogout() error {
	var asked bot.WAHAOrder
	if err := c.wahaReadOrder(&asked, &asked.Name); err != nil {
		return err
	}
	return c.wahaLogout()
}

// wahaReadOrder reads a body that names the session, which must be the bot's.
func (c *call) wahaReadOrder(into any, name *string) error {
	if err := c.wahaRead(into); err != nil {
		return err
	}
	if *name == "" {
		return badParameter("name", "given: the session's name, or default")
	}
	return c.wahaIsMine(*name)
}

// wahaHealth says whether the disk and the session's loop work, whatever the session's state.
func (c *call) wahaHealth() error {
	h := bot.WAHAHealth{Status: "ok", Info: map[string]bot.WAHAPart{}, Error: map[string]bot.WAHAPart{}, Details: map[string]bot.WAHAPart{}}
	for name, check := range map[string]func() error{"storage": c.Storage, "session": c.Loop} {
		part, into := bot.WAHAPart{Status: "up"}, h.Info
		if err := check(); err != nil {
			part, into, h.Status = bot.WAHAPart{Status: "down", Message: err.Error()}, h.Error, "error"
		}
		into[name], h.Details[name] = part, part
	}
	if h.Status != "ok" {
		return c.json(http.StatusServiceUnavailable, h)
	}
	return c.json(http.StatusOK, h)
}
