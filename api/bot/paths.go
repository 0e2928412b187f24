package bot

import "strings"

// The paths of the session API, on the bot's plain and TLS listeners. Every program takes them from here; a test
// fails where a path is written out a second time.
const (
	// PathHome answers browsers and monitors, PathPage is the page for linking a phone.
	PathHome = "/"
	PathPage = "/qr"
	// PathHealth answers with Health.
	PathHealth = "/api/health"
	// PathStatus answers with Status, PathCode with LiveCode.
	PathStatus = "/api/session/status"
	PathCode   = "/api/session/qr"
	// PathSessionEvents is the stream of snapshots (server-sent events).
	PathSessionEvents = "/api/session/events"
	// PathBackup answers with a compressed copy of the database.
	PathBackup = "/api/session/backup"
	// PathPair takes a PairRequest and answers with a PairingCode.
	PathPair = "/api/session/pair"
	// PathPasskey answers with Passkey, and takes a signature: the JSON of a PublicKeyCredential. PathPasskeyConfirm says
	// that the phone shows the same code. Both POSTs answer with Done.
	PathPasskey        = "/api/session/passkey"
	PathPasskeyConfirm = "/api/session/passkey/confirm"
	// PathPasskeyExtension is the browser extension that signs on WhatsApp's page, as a zip.
	PathPasskeyExtension = "/passkey-extension.zip"
	// These change the session and answer with Done.
	PathRestart = "/api/session/restart"
	PathStop    = "/api/session/stop"
	PathLogout  = "/api/session/logout"
	PathClear   = "/api/session/clear"
	// PathOpenAPI answers with the OpenAPI document of all paths.
	PathOpenAPI = "/openapi.json"
)

// The paths of the metrics listener. They need no token.
const (
	PathLive    = "/livez"
	PathReady   = "/readyz"
	PathMetrics = "/metrics"
)

// The paths that WAHA's clients call. {name} is the session's name; WAHAPath fills it in.
const (
	PathWAHAPing     = "/ping"
	PathWAHASessions = "/api/sessions"
	PathWAHASession  = "/api/sessions/{name}"
	PathWAHAMe       = "/api/sessions/{name}/me"
	PathWAHAStart    = "/api/sessions/{name}/start"
	PathWAHAStop     = "/api/sessions/{name}/stop"
	PathWAHARestart  = "/api/sessions/{name}/restart"
	PathWAHALogout   = "/api/sessions/{name}/logout"
	// These are older: they name the session in the body. PathWAHAOldStart takes a WAHAOldStart, the others a WAHAOrder.
	PathWAHAOldStart  = "/api/sessions/start"
	PathWAHAOldStop   = "/api/sessions/stop"
	PathWAHAOldLogout = "/api/sessions/logout"
	// PathWAHAHealth answers with WAHAHealth.
	PathWAHAHealth      = "/health"
	PathWAHACode        = "/api/{name}/auth/qr"
	PathWAHARequestCode = "/api/{name}/auth/request-code"

	PathWAHAPasskey          = "/api/{name}/auth/passkey"
	PathWAHAPasskeyChallenge = "/api/{name}/auth/passkey/challenge"
	PathWAHAPasskeyCode      = "/api/{name}/auth/passkey/confirmation"
	PathWAHAPasskeyConfirm   = "/api/{name}/auth/passkey/confirm"
)

// WAHAPath returns a WAHA path for the session of that name.
func WAHAPath(path, name string) string { return strings.Replace(path, "{name}", name, 1) }
