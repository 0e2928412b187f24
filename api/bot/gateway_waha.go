package bot

// GatewayWAHARequest describes a session to make or to change, in WAHA's words.
type GatewayWAHARequest struct {
	// Name is the session's: a-z, 0-9 and -, or namespace.name. Without it the gateway makes one up.
	Name string `json:"name,omitempty"`
	// Start is false for a session whose bot does not run yet.
	Start  *bool             `json:"start,omitempty"`
	Config GatewayWAHAConfig `json:"config,omitzero"`
}

// GatewayWAHAConfig is the part of a session's configuration that the gateway keeps.
type GatewayWAHAConfig struct {
	// Metadata are the caller's own notes. What fits becomes a label of the resource, too.
	Metadata map[string]string `json:"metadata,omitempty"`
}

// GatewayWAHAOrder names a session in WAHA's older paths.
type GatewayWAHAOrder struct {
	Name string `json:"name"`
	// Logout belongs to stop: it unlinks the session and deletes it.
	Logout bool `json:"logout,omitempty"`
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
	// Presence and Timestamps.Activity are WAHA's, and never known here.
	Presence   *string               `json:"presence"`
	Timestamps GatewayWAHATimestamps `json:"timestamps"`
}

// GatewayWAHATimestamps says when a session was active.
type GatewayWAHATimestamps struct {
	Activity *int64 `json:"activity"`
}
