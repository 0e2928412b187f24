package bot

import "encoding/json"

// WAHAHidden stands for a secret in the gateway's answers. A request that sends it back keeps the secret that is set.
const WAHAHidden = "********"

// GatewayWAHARequest describes a session to make or to change, in WAHA's words.
type GatewayWAHARequest struct {
	// Name is the session's: a-z, 0-9 and -, or namespace.name. Without it the gateway makes one up.
	Name string `json:"name,omitempty"`
	// Start is false for a session whose bot does not run yet.
	Start  *bool             `json:"start,omitempty"`
	Config GatewayWAHAConfig `json:"config,omitzero"`
}

// GatewayWAHAConfig is the part of a session's configuration that the gateway keeps. A change replaces Metadata, Webhooks
// and Proxy; one without any configuration leaves all as it is.
type GatewayWAHAConfig struct {
	// Metadata are the caller's own notes. What fits becomes a label of the resource, too.
	Metadata map[string]string `json:"metadata,omitempty"`
	// Webhooks get the session's events in WAHA's format. Webhooks that the resource has besides are not among them.
	Webhooks []GatewayWAHAWebhook `json:"webhooks,omitempty"`
	// Proxy is what the bot reaches WhatsApp through; a change restarts the bot.
	Proxy *GatewayWAHAProxy `json:"proxy,omitempty"`
	// Ignore leaves events out of the webhooks.
	Ignore *GatewayWAHAIgnore `json:"ignore,omitempty"`
	// Messages is spec.messages of the resource (retention, maxSize, pace, enabled). Without it these stay as they are.
	Messages json.RawMessage `json:"messages,omitempty"`
}

// GatewayWAHAWebhook is a webhook in WAHA's words. Its secrets are kept in a Secret.
type GatewayWAHAWebhook struct {
	URL string `json:"url"`
	// Events are WAHA's names; all for none and for "*".
	Events []string `json:"events"`
	// Hmac signs the deliveries.
	Hmac *GatewayWAHAHmac `json:"hmac,omitempty"`
	// Retries say how long an event is tried; without them 72 hours.
	Retries *WAHARetries `json:"retries,omitempty"`
	// CustomHeaders are sent with every delivery.
	CustomHeaders []GatewayWAHAHeader `json:"customHeaders,omitempty"`
}

// GatewayWAHAHmac is the key of a webhook.
type GatewayWAHAHmac struct {
	// Key has at least 16 printable characters. An answer hides it.
	Key string `json:"key,omitempty"`
}

// GatewayWAHAHeader is a header of a webhook. An answer hides its value.
type GatewayWAHAHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// GatewayWAHAProxy is a proxy in WAHA's words. An answer hides it.
type GatewayWAHAProxy struct {
	// Server is host:port, or an address that begins with http://, https:// or socks5://.
	Server   string `json:"server"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
}

// GatewayWAHAIgnore leaves events out. WAHA's status, channels and broadcast are accepted and do nothing.
type GatewayWAHAIgnore struct {
	// Groups leaves out the events of groups.
	Groups bool `json:"groups,omitempty"`
}

// GatewayWAHASession is a session of the gateway as WAHA shows it.
type GatewayWAHASession struct {
	// Name is short in the caller's own namespace, else namespace.name.
	Name   string            `json:"name"`
	Status WAHAStatus        `json:"status"`
	Config GatewayWAHAConfig `json:"config"`
	// Me is the linked account; null when no phone is linked.
	Me     *WAHAMe    `json:"me"`
	Engine WAHAEngine `json:"engine"`
	// Presence is always empty, and Timestamps.Activity never known here.
	Presence   struct{}              `json:"presence"`
	Timestamps GatewayWAHATimestamps `json:"timestamps"`
}

// GatewayWAHATimestamps says when a session was active.
type GatewayWAHATimestamps struct {
	Activity *int64 `json:"activity"`
}
