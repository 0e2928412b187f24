package gateway

import (
	"net/http"

	"sesi.dev/sesi/api/bot"
)

// pathWAHATools is WAHA's server of tools for language models, which is not served.
const pathWAHATools = "/mcp"

// problemUnserved is the answer to what WAHA has, and neither the gateway nor a bot.
var problemUnserved = problem{status: http.StatusNotImplemented, kind: bot.ProblemUnsupported, title: text{"Tidak tersedia", "Not available"},
	detail: text{"Bagian API WAHA ini tidak tersedia. Kunci API dibuat dengan kubectl sesi apikey.",
		"This part of WAHA's API is not available. API keys are made with kubectl sesi apikey."}}

// wahaWorker names the program among others, in WAHA's words.
type wahaWorker struct {
	ID string `json:"id"`
}

// serveHealth says that the gateway answers.
func (c *call) serveHealth() error {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return methods(http.MethodGet)
	}
	writeJSON(c.w, http.StatusOK, "application/json", map[string]any{"status": "ok", "info": map[string]any{}, "error": map[string]any{}, "details": map[string]any{}})
	return nil
}

// serveServer describes the gateway in WAHA's words; rest are the parts of the path after /api.
func (c *call) serveServer(rest []string) error {
	what := rest[len(rest)-1]
	if len(rest) > 2 || what == "stop" || what == "server" {
		return problemUnserved.about(problemUnserved.detail)
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return methods(http.MethodGet)
	}
	worker := wahaWorker{ID: "sesi-gateway"}
	switch what {
	case "version", "environment":
		writeJSON(c.w, http.StatusOK, "application/json", map[string]any{
			"version": c.options.Version, "engine": "WHATSMEOW", "tier": "PLUS", "browser": "", "platform": "sesi", "worker": worker})
	case "status":
		writeJSON(c.w, http.StatusOK, "application/json", map[string]any{
			"startTimestamp": c.started.UnixMilli(), "uptime": c.now().Sub(c.started).Milliseconds(), "worker": worker})
	default:
		return problemNotFound.about(problemNotFound.detail)
	}
	return nil
}
