package bot

// WAHAMissing is an operation of WAHA's API that answers 501, in WAHA's form.
type WAHAMissing struct {
	// Operation is the method, a space and the path.
	Operation string
	// Why says why, in a few words.
	Why string
}

// Why operations are missing that have the same reason.
const (
	whyKeys      = "a bot has one token; the gateway has API keys"
	whySessions  = "a session is a resource or a process; the gateway has them"
	whyButtons   = "phones do not show buttons and lists of such accounts reliably"
	whyDirectory = "WhatsApp does not tell these lists"
	whyBrowser   = "there is no browser"
	whyNode      = "there is no Node.js"
	whyApps      = "the bot has no apps"
)

// WAHAUnserved are all of them.
var WAHAUnserved = []WAHAMissing{
	{"POST /api/keys", whyKeys},
	{"GET /api/keys", whyKeys},
	{"POST /api/keys/media", whyKeys},
	{"POST /api/keys/control", whyKeys},
	{"PUT /api/keys/{id}", whyKeys},
	{"DELETE /api/keys/{id}", whyKeys},
	{"POST /api/sessions", whySessions},
	{"PUT /api/sessions/{name}", whySessions},
	{"DELETE /api/sessions/{name}", whySessions},
	{"GET /api/sendText", "a link on a web page could send with it"},
	{"POST /api/sendButtons", whyButtons},
	{"POST /api/sendList", whyButtons},
	{"POST /api/send/buttons/reply", "the bot does not read messages with buttons"},
	{"GET /api/{name}/channels/search/views", whyDirectory},
	{"GET /api/{name}/channels/search/countries", whyDirectory},
	{"GET /api/{name}/channels/search/categories", whyDirectory},
	{"GET /api/screenshot", whyBrowser},
	{"GET /api/server/environment", "it would show secrets"},
	{"POST /api/server/stop", "what runs the process stops it"},
	{"GET /api/server/debug/cpu", whyNode},
	{"GET /api/server/debug/heapsnapshot", whyNode},
	{"GET /api/server/debug/browser/trace/{name}", whyBrowser},
	{"GET /api/apps", whyApps},
	{"POST /api/apps", whyApps},
	{"GET /api/apps/{id}", whyApps},
	{"PUT /api/apps/{id}", whyApps},
	{"DELETE /api/apps/{id}", whyApps},
	{"POST /mcp", "the bot is no MCP server"},
}
